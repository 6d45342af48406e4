"""What happened in a schedule, in a few words a line."""

from __future__ import annotations

from collections.abc import Sequence

from tradekit.domain.event import (
    CancelRequested,
    ConversionAccepted,
    ConversionDone,
    ConversionEnded,
    ConversionIntended,
    CycleFinished,
    Event,
    FillBooked,
    FlowRecorded,
    HoldPlaced,
    OrderAcknowledged,
    OrderFinal,
    OrderIntended,
    OrderNotPlaced,
    OrderRejected,
    OrderUnanswered,
)
from tradekit.domain.numbers import plain

_LAST = 60


def words_of(event: Event) -> str:  # noqa: C901 - one case an event
    """One event as a line of the story."""
    match event:
        case OrderIntended(intent):
            kind = f"{intent.time_in_force} {intent.side} {plain(intent.amount)} {intent.symbol}"
            return f"{intent.client_order_id} will be sent: {kind} at {plain(intent.price)}"
        case OrderAcknowledged(id, exchange_id):
            return f"{id} is {exchange_id} on the exchange"
        case OrderUnanswered(id, reason):
            return f"{id} has no answer: {reason}"
        case OrderRejected(id, code, _):
            return f"{id} is rejected: {code}"
        case OrderNotPlaced(id):
            return f"{id} was never placed, it seems"
        case CancelRequested(id, reason):
            return f"{id} will be canceled: {reason}"
        case OrderFinal(id, word, filled):
            return f"{id} is {word} with {plain(filled)} filled"
        case FillBooked(fill, owner):
            what = f"{fill.side} {plain(fill.amount)} {fill.symbol} at {plain(fill.price)}"
            return f"trade {fill.trade_id} of {fill.exchange_id} is booked ({owner}): {what}"
        case ConversionIntended(intent):
            return f"{intent.id} will be sent: convert {plain(intent.offer.amount)} {intent.offer.asset}"
        case ConversionAccepted(id, exchange_id):
            return f"{id} is {exchange_id} at the counter"
        case ConversionEnded(id, end, text):
            return f"{id} is {end}: {text}"
        case ConversionDone(id):
            return f"{id} is converted"
        case HoldPlaced(hold):
            return f"a hold: {hold.text}"
        case FlowRecorded(asset, amount, _, by_hand):
            return f"{plain(amount)} {asset} are put down to a transfer by {'a person' if by_hand else 'the policy'}"
        case CycleFinished():
            return f"the cycle ends: {event.placed} placed, {event.filled} of them traded"
        case _:
            return type(event).__name__


def short(story: Sequence[str]) -> str:
    """The end of a story without its effects."""
    lines = [line for line in story if not line.startswith("      ")]
    return "\n".join([*(["..."] if len(lines) > _LAST else []), *lines[-_LAST:]])
