"""The exchange of one kill case: an account in a process of its own, whose time is shared and whose memory is a file.

It outlives every run of tradekit and is never killed. Time moves when somebody sleeps, and a little with each request.
"""

from __future__ import annotations

import mmap
import os
import pickle
import re
import signal
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from threading import RLock
from typing import Any, Final, NamedTuple

from engine import Engine, HeldOrder, HeldTrade
from faults import Faults
from rig import DIALECTS, KEYS, Rig
from wire import ExchangeServer, Request

REQUEST_MS: Final = 5
KEPT: Final = ("listings", "totals", "touches", "orders", "trades", "strangers", "accepted", "asked", "habits", "plans")
Habits = Mapping[str, tuple[tuple[Any, ...], ...]]


class SharedTime:
    """Milliseconds that all processes forked from this one share. Sleeping moves them.

    They are written in one piece (`struct.pack_into` writes zeros first, which another process may read).
    """

    def __init__(self) -> None:
        self._shared = memoryview(mmap.mmap(-1, 8)).cast("q")

    def set(self, ms: int) -> None:
        self._shared[0] = ms

    def now(self) -> int:
        return self._shared[0]

    def sleep(self, ms: int) -> None:
        self.set(self.now() + ms)


@dataclass
class Market(Engine):
    """An engine with habits: what happens to an asset so many milliseconds after each order for it was taken.

    `("fill", SHARE)` trades that share of the order, `("move", BID, ASK)` moves the touch. `asked` counts all sends,
    those that were refused too.
    """

    habits: Habits = field(default_factory=dict)
    plans: list[tuple[int, int, tuple[Any, ...]]] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)

    def place(
        self, client_id: str, symbol: str, side: str, kind: str, amount: Decimal, price: Decimal, *, expires: int = 0
    ) -> HeldOrder:
        with self.lock:
            self.asked[client_id] += 1
            order = super().place(client_id, symbol, side, kind, amount, price, expires=expires)
            for ms, *what in self.habits.get(self.listings[symbol].base, ()):
                self.plans.append((self.now() + ms, order.number, tuple(what)))
            return order

    def run_due(self) -> None:
        super().run_due()
        with self.lock:
            now = self.now()
            due = sorted(plan for plan in self.plans if plan[0] <= now)
            self.plans = [plan for plan in self.plans if plan[0] > now]
            for _, number, (verb, *words) in due:
                order = self.orders[number - 1]
                if verb == "move":
                    self.move(order.symbol, *words)
                elif order.status == "open":
                    self._trade(order, order.amount * Decimal(words[0]))

    def _trade(self, order: HeldOrder, wanted: Decimal) -> None:
        step = self.listings[order.symbol].step
        part = min(order.remaining, wanted // step * step)
        if part:
            self.fill(order, part)


class World(NamedTuple):
    """What is left of an exchange between two cases."""

    name: str
    now: int
    kept: dict[str, Any]

    @staticmethod
    def of(rig: Rig, habits: Habits) -> World:
        """The world of a rig, whose inhabitants take up habits."""
        engine = rig.engine
        kept = {name: getattr(engine, name) for name in KEPT if hasattr(engine, name)}
        return World(rig.name, engine.now(), {**kept, "habits": habits})

    @staticmethod
    def load(path: Path) -> World:
        with path.open("rb") as file:
            world: World = pickle.load(file)
        return world

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            pickle.dump(self, file)

    @property
    def totals(self) -> dict[str, Decimal]:
        """What it holds for us, without what is nothing."""
        return {asset: total for asset, total in self.kept["totals"].items() if total}

    @property
    def orders(self) -> list[HeldOrder]:
        found: list[HeldOrder] = self.kept["orders"]
        return found

    @property
    def trades(self) -> list[HeldTrade]:
        found: list[HeldTrade] = self.kept["trades"]
        return found

    @property
    def asked(self) -> Counter[str]:
        """How often each client order id was sent."""
        return Counter(self.kept.get("asked", ()))


def world_of(home: Path) -> Path:
    """The file beside a live home that holds its exchange."""
    return home.with_name(f"{home.name}.world")


def listen() -> socket.socket:
    """A socket that waits for clients."""
    return socket.create_server(("127.0.0.1", 0), backlog=64)


def move_in(home: Path, listener: socket.socket) -> None:
    """Makes a home, and what it remembers of its exchange, look for it where it is now."""
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    for path in (home / "policy.toml", *(home / "exchange_cache").glob("markets-*")):
        path.write_text(re.sub(r"127\.0\.0\.1:[0-9]+", address, path.read_text()))


@contextmanager
def hosted(path: Path, time: SharedTime, listener: socket.socket) -> Iterator[Host]:
    """The world in a file comes to life while the block runs, and goes back into the file."""
    world = World.load(path)
    time.set(world.now)
    asking, asked = os.pipe()
    answering, answered = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            os.close(asked)
            _serve(world, path, time, listener, asking, answered)
        finally:
            os._exit(0)
    os.close(asking)
    os.close(answered)
    try:
        yield Host(asked, answering)
    finally:
        Host(asked, answering).tell(b"end")
        os.waitpid(child, 0)
        os.close(asked)
        os.close(answering)


class Host(NamedTuple):
    """A living world, to its other side."""

    asked: int
    answering: int

    def drain(self) -> None:
        """Waits until everything is done that dead clients have sent."""
        self.tell(b"all")

    def tell(self, word: bytes) -> None:
        os.write(self.asked, word)
        os.read(self.answering, 1)


class _Timed(ExchangeServer):
    """A server on which each request takes its time."""

    clock: SharedTime

    def handle(self, request: Request) -> Any:
        self.clock.sleep(REQUEST_MS)
        self.dialect.engine.run_due()
        return super().handle(request)


def _serve(world: World, path: Path, time: SharedTime, listener: socket.socket, asking: int, answered: int) -> None:
    engine = Market(time.now, **world.kept, lock=RLock())
    key, secret = KEYS[world.name]
    server = _Timed(DIALECTS[world.name](engine, Faults(), key, secret), listener=listener)
    server.clock = time
    with server:
        while word := os.read(asking, 3):
            server.drain()
            if word == b"end":
                kept = {name: getattr(engine, name) for name in KEPT}
                World(world.name, time.now(), kept).save(path)
            os.write(answered, b".")
            if word == b"end":
                os._exit(0)
