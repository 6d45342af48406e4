"""`tradekit status`: what the books say, without asking the exchange and without a byte written."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.account import Stamp
from tradekit.domain.event import Refusal
from tradekit.domain.order import Closed, Order
from tradekit.domain.position import Position
from tradekit.domain.state import State


class StatusReport(NamedTuple):
    """The account as the newest durable event left it. Times are exchange time in milliseconds.

    `equity` is the last one that a cycle could tell; `refusals` are those of the last cycle.
    """

    account: Stamp
    time: int
    cycles: int
    halt: str | None
    cash: Decimal
    equity: Decimal | None
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    refusals: tuple[Refusal, ...]
    unsaved_events: int


def status(state: State, halt: str | None, unsaved_events: int) -> StatusReport:
    """The report. `unsaved_events` were replayed after the newest state: a run ended without saving."""
    held = (position for position in state.positions.values() if position.total != 0 or position.realized != 0)
    return StatusReport(
        account=state.stamp,
        time=state.time,
        cycles=state.cycles,
        halt=halt,
        cash=state.cash,
        equity=state.equity,
        positions=tuple(sorted(held, key=lambda position: position.asset)),
        orders=tuple(order for order in state.orders.values() if not isinstance(order.state, Closed)),
        refusals=state.last_cycle.refusals if state.last_cycle else (),
        unsaved_events=unsaved_events,
    )
