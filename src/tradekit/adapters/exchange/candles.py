"""One-minute candles, asked for only from where the cache ends.

A minute without a trade repeats the close before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tradekit.adapters.exchange.cache_file import read_cache, write_cache
from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.numbers import exact
from tradekit.domain.market import Candle
from tradekit.domain.numbers import ZERO, plain

_MINUTE: Final = 60_000
Row = list[Any]


class CandleCache:
    """The last complete minutes of each symbol, in a file of plain texts. `minutes` is how many are wanted at `now`."""

    def __init__(self, path: Path, now: int, minutes: int) -> None:
        self._path = path
        self._end = now // _MINUTE * _MINUTE
        self._first = self._end - minutes * _MINUTE
        self._rows = _sound(read_cache(path))

    def missing_since(self, symbol: str) -> int | None:
        """The start of the first minute that has to be asked for; None where every complete minute is kept."""
        kept = self._rows.get(symbol, [])
        if not kept or kept[0][0] > self._first:
            return self._first
        following: int = kept[-1][0] + _MINUTE
        return None if following >= self._end else max(following, self._first)

    def add(self, fresh: Mapping[str, Sequence[Row]]) -> None:
        """Joins what was asked for with what is kept, and keeps what is wanted of it."""
        for symbol, rows in fresh.items():
            self._rows[symbol] = self._joined(symbol, rows)
        if fresh:
            write_cache(self._path, self._rows)

    def candles(self, symbol: str) -> list[Candle]:
        """Oldest first, up to the last complete minute; nothing where that one isn't known."""
        rows = [row for row in self._rows.get(symbol, []) if row[0] >= self._first]
        if not rows or rows[-1][0] != self._end - _MINUTE:
            return []
        return [Candle(row[0], *(Decimal(part) for part in row[1:])) for row in rows]

    def _joined(self, symbol: str, fresh: Sequence[Row]) -> list[Row]:
        """Without gaps from the first minute that is known on."""
        known = {row[0]: row for row in [*self._rows.get(symbol, []), *fresh]}
        last = next((row for start, row in sorted(known.items(), reverse=True) if start < self._first), None)
        rows: list[Row] = []
        for start in range(self._first, self._end, _MINUTE):
            if start in known:
                last = known[start]
                rows.append(last)
            elif last is not None:
                rows.append([start, last[4], last[4], last[4], last[4], "0"])
        return rows


def fetch_rows(connection: Connection, symbol: str, since: int, now: int) -> list[Row]:
    """Complete minutes since a time, as plain texts. Raises `CallFailed`, `BrokenAnswer`."""
    end = now // _MINUTE * _MINUTE
    told = connection.call("fetch_ohlcv", symbol, "1m", since, max((end - since) // _MINUTE, 1))
    rows = []
    for row in told:
        if not isinstance(row, list) or len(row) < 6 or not isinstance(row[0], int):
            raise BrokenAnswer("a candle that is none")
        if since <= row[0] < end:
            rows.append([row[0], *(plain(exact(part, "candle")) for part in row[1:6])])
    return sorted(rows)


def _sound(kept: Any) -> dict[str, list[Row]]:
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
