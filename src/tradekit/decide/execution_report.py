"""The execution report: what happened to the orders of a span, in sum, by day, by time to live, tier and place.

Shares are 0 to 1, times in milliseconds, money in quote currency, `bp` basis points of the worth at the decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

from tradekit.decide.execution import STILL_OPEN, OrderStory, read_orders
from tradekit.decide.survival import Curve, Life, kaplan_meier
from tradekit.domain.event import Record
from tradekit.domain.numbers import ZERO, divide, total
from tradekit.domain.order import FinalWord, Place
from tradekit.domain.times import DAY_MS
from tradekit.domain.universe import Tier

_Key = TypeVar("_Key", int, str, tuple[str, str])
HORIZONS_MS: Final = (5000, 10_000, 15_000, 25_000, 30_000, 60_000)

TTL_STEP_MS: Final = 5000


class ExecutionSum(NamedTuple):
    """Counts of orders by their end, and what those that traded cost.

    `partly` filled in part, `unfilled` not at all; orders that are still open are in none of the three. `maker_share`
    is that of the turnover. `first_fill_ms` and `full_fill_ms` are medians over the orders that filled so.
    `shortfall` is against the decision prices, fees included. `drift_bp` is the mean move of the market against the
    `drifted` orders that were left unfilled, weighted by what was left of them; `waiting` the same in quote currency.
    """

    orders: int = 0
    filled: int = 0
    partly: int = 0
    unfilled: int = 0
    rejected: int = 0
    not_placed: int = 0
    open: int = 0
    turnover: Decimal = ZERO
    maker_share: Decimal | None = None
    fees: Decimal = ZERO
    shortfall: Decimal = ZERO
    shortfall_bp: Decimal | None = None
    first_fill_ms: int | None = None
    full_fill_ms: int | None = None
    drifted: int = 0
    drift_bp: Decimal | None = None
    waiting: Decimal = ZERO


class Day(NamedTuple):
    """The orders sent in 24 hours from `start`, midnight UTC."""

    start: int
    sum: ExecutionSum


class FillRate(NamedTuple):
    """How fast the orders that rested filled, whole (`full`) and at all (`first`), by each of `HORIZONS_MS`: by Kaplan
    and Meier, because many were canceled before. None: not observed, none rested longer than `observed_ms`.
    """

    tier: Tier
    place: Place
    orders: int
    observed_ms: int
    full: tuple[Decimal | None, ...]
    first: tuple[Decimal | None, ...]


class TtlRate(NamedTuple):
    """What became of the resting orders that were given a time to live of up to `ttl_ms`, and more than 5 s less."""

    ttl_ms: int
    sum: ExecutionSum


class ExecutionReport(NamedTuple):
    """Everything about the orders sent from `since` on, as the journal had it at `until`."""

    since: int
    until: int
    total: ExecutionSum
    days: tuple[Day, ...]
    ttls: tuple[TtlRate, ...]
    rates: tuple[FillRate, ...]
    horizons_ms: tuple[int, ...]
    orders: tuple[OrderStory, ...]


def report_execution(records: Iterable[Record], since: int, until: int) -> ExecutionReport:
    """The report over the events of a journal, which are read once; only orders of the span are kept."""
    orders = read_orders(records, since)
    rested = [order for order in orders if order.rested]
    days = _grouped(orders, lambda order: order.created - order.created % DAY_MS)
    ttls = _grouped(rested, lambda order: -(-order.ttl_ms // TTL_STEP_MS) * TTL_STEP_MS)
    places = _grouped(rested, lambda order: (str(order.tier), str(order.place)))
    return ExecutionReport(
        since=since,
        until=until,
        total=sum_up(orders),
        days=tuple(Day(start, sum_up(part)) for start, part in days),
        ttls=tuple(TtlRate(ttl, sum_up(part)) for ttl, part in ttls),
        rates=tuple(_rate(Tier(tier), Place(place), part) for (tier, place), part in places),
        horizons_ms=HORIZONS_MS,
        orders=orders,
    )


def sum_up(orders: Sequence[OrderStory]) -> ExecutionSum:
    """One line over some orders."""
    done = [order for order in orders if order.is_full]
    over = [order for order in orders if not order.is_full and order.ending != STILL_OPEN and order.was_live]
    turnover = total(order.cost for order in orders)
    lost = [(order.shortfall, order.filled * order.decision_price) for order in orders if order.shortfall is not None]
    worth = total(value for _, value in lost)
    left = [(order.drift_bp, _left(order)) for order in over if order.drift_bp is not None]
    waiting, unfilled = total(drift * value for drift, value in left), total(value for _, value in left)
    return ExecutionSum(
        orders=len(orders),
        filled=len(done),
        partly=sum(1 for order in over if order.filled),
        unfilled=sum(1 for order in over if not order.filled),
        rejected=sum(1 for order in orders if order.ending == FinalWord.REJECTED),
        not_placed=sum(1 for order in orders if order.ending == FinalWord.NOT_PLACED),
        open=sum(1 for order in orders if order.ending == STILL_OPEN and not order.is_full),
        turnover=turnover,
        maker_share=divide(total(order.maker_cost for order in orders), turnover) if turnover else None,
        fees=total(order.fees for order in orders),
        shortfall=total(value for value, _ in lost),
        shortfall_bp=divide(total(value for value, _ in lost) * 10_000, worth) if worth else None,
        first_fill_ms=_middle([order.first_fill_ms for order in orders if order.first_fill_ms is not None]),
        full_fill_ms=_middle([order.last_fill_ms for order in done if order.last_fill_ms is not None]),
        drifted=len(left),
        drift_bp=divide(waiting, unfilled) if unfilled else None,
        waiting=waiting / 10_000,
    )


def _grouped(orders: Iterable[OrderStory], key: Callable[[OrderStory], _Key]) -> list[tuple[_Key, list[OrderStory]]]:
    groups: dict[_Key, list[OrderStory]] = {}
    for order in orders:
        groups.setdefault(key(order), []).append(order)
    return [(name, groups[name]) for name in sorted(groups)]


def _rate(tier: Tier, place: Place, orders: Sequence[OrderStory]) -> FillRate:
    full = kaplan_meier(Life(order.lived_ms, order.is_full) for order in orders)
    first = kaplan_meier(
        Life(order.lived_ms if order.first_fill_ms is None else order.first_fill_ms, order.first_fill_ms is not None)
        for order in orders
    )
    return FillRate(tier, place, len(orders), full.observed_ms, _by_horizons(full), _by_horizons(first))


def _by_horizons(curve: Curve) -> tuple[Decimal | None, ...]:
    return tuple(curve.by(ms) for ms in HORIZONS_MS)


def _left(order: OrderStory) -> Decimal:
    """Quote currency that stayed unfilled, at the price of the decision."""
    return (order.amount - order.filled) * order.decision_price


def _middle(times: list[int]) -> int | None:
    """The median; of two in the middle the earlier one."""
    return sorted(times)[(len(times) - 1) // 2] if times else None
