"""The border of a simulated process: everything that leaves it is counted, and can be the last thing that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Death(BaseException):
    """The process dies here. Nothing may catch it."""


class Border:
    """Counts effects from 1 in each process. At `die_at` the process dies before the effect; 0: it lives.

    `meanwhile` maps effect numbers to what somebody else does at that moment. `tell` hears every effect.
    """

    def __init__(self) -> None:
        self.count = 0
        self.die_at = 0
        self.meanwhile: dict[int, Callable[[], object]] = {}
        self.tell: Callable[[str], object] | None = None

    def effect(self, name: str, what: str = "") -> None:
        """Called right before something leaves the process. Raises `Death`."""
        self.count += 1
        if self.tell is not None:
            self.tell(f"{name} {what}")
        if self.count == self.die_at:
            raise Death(name)
        if self.count in self.meanwhile:
            self.meanwhile.pop(self.count)()

    @contextmanager
    def other_process(self, die_at: int = 0) -> Iterator[None]:
        """Another process has the border to itself."""
        kept = (self.count, self.die_at, self.meanwhile)
        self.count, self.die_at, self.meanwhile = 0, die_at, {}
        try:
            yield
        finally:
            self.count, self.die_at, self.meanwhile = kept
