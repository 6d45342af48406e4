"""The real pair: ten minutes of BTC/USDT, thinned. Every traded volume is kept; books are looked at less often.

Input rows are `ts_us,kind,side,price,qty`: Q a best quote, L a level near the touch, T a trade (side b: the taker
buys). Trades of one millisecond, price and side become one print. The two best levels of a side are compared every
250 ms, all levels within 50 ticks every second.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from tradekit.adapters.paper.tape import Book, Print, TapeEvent
from tradekit.domain.proposal import Side

SYMBOL, TICK, STEP = "BTC/USDT", Decimal("0.01"), Decimal("0.00001")
MINUTES = 10
WARM_UP = 20_000
GLANCE, LOOK, BAND = 250, 1000, 50

_SIDES = {"b": Side.BUY, "a": Side.SELL}


class Thinned:
    """The opening book, and the events after it with times from 0 to the end of the last whole minute."""

    def __init__(self, path: Path) -> None:
        self._full, self._seen = Book(), Book()
        self._start: int | None = None
        self.opening = Book()
        self.events = list(self._read(path))

    def _read(self, path: Path) -> Iterator[TapeEvent]:
        pending: Print | None = None
        glance = WARM_UP + GLANCE
        with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
            for row in csv.DictReader(lines):
                time = int(row["ts_us"]) // 1000
                self._start = time if self._start is None else self._start
                time -= self._start
                if time >= WARM_UP and not self.opening.bids:
                    self._seen = self._near(BAND)
                    self.opening = Book(self._seen.bids, self._seen.asks)
                while time >= glance:
                    if pending:
                        yield pending
                        pending = None
                    yield from self._compare(glance)
                    glance += GLANCE
                if time >= WARM_UP + MINUTES * 60_000:
                    return
                side, price, lots = _SIDES[row["side"]], _whole(row["price"], TICK), _whole(row["qty"], STEP)
                if row["kind"] != "T":
                    self._update(row["kind"], side, price, lots)
                elif time >= WARM_UP and lots:
                    trade = Print(time - WARM_UP, side, price, lots)
                    if pending and pending[:3] == trade[:3]:
                        pending = pending._replace(amount=pending.amount + lots)
                    else:
                        if pending:
                            yield pending
                        pending = trade

    def _update(self, kind: str, side: Side, price: int, lots: int) -> None:
        levels = self._full.levels(side)
        if kind == "Q":
            sign = 1 if side is Side.SELL else -1
            for gone in [p for p in levels if (price - p) * sign > 0]:
                del levels[gone]
            # a quote at or beyond the other side's best means that those levels are gone too
            other = self._full.asks if side is Side.BUY else self._full.bids
            for gone in [p for p in other if (p - price) * sign >= 0]:
                del other[gone]
        if lots:
            levels[price] = lots
        else:
            levels.pop(price, None)

    def _compare(self, glance: int) -> list[TapeEvent]:
        time = glance - WARM_UP - 1
        now = self._near(BAND)
        if glance % LOOK:
            now = _only_touch(now, self._seen)
        changes = self._seen.changes_to(now, time)
        self._seen = now
        return list(changes)

    def _near(self, band: int) -> Book:
        bid, ask = self._full.best_bid or 0, self._full.best_ask or 0
        bids = {p: lots for p, lots in self._full.bids.items() if p > bid - band}
        return Book(bids, {p: lots for p, lots in self._full.asks.items() if p < ask + band})


def _only_touch(now: Book, seen: Book) -> Book:
    """What was seen before, with the two best levels of each side brought up to date."""
    bids, asks = sorted(now.bids, reverse=True)[:2], sorted(now.asks)[:2]
    if len(bids) < 2 or len(asks) < 2:
        return now
    deep_bids = {p: lots for p, lots in seen.bids.items() if p < bids[-1]}
    deep_asks = {p: lots for p, lots in seen.asks.items() if p > asks[-1]}
    return Book({p: now.bids[p] for p in bids} | deep_bids, {p: now.asks[p] for p in asks} | deep_asks)


def _whole(text: str, unit: Decimal) -> int:
    number = Decimal(text) / unit
    if number != number.to_integral_value():
        raise ValueError(f"{text} is not a multiple of {unit}")
    return int(number)
