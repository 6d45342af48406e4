"""How likely something has happened by a time, when many were watched for a shorter time than it takes.

Kaplan and Meier's product-limit estimator (JASA 53, 1958). Past the longest time watched it knows nothing and says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.numbers import ONE, divide


class Life(NamedTuple):
    """One that was watched for `ms` milliseconds. `happened`: it came then; else nobody watched any longer."""

    ms: int
    happened: bool


class Curve(NamedTuple):
    """`steps` are times in milliseconds and the share for which it has happened by then; `observed_ms` is the longest
    time that any was watched.
    """

    steps: tuple[tuple[int, Decimal], ...] = ()
    observed_ms: int = 0

    def by(self, ms: int) -> Decimal | None:
        """The share (0 to 1) by a time; None where nothing was watched for so long."""
        past = [share for time, share in self.steps if time <= ms]
        if ms > self.observed_ms and not (past and past[-1] == ONE):
            return None
        return past[-1] if past else Decimal(0)


def kaplan_meier(lives: Iterable[Life]) -> Curve:
    """The curve. Those that were given up at the very time at which others had it happen were still watched then."""
    ordered = sorted(lives, key=lambda life: life.ms)
    watched, left = len(ordered), ONE
    steps: list[tuple[int, Decimal]] = []
    place = 0
    while place < len(ordered):
        time, happened, gone = ordered[place].ms, 0, 0
        while place < len(ordered) and ordered[place].ms == time:
            happened += ordered[place].happened
            gone += 1
            place += 1
        if happened:
            left = divide(left * (watched - happened), Decimal(watched))
            steps.append((time, ONE - left))
        watched -= gone
    return Curve(tuple(steps), ordered[-1].ms if ordered else 0)
