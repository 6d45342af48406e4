"""Working orders: all of them wait together, so that many orders cost the time of one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Order, OrderIntent, TimeInForce
from tradekit.steps.desk import Desk
from tradekit.steps.orders import cancel, is_overdue, refresh
from tradekit.steps.place import place
from tradekit.steps.troubles import unsettled


def work(desk: Desk, intents: Sequence[OrderIntent]) -> tuple[Problem, ...]:
    """Places the intents, waits until each is final or past its deadline, and cancels what is left.

    Places nothing once a signal asked for the end, and ends early then. An order without an answer is looked for as
    long as it would have lived. A look that fails is no reason to leave an order alone: the next one may succeed.
    """
    if desk.clock.must_stop():
        return ()
    problems = list(place(desk, intents))
    ids = [intent.client_order_id for intent in intents if intent.client_order_id in desk.state.orders]
    with suppress(Unreachable):
        refresh(desk, [order.id for order in _live(desk, ids) if order.intent.time_in_force is TimeInForce.IOC])
    while live := _live(desk, ids):
        now = desk.clock.now()
        overdue = [order.id for order in live if is_overdue(desk, order) or desk.clock.must_stop()]
        if overdue:
            with suppress(Unreachable):
                refresh(desk, [id for id in overdue if desk.state.orders[id].is_unanswered])
            answered = [id for id in overdue if _is_known_live(desk.state.orders[id])]
            cancel(desk, answered, _reason(desk))
            problems.extend(unsettled(desk, overdue))
            ids = [id for id in ids if id not in overdue]
            continue
        until = min(order.intent.deadline for order in live)
        desk.watcher.waiting(live, now, until)
        desk.clock.sleep(min(desk.policy.execution.poll_ms, until - now))
        with suppress(Unreachable):
            refresh(desk, [order.id for order in live])
    return tuple(problems)


def _reason(desk: Desk) -> str:
    if desk.clock.must_stop():
        return "the run was asked to end"
    return "the kill switch is set" if desk.store.is_halted() else "time to live is over"


def _live(desk: Desk, ids: Sequence[ClientOrderId]) -> list[Order]:
    orders = (desk.state.orders[id] for id in ids)
    return [order for order in orders if order.is_live]


def _is_known_live(order: Order) -> bool:
    return order.is_live and not order.is_unanswered
