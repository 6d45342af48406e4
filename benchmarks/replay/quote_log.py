"""Level-2 recordings: `ts_us,kind,side,price,qty`, kind Q (a best price), L (a level near the touch, told every 100 ms)
or T (a trade). Side `a` is an ask or a taker who sells, `b` a bid or a taker who buys.

Times become milliseconds counted from the first row, so that no two rows change places.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from replay.tape import Column, Grid, Tape, Touch
from tradekit.adapters.paper.tape import Book, Level, Print, TapeEvent
from tradekit.domain.proposal import Side

COLUMNS: Final = ["ts_us", "kind", "side", "price", "qty"]
_SIDES: Final = {"a": Side.SELL, "b": Side.BUY}


class QuoteRow(NamedTuple):
    """One row in ticks and lots, `time` in milliseconds."""

    time: int
    kind: str
    side: Side
    price: int
    lots: int


def read_rows(path: Path, tick: Decimal | None = None, step: Decimal | None = None) -> tuple[Grid, list[QuoteRow]]:
    """All rows, and the grid that the numbers lie on unless it is given. Raises `ValueError` for other formats."""
    with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
        reader = csv.reader(lines)
        if next(reader, None) != COLUMNS:
            raise ValueError(f"{path.name} is no quote log")
        rows = list(reader)
    if not rows:
        raise ValueError(f"{path.name} is empty")
    prices, lots = Column([row[3] for row in rows], tick), Column([row[4] for row in rows], step)
    first = int(rows[0][0])
    read = [
        QuoteRow(first // 1000 + (int(row[0]) - first) // 1000, row[1], _SIDES[row[2]], price, amount)
        for row, price, amount in zip(rows, prices.counts, lots.counts, strict=True)
    ]
    return Grid(prices.unit, lots.unit), read


def displayed(rows: Iterable[QuoteRow]) -> Iterator[TapeEvent]:
    """Levels where they changed, and prints; those of one millisecond, taker and price in a row are one."""
    book = Book()
    pending: Print | None = None
    for row in rows:
        if row.kind == "T" and row.lots:
            trade = Print(row.time, row.side, row.price, row.lots)
            if pending is not None and pending[:3] == trade[:3]:
                pending = pending._replace(amount=pending.amount + row.lots)
                continue
            if pending is not None:
                yield pending
            pending = trade
        elif row.kind == "L" and book.shown(row.side, row.price) != row.lots:
            if pending is not None:
                yield pending
                pending = None
            level = Level(row.time, row.side, row.price, row.lots)
            book.apply(level)
            yield level
    if pending is not None:
        yield pending


def touches(rows: Iterable[QuoteRow]) -> Iterator[Touch]:
    """The best prices, where they changed."""
    last: dict[Side, tuple[int, int]] = {}
    for row in rows:
        if row.kind == "Q" and last.get(row.side) != (row.price, row.lots):
            last[row.side] = (row.price, row.lots)
            yield Touch(row.time, row.side, row.price, row.lots)


def read_tape(path: Path) -> Tape:
    """The tape."""
    grid, rows = read_rows(path)
    return Tape(grid, displayed(rows), touches(rows))
