"""One holding on its way out: what was sold when, and what that cost against the mid at the decision.

What is left at the end is sold to the bids. Costs are in basis points of the decision's mid, fees included.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from replay.tape import Tape
from tradekit.adapters.paper.matching import Matching
from tradekit.domain.proposal import Side


class Fees(NamedTuple):
    """In basis points."""

    maker: Decimal
    taker: Decimal


DEAR: Final = Fees(Decimal(60), Decimal(120))
CHEAP: Final = Fees(Decimal(10), Decimal(10))


class Sold(NamedTuple):
    """A part that was sold: `time` in milliseconds after the decision, `price` in ticks, `lots`."""

    time: int
    price: int
    lots: int
    maker: bool


class Exit(NamedTuple):
    """All parts of a holding of `lots`; `mid` in ticks; `rest` is what had to be sold to the bids at the end."""

    mid: Decimal
    lots: int
    parts: tuple[Sold, ...]
    rest: tuple[Sold, ...] = ()

    @property
    def is_done(self) -> bool:
        """Whether all of it was sold before the end."""
        return sum(part.lots for part in self.parts) >= self.lots

    @property
    def done_at(self) -> int | None:
        """Milliseconds from the decision to the last lot, None where some were left."""
        return self.parts[-1].time if self.is_done else None

    def shortfall(self, fees: Fees) -> Decimal:
        """Basis points lost of the holding's worth at the decision."""
        worth = self.mid * self.lots
        got = sum(
            (
                part.price * part.lots * (1 - (fees.maker if part.maker else fees.taker) / 10_000)
                for part in (*self.parts, *self.rest)
            ),
            Decimal(0),
        )
        return (worth - got) / worth * 10_000


def has_mid(tape: Tape, time: int) -> bool:
    """Whether both sides show something."""
    book = tape.book(time)
    return bool(book.bids and book.asks)


def mid_of(tape: Tape, time: int) -> Decimal:
    """Halfway between bid and ask, in ticks. Both sides are there."""
    book = tape.book(time)
    assert book.best_bid is not None and book.best_ask is not None
    return Decimal(book.best_bid + book.best_ask) / 2


def lots_of(tape: Tape, time: int, worth: Decimal) -> int:
    """Whole lots for so much quote currency at the mid."""
    return max(int(worth / (mid_of(tape, time) * tape.grid.tick) / tape.grid.step), 1)


def sold_to_bids(tape: Tape, time: int, lots: int, after: int) -> tuple[Sold, ...]:
    """`lots` taken from the bids at a time, best first; what no bid takes goes at the worst one.

    `after` is how long after the decision that is.
    """
    if not lots:
        return ()
    book = tape.book(time)
    taken = [Sold(after, e.price, e.amount, False) for e in Matching().take(1, Side.SELL, 0, lots, book, time)]
    missing = lots - sum(part.lots for part in taken)
    worst = taken[-1].price if taken else 0
    return (*taken, Sold(after, worst, missing, False)) if missing else tuple(taken)


def all_buyers(tape: Tape, start: int, worth: Decimal, horizon: int) -> Exit:
    """What no maker can beat: every taker who bought anything buys of this holding first, at the price paid then."""
    lots = left = lots_of(tape, start, worth)
    parts: list[Sold] = []
    for trade in tape.printed(start, start + horizon):
        if trade.taker is Side.BUY and left:
            parts.append(Sold(trade.time - start, trade.price, min(trade.amount, left), True))
            left -= parts[-1].lots
    return Exit(mid_of(tape, start), lots, tuple(parts), sold_to_bids(tape, start + horizon, left, horizon))


def cut_short(tape: Tape, start: int, exit: Exit, after: int) -> Exit:
    """The same with all that is left so long after the decision sold to the bids then: the taker as the last step."""
    parts = tuple(part for part in exit.parts if part.time < after)
    left = exit.lots - sum(part.lots for part in parts)
    return Exit(exit.mid, exit.lots, (*parts, *sold_to_bids(tape, start + after, left, after)))
