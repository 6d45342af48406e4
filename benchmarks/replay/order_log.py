"""Order-level recordings: `ts_ms,kind,side,price,qty,order_id`, kind A (added), C (canceled) or X (executed, partly or
whole, at the price of the resting order). Side `a` is an ask, `b` a bid; each row is about the order that rests.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from replay.tape import Column, Grid, Tape
from tradekit.adapters.paper.tape import Book, Level, Print, TapeEvent
from tradekit.domain.proposal import Side

COLUMNS: Final = ["ts_ms", "kind", "side", "price", "qty", "order_id"]
_SIDES: Final = {"a": Side.SELL, "b": Side.BUY}
_TAKERS: Final = {Side.SELL: Side.BUY, Side.BUY: Side.SELL}


class OrderRow(NamedTuple):
    """One row in ticks and lots. `side` is where the order rests."""

    time: int
    kind: str
    side: Side
    price: int
    lots: int
    order: str


def read_rows(path: Path, tick: Decimal | None = None, step: Decimal | None = None) -> tuple[Grid, list[OrderRow]]:
    """All rows, and the grid that the numbers lie on unless it is given. Raises `ValueError` for other formats."""
    with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
        reader = csv.reader(lines)
        if next(reader, None) != COLUMNS:
            raise ValueError(f"{path.name} is no order log")
        rows = list(reader)
    if not rows:
        raise ValueError(f"{path.name} is empty")
    prices, lots = Column([row[3] for row in rows], tick), Column([row[4] for row in rows], step)
    read = [
        OrderRow(int(row[0]), row[1], _SIDES[row[2]], price, amount, row[5])
        for row, price, amount in zip(rows, prices.counts, lots.counts, strict=True)
    ]
    return Grid(prices.unit, lots.unit), read


def displayed(rows: Sequence[OrderRow]) -> Iterator[TapeEvent]:
    """What a level-2 feed would have shown of the same: a print before the change that it makes to its level."""
    book = Book()
    for row in rows:
        if row.kind == "X":
            yield Print(row.time, _TAKERS[row.side], row.price, row.lots)
        shown = max(book.shown(row.side, row.price) + (row.lots if row.kind == "A" else -row.lots), 0)
        level = Level(row.time, row.side, row.price, shown)
        book.apply(level)
        yield level


def read_tape(path: Path) -> tuple[Tape, list[OrderRow]]:
    """The tape, and the rows under it for exact queues."""
    grid, rows = read_rows(path)
    return Tape(grid, displayed(rows)), rows
