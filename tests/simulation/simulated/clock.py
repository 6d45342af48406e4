"""Time in a simulated world: an agenda of what happens when, and the clock of a process in it."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Agenda:
    """The true time in milliseconds, and what is going to happen. `moved` hears of every step of time."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.moved: Callable[[int], object] = lambda _: None
        self._entries: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0

    def after(self, ms: int, action: Callable[[], object]) -> None:
        """Something happens so many milliseconds from now."""
        self._count += 1
        heapq.heappush(self._entries, (self.now + ms, self._count, action))

    def advance(self, ms: int) -> None:
        """Time passes, and what is due happens in its order."""
        until = self.now + max(ms, 0)
        while self._entries and self._entries[0][0] <= until:
            due, _, action = heapq.heappop(self._entries)
            self._step_to(due)
            action()
        self._step_to(until)

    def _step_to(self, time: int) -> None:
        passed = time - self.now
        if passed > 0:
            self.now = time
            self.moved(passed)


class SimulatedClock:
    """Implements `Clock` for one process: the exchange's time, known up to `skew_ms`.

    At `stop_at` (true time) a signal asks the run to end.
    """

    def __init__(self, agenda: Agenda, skew_ms: int = 0, stop_at: int | None = None) -> None:
        self._agenda = agenda
        self._skew_ms = skew_ms
        self._stop_at = stop_at

    def now(self) -> int:
        """See `Clock.now`."""
        return self._agenda.now + self._skew_ms

    def sleep(self, ms: int) -> None:
        """See `Clock.sleep`."""
        if not self.must_stop():
            self._agenda.advance(ms if self._stop_at is None else min(ms, self._stop_at - self._agenda.now))

    def must_stop(self) -> bool:
        """See `Clock.must_stop`."""
        return self._stop_at is not None and self._agenda.now >= self._stop_at
