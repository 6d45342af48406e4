"""How people get rid of a holding today, replayed on a tape with the paper exchange's queue: one asset at a time, one
fresh order after another, each decided at the touch of its moment and 300 ms on its way.
"""

from __future__ import annotations

from random import Random
from typing import Final, NamedTuple

from replay.attempt import conservative
from replay.exit import Exit, Sold, mid_of, sold_to_bids
from replay.tape import Tape
from tradekit.domain.proposal import Side

LATENCY: Final = 300
MINUTE: Final = 60_000


class Habit(NamedTuple):
    """`lives` are the times to live (milliseconds) of the orders of each minute, one after the other; a range is drawn
    from. `ticks` are added to the best ask; `improves`: one tick inside a spread of at least two. `once`: only in the
    first minute. Without `lives` it is a taker at once.
    """

    name: str
    lives: tuple[range, ...]
    ticks: int = 0
    improves: bool = False
    once: bool = False


class Outcome(NamedTuple):
    """What became of the holding, and how long each minute's work took in milliseconds, as long as there was work."""

    exit: Exit
    busy: tuple[int, ...]


def fixed(ms: int) -> range:
    """A time to live that is always the same."""
    return range(ms, ms + 1)


HABITS: Final = {
    "A": Habit("5-12 s, one tick above", (range(5000, 12_001),), ticks=1),
    "B": Habit("25 s at the touch", (fixed(25_000),)),
    "B2": Habit("twice 25 s at the touch", (fixed(25_000), fixed(25_000))),
    "I2": Habit("twice 25 s, a tick inside", (fixed(25_000), fixed(25_000)), improves=True),
    "C": Habit("taker at once", ()),
    "D": Habit("one order, left at the touch", (fixed(600_000),), once=True),
}


def follow(habit: Habit, tape: Tape, start: int, lots: int, horizon: int, *, whole_only: bool = False) -> Outcome:
    """Sells `lots` from `start` on, within `horizon` milliseconds.

    `whole_only` counts an order only when it fills whole, as if the parts of the others had not been sold.
    """
    mid = mid_of(tape, start)
    if not habit.lives:
        return Outcome(Exit(mid, lots, sold_to_bids(tape, start + LATENCY, lots, LATENCY)), (LATENCY,))
    chance = Random(start)
    parts: list[Sold] = []
    busy: list[int] = []
    left = lots
    for minute in range(1 if habit.once else -(-horizon // MINUTE)):
        began = now = start + minute * MINUTE
        for life in habit.lives:
            ends = min(now + LATENCY + chance.choice(life), start + horizon)
            if not left or now + LATENCY >= ends:
                break
            sold = _attempt(habit, tape, now, left, ends, start)
            if whole_only and sum(part.lots for part in sold) < left:
                sold = []
            left -= sum(part.lots for part in sold)
            now = ends if left else start + sold[-1].time
            parts += sold
        busy.append(now - began)
        if not left:
            break
    return Outcome(Exit(mid, lots, tuple(parts), sold_to_bids(tape, start + horizon, left, horizon)), tuple(busy))


def _attempt(habit: Habit, tape: Tape, now: int, lots: int, ends: int, start: int) -> list[Sold]:
    """One order, decided `now`; nothing comes of one that is rejected."""
    seen = tape.book(now)
    if seen.best_ask is None or seen.best_bid is None:
        return []
    inside = habit.improves and seen.best_ask - seen.best_bid > 1
    price = seen.best_ask + habit.ticks - inside
    arrives = now + LATENCY
    fills = conservative(tape, tape.book(arrives), Side.SELL, price, lots, arrives, ends)
    return [Sold(time - start, price, amount, True) for time, amount in fills or ()]
