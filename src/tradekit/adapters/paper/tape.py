"""What a market does, in whole ticks and lots: prints, changes of displayed levels, and the book they leave behind.

The matching engine sees nothing else, so it can be fed from a recording, a hand-made list or order-level data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from tradekit.domain.market import Candle, Source
from tradekit.domain.proposal import Side


class Print(NamedTuple):
    """A trade between strangers: `taker` says who came to whom. `time` in ms, `price` in ticks, `amount` in lots."""

    time: int
    taker: Side
    price: int
    amount: int


class Level(NamedTuple):
    """The displayed amount at one price is now `amount` lots; 0 takes the level off the book. `side` BUY is a bid."""

    time: int
    side: Side
    price: int
    amount: int


TapeEvent = Print | Level


class Book:
    """Displayed lots by price in ticks, one mapping a side."""

    __slots__ = ("asks", "bids")

    def __init__(self, bids: Mapping[int, int] | None = None, asks: Mapping[int, int] | None = None) -> None:
        self.bids = dict(bids or {})
        self.asks = dict(asks or {})

    def levels(self, side: Side) -> dict[int, int]:
        """The side that buyers (`BUY`) or sellers rest on."""
        return self.bids if side is Side.BUY else self.asks

    def shown(self, side: Side, price: int) -> int:
        """Lots displayed at a price; 0 where nothing is."""
        return self.levels(side).get(price, 0)

    def apply(self, event: TapeEvent) -> None:
        """Takes over a level change. A print changes nothing by itself: its level change follows."""
        if isinstance(event, Level):
            levels = self.levels(event.side)
            if event.amount:
                levels[event.price] = event.amount
            else:
                levels.pop(event.price, None)

    @property
    def best_bid(self) -> int | None:
        """The highest bid in ticks, None on an empty side."""
        return max(self.bids) if self.bids else None

    @property
    def best_ask(self) -> int | None:
        """The lowest ask in ticks, None on an empty side."""
        return min(self.asks) if self.asks else None

    def changes_to(self, other: Book, time: int) -> list[Level]:
        """The level changes that turn this book into `other`, removals first."""
        gone: list[Level] = []
        new: list[Level] = []
        for side in Side:
            here, there = self.levels(side), other.levels(side)
            gone += [Level(time, side, price, 0) for price in sorted(here) if price not in there]
            new += [Level(time, side, p, there[p]) for p in sorted(there) if here.get(p) != there[p]]
        return gone + new


class Listing(NamedTuple):
    """One symbol of a feed with its filters. `volume_24h` in quote currency; `minutes` is the length of its loop."""

    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    amount_step: Decimal
    min_amount: Decimal
    min_notional: Decimal
    active: bool
    source: Source
    minutes: int
    volume_24h: Decimal

    def ticks(self, price: Decimal) -> int | None:
        """The price in whole ticks, None off the grid."""
        return _whole(price, self.price_tick)

    def lots(self, amount: Decimal) -> int | None:
        """The amount in whole lots, None off the grid."""
        return _whole(amount, self.amount_step)


class Top(NamedTuple):
    """A book that is good for its best prices, at a time, and what was traded in 24 hours in quote currency."""

    time: int
    book: Book
    volume_24h: Decimal


class Feed(Protocol):
    """Where the paper world gets its markets from. Times are world time in milliseconds, `end` is excluded."""

    def listings(self) -> Mapping[str, Listing]:
        """All symbols."""
        ...

    def book(self, symbol: str, time: int) -> Book:
        """The book before the first event at or after `time`; the caller may change it."""
        ...

    def tops(self, symbols: Sequence[str], time: int) -> Mapping[str, Top]:
        """The best prices of many symbols; one without any may be left out."""
        ...

    def events(self, symbol: str, start: int, end: int) -> Iterable[TapeEvent]:
        """What happened from `start` on and before `end`, in order."""
        ...

    def candles(self, symbol: str, before: int, minutes: int) -> Sequence[Candle]:
        """The last `minutes` complete minutes before a time, oldest first."""
        ...


def tops_of_books(feed: Feed, symbols: Sequence[str], time: int) -> dict[str, Top]:
    """The best prices out of whole books."""
    listings = feed.listings()
    return {symbol: Top(time, feed.book(symbol, time), listings[symbol].volume_24h) for symbol in symbols}


def _whole(number: Decimal, unit: Decimal) -> int | None:
    quotient = number / unit
    return int(quotient) if quotient == quotient.to_integral_value() else None
