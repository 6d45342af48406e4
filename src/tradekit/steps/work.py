"""Working orders: all of them wait together, so that many orders cost the time of one."""

from __future__ import annotations

from collections.abc import Sequence

from tradekit.domain.errors import Problem
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Order, OrderIntent
from tradekit.steps.desk import Desk
from tradekit.steps.orders import cancel, refresh
from tradekit.steps.place import place


def work(desk: Desk, intents: Sequence[OrderIntent]) -> tuple[Problem, ...]:
    """Places the intents, waits until each is final or past its deadline, and cancels what is left.

    Ends early when a signal asks for it. Raises `Unreachable`; what rests then is the next run's first concern.
    """
    problems = list(place(desk, intents))
    ids = [intent.client_order_id for intent in intents if intent.client_order_id in desk.state.orders]
    while live := _live(desk, ids):
        now = desk.clock.now()
        overdue = [order.id for order in live if order.intent.deadline <= now or desk.clock.must_stop()]
        if overdue:
            problems.extend(_stuck(desk, cancel(desk, overdue, "time to live is over")))
            ids = [id for id in ids if id not in overdue]
            continue
        until = min(order.intent.deadline for order in live)
        desk.watcher.waiting(live, now, until)
        desk.clock.sleep(min(desk.policy.execution.poll_ms, until - now))
        refresh(desk, [order.id for order in live])
    return tuple(problems)


def _live(desk: Desk, ids: Sequence[ClientOrderId]) -> list[Order]:
    orders = (desk.state.orders[id] for id in ids)
    return [order for order in orders if order.is_live and not order.is_unanswered]


def _stuck(desk: Desk, ids: Sequence[ClientOrderId]) -> list[Problem]:
    return [
        Problem(
            "cancel_unanswered",
            f"order {id} of {desk.state.orders[id].intent.symbol} may still be open: its cancel has no answer",
            "the next run asks again first",
        )
        for id in ids
    ]
