"""Whose is it: open orders that this journal did not send, and assets that the policy takes in or lets go.

An order with our id form is ours even when the journal doesn't know it: it is adopted, and opens are held until a
person has looked. Any other is somebody else's: counted, never touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from tradekit.decide.adoption import adopted_intent
from tradekit.decide.doubts import adopted_hold
from tradekit.decide.reconcile import ask_from
from tradekit.domain.event import FilledPart, ForeignOrdersSeen, HoldPlaced, OrderAdopted
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.domain.ids import ClientOrderId, is_ours
from tradekit.domain.numbers import ZERO, total
from tradekit.domain.outcome import OrderReport
from tradekit.domain.ports import Review
from tradekit.steps.desk import Desk


def adopt_lost(desk: Desk, review: Review, since: Mapping[str, int]) -> tuple[ClientOrderId, ...]:
    """Takes open orders with our id form, that this journal doesn't know, into the books, and holds all opens.

    Their time is over: whoever settles next cancels them. Raises `Unreachable`.
    """
    lost = [report for report in review.open_orders if _is_lost(desk, report)]
    unasked = {report.symbol for report in lost} - since.keys()
    trades = [*review.fills, *(desk.exchange.fills_since(ask_from(desk.state, unasked)) if unasked else ())]
    adopted = []
    for report in lost:
        intent = adopted_intent(report, desk.clock.now())
        counted = _counted(desk, report, trades)
        part = FilledPart(counted, counted * intent.price)
        hold = adopted_hold(intent.client_order_id, f"{report.side} {report.symbol}", desk.clock.now())
        # the hold goes first: of a write that is torn by a power cut the beginning may stay
        desk.record(HoldPlaced(hold), OrderAdopted(intent, report.exchange_id, part))
        adopted.append(intent.client_order_id)
    return tuple(adopted)


def note_foreign(desk: Desk, open_orders: Sequence[OrderReport]) -> None:
    """Remembers the open orders that are not ours, where they changed."""
    mine = {order.exchange_id for order in desk.state.orders.values()}
    foreign = tuple(
        sorted(
            (o for o in open_orders if not is_ours(o.client_order_id) and o.exchange_id not in mine),
            key=lambda order: (order.symbol, order.exchange_id),
        )
    )
    if foreign != desk.state.foreign:
        desk.record(ForeignOrdersSeen(foreign))


def _is_lost(desk: Desk, report: OrderReport) -> bool:
    return is_ours(report.client_order_id) and report.client_order_id not in desk.state.orders


def _counted(desk: Desk, report: OrderReport, trades: Iterable[Fill | BrokenTrade]) -> Decimal:
    """What the order had filled before the books were opened: inside the opening balances, never listed again."""
    opened = max(desk.state.opened_at, desk.state.counted_until)
    if report.time > opened:
        return ZERO
    listed: dict[str, Decimal] = {}
    for trade in trades:
        is_its = (
            isinstance(trade, Fill)
            and trade.symbol == report.symbol
            and (trade.client_order_id == report.client_order_id or trade.exchange_id == report.exchange_id)
        )
        if is_its and isinstance(trade, Fill) and trade.time > opened:
            listed[trade.trade_id] = trade.amount
    return max((report.filled or ZERO) - total(listed.values()), ZERO)
