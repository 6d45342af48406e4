"""Looking after orders that were sent: what became of them, and canceling them without losing a race.

Never sends an order. A *not found* proves nothing before the exchange's horizon, and no order is called canceled
before the exchange's own look-up says that it is final.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from tradekit.domain.errors import Unreachable
from tradekit.domain.event import CancelRequested, Event, HoldPlaced, OrderAcknowledged, OrderFinal, OrderNotPlaced
from tradekit.domain.hold import Hold, HoldCode
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import plain
from tradekit.domain.order import Canceling, Closing, FinalWord, Order
from tradekit.domain.outcome import LookupAnswer, NotFound, OrderReport, ReportedStatus, Unanswered
from tradekit.domain.times import HOUR_MS
from tradekit.steps.desk import Desk
from tradekit.steps.fills import book_new_fills

_FORGOTTEN_MS: Final = HOUR_MS
_FINAL: Final = {
    ReportedStatus.FILLED: FinalWord.FILLED,
    ReportedStatus.CANCELED: FinalWord.CANCELED,
    ReportedStatus.EXPIRED: FinalWord.EXPIRED,
    ReportedStatus.REJECTED: FinalWord.REJECTED,
}


def refresh(desk: Desk, ids: Iterable[ClientOrderId]) -> None:
    """Looks orders up as a set and records what is new: that they exist, their fills, and only then their end.

    Raises `Unreachable`; what was recorded before stays.
    """
    orders = [desk.state.orders[id] for id in ids]
    if orders:
        answers = desk.exchange.lookup(orders)
        acknowledge(desk, answers)
        book_what_is_missing(desk, answers)
        finish(desk, answers)


def acknowledge(desk: Desk, answers: Mapping[ClientOrderId, LookupAnswer]) -> None:
    """Records which orders exist on the exchange, and which certainly don't."""
    desk.record(*(event for id, answer in answers.items() for event in _existence(desk, desk.state.orders[id], answer)))


def book_what_is_missing(desk: Desk, answers: Mapping[ClientOrderId, LookupAnswer]) -> None:
    """Asks for the trades of orders that have more filled than is booked. Raises `Unreachable`."""
    orders = (desk.state.orders[id] for id, answer in answers.items() if _may_have_fills(desk, id, answer))
    book_new_fills(desk, (order.intent.symbol for order in orders))


def finish(desk: Desk, answers: Mapping[ClientOrderId, LookupAnswer]) -> None:
    """Records the exchange's last words. An order is closed only once its booked fills add up to them."""
    desk.record(*(event for id, answer in answers.items() for event in _end(desk, desk.state.orders[id], answer)))


def is_overdue(desk: Desk, order: Order) -> bool:
    """Whether an order has to be canceled: its time is over, or it opens and the kill switch is set."""
    if order.deadline <= desk.clock.now():
        return True
    return order.intent.approved.proposal.opens and desk.store.is_halted()


def cancel(desk: Desk, reasons: Mapping[ClientOrderId, str]) -> tuple[ClientOrderId, ...]:
    """Cancels orders as a set, each for its reason, again after each back-off of the policy, until each is final.

    Returns those that are still not final: the next run goes on with them. An exchange that doesn't answer the
    look-up is asked to cancel all the same: a resting order is worse than a cancel too many.
    """
    waits = [0, *desk.policy.execution.cancel_backoff_ms]
    left = tuple(reasons)
    for wait in waits:
        if wait:
            desk.clock.sleep(wait)
        asked = [desk.state.orders[id] for id in left]
        desk.record(*(CancelRequested(order.id, reasons[order.id]) for order in asked))
        desk.exchange.cancel(asked)
        with suppress(Unreachable):
            refresh(desk, left)
        left = tuple(id for id in left if desk.state.orders[id].is_live)
        if not left:
            break
    return left


def _existence(desk: Desk, order: Order, answer: LookupAnswer) -> list[Event]:
    match answer:
        case OrderReport(exchange_id=exchange_id):
            known = order.exchange_id is not None and not (order.is_unanswered or order.is_tombstone)
            return [] if known else [OrderAcknowledged(order.id, exchange_id)]
        case NotFound() if order.is_unanswered and _past_horizon(desk, order):
            return [OrderNotPlaced(order.id)]
        case NotFound() | Unanswered():
            return []


def _end(desk: Desk, order: Order, answer: LookupAnswer) -> list[Event]:
    """The last word, where the answer has one. An exchange that names no filled amount means all, or what is booked.

    Exchanges forget finished orders. One that was acknowledged, canceled, and not found long after its deadline is
    over with what is booked of it; else it would block its asset for ever.
    """
    if _is_forgotten(desk, order, answer):
        return [OrderFinal(order.id, FinalWord.CANCELED, order.filled)]
    if isinstance(order.state, Closing):
        return _given_up(desk, order, order.state)
    if not isinstance(answer, OrderReport) or not order.is_live:
        return []
    word = _FINAL.get(answer.status)
    if word is None:
        return []
    said = order.intent.amount if word is FinalWord.FILLED else order.filled
    return [OrderFinal(order.id, word, said if answer.filled is None else answer.filled)]


def _given_up(desk: Desk, order: Order, state: Closing) -> list[Event]:
    """Trades that are told of and never listed: the order ends with what is booked, and the symbol is in doubt."""
    now = desk.clock.now()
    if now <= state.since + desk.exchange.not_found_horizon_ms + _FORGOTTEN_MS:
        return []
    symbol, said = order.intent.symbol, plain(state.reported_filled)
    text = f"order {order.id} was told to have filled {said}, and its trades add up to {plain(order.filled)}"
    hold = Hold(HoldCode.FILLS_MISSING, symbol, order.id, now, text)
    return [HoldPlaced(hold), OrderFinal(order.id, state.word, order.filled)]


def _is_forgotten(desk: Desk, order: Order, answer: LookupAnswer) -> bool:
    if not isinstance(answer, NotFound) or not isinstance(order.state, Canceling):
        return False
    return desk.clock.now() > order.deadline + desk.exchange.not_found_horizon_ms + _FORGOTTEN_MS


def _past_horizon(desk: Desk, order: Order) -> bool:
    return desk.clock.now() > order.intent.created + desk.exchange.not_found_horizon_ms


def _may_have_fills(desk: Desk, id: ClientOrderId, answer: LookupAnswer) -> bool:
    order = desk.state.orders[id]
    if not isinstance(answer, OrderReport):
        return _is_forgotten(desk, order, answer)
    return answer.filled is None or answer.filled > order.filled
