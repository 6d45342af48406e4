"""A clock that also knows when the run was asked to end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Ticking(Protocol):
    """The time of an exchange, real or virtual, in milliseconds since 1970."""

    def now(self) -> int:
        """The time."""
        ...

    def sleep(self, ms: int) -> None:
        """Lets time pass."""
        ...


class StoppableClock:
    """Implements `Clock` on any time and a flag that a signal sets. It does not sleep once the flag is set."""

    def __init__(self, time: Ticking, must_stop: Callable[[], bool]) -> None:
        self._time = time
        self._must_stop = must_stop

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._time.now()

    def sleep(self, ms: int) -> None:
        """Lets `ms` pass, unless the run has to end."""
        if not self._must_stop():
            self._time.sleep(ms)

    def must_stop(self) -> bool:
        """Whether a signal asked for the end."""
        return self._must_stop()
