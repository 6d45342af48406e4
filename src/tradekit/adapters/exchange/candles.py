"""One-minute candles, asked for only from where the cache ends.

A minute without a trade repeats the close before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.numbers import exact
from tradekit.domain.market import Candle
from tradekit.domain.numbers import ZERO, plain

_MINUTE: Final = 60_000
Row = list[Any]


def missing_since(kept: Sequence[Row], now: int, minutes: int) -> int | None:
    """The start of the first minute that has to be asked for; None where every complete minute is kept."""
    end = now // _MINUTE * _MINUTE
    first = end - minutes * _MINUTE
    if not kept or kept[0][0] > first:
        return first
    following: int = kept[-1][0] + _MINUTE
    return None if following >= end else max(following, first)


def fetch_rows(connection: Connection, symbol: str, since: int, now: int) -> list[Row]:
    """Complete minutes since a time, as plain texts. Raises `CallFailed`, `BrokenAnswer`."""
    end = now // _MINUTE * _MINUTE
    wanted = (end - since) // _MINUTE
    told = connection.call("fetch_ohlcv", symbol, "1m", since, max(int(wanted), 1))
    rows = []
    for row in told:
        if not isinstance(row, list) or len(row) < 6 or not isinstance(row[0], int):
            raise BrokenAnswer("a candle that is none")
        if since <= row[0] < end:
            rows.append([row[0], *(plain(exact(part, "candle")) for part in row[1:6])])
    return sorted(rows)


def joined(kept: Sequence[Row], fresh: Sequence[Row], now: int, minutes: int) -> list[Row]:
    """The last complete minutes, without gaps from the first that is known on."""
    end = now // _MINUTE * _MINUTE
    first = end - minutes * _MINUTE
    known = {row[0]: row for row in [*kept, *fresh]}
    rows: list[Row] = []
    before = [row for start, row in sorted(known.items()) if start < first]
    last = before[-1] if before else None
    for start in range(first, end, _MINUTE):
        if start in known:
            last = known[start]
            rows.append(last)
        elif last is not None:
            rows.append([start, last[4], last[4], last[4], last[4], "0"])
    return rows


def as_candles(rows: Sequence[Row]) -> list[Candle]:
    """The same as records."""
    return [Candle(row[0], *(Decimal(part) for part in row[1:6])) for row in rows]


def sound(kept: Any) -> dict[str, list[Row]]:
    """The cache as it was read, or nothing where it is damaged."""
    if not isinstance(kept, dict):
        return {}
    for rows in kept.values():
        if not isinstance(rows, list) or not all(_is_row(row) for row in rows):
            return {}
    return kept


def _is_row(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != 6 or not isinstance(row[0], int):
        return False
    try:
        return all(exact(part, "candle") >= ZERO for part in row[1:])
    except BrokenAnswer:
        return False
