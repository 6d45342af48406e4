"""A paper world: one ledger, one feed and a clock that costs nothing. World time never goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

from tradekit.adapters.paper.exchange import PaperExchange
from tradekit.adapters.paper.floor import Floor
from tradekit.adapters.paper.ledger import Ledger
from tradekit.adapters.paper.recording import Recording
from tradekit.adapters.paper.setup import PaperSetup
from tradekit.adapters.paper.tape import Feed
from tradekit.domain.ports import Clock

LEDGER_NAME: Final = "paper.sqlite3"
BEGINNING: Final = 1_723_161_600_000
"""2024-08-09T00:00:00Z: where every fresh world starts."""


class PaperClock:
    """Implements `Clock` on world time."""

    def __init__(self, start: int, must_stop: Callable[[], bool]) -> None:
        self._now = start
        self._must_stop = must_stop

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._now

    def sleep(self, ms: int) -> None:
        """Moves world time on at once."""
        self._now += max(ms, 0)

    def must_stop(self) -> bool:
        """Whether a signal asked the run to end. Sleeping costs nothing, so nothing is cut short by it."""
        return self._must_stop()


class PaperWorld:
    """The paper exchange of one account, with its clock. Close it, or use it in a `with` statement.

    `path` names the ledger file, whose folder exists. Where there is no file a ledger is created, unless `must_exist`.
    Raises `NeedsHuman` for a ledger that is missing, damaged or in another quote currency.
    """

    clock: Clock
    exchange: PaperExchange
    _ledger: Ledger
    _feed: Feed
    _floor: Floor

    def __init__(
        self,
        path: Path,
        setup: PaperSetup,
        *,
        must_exist: bool = False,
        must_stop: Callable[[], bool] = lambda: False,
        feed: Feed | None = None,
    ) -> None:
        self._open(Ledger.at(path, setup, BEGINNING, must_exist=must_exist), setup, must_stop, feed)

    @classmethod
    def scratch(
        cls,
        path: Path,
        setup: PaperSetup,
        *,
        must_stop: Callable[[], bool] = lambda: False,
        feed: Feed | None = None,
    ) -> PaperWorld:
        """A private copy that can do everything and leaves no trace; a fresh world where there is no ledger."""
        world = cls.__new__(cls)
        world._open(Ledger.copied(path, setup, BEGINNING), setup, must_stop, feed)
        return world

    def _open(self, ledger: Ledger, setup: PaperSetup, must_stop: Callable[[], bool], feed: Feed | None) -> None:
        self._ledger = ledger
        self._feed = feed if feed is not None else Recording()
        self._floor = Floor(ledger, self._feed, setup)
        self.clock = PaperClock(int(ledger.meta("time")), must_stop)
        self.exchange = PaperExchange(ledger, self._feed, setup, self._floor, self._moment)

    def begin_run(self, interval_ms: int) -> None:
        """Moves the world to the start of the next cycle.

        That is one interval after the start of the one before, or the next whole interval after it that is not past.
        """
        with self._ledger.transaction():
            before = self._ledger.meta("cycle_start")
            if before:
                intervals = max(1, -(-(self.clock.now() - int(before)) // interval_ms))
                start = int(before) + intervals * interval_ms
                self.clock.sleep(start - self.clock.now())
            # open orders are matched with the first answer; only the time itself must not be given out twice
            self._ledger.set_meta("cycle_start", str(self.clock.now()))

    def deposit(self, asset: str, amount: Decimal) -> None:
        """Money from outside; negative for a withdrawal."""
        with self._moment(0) as now:
            self._ledger.flow(now, asset, amount, "deposit")

    def totals(self) -> dict[str, Decimal]:
        """What the exchange holds for us, by asset."""
        return self._ledger.totals()

    def flows(self) -> dict[str, Decimal]:
        """All money that came from outside, by asset, the opening balances included."""
        return self._ledger.flows()

    def close(self) -> None:
        """Keeps the world time and gives the files back."""
        with self._moment(0):
            pass
        self._ledger.close()
        if isinstance(self._feed, Recording):
            self._feed.close()

    def __enter__(self) -> PaperWorld:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _moment(self, latency_ms: int) -> Iterator[int]:
        with self._ledger.transaction():
            self.clock.sleep(latency_ms)
            start, now = int(self._ledger.meta("time")), self.clock.now()
            if now > start:
                self._floor.advance(start, now)
                self._ledger.set_meta("time", str(now))
            yield now
