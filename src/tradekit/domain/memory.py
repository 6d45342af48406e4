"""What the risk desk remembers from cycle to cycle. A fold of the journal, and small however long the history is."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.ids import ClientOrderId


class Result(NamedTuple):
    """What one of our sales gained or lost (quote currency, fees counted), up to its last fill at `time`."""

    client_order_id: ClientOrderId
    symbol: str
    time: int
    pnl: Decimal
    stop: bool


class Turnover(NamedTuple):
    """Quote currency that was traded in one hour; `hour` counts from 1970."""

    hour: int
    notional: Decimal


class Mark(NamedTuple):
    """The last good price of an asset, and `other`, which has been seen instead for `looks` cycles in a row."""

    price: Decimal
    other: Decimal
    looks: int


class Watermarks(NamedTuple):
    """Equities that losses are measured from: the highest, the last one before this day and this week began, and the
    `last` of all, which the next day or week begins at.

    Days count from 1970, weeks begin on Mondays, both in UTC. Money that came in or went out moves all of them.
    """

    peak: Decimal
    day: int
    day_equity: Decimal
    week: int
    week_equity: Decimal
    last: Decimal


class RiskMemory(NamedTuple):
    """`results` are the newest sales, oldest first; `turnover` is that of sales for other programs, `taken` that of
    orders that were promoted to takers; `marks` are by asset. `failures` and `revived` hold the last time
    per symbol that an opening order failed, and that an order came back which was given up as never placed. `silences`
    are the newest times that the exchange gave no answer. `drawdown_since` is when a drawdown stopped opens, 0 for
    not now: a human ends it.
    """

    results: tuple[Result, ...] = ()
    failures: Mapping[str, int] = {}
    revived: Mapping[str, int] = {}
    turnover: tuple[Turnover, ...] = ()
    marks: Mapping[str, Mark] = {}
    watermarks: Watermarks | None = None
    silences: tuple[int, ...] = ()
    drawdown_since: int = 0
    taken: tuple[Turnover, ...] = ()
