"""A recorded market in memory, in whole ticks and lots: its book at any time, and its events by price.

Knows no file format: `order_log` and `quote_log` read those. Prices and amounts never pass through a float.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import reduce
from math import gcd
from typing import Final, NamedTuple

from tradekit.adapters.paper.tape import Book, Print, TapeEvent
from tradekit.domain.proposal import Side

EVERY: Final = 500
"""Events from one kept book to the next."""


class Grid(NamedTuple):
    """What one tick is in quote currency, and one lot in base units."""

    tick: Decimal
    step: Decimal


class Touch(NamedTuple):
    """The best price of a side is now `price`, with so many lots. `time` in milliseconds."""

    time: int
    side: Side
    price: int
    lots: int


class Tape:
    """The events of one market in the order of their times (milliseconds), on a book that begins empty.

    `touches` come from a faster stream of best prices, where there is one. They say where the touch is in a book and
    move no queue: they are ahead of the prints that caused them, and both together would count a trade twice.
    """

    def __init__(self, grid: Grid, events: Iterable[TapeEvent], touches: Iterable[Touch] = ()) -> None:
        self.grid = grid
        self.events = tuple(events)
        self._touches: dict[Side, list[Touch]] = {side: [] for side in Side}
        for touch in touches:
            self._touches[touch.side].append(touch)
        self._times = [event.time for event in self.events]
        self._kept = [Book()]
        self._levels: dict[tuple[Side, int], list[int]] = {}
        self._prints: dict[Side, list[int]] = {side: [] for side in Side}
        book = Book()
        for place, event in enumerate(self.events):
            book.apply(event)
            if isinstance(event, Print):
                self._prints[event.taker].append(place)
            else:
                self._levels.setdefault((event.side, event.price), []).append(place)
            if (place + 1) % EVERY == 0:
                self._kept.append(Book(book.bids, book.asks))

    @property
    def start(self) -> int:
        """When the first event happened."""
        return self._times[0]

    @property
    def end(self) -> int:
        """When the last event happened."""
        return self._times[-1]

    def book(self, time: int) -> Book:
        """The book before the first event at or after `time`; the caller may change it."""
        book = self._levels_at(time)
        for touch in self._last_touches(time):
            _keep_behind(book, touch)
            book.levels(touch.side).setdefault(touch.price, touch.lots)
        return book

    def met_by(self, side: Side, time: int) -> Book:
        """The same for an order that joins `side`, where a new best price is no queue before a level row told of it."""
        book, told = self.book(time), self._levels_at(time)
        for price in [price for price in book.levels(side) if not told.shown(side, price)]:
            del book.levels(side)[price]
        return book

    def _last_touches(self, time: int) -> Iterator[Touch]:
        for touches in self._touches.values():
            place = bisect_left(touches, time, key=_time)
            if place:
                yield touches[place - 1]

    def _levels_at(self, time: int) -> Book:
        place = bisect_left(self._times, time)
        kept = self._kept[place // EVERY]
        book = Book(kept.bids, kept.asks)
        for event in self.events[place - place % EVERY : place]:
            book.apply(event)
        return book

    def between(self, start: int, end: int) -> Sequence[TapeEvent]:
        """What happened from `start` on and before `end`."""
        return self.events[bisect_left(self._times, start) : bisect_left(self._times, end)]

    def printed(self, start: int, end: int) -> Iterator[Print]:
        """The trades from `start` on and before `end`, in order."""
        places = sorted(place for side in Side for place in self._cut(self._prints[side], start, end))
        return (event for place in places if isinstance(event := self.events[place], Print))

    def matters_to(self, side: Side, price: int, start: int, end: int) -> Iterator[TapeEvent]:
        """Of the same all that can move an order that rests at a price: takers on its side, and its own level."""
        taker = Side.SELL if side is Side.BUY else Side.BUY
        prints = self._cut(self._prints[taker], start, end)
        levels = self._cut(self._levels.get((side, price), []), start, end)
        return (self.events[place] for place in sorted([*prints, *levels]))

    def _cut(self, places: list[int], start: int, end: int) -> list[int]:
        low, high = bisect_left(self._times, start), bisect_left(self._times, end)
        return places[bisect_left(places, low) : bisect_left(places, high)]


def _time(touch: Touch) -> int:
    return touch.time


def _keep_behind(book: Book, touch: Touch) -> None:
    """Takes off what is better than the best price."""
    levels = book.levels(touch.side)
    for price in [p for p in levels if (p < touch.price if touch.side is Side.SELL else p > touch.price)]:
        del levels[price]


class Column:
    """A column of plain decimals as whole multiples of the largest unit that divides all of them (or of `unit`).

    Raises `ValueError` for a text that is no plain decimal, and for one that `unit` doesn't divide.
    """

    def __init__(self, texts: Sequence[str], unit: Decimal | None = None) -> None:
        places = max((len(text.partition(".")[2]) for text in texts), default=0)
        if unit is not None:
            places = max(places, -int(unit.as_tuple().exponent))
        raw = [_scaled(text, places) for text in texts]
        common = reduce(gcd, raw, 0) or 1
        divisor = common if unit is None else int(unit.scaleb(places))
        if unit is not None and common % divisor:
            raise ValueError(f"not all numbers are multiples of {unit}")
        self.unit = Decimal(divisor).scaleb(-places)
        self.counts = [number // divisor for number in raw]


def _scaled(text: str, places: int) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(places, "0"))
