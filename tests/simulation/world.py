"""A simulated world with one account: runs of tradekit begin, end and die in it, one after the other.

The flows, the decisions, the store and the lock are the real ones. What comes in through the desk is simulated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from scene import STAMP, START, draw_policy, draw_venue
from simulated.border import Border, Death
from simulated.clock import Agenda, SimulatedClock
from simulated.counter import Counter
from simulated.system import SimulatedSystem
from simulated.wire import Wire
from story import words_of
from tradekit.adapters.journal_index import FileIndex
from tradekit.adapters.store.account_store import HALT, AccountStore
from tradekit.adapters.store.disk import RealDisk
from tradekit.adapters.store.lock import AccountLock
from tradekit.adapters.store.memory_store import MemoryStore
from tradekit.domain.errors import BadInput, Busy, NeedsHuman, TradekitError, Unreachable
from tradekit.domain.event import OrderFinal, Record
from tradekit.domain.hold import HoldCode
from tradekit.domain.order import Closed, Order
from tradekit.domain.policy.sections import Policy
from tradekit.domain.state import State
from tradekit.steps.desk import Desk
from truth import Broken, Truth

FOLDER: Final = Path("/home/main/paper")
HORIZONS: Final = (60_000, 300_000, 900_000)
SEGMENT_BYTES: Final = 5_000  # small files, so that they are rotated within a schedule
DUSTY: Final = 0.2
_DISK_CODES: Final = frozenset({"disk_full", "write_failed", "disk_error"})


class _Store(AccountStore):
    """The real store on the simulated disk, in small files."""

    def __init__(self, world: World, *, may_write: bool) -> None:
        super().__init__(RealDisk(world.system), FOLDER, STAMP, may_write=may_write, segment_bytes=SEGMENT_BYTES)
        self._world = world


class _Watcher:
    """Tells the story's events, and remembers the newest state that was acknowledged."""

    def __init__(self, world: World) -> None:
        self._world = world

    def recorded(self, record: Record, before: State, after: State) -> None:
        truth = self._world.truth
        if truth.acknowledged is None or after.seq > truth.acknowledged.seq:
            truth.acknowledged = after
        if isinstance(record.event, OrderFinal):
            order = after.orders[record.event.client_order_id]
            given_up = any(h.code is HoldCode.FILLS_MISSING and h.reference == order.id for h in after.holds)
            if isinstance(order.state, Closed) and not given_up:  # else a person was told that trades are missing
                truth.closed(order)
        self._world.tell(lambda: f"    #{record.seq} {words_of(record.event)}")

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        pass


