"""Conversions over the wire: offers, taking one, and what became of it. Asks the venue's record and nothing else.

An offer is taken once. What its answer doesn't say stays unanswered, and *not found* is said only when both the look-up
and the list of conversions answered and neither knows it as taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.failure import CallFailed, Failure
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.numbers import exact
from tradekit.adapters.exchange.outcomes import send_outcome
from tradekit.adapters.exchange.pool import Pool
from tradekit.adapters.exchange.reads import fail_unreachable
from tradekit.adapters.exchange.venues.conversions import Ask, Conversions
from tradekit.adapters.exchange.venues.venue import Venue
from tradekit.domain.conversion import (
    Conversion,
    ConversionAnswer,
    ConversionFailed,
    ConversionIntent,
    ConversionOffer,
    ConversionPending,
    ConversionTaken,
    ConversionWish,
    Converted,
    ConvertOutcome,
    NotOffered,
    OfferAnswer,
)
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import plain
from tradekit.domain.outcome import NotFound, RejectCode, Rejected, Unanswered

_QUOTE_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)
_EARLIER_MS: Final = 60_000
_MOST_PAGES: Final = 50
_NOT_HERE: Final = "not offered here"


class Converter:
    """The part of the port that converts. Each method runs its batch side by side."""

    def __init__(self, venue: Venue, pool: Pool, clock: ExchangeClock) -> None:
        self.venue = venue
        self.clock = clock
        self._pool = pool

    def offers(self, wishes: Sequence[ConversionWish]) -> Mapping[str, OfferAnswer]:
        """What the exchange promises for each asset. Raises `Unreachable` when one gets no answer."""
        how = self.venue.conversions
        if how is None:
            return {wish.asset: NotOffered(_NOT_HERE) for wish in wishes}
        told = self._pool.run([self._pool.private(partial(_offer, how=how, wish=wish)) for wish in wishes])
        answers: dict[str, OfferAnswer] = {}
        for wish, answer in zip(wishes, told, strict=True):
            if isinstance(answer, Failure) and answer.sent and not _says_no(answer):
                fail_unreachable(answer)
            answers[wish.asset] = NotOffered(answer.text) if isinstance(answer, Failure) else answer
        return answers

    def convert(self, intents: Sequence[ConversionIntent]) -> Mapping[ClientOrderId, ConvertOutcome]:
        """Takes each offer once. Every intent gets an outcome."""
        how = self.venue.conversions
        if how is None:
            return {intent.id: Rejected(RejectCode.INVALID_ORDER, _NOT_HERE) for intent in intents}
        told = self._pool.run([self._pool.private(partial(_take, how=how, intent=intent)) for intent in intents])
        return {
            intent.id: Unanswered(answer.text) if isinstance(answer, Failure) else answer
            for intent, answer in zip(intents, told, strict=True)
        }

    def conversions(self, open: Sequence[Conversion]) -> Mapping[ClientOrderId, ConversionAnswer]:
        """What became of each. Every conversion gets an answer."""
        how = self.venue.conversions
        if how is None:
            return {item.id: Unanswered(_NOT_HERE) for item in open}
        told = self._pool.run([self._pool.private(partial(_look, how=how, item=item)) for item in open])
        return {
            item.id: Unanswered(answer.text) if isinstance(answer, Failure) else answer
            for item, answer in zip(open, told, strict=True)
        }


def _offer(connection: Connection, how: Conversions, wish: ConversionWish) -> OfferAnswer:
    told = _asked(connection, how.offer, asset=wish.asset, quote=wish.quote_asset, amount=plain(wish.amount))
    id = told.get(how.quote_id)
    if not id:
        return NotOffered("the exchange names a price and makes no offer")
    if not isinstance(id, str) or not _QUOTE_ID.fullmatch(id):
        raise _broken("an offer without an id")
    try:
        given, promised = exact(told.get(how.given), how.given), exact(told.get(how.received), how.received)
        expires = _moment(told.get(how.expires))
    except BrokenAnswer as broken:
        raise _broken(str(broken)) from None
    if given <= 0 or promised <= 0 or given > wish.amount or not expires:
        raise _broken("an offer that makes no sense")
    return ConversionOffer(id, wish.asset, wish.quote_asset, given, promised, expires)


def _take(connection: Connection, how: Conversions, intent: ConversionIntent) -> ConvertOutcome:
    try:
        told = _asked(connection, how.take, quote_id=intent.offer.quote_id)
    except CallFailed as failed:
        outcome = send_outcome(failed.failure, connection.venue)
        return outcome if isinstance(outcome, Rejected) else Unanswered(failed.failure.text)
    id = told.get(how.exchange_id) or told.get(how.quote_id)
    status = told.get(how.status, "")
    if not isinstance(status, str) or status in how.failed | how.not_taken or not isinstance(id, str | int):
        return Unanswered(f"an answer that says {status!s:.40}")
    return ConversionTaken(str(id))


def _look(connection: Connection, how: Conversions, item: Conversion) -> ConversionAnswer:
    """By the id of its quote; where that tells nothing, in the list of conversions."""
    try:
        told = _payload(connection, how.look, quote_id=item.intent.offer.quote_id)
        answer = _meaning(how, item, told) if told else None
        if answer is not None:
            return answer
    except CallFailed as failed:
        if not _says_no(failed.failure):
            return Unanswered(failed.failure.text)
    except BrokenAnswer as broken:
        return Unanswered(str(broken))
    return _in_history(connection, how, item)


def _in_history(connection: Connection, how: Conversions, item: Conversion) -> ConversionAnswer:
    """An offer is taken before it runs out or never, so nothing later is asked for, and the answer stays the same."""
    since, created = item.intent.created - _EARLIER_MS, item.intent.created
    until = min(max(item.intent.offer.expires, created) + connection.venue.not_found_horizon_ms, _now(connection))
    try:
        answer, reaches_back, page = None, False, 0
        while answer is None and not reaches_back and page < (_MOST_PAGES if how.has_pages else 1):
            page += 1
            rows = _rows(connection, how.history, since, until, page)
            mine = [row for row in rows if str(row.get(how.own_id)) == item.intent.offer.quote_id]
            answer = _meaning(how, item, mine[0]) if mine else None
            reaches_back = len(rows) < how.page or min(_moment(row.get(how.made)) for row in rows) < since
    except CallFailed as failed:
        return Unanswered(failed.failure.text)
    except BrokenAnswer as broken:
        return Unanswered(str(broken))
    if answer is not None:
        return answer
    if not reaches_back:
        return Unanswered("the list of conversions doesn't reach back so far")
    return NotFound("no such conversion was taken")


def _meaning(how: Conversions, item: Conversion, told: Any) -> ConversionAnswer | None:
    """What an entry says of this conversion; None where it says that it was not taken. Raises `BrokenAnswer`."""
    if not isinstance(told, dict):
        raise BrokenAnswer("an answer of another form")
    status, offer = told.get(how.status), item.intent.offer
    if (told.get(how.source), told.get(how.target)) != (offer.asset, offer.quote_asset):
        raise BrokenAnswer("an answer about another conversion")
    if not isinstance(status, str):
        raise BrokenAnswer("a conversion without a status")
    id = told.get(how.exchange_id)
    if status in how.not_taken:
        return None
    if not isinstance(id, str | int) or isinstance(id, bool) or not _QUOTE_ID.fullmatch(str(id)):
        raise BrokenAnswer("a conversion without an id")
    if status in how.failed:
        return ConversionFailed(f"the exchange says {status}")
    if status in how.pending:
        return ConversionPending(str(id))
    if status not in how.done:
        raise BrokenAnswer("a conversion in a state that nobody knows")
    given, received = exact(told.get(how.given), how.given), exact(told.get(how.received), how.received)
    if not (0 < given <= offer.amount and received > 0):
        raise BrokenAnswer("a conversion that makes no sense")
    return Converted(str(id), given, received, _moment(told.get(how.made)))


def _says_no(failure: Failure) -> bool:
    """Whether the exchange itself answered, in whole, that there is no such thing. A refused key says nothing."""
    said = failure.is_a("ExchangeError") and not failure.is_a("AuthenticationError")
    return failure.sent and failure.whole and not failure.limited and said


def _asked(connection: Connection, ask: Ask, **values: str) -> Mapping[str, Any]:
    told = _payload(connection, ask, **values)
    if not isinstance(told, dict):
        raise _broken("an answer of another form")
    return told


def _payload(connection: Connection, ask: Ask, **values: str) -> Any:
    """What the answer holds where it should; None where that is missing."""
    told = connection.call(ask.method, ask.filled_in(**values))
    for name in ask.at:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def _rows(connection: Connection, ask: Ask, since: int, until: int, page: int) -> list[Mapping[str, Any]]:
    told = _payload(connection, ask, since=str(since), until=str(until), page=str(page))
    if not isinstance(told, list) or not all(isinstance(row, dict) for row in told):
        raise BrokenAnswer("a list of conversions is missing")
    return told


def _now(connection: Connection) -> int:
    return int(connection.api.milliseconds())


def _moment(told: object) -> int:
    text = str(told) if isinstance(told, int) and not isinstance(told, bool) else told
    if not isinstance(text, str) or not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise BrokenAnswer("a time that is no number")
    return int(text)


def _broken(text: str) -> CallFailed:
    return CallFailed(Failure((), text, sent=True, whole=False))
