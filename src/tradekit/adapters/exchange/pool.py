"""Runs a batch of questions at once: a few threads, each with a ccxt instance of its own, all sharing the markets.

Where private requests must not overtake each other (rising nonces), they share one lane. With one worker everything
runs in turn in the calling thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Lock
from typing import Any, TypeVar

from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.failure import CallFailed, Failure

T = TypeVar("T")


class Pool:
    """`make` opens one more connection; at most `workers` are opened."""

    def __init__(self, make: Callable[[], Connection], workers: int, *, one_lane: bool) -> None:
        self._make = make
        self._workers = workers
        self._one_lane = one_lane
        self._lane = Lock()
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._opened: list[Connection] = []
        self._opening = Lock()
        self._threads: ThreadPoolExecutor | None = None

    @property
    def requests(self) -> int:
        """How many requests this run has sent."""
        return sum(connection.requests for connection in self._opened)

    @property
    def first(self) -> Connection:
        """A connection for what is asked once, while nothing else runs."""
        connection = self._take()
        self._idle.put(connection)
        return connection

    def public(self, task: Callable[[Connection], T]) -> Callable[[], T]:
        """A task that may always run beside others."""
        return lambda: self._with_connection(task)

    def private(self, task: Callable[[Connection], T]) -> Callable[[], T]:
        """A task that signs its requests."""

        def in_lane() -> T:
            with self._lane:
                return self._with_connection(task)

        return in_lane if self._one_lane else self.public(task)

    def run(self, tasks: Sequence[Callable[[], Any]]) -> list[Any]:
        """The results in order; a `Failure` in the place of each task that failed."""
        if self._workers == 1 or len(tasks) < 2:
            return [_caught(task) for task in tasks]
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="exchange")
        return list(self._threads.map(_caught, tasks))

    def share_markets(self, source: Connection) -> None:
        """All connections opened so far know the markets that one of them knows."""
        for connection in self._opened:
            if connection is not source:
                connection.api.set_markets_from_exchange(source.api)
                connection.api.options.update(_market_options(source))

    def close(self) -> None:
        """Waits for what runs, and closes the connections."""
        if self._threads is not None:
            self._threads.shutdown()
            self._threads = None
        for connection in self._opened:
            connection.api.session.close()

    def _with_connection(self, task: Callable[[Connection], T]) -> T:
        connection = self._take()
        try:
            return task(connection)
        finally:
            self._idle.put(connection)

    def _take(self) -> Connection:
        """In one lane the same connection is taken again and again, which keeps it open to the exchange."""
        with self._opening:
            if self._idle.empty() and len(self._opened) < self._workers:
                fresh = self._make()
                if self._opened and self._opened[0].api.markets:
                    fresh.api.set_markets_from_exchange(self._opened[0].api)
                    fresh.api.options.update(_market_options(self._opened[0]))
                self._opened.append(fresh)
                return fresh
        return self._idle.get()


def _market_options(connection: Connection) -> dict[str, Any]:
    """What a class notes down in its options while it reads the markets."""
    return {name: connection.api.options[name] for name in ("marketsByAltname",) if name in connection.api.options}


def _caught(task: Callable[[], T]) -> T | Failure:
    try:
        return task()
    except CallFailed as failed:
        return failed.failure
