"""What a person should know of orders that did not come to a clean end."""

from __future__ import annotations

from collections.abc import Iterable

from tradekit.domain.errors import Problem
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Closed, FinalWord, Order
from tradekit.domain.outcome import RejectCode
from tradekit.steps.desk import Desk


def unsettled(desk: Desk, ids: Iterable[ClientOrderId]) -> list[Problem]:
    """One problem for each of these orders that should be final and isn't: its time is over, or it was canceled."""
    now = desk.clock.now()
    orders = (desk.state.orders[id] for id in ids if id in desk.state.orders)
    late = (order for order in orders if order.intent.deadline <= now or order.is_canceling or desk.clock.must_stop())
    return [_unsettled(order) for order in late if order.is_live]


def refused_by_exchange(orders: Iterable[Order]) -> list[Problem]:
    """One problem for each order that the exchange rejected for more than the price having moved."""
    return [
        Problem("order_rejected", f"{order.intent.symbol}: the exchange refused the order: {order.state.detail}", _LOOK)
        for order in orders
        if isinstance(order.state, Closed)
        and order.state.word is FinalWord.REJECTED
        and order.state.detail != RejectCode.POST_ONLY_WOULD_CROSS
    ]


_LOOK = "docs/problems.md says what each reason means"


def _unsettled(order: Order) -> Problem:
    if order.is_unanswered:
        what = f"nobody knows whether order {order.id} of {order.intent.symbol} was placed"
        return Problem("order_unanswered", what, "the next run looks for it first")
    what = f"order {order.id} of {order.intent.symbol} may still be open: its cancel has no answer"
    return Problem("cancel_unanswered", what, "the next run asks again first")
