"""Conversions: what an offer costs, whether it is worth taking, and what an answer of the exchange means for one.

An offer is held against the bid: what it promises less than that is its cost. Pure; `now` is exchange time in
milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from tradekit.decide.doubts import FUTURE_MS
from tradekit.decide.risk.exposure import is_wild
from tradekit.decide.risk.prices import look_at, sound_quote
from tradekit.domain.books import Owner
from tradekit.domain.conversion import (
    Accepted,
    Conversion,
    ConversionAnswer,
    ConversionEnd,
    ConversionFailed,
    ConversionIntent,
    ConversionOffer,
    ConversionPending,
    ConversionTaken,
    Converted,
    ConvertOutcome,
    NotOffered,
    OfferAnswer,
    fill_of,
)
from tradekit.domain.event import (
    ConversionAccepted,
    ConversionDone,
    ConversionEnded,
    ConversionIntended,
    Event,
    FillBooked,
    HoldPlaced,
)
from tradekit.domain.fill import Fill
from tradekit.domain.hold import Hold, HoldCode
from tradekit.domain.ids import ClientOrderId, attempt_id
from tradekit.domain.market import Snapshot
from tradekit.domain.numbers import PERCENT, ZERO, plain
from tradekit.domain.outcome import NotFound, Rejected, Unanswered
from tradekit.domain.policy.sections import Policy
from tradekit.domain.state import State
from tradekit.domain.times import DAY_MS

ACTION: Final = "convert"
_SILENT_DAYS: Final = 7


class Verdict(NamedTuple):
    """Quote currency: its cost against the bid, what it frees before that, and why it isn't done (empty: it is)."""

    cost: Decimal
    frees: Decimal
    why_not: str = ""


def why_not_asked(policy: Policy, asset: str) -> str:
    """Why the exchange isn't even asked for an offer; empty where it may be."""
    if ACTION not in policy.dust.actions:
        return "not in dust.actions"
    return "in purge.protect" if asset in policy.purge.protect else ""


def believed_bid(policy: Policy, state: State, snapshot: Snapshot, asset: str) -> Decimal:
    """The bid that an offer is held against; zero where there is none, or none that can be believed."""
    quote = sound_quote(snapshot, asset, state.stamp.quote)
    wild = quote is None or is_wild(look_at(policy, state, snapshot, (asset,), {}), asset)
    return ZERO if quote is None or wild else quote.bid


def weigh(policy: Policy, asset: str, held: Decimal, bid: Decimal, answer: OfferAnswer | None, now: int) -> Verdict:
    """Whether a holding is converted. At most `held` units, which are free, may be given; `answer` is None unasked."""
    worth = held * bid
    why_not = why_not_asked(policy, asset)
    if why_not or not isinstance(answer, ConversionOffer):
        text = answer.text if isinstance(answer, NotOffered) else "no offer was asked for"
        return Verdict(ZERO, worth, why_not or text)
    if bid <= 0:
        return Verdict(ZERO, ZERO, "no price that can be believed to hold the offer against")
    worth = answer.amount * bid
    cost = worth - answer.promised
    return Verdict(cost, worth, _objection(policy, held, worth, cost, answer, now))


def _objection(policy: Policy, held: Decimal, worth: Decimal, cost: Decimal, offer: ConversionOffer, now: int) -> str:
    if offer.amount > held:
        return "the offer is for more than is held and free"
    if now >= offer.expires:
        return "the offer has run out"
    if cost > worth * policy.dust.max_convert_cost_pct * PERCENT:
        return "loses more than dust.max_convert_cost_pct"
    return "" if offer.promised >= policy.dust.min_gain_notional else "frees less than dust.min_gain_notional"


def intent_of(state: State, offer: ConversionOffer, now: int) -> ConversionIntent:
    """The intent to take an offer. Its id is made of the offer's, so the same offer is the same intent."""
    id = attempt_id(state.identity, ACTION, f"{offer.asset} {offer.quote_id}", 1)
    return ConversionIntent(id, offer, now)


def answered(intent: ConversionIntent, outcome: ConvertOutcome) -> list[Event]:
    """What the exchange's word on taking an offer means. Without one the conversion stays as it is: asked."""
    match outcome:
        case ConversionTaken(exchange_id):
            return [ConversionAccepted(intent.id, exchange_id)]
        case Rejected(code, text):
            return [ConversionEnded(intent.id, ConversionEnd.REFUSED, f"{code}: {text}")]
        case Unanswered():
            return []


