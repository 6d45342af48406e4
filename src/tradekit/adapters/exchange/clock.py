"""Exchange time: this machine's clock and what the exchange says it is off by.

A machine whose clock is wrong trades all the same. An exchange that contradicts itself is not believed: its time and
the date of the same answer have to agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tradekit.domain.errors import Problem, Unreachable

_EARLIEST: Final = 1_704_067_200_000  # 2024: no answer can be older than the program
_AGREEMENT_MS: Final = 60_000


class ExchangeClock:
    """Implements `Clock` over `wall` (milliseconds), `sleep` (takes milliseconds) and a question for signals."""

    def __init__(self, wall: Callable[[], int], sleep: Callable[[int], None], must_stop: Callable[[], bool]) -> None:
        self.wall = wall
        self._sleep = sleep
        self._must_stop = must_stop
        self.skew_ms = 0

    def now(self) -> int:
        """Milliseconds since 1970, by the exchange."""
        return self.wall() + self.skew_ms

    def sleep(self, ms: int) -> None:
        """Returns once `now` is `ms` later, or earlier when a signal asks the run to stop."""
        self._sleep(ms)

    def must_stop(self) -> bool:
        """Whether a signal asked the run to end."""
        return self._must_stop()

    def set(self, server_ms: int, step_ms: int, date_ms: int | None, asked_ms: int, answered_ms: int) -> None:
        """Takes over the time of an answer that was asked for and came at these times of this machine's clock.

        An exchange that tells its time in steps (`step_ms`) corrects this clock only as far as it must: a clock that
        is right stays as it is, so that two runs agree about what came first. Raises `Unreachable` where the time
        can't be right.
        """
        if server_ms < _EARLIEST or (date_ms is not None and abs(server_ms - date_ms) > _AGREEMENT_MS):
            message = f"the exchange says that it is {server_ms} ms since 1970, and its answer is dated {date_ms}"
            raise Unreachable(Problem("exchange_time", message, "nothing is traded until both agree; try again later"))
        here = (asked_ms + answered_ms) // 2
        self.skew_ms = min(max(here, server_ms), server_ms + step_ms - 1) - here
