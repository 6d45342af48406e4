"""Virtual time, and the border of the process: everything that leaves it can be the last thing that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

START = 1_700_000_000_000
MINUTE = 60_000


class Crash(BaseException):
    """The process dies here. Nothing in tradekit may catch it."""


class Effects:
    """All that leaves the process, in order. Each has a point before it happens and one before it is answered."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.points = 0
        self.die_at: frozenset[int] = frozenset()

    @contextmanager
    def effect(self, name: str) -> Iterator[None]:
        self._point(f"before {name}")
        yield
        self.log.append(name)
        self._point(f"after {name}")

    def _point(self, what: str) -> None:
        self.points += 1
        if self.points in self.die_at:
            raise Crash(what)


class FakeClock:
    """Virtual time with an agenda. `stop_at` is when a signal asks the run to end."""

    def __init__(self) -> None:
        self._now = START
        self._agenda: list[tuple[int, int, Callable[[], object]]] = []
        self._entries = 0
        self.stop_at: int | None = None

    def now(self) -> int:
        return self._now

    def sleep(self, ms: int) -> None:
        if not self.must_stop():
            self.advance(ms if self.stop_at is None else min(ms, self.stop_at - self._now))

    def must_stop(self) -> bool:
        return self.stop_at is not None and self._now >= self.stop_at

    def advance(self, ms: int) -> None:
        until = self._now + ms
        while due := [entry for entry in self._agenda if entry[0] <= until]:
            entry = min(due)
            self._agenda.remove(entry)
            self._now = max(self._now, entry[0])
            entry[2]()
        self._now = until

    def after(self, ms: int, action: Callable[[], object]) -> None:
        self._entries += 1
        self._agenda.append((self._now + ms, self._entries, action))
