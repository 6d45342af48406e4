"""Conversions: a holding given to the exchange itself for quote currency, at a price that it promised for a moment.

The intent is durable before the exchange is asked, under the id of its quote, and is sent once. What became of it is
looked up by that id. Nothing but a booked fill says that something was converted.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import divide
from tradekit.domain.outcome import NotFound, Rejected, Unanswered
from tradekit.domain.proposal import Side

_TRADE: Final = "convert-"


class ConversionWish(NamedTuple):
    """So much of an asset that a promise is asked for."""

    asset: str
    quote_asset: str
    amount: Decimal


class ConversionOffer(NamedTuple):
    """The exchange promises `promised` quote currency for `amount` of the asset, until `expires` (milliseconds)."""

    quote_id: str
    asset: str
    quote_asset: str
    amount: Decimal
    promised: Decimal
    expires: int


class NotOffered(NamedTuple):
    """The exchange makes no promise. `text` may be foreign: print it safely."""

    text: str


OfferAnswer = ConversionOffer | NotOffered


class ConversionIntent(NamedTuple):
    """An offer that is to be taken, once. `id` is ours, `created` is exchange time in milliseconds."""

    id: ClientOrderId
    offer: ConversionOffer
    created: int

    @property
    def symbol(self) -> str:
        """The market that the books see it in."""
        return f"{self.offer.asset}/{self.offer.quote_asset}"

    @property
    def trade_id(self) -> str:
        """The id under which it is booked. No exchange lists a trade under it."""
        return _TRADE + self.offer.quote_id


class Asked(NamedTuple):
    """Durable here, and perhaps sent: nobody knows whether the exchange took it."""

    since: int


class Accepted(NamedTuple):
    """The exchange took it; that it is carried out is not known."""

    since: int
    exchange_id: str


ConversionState = Asked | Accepted


class Conversion(NamedTuple):
    """An intent that has not come to its end. One that has is not remembered."""

    intent: ConversionIntent
    state: ConversionState

    @property
    def id(self) -> ClientOrderId:
        """Our own id."""
        return self.intent.id


class ConversionEnd(StrEnum):
    """Why nothing was converted."""

    REFUSED = "refused"
    FAILED = "failed"
    NOT_ACCEPTED = "not_accepted"
    FORGOTTEN = "forgotten"


class ConversionTaken(NamedTuple):
    """The exchange took it under its own id. Says nothing about money."""

    exchange_id: str


ConvertOutcome = ConversionTaken | Rejected | Unanswered


class Converted(NamedTuple):
    """Carried out: `given` of the asset went, `received` quote currency came. `time` in milliseconds, 0: not told."""

    exchange_id: str
    given: Decimal
    received: Decimal
    time: int


class ConversionFailed(NamedTuple):
    """The exchange took it and certainly will not carry it out any more."""

    text: str


class ConversionPending(NamedTuple):
    """The exchange took it and is at it."""

    exchange_id: str


ConversionAnswer = Converted | ConversionFailed | ConversionPending | NotFound | Unanswered


def fill_of(intent: ConversionIntent, done: Converted, time: int) -> Fill:
    """The sale that a conversion is in the books: all its costs are in the price."""
    price = divide(done.received, done.given)
    names = (intent.symbol, intent.trade_id, done.exchange_id, intent.id, Side.SELL)
    return Fill(*names, done.given, price, done.received, (), time)


def is_conversion(fill: Fill) -> bool:
    """Whether a fill is a conversion of tradekit: the exchange does not list it among the trades."""
    return fill.trade_id.startswith(_TRADE)
