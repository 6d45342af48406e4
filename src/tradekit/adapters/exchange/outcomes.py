"""What a failed send, cancel or look-up proves. A short list of certain refusals; everything else stays open.

ccxt's base classes say little: a refusal for a stale time stamp is a `NetworkError`, a server fault a bare
`ExchangeError`, and an order may have been placed behind either. A refusal counts only when nothing was sent, or when
the exchange itself said it: whole JSON, no server fault.
"""

from __future__ import annotations

from typing import Final

from tradekit.adapters.exchange.failure import Failure
from tradekit.adapters.exchange.venues.venue import Venue
from tradekit.domain.outcome import CancelOutcome, NotOpen, RejectCode, Rejected, SendOutcome, Unanswered

_CERTAIN: Final = (  # the most special classes first
    ("OrderImmediatelyFillable", RejectCode.POST_ONLY_WOULD_CROSS),
    ("OrderNotFillable", RejectCode.INVALID_ORDER),
    ("InsufficientFunds", RejectCode.INSUFFICIENT_FUNDS),
    ("MarketClosed", RejectCode.MARKET_CLOSED),
    ("OperationRejected", RejectCode.MARKET_CLOSED),
    ("AuthenticationError", RejectCode.AUTHENTICATION),
    ("InvalidNonce", RejectCode.AUTHENTICATION),
    ("BadSymbol", RejectCode.INVALID_ORDER),
    ("BadRequest", RejectCode.INVALID_ORDER),
    ("ArgumentsRequired", RejectCode.INVALID_ORDER),
    ("NotSupported", RejectCode.INVALID_ORDER),
    ("InvalidOrder", RejectCode.INVALID_ORDER),
)
_WORDS: Final = (  # what an exchange says beside a class that doesn't tell which filter it was
    ("notional", RejectCode.BELOW_MINIMUM),
    ("minimum", RejectCode.BELOW_MINIMUM),
    ("lot_size", RejectCode.BAD_PRECISION),
    ("price_filter", RejectCode.BAD_PRECISION),
    ("precision", RejectCode.BAD_PRECISION),
    ("market is closed", RejectCode.MARKET_CLOSED),
)
_MAYBE: Final = (  # an earlier attempt is there, or whoever took this one doesn't know what became of it
    *("duplicate", "already exist", "already used"),
    *("timeout", "timed out", "submitted to the system"),
)
_MAYBE_KINDS: Final = ("DuplicateOrderId", "OrderNotFound", "OrderNotCached")
_UNCLEAR: Final = ("ExchangeError", "OnMaintenance")  # certain only where a text of the venue says so


def send_outcome(failure: Failure, venue: Venue) -> SendOutcome:
    """Whether an order that failed to be placed is certainly not there."""
    text = failure.text
    if failure.limited:
        return Rejected(RejectCode.RATE_LIMITED, text)
    if failure.sent and not failure.whole:
        return Unanswered(text)
    if any(word in text.lower() for word in _MAYBE) or failure.is_a(*_MAYBE_KINDS):
        return Unanswered(text)  # whatever the class says: the look-up finds it
    for name, code in _CERTAIN:
        if failure.is_a(name):
            return Rejected(_by_words(text) if code is RejectCode.INVALID_ORDER else code, text)
    if failure.kind in _UNCLEAR:
        for word, code in venue.rejects:
            if word in text:
                return Rejected(code, text)
    return Unanswered(text)


def cancel_outcome(failure: Failure, venue: Venue) -> CancelOutcome:
    """Whether a failed cancel says that there is no such open order."""
    if failure.sent and failure.whole and failure.is_a(*venue.gone):
        return NotOpen(failure.text)
    return Unanswered(failure.text)


def says_unknown(failure: Failure, venue: Venue) -> bool:
    """Whether the exchange itself said that it knows no such order."""
    said = failure.is_a("OrderNotFound") or any(text in failure.text for text in venue.unknown_texts)
    return failure.sent and failure.whole and said


def says_no_market(failure: Failure, venue: Venue) -> bool:
    """Whether the exchange itself said that it has no such market."""
    said = failure.is_a("BadSymbol") or any(text in failure.text for text in venue.no_market_texts)
    return failure.sent and failure.whole and said


def _by_words(text: str) -> RejectCode:
    return next((code for word, code in _WORDS if word in text.lower()), RejectCode.INVALID_ORDER)
