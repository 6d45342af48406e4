"""One hypothetical post-only order: when how much of it trades, in the conservative queue and in the exact one.

The conservative queue is the paper exchange's own matching. Times are in milliseconds, prices in ticks, amounts
in lots.
"""

from __future__ import annotations

from collections.abc import Sequence

from replay.tape import Tape
from tradekit.adapters.paper.matching import Matching, WouldCross
from tradekit.adapters.paper.tape import Book
from tradekit.domain.proposal import Side

Fills = Sequence[tuple[int, int]]
"""Times and lots, in order."""


def conservative(tape: Tape, book: Book, side: Side, price: int, lots: int, start: int, end: int) -> Fills | None:
    """An order that meets `book` at `start` and is gone at `end`; None when it would have crossed on arrival."""
    queue = Matching()
    try:
        queue.join(1, side, price, lots, book)
    except WouldCross:
        return None
    fills: list[tuple[int, int]] = []
    for event in tape.matters_to(side, price, start, end):
        fills += [(done.time, done.amount) for done in queue.feed(event)]
        if not queue.resting:
            break
    return fills


def first_fill(fills: Fills) -> int | None:
    """When the first lot traded."""
    return fills[0][0] if fills else None


def full_fill(fills: Fills, lots: int) -> int | None:
    """When the last of `lots` traded."""
    return fills[-1][0] if sum(amount for _, amount in fills) >= lots else None
