"""How the risk desk's memory follows from events: results of sales, failures, revivals, turnover, prices, watermarks.

Called by the fold for every event, after the books have moved. Must stay bounded, and must never take money that came
in or went out for a gain or a loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tradekit.domain.event import (
    AssetAdopted,
    AssetReleased,
    CycleFinished,
    ExchangeSilent,
    FillBooked,
    FlowRecorded,
    OrderAcknowledged,
    OrderFinal,
    OrderNotPlaced,
    OrderRejected,
    PeakReset,
    Record,
    StateRestored,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId, attempt_id, is_ours
from tradekit.domain.memory import Result, RiskMemory, Turnover, Watermarks
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Order
from tradekit.domain.outcome import RejectCode
from tradekit.domain.position import Position
from tradekit.domain.proposal import Origin, Side, Urgency
from tradekit.domain.state import State
from tradekit.domain.times import DAY_MS, HOUR_MS

RESULTS_KEPT: Final = 100
MARKS_KEPT: Final = 100
SILENCES_KEPT: Final = 20
_THURSDAY: Final = 3  # the first day of 1970, counted from Monday


def remember(  # noqa: C901 - one case an event, nothing nested
    before: State, after: State, record: Record, order: Order | None
) -> RiskMemory:
    """The memory after `record` made `after` of `before`. `order` is the one that a fill belongs to."""
    memory, now = after.risk, record.time
    match record.event:
        case CycleFinished() as finished:
            return _finish(memory, finished, now)
        case FillBooked(fill):
            return _revived(_filled(memory, before, after, fill, order), before, after, order, now)
        case OrderRejected(id, code, _) if code is not RejectCode.POST_ONLY_WOULD_CROSS:
            return _failed(memory, after.orders[id], now)
        case OrderNotPlaced(id):
            return _failed(memory, after.orders[id], now)
        case OrderAcknowledged(id) | OrderFinal(id):
            return _revived(memory, before, after, before.orders[id], now)
        case AssetAdopted(asset, price):
            return with_flow(memory, before.positions[asset].outside * price)
        case FlowRecorded(asset, _, price, by_hand=True):  # the policy's own guess is no record, and moves no mark
            units = after.books.quantity(asset) - before.books.quantity(asset)
            return with_flow(memory, units * price)
        case AssetReleased(asset, price):
            return with_flow(memory, -before.positions[asset].adopted * price)
        case ExchangeSilent():
            return memory._replace(silences=(*memory.silences, now)[-SILENCES_KEPT:])
        case PeakReset(peak):
            marks = memory.watermarks
            marks = None if marks is None else marks._replace(peak=peak)
            return memory._replace(watermarks=marks, drawdown_since=0)
        case StateRestored() as restored:
            kept = (item for item in memory.results if item.time <= restored.cursors.get(item.symbol, 0))
            return memory._replace(results=tuple(kept))
        case _:
            return memory


def day_of(now: int) -> int:
    """The day in UTC that a time in milliseconds falls on, counted from 1970."""
    return now // DAY_MS


def week_of(now: int) -> int:
    """The week that a time in milliseconds falls in; weeks begin on Mondays, 00:00 UTC."""
    return (day_of(now) + _THURSDAY) // 7


def next_day(now: int) -> int:
    """When the next day begins, in milliseconds."""
    return (day_of(now) + 1) * DAY_MS


def next_week(now: int) -> int:
    """When the next week begins, in milliseconds."""
    return ((week_of(now) + 1) * 7 - _THURSDAY) * DAY_MS


def with_flow(memory: RiskMemory, value: Decimal) -> RiskMemory:
    """All watermarks moved by money that came in, or with a minus went out: neither is a gain or a loss."""
    marks = memory.watermarks
    if marks is None or not value:
        return memory
    equities = (marks.peak, marks.day_equity, marks.week_equity, marks.last)
    peak, day, week, last = (max(equity + value, ZERO) for equity in equities)
    return memory._replace(watermarks=Watermarks(peak, marks.day, day, marks.week, week, last))


def _finish(memory: RiskMemory, finished: CycleFinished, now: int) -> RiskMemory:
    marks = {**{asset: mark for asset, mark in memory.marks.items() if asset not in finished.marks}, **finished.marks}
    surplus = max(len(marks) - MARKS_KEPT, 0)
    return memory._replace(
        marks=dict(list(marks.items())[surplus:]),
        failures=_recent(memory.failures, now),
        revived=_recent(memory.revived, now),
        turnover=tuple(item for item in memory.turnover if is_counted(item, now)),
        taken=tuple(item for item in memory.taken if is_counted(item, now)),
        drawdown_since=memory.drawdown_since or (now if finished.in_drawdown else 0),
        watermarks=_marked(memory.watermarks, finished.equity, now),
    )


def _marked(marks: Watermarks | None, equity: Decimal, now: int) -> Watermarks:
    """A new day and week begin at the last equity before them, so that what a gap in the runs cost is counted."""
    day, week = day_of(now), week_of(now)
    if marks is None:
        return Watermarks(equity, day, equity, week, equity, equity)
    return Watermarks(
        max(marks.peak, equity),
        day,
        marks.day_equity if marks.day == day else marks.last,
        week,
        marks.week_equity if marks.week == week else marks.last,
        equity,
    )


def is_counted(item: Turnover, now: int) -> bool:
    """Whether an hour's turnover counts in the last 24 hours: until a day after its end."""
    return (item.hour + 1) * HOUR_MS + DAY_MS > now


