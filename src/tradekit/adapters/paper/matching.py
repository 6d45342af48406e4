"""The conservative queue: our resting orders of one symbol against the tape, in ticks and lots. Pure, no clock.

An order joins behind all that is displayed at its price. Only prints move it up; of cancels by strangers it gains
nothing, except that no more can be ahead of it than is displayed. Our orders never trade with each other, never
move the tape, and together never get more of a print than was printed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tradekit.adapters.paper.tape import Book, Level, Print, TapeEvent
from tradekit.domain.proposal import Side


class Execution(NamedTuple):
    """`amount` lots of the order `key` traded at `price` ticks at `time`."""

    key: int
    time: int
    price: int
    amount: int
    maker: bool


class Resting(NamedTuple):
    """An order in the queue: `remaining` lots, `ahead` lots of strangers before it at its price.

    `key` grows with time and decides between our own orders at one price.
    """

    key: int
    side: Side
    price: int
    remaining: int
    ahead: int


class WouldCross(Exception):
    """A post-only order met the other side at its price."""


class Matching:
    """Our orders of one symbol, and what we took from displayed levels as long as those stand unchanged."""

    def __init__(self, resting: Iterable[Resting] = (), taken: Iterable[tuple[Side, int, int]] = ()) -> None:
        self._orders = {order.key: order for order in sorted(resting)}
        self._taken = {(side, price): lots for side, price, lots in taken}

    @property
    def resting(self) -> tuple[Resting, ...]:
        """The orders that still wait, oldest first."""
        return tuple(self._orders.values())

    @property
    def taken(self) -> tuple[tuple[Side, int, int], ...]:
        """Side, price and lots of what we took and the tape has not yet refreshed."""
        return tuple((side, price, lots) for (side, price), lots in self._taken.items())

    def feed(self, event: TapeEvent) -> list[Execution]:
        """What the next event of the tape does to our orders."""
        if isinstance(event, Print):
            return self._on_print(event)
        self._on_level(event)
        return []

    def visible(self, book: Book) -> Book:
        """The book without what we took from it."""
        if not self._taken:
            return book
        seen = Book(book.bids, book.asks)
        for (side, price), lots in self._taken.items():
            seen.apply(Level(0, side, price, max(book.shown(side, price) - lots, 0)))
        return seen

    def join(self, key: int, side: Side, price: int, amount: int, book: Book) -> Resting:
        """A post-only order arrives and queues up. Raises `WouldCross` where it would trade at once."""
        if any(_reaches(side, price, level) for level in self.visible(book).levels(_other(side))):
            raise WouldCross
        # what we took ourselves still counts as ahead: the pessimistic reading
        order = Resting(key, side, price, amount, book.shown(side, price))
        self._orders[key] = order
        return order

    def take(self, key: int, side: Side, price: int, amount: int, book: Book, time: int) -> list[Execution]:
        """An immediate order trades with the displayed levels within its limit, best first."""
        other = _other(side)
        levels = self.visible(book).levels(other)
        executions: list[Execution] = []
        for level in sorted(levels, reverse=other is Side.BUY):
            lots = min(amount, levels[level])
            if not lots or not _reaches(side, price, level):
                break
            self._taken[other, level] = self._taken.get((other, level), 0) + lots
            executions.append(Execution(key, time, level, lots, maker=False))
            amount -= lots
        return executions

    def leave(self, key: int) -> None:
        """A canceled order leaves the queue."""
        self._orders.pop(key, None)

    def _on_print(self, event: Print) -> list[Execution]:
        side = _other(event.taker)
        left = event.amount
        executions: list[Execution] = []
        for order in self._by_priority(side):
            if not left or not _reaches(event.taker, event.price, order.price):
                break
            # a print beyond our price went through us: whoever was ahead is gone
            ahead = order.ahead if order.price == event.price else 0
            lots = min(order.remaining, max(left - ahead, 0))
            self._put(order._replace(ahead=max(ahead - left, 0), remaining=order.remaining - lots))
            if lots:
                executions.append(Execution(order.key, event.time, order.price, lots, maker=True))
                left -= lots
        return executions

    def _on_level(self, event: Level) -> None:
        self._taken.pop((event.side, event.price), None)
        for order in self.resting:
            if order.side is event.side and order.price == event.price and order.ahead > event.amount:
                self._put(order._replace(ahead=event.amount))

    def _by_priority(self, side: Side) -> list[Resting]:
        sign = -1 if side is Side.BUY else 1
        return sorted((o for o in self._orders.values() if o.side is side), key=lambda o: (sign * o.price, o.key))

    def _put(self, order: Resting) -> None:
        if order.remaining:
            self._orders[order.key] = order
        else:
            del self._orders[order.key]


def _other(side: Side) -> Side:
    return Side.SELL if side is Side.BUY else Side.BUY


def _reaches(side: Side, limit: int, level: int) -> bool:
    """Whether a buyer (or seller) with this limit trades with the other side's `level`."""
    return level <= limit if side is Side.BUY else level >= limit