def looked_up(
    item: Conversion, answer: ConversionAnswer, booked: frozenset[str], now: int, horizon_ms: int
) -> list[Event]:
    """What a look-up means for a conversion. `booked` are ids of trades that are in the books already.

    *Not found* ends one after the offer ran out and the horizon passed: nobody can take it any more. One that the
    exchange took, and a day later knows nothing of, is given up with a hold: a person has to look at the balances. So
    is one about which a week brought no answer.
    """
    match answer:
        case Converted() as done:
            fill = _fill(item, done, now)
            # the fill goes first: of a write that is torn by a power cut the beginning may stay
            fills: list[Event] = [] if fill.trade_id in booked else [FillBooked(fill, Owner.TRADEKIT)]
            return [*fills, ConversionDone(item.id)]
        case ConversionFailed(text):
            return [ConversionEnded(item.id, ConversionEnd.FAILED, text)]
        case ConversionPending(exchange_id):
            return [] if isinstance(item.state, Accepted) else [ConversionAccepted(item.id, exchange_id)]
        case NotFound(text) if not isinstance(item.state, Accepted) and _is_past(item, now, horizon_ms):
            return [ConversionEnded(item.id, ConversionEnd.NOT_ACCEPTED, text)]
        case NotFound(text) if _is_past(item, now, horizon_ms + DAY_MS):
            return _forgotten(item, now, "was taken and is never told of again", text)
        case Unanswered(reason) if _is_past(item, now, horizon_ms + _SILENT_DAYS * DAY_MS):
            return _forgotten(item, now, f"may have been carried out: {_SILENT_DAYS} days brought no answer", reason)
        case NotFound() | Unanswered():
            return []


def _forgotten(item: Conversion, now: int, how: str, text: str) -> list[Event]:
    what = f"the conversion of {plain(item.intent.offer.amount)} {how}"
    hold = Hold(HoldCode.FILLS_MISSING, item.intent.symbol, item.id, now, what)
    return [HoldPlaced(hold), ConversionEnded(item.id, ConversionEnd.FORGOTTEN, text)]


def _fill(item: Conversion, done: Converted, now: int) -> Fill:
    """Dated by the exchange where that can be; a date in the future would be taken for nonsense."""
    dated = item.intent.created - FUTURE_MS <= done.time <= now + FUTURE_MS
    return fill_of(item.intent, done, done.time if dated else now)


def _is_past(item: Conversion, now: int, horizon_ms: int) -> bool:
    return now > max(item.intent.created, item.intent.offer.expires) + horizon_ms


def moved_by_conversions(state: State) -> frozenset[str]:
    """Assets whose balances an open conversion may move: both sides of it."""
    return frozenset(asset for item in state.conversions.values() for asset in item.intent.symbol.split("/"))


class Fate(StrEnum):
    """How far a conversion of this run came."""

    CONVERTED = "converted"
    OPEN = "open"
    REFUSED = "refused"
    FAILED = "failed"
    NOT_ACCEPTED = "not_accepted"
    FORGOTTEN = "forgotten"


class ConversionResult(NamedTuple):
    """One conversion that a run began, found open or ended. `received` is None where nothing came, or not yet."""

    id: ClientOrderId
    asset: str
    amount: Decimal
    promised: Decimal
    received: Decimal | None
    fate: Fate
    text: str = ""


def results(before: State, events: Iterable[Event]) -> tuple[ConversionResult, ...]:
    """What became of the conversions that were open before a run, and of those that it began."""
    found = {id: _begun(item.intent) for id, item in before.conversions.items()}
    received: dict[ClientOrderId, Decimal] = {}
    for event in events:
        match event:
            case ConversionIntended(intent):
                found[intent.id] = _begun(intent)
            case FillBooked(fill) if fill.client_order_id in found:
                received[fill.client_order_id] = fill.cost
            case ConversionDone(id) if id in found:
                found[id] = found[id]._replace(fate=Fate.CONVERTED, received=received.get(id))
            case ConversionEnded(id, end, text) if id in found:
                found[id] = found[id]._replace(fate=Fate(end.value), text=text)
            case _:
                pass
    return tuple(found.values())


def _begun(intent: ConversionIntent) -> ConversionResult:
    offer = intent.offer
    return ConversionResult(intent.id, offer.asset, offer.amount, offer.promised, None, Fate.OPEN)