def _filled(memory: RiskMemory, before: State, after: State, fill: Fill, order: Order | None) -> RiskMemory:
    ours = order is not None or is_ours(fill.client_order_id)
    if not ours:
        return with_flow(memory, _flow(before, after, fill))
    if order is not None and order.intent.is_promoted:
        memory = memory._replace(taken=_with_turnover(memory.taken, fill))
    if fill.side is not Side.SELL:
        return memory
    gained = _position(after, fill.base).realized - _position(before, fill.base).realized
    proposal = None if order is None else order.intent.approved.proposal
    id = fill.client_order_id if order is None else _first_id(after.identity, order)
    assert id is not None
    stop = proposal is not None and proposal.origin is Origin.EXIT and proposal.urgency is Urgency.AT_ONCE
    memory = memory._replace(results=_with_result(memory.results, Result(id, fill.symbol, fill.time, gained, stop)))
    if proposal is not None and proposal.origin is Origin.EXTERNAL:
        memory = memory._replace(turnover=_with_turnover(memory.turnover, fill))
    return memory


def _first_id(identity: str, order: Order) -> ClientOrderId:
    """The id of the first attempt: all orders under one approval are one sale."""
    proposal, number = order.intent.approved.proposal, order.intent.attempt
    return order.id if number == 1 else attempt_id(identity, proposal.origin, proposal.id, 1)


def _flow(before: State, after: State, fill: Fill) -> Decimal:
    """What a trade that is not ours moved into or out of what tradekit manages, at the trade's own price."""
    units = _position(after, fill.base).quantity - _position(before, fill.base).quantity
    return after.cash - before.cash + units * fill.price


def _with_result(results: tuple[Result, ...], fresh: Result) -> tuple[Result, ...]:
    same = next((item for item in results if item.client_order_id == fresh.client_order_id), None)
    if same is not None:
        fresh = fresh._replace(pnl=same.pnl + fresh.pnl, time=max(same.time, fresh.time))
    others = (item for item in results if item is not same)
    return tuple(sorted((*others, fresh), key=lambda item: item.time)[-RESULTS_KEPT:])


def _with_turnover(turnover: tuple[Turnover, ...], fill: Fill) -> tuple[Turnover, ...]:
    hours = {item.hour: item.notional for item in turnover}
    hour = fill.time // HOUR_MS
    hours[hour] = hours.get(hour, ZERO) + fill.cost
    return tuple(Turnover(*item) for item in sorted(hours.items()))


def _failed(memory: RiskMemory, order: Order, now: int) -> RiskMemory:
    if not order.intent.approved.proposal.opens:
        return memory
    return memory._replace(failures={**memory.failures, order.intent.symbol: now})


def _revived(memory: RiskMemory, before: State, after: State, order: Order | None, now: int) -> RiskMemory:
    """An order that was given up as never placed, and that the exchange knows after all."""
    if order is None or not before.orders[order.id].is_tombstone or after.orders[order.id].is_tombstone:
        return memory
    return memory._replace(revived={**memory.revived, order.intent.symbol: now})


def _recent(times: Mapping[str, int], now: int) -> dict[str, int]:
    return {symbol: time for symbol, time in times.items() if time > now - DAY_MS}


def _position(state: State, asset: str) -> Position:
    return state.positions.get(asset) or Position(asset)
