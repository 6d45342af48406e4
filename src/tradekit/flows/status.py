"""`tradekit status`: what the books say, without asking the exchange and without a byte written."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.execution_brief import ExecutionBrief, brief_execution
from tradekit.domain.account import Stamp
from tradekit.domain.conversion import Conversion
from tradekit.domain.event import Refusal
from tradekit.domain.hold import Hold
from tradekit.domain.memory import RiskMemory
from tradekit.domain.numbers import total
from tradekit.domain.order import Closed, Order
from tradekit.domain.outcome import OrderReport
from tradekit.domain.position import Position
from tradekit.domain.purge import PurgePlan
from tradekit.domain.state import Governor, State


class StatusReport(NamedTuple):
    """The account as the newest durable event left it. Times are exchange time in milliseconds.

    `equity` is the last one that a cycle could tell; `refused` counts the refusals of the last cycle by code,
    `refusals` has the details of some of them. `risk` is what the risk desk remembers. `realized` is what all
    sales made, `unrealized` what the positions would make at the prices of that equity, both after fees. `foreign` are
    open orders of others, `holds` the doubts that stop opens. `execution` is about the newest orders.
    open orders of others, `holds` the doubts that stop opens, `purges` the assets
    that are being sold off. `governor` tells how much time the cycles ask for. `conversions` are those
    whose end is open.
    """

    account: Stamp
    time: int
    cycles: int
    halt: str | None
    cash: Decimal
    equity: Decimal | None
    realized: Decimal
    unrealized: Decimal | None
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    foreign: tuple[OrderReport, ...]
    holds: tuple[Hold, ...]
    refusals: tuple[Refusal, ...]
    refused: Mapping[str, int]
    risk: RiskMemory
    execution: ExecutionBrief
    purges: tuple[PurgePlan, ...]
    governor: Governor
    conversions: tuple[Conversion, ...]
    unsaved_events: int


def status(state: State, halt: str | None, unsaved_events: int) -> StatusReport:
    """The report. `unsaved_events` were replayed after the newest state: a run ended without saving."""
    held = (position for position in state.positions.values() if position.total != 0 or position.realized != 0)
    cost = total(position.cost for position in state.positions.values())
    return StatusReport(
        account=state.stamp,
        time=state.time,
        cycles=state.cycles,
        halt=halt,
        cash=state.cash,
        equity=state.equity,
        realized=total(position.realized for position in state.positions.values()),
        unrealized=None if state.equity is None else state.equity - state.cash - cost,
        positions=tuple(sorted(held, key=lambda position: position.asset)),
        orders=tuple(order for order in state.orders.values() if not isinstance(order.state, Closed)),
        foreign=state.foreign,
        holds=tuple(hold for hold in state.holds if not hold.lifted),
        refusals=state.last_cycle.refusals if state.last_cycle else (),
        refused=state.last_cycle.refused if state.last_cycle else {},
        risk=state.risk,
        execution=brief_execution(state.orders.values()),
        purges=tuple(plan for _, plan in sorted(state.purges.items())),
        governor=state.governor,
        conversions=tuple(state.conversions.values()),
        unsaved_events=unsaved_events,
    )
