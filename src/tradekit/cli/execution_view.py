"""How the execution report looks: to programs as data, to people as tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tradekit.cli.output import Result, Table, moment, number
from tradekit.decide.execution import OrderStory
from tradekit.decide.execution_report import ExecutionReport, ExecutionSum, FillRate
from tradekit.domain.plain import to_plain

_SHOWN: Final = 20
_COUNTS: Final = ("orders", "filled", "in part", "not", "rejected", "open")
_COSTS: Final = ("turnover", "maker", "fees", "shortfall bp", "first fill", "full fill", "waiting bp")


def with_execution(result: Result, report: ExecutionReport) -> Result:
    """The result of `tradekit status` with the report after it. Programs get every order, people the newest."""
    data = {**result.data, "execution": to_plain(ExecutionReport, report)}
    since = moment(report.since)
    if not report.orders:
        return result._replace(data=data, shown=(*result.shown, f"No order was sent since {since}."))
    days = tuple((_day(day.start), *_counts(day.sum), *_costs(day.sum)) for day in report.days)
    whole = ("all", *_counts(report.total), *_costs(report.total))
    shown: list[str | Table] = [
        Table(f"Orders sent since {since}", ("day", *_COUNTS, *_COSTS), (*days, whole)),
        Table("Resting orders by time to live", ("ttl up to", *_COUNTS, "filled %"), tuple(_ttls(report))),
        Table(
            f"Filled whole within so many seconds, percent{_unknown_words(report)}",
            ("tier", "place", "orders", *(_seconds(ms) for ms in report.horizons_ms)),
            tuple(_rate(rate) for rate in report.rates),
        ),
        Table(_orders_title(report), _ORDER_COLUMNS, tuple(_order(order) for order in report.orders[-_SHOWN:])),
    ]
    return result._replace(data=data, shown=(*result.shown, *(t for t in shown if isinstance(t, str) or t.rows)))


_ORDER_COLUMNS: Final = (
    "sent", "symbol", "side", "from", "tier", "place", "ttl", "ending", "filled", "lived", "first fill", "full fill",
    "maker %", "shortfall bp",
)  # fmt: skip


def _counts(line: ExecutionSum) -> tuple[str, ...]:
    shown = (line.orders, line.filled, line.partly, line.unfilled, line.rejected + line.not_placed, line.open)
    return tuple(str(count) for count in shown)


def _costs(line: ExecutionSum) -> tuple[str, ...]:
    return (
        number(line.turnover, 2),
        _percent(line.maker_share),
        number(line.fees, 2),
        number(line.shortfall_bp, 1),
        _seconds(line.first_fill_ms),
        _seconds(line.full_fill_ms),
        number(line.drift_bp, 1),
    )


def _ttls(report: ExecutionReport) -> list[tuple[str, ...]]:
    return [
        (_seconds(item.ttl_ms), *_counts(item.sum), _percent(Decimal(item.sum.filled) / item.sum.orders))
        for item in report.ttls
    ]


def _rate(rate: FillRate) -> tuple[str, ...]:
    return (str(rate.tier), str(rate.place), str(rate.orders), *(_share(rate, share) for share in rate.full))


def _share(rate: FillRate, share: Decimal | None) -> str:
    return f"? > {_seconds(rate.observed_ms)}" if share is None else _percent(share)


def _unknown_words(report: ExecutionReport) -> str:
    unknown = any(share is None for rate in report.rates for share in rate.full)
    return " (? > X s: not observed beyond X s)" if unknown else ""


def _orders_title(report: ExecutionReport) -> str:
    count = len(report.orders)
    return "Orders" if count <= _SHOWN else f"The newest {_SHOWN} of {count} orders"


def _order(order: OrderStory) -> tuple[str, ...]:
    return (
        moment(order.created),
        order.symbol,
        str(order.side),
        str(order.origin),
        str(order.tier),
        str(order.place),
        _seconds(order.ttl_ms),
        order.ending,
        f"{number(order.filled)}/{number(order.amount)}",
        _seconds(order.lived_ms),
        _seconds(order.first_fill_ms),
        _seconds(order.last_fill_ms if order.is_full else None),
        _percent(order.maker_cost / order.cost if order.cost else None),
        number(order.shortfall_bp, 1),
    )


def _day(start: int) -> str:
    return datetime.fromtimestamp(start / 1000, UTC).strftime("%Y-%m-%d")


def _percent(share: Decimal | None) -> str:
    return "-" if share is None else number(share * 100, 1)


def _seconds(ms: int | None) -> str:
    return "-" if ms is None else f"{number(Decimal(ms) / 1000, 1)} s"