class World:
    """Everything of one seed. `lock` is a real file: the lock is the kernel's."""

    def __init__(self, seed: int, lock: Path, *, telling: bool = False) -> None:
        self.luck = Random(f"{seed} schedule")
        self.border = Border()
        self.agenda = Agenda(START)
        self.system = SimulatedSystem(self.border, Random(f"{seed} disk"))
        self.sweeps = Random(f"{seed} crumbs")
        self.dusty = self.sweeps.random() < DUSTY
        self.venue = draw_venue(self.agenda, Random(f"{seed} venue"), dusty=self.dusty)
        self.breaks_its_word = self.luck.random() < 0.1  # an exchange that hides orders for longer than it promises
        horizon = HORIZONS[0] if self.breaks_its_word else self.luck.choice(HORIZONS)
        self.truth = Truth(self.system, self.venue, self.border, horizon)
        self.counter = Counter(self.venue, self.border, Random(f"{seed} counter"), self.truth, horizon)
        self.wire = Wire(self.venue, self.counter, self.border, Random(f"{seed} wire"), self.truth, horizon)
        self.truth.is_hidden = self.wire.hides
        self.truth.told_free = self.wire.told_free
        if self.breaks_its_word:
            self.venue.habits.trades_name_our_id = True  # an adapter finds the order behind a trade
            self.wire.longest_lag_ms, self.wire.very_late_share = 2 * horizon, 0.5
        self.policy = self.new_policy()
        self.lock = lock
        self.deepest = 40
        self.last_died = False
        self.traded_by_hand: set[str] = set()
        self.transferred: set[str] = set()
        self.runs: dict[str, int] = {}
        self.trace = hashlib.sha256()
        self.story: list[str] = []
        self._telling = telling
        RealDisk(self.system).make_folder(FOLDER)
        self.border.tell = self._effect

    def new_policy(self, method: str = "") -> Policy:
        """Another policy by chance. Books keep their cost `method`."""
        return draw_policy(self.luck, method, self.sweeps if self.dusty else None)

    def tell(self, words: Callable[[], str]) -> None:
        """A line for the story, if anybody listens."""
        if self._telling:
            self.story.append(words())

    def run(
        self, name: str, flow: Callable[[Desk], object], *, die_at: int = 0, meanwhile: int = 0, stop_after: int = 0
    ) -> str:
        """One process: it takes the lock, loads, runs a flow, and ends one way or another. Tells which.

        `meanwhile`: at this effect a second run comes along. `stop_after`: a signal comes so many milliseconds later.
        """
        self.truth.run += 1
        self.border.count, self.border.die_at, self.border.meanwhile = 0, die_at, {}
        if meanwhile:
            self.border.meanwhile[meanwhile] = self._meanwhile
        stop_at = self.agenda.now + stop_after if stop_after else None
        clock = SimulatedClock(self.agenda, self.luck.choice((0, 0, -300, 300)), stop_at)
        self.tell(lambda: f"run {self.truth.run}: {name}")
        self.truth.policy = self.policy
        try:
            with self._locked():
                desk = self._desk(clock)
                desk.load()
                self.truth.is_recovered(desk.state)
                flow(desk)
            ended = "done"
        except Death as death:
            ended = f"died at effect {self.border.count} ({death})"
        except Unreachable:
            ended = "unreachable"
        except BadInput as fault:  # a market is halted, and an asset that was named is not known without it
            ended = f"not understood: {fault}"
        except NeedsHuman as fault:
            if not {problem.code for problem in fault.problems} <= _DISK_CODES or not self._disk_is_bad():
                raise Broken(6, f"a run stops for a human: {fault}") from fault
            ended = f"refused by the disk: {fault}"
        self.border.die_at, self.border.meanwhile = 0, {}
        self.deepest = max(self.border.count + 3, 20)
        self.runs[ended.partition(" ")[0]] = self.runs.get(ended.partition(" ")[0], 0) + 1
        self.tell(lambda: f"  {ended}")
        self.trace.update(ended.encode())
        self.last_died = ended.startswith("died")
        if self.last_died:
            self._after_death()
        return ended

    def look(self, flow: Callable[[Desk], object]) -> None:
        """A run without the lock that only looks: it must change nothing, whatever a writer is doing."""
        before = self.system.everything()
        self.truth.reads_only = True
        store = AccountStore(RealDisk(self.system), FOLDER, STAMP, may_write=False, segment_bytes=SEGMENT_BYTES)
        try:
            desk = self._desk(SimulatedClock(self.agenda), store=MemoryStore(store), dry_run=True)
            desk.load()
            if desk.state.is_opened:
                flow(desk)
        except Unreachable:
            pass
        finally:
            self.truth.reads_only = False
        if self.system.everything() != before:
            raise Broken(9, "a run that only looks changed the files")

    def state(self) -> State:
        """What a run that begins now would find."""
        store = AccountStore(RealDisk(self.system), FOLDER, STAMP, may_write=False, segment_bytes=SEGMENT_BYTES)
        desk = self._desk(SimulatedClock(self.agenda), store=MemoryStore(store))
        desk.load()
        return desk.state

    def halt(self, *, on: bool) -> None:
        """A person sets or ends the kill switch."""
        path = FOLDER / HALT
        with self.border.other_process(), self._good_disk():
            disk = RealDisk(self.system)
            if on and disk.size(path) is None:
                disk.replace(path, b"")
            elif not on:
                disk.remove(path)
        if on and self.truth.halted_since is None:
            self.truth.halted_since = (self.truth.run, self.border.count)
        elif not on:
            self.truth.halted_since = None
        self.tell(lambda: "    the kill switch is " + ("set" if on else "off"))

    def mend_disk(self) -> None:
        """No faults and room enough."""
        self.system.capacity, self.system.sync_errors, self.system.short_writes = 2**40, 0.0, 0.0

    def store(self) -> AccountStore:
        """The real store for a flow that needs no exchange."""
        return _Store(self, may_write=True)

    def _desk(self, clock: SimulatedClock, store: MemoryStore | None = None, *, dry_run: bool = False) -> Desk:
        files = _Store(self, may_write=store is None)
        watcher = _Watcher(self) if store is None else _Silent()
        index = FileIndex(Path(":memory:"), files.lines)
        return Desk(
            self.policy, self.wire, clock, store or files, index, watcher, State(STAMP), "identity", dry_run, "policy"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with AccountLock(self.lock, 0):
            self.truth.runs_inside += 1
            try:
                yield
            finally:
                self.truth.runs_inside -= 1

    @contextmanager
    def _good_disk(self) -> Iterator[None]:
        """A person tries again until it works."""
        kept = (self.system.capacity, self.system.sync_errors, self.system.short_writes)
        self.mend_disk()
        try:
            yield
        finally:
            self.system.capacity, self.system.sync_errors, self.system.short_writes = kept

    def _meanwhile(self) -> None:
        if self.luck.random() < 0.3:
            self.halt(on=True)
        else:
            self._second_run()

    def _second_run(self) -> None:
        """The minute before takes too long: the next run comes, and a look at the files with it."""
        with self.border.other_process():
            self.tell(lambda: "    a second run comes")
            try:
                with self._locked():
                    raise Broken(8, "two runs are past the lock")
            except Busy:
                self.runs["busy"] = self.runs.get("busy", 0) + 1
            reading = AccountStore(RealDisk(self.system), FOLDER, STAMP, may_write=False, segment_bytes=SEGMENT_BYTES)
            try:
                reading.load()
            except TradekitError as fault:
                raise Broken(6, f"the files can't be read while another run writes: {fault}") from fault

    def _after_death(self) -> None:
        if self.luck.random() < 0.5:
            self.system.kill()
            return
        lost = self.system.cut_power()
        self.tell(lambda: f"  the power was cut: {lost} lost")
        self.trace.update(lost.encode())
        halted = RealDisk(self.system).size(FOLDER / HALT) is not None
        if self.truth.halted_since is not None and not halted:
            raise Broken(7, "a power cut ended a halt")

    def _disk_is_bad(self) -> bool:
        return self.system.sync_errors > 0 or self.system.capacity < 2**40

    def _effect(self, words: str) -> None:
        self.trace.update(words.encode())
        self.tell(lambda: f"      {self.border.count}. {words}")


class _Silent:
    def recorded(self, record: Record, before: State, after: State) -> None:
        pass

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        pass
