"""One whole cycle on a disk that forgets: after a power cut at any step, what was acknowledged is still there."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from account_files import FOLDER, STAMP, START_TIME, continued, finished, store
from memory_disk import MemoryDisk, Step, power_cuts
from tradekit.adapters.journal_index import FileIndex
from tradekit.adapters.paper.setup import PaperSetup
from tradekit.adapters.paper.world import PaperWorld
from tradekit.adapters.policy_file import load_policy
from tradekit.adapters.store.account_store import AccountStore
from tradekit.decide.fold import fold, replay
from tradekit.domain.event import Event, OrderIntended, Record
from tradekit.domain.order import Order
from tradekit.domain.proposal import Amount, Notional, Origin, Proposal, Side
from tradekit.domain.state import State
from tradekit.flows.cycle import Wanted, cycle
from tradekit.steps.desk import Desk

SETUP = PaperSetup(
    "USDT", {"USDT": Decimal(1000), "BTC": Decimal("0.002")}, Decimal("0.006"), Decimal("0.012"), latency_ms=300
)

POLICY = load_policy(None).policy


class Acknowledging(AccountStore):
    """The real store, which also notes after how many steps of the disk each record was acknowledged."""

    def __init__(self, disk: MemoryDisk, records: list[tuple[int, Record]]) -> None:
        disk.make_folder(FOLDER)
        super().__init__(disk, FOLDER, STAMP, may_write=True, segment_bytes=2500)
        self._memory = disk
        self._acknowledged = records

    def append(self, events: Sequence[Event], time: int, *, reduces_risk: bool) -> tuple[Record, ...]:
        records = super().append(events, time, reduces_risk=reduces_risk)
        self._acknowledged += [(len(self._memory.steps), record) for record in records]
        return records


class Silent:
    def recorded(self, record: Record, before: State, after: State) -> None: ...

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None: ...


def proposal(id: str, symbol: str, side: Side) -> Proposal:
    size = Notional(Decimal(40)) if side is Side.BUY else Amount(Decimal("0.001"))
    return Proposal(id, symbol, side, size, Decimal("0.9"), "proof", Origin.EXTERNAL)


class Recorded:
    """The trace of two cycles: the opening of the account with a buy, then a sale and another buy."""

    def __init__(self) -> None:
        self.disk = MemoryDisk()
        self.acknowledged: list[tuple[int, Record]] = []
        with PaperWorld.scratch(Path("/nowhere/paper.sqlite3"), SETUP) as world:
            for wanted in (
                (proposal("a", "ETH/USDT", Side.BUY),),
                (proposal("b", "BTC/USDT", Side.SELL), proposal("c", "SOL/USDT", Side.BUY)),
            ):
                world.begin_run(120_000)
                at = Acknowledging(self.disk, self.acknowledged)
                index = FileIndex(Path("/nowhere/journal.sqlite3"), at.lines)
                desk = Desk(POLICY, world.exchange, world.clock, at, index, Silent(), State(STAMP), "proof")
                desk.load()
                cycle(desk, Wanted(wanted))
        self.records = [record for _, record in self.acknowledged]

    @property
    def steps(self) -> list[Step]:
        return self.disk.steps


@pytest.fixture(scope="module")
def recorded() -> Recorded:
    return Recorded()


def test_the_recorded_cycles_send_buys_and_a_sale_over_several_segments(recorded: Recorded) -> None:
    sent = [record.event.intent.side for record in recorded.records if isinstance(record.event, OrderIntended)]
    assert {*sent} == {Side.BUY, Side.SELL}
    assert len(recorded.disk.names(FOLDER / "journal")) > 2
    assert len(recorded.steps) > 80


def test_a_power_cut_after_any_step_loses_nothing_that_was_acknowledged(recorded: Recorded) -> None:
    folds = [State(STAMP)]
    for record in recorded.records:
        folds.append(fold(folds[-1], record))
    looked_at = 0
    for count in range(len(recorded.steps) + 1):
        acknowledged = max((record.seq for step, record in recorded.acknowledged if step <= count), default=0)
        for words, disk in power_cuts(recorded.steps[:count]):
            where = f"after step {count} {recorded.steps[:count][-1:]}: {words}"
            loaded = store(disk, may_write=False).load()
            state = State(STAMP) if loaded.state is None else replay(loaded.state, loaded.tail)
            assert state == folds[state.seq], where
            assert state.seq >= acknowledged, where
            looked_at += 1
    assert looked_at > 500


def test_after_a_power_cut_the_next_run_goes_on_and_survives_another_one(recorded: Recorded) -> None:
    """The second cut comes at each step of the repair; every seventh of the first ones is enough to see all forms."""
    cuts = [cut for count in range(0, len(recorded.steps), 3) for cut in power_cuts(recorded.steps[:count])]
    for words, first in cuts[::7]:
        before = continued(store(first.copy())).seq
        running = first.copy()
        at = store(running)
        at.save(replay(continued(at), at.append([finished(START_TIME)], START_TIME, reduces_risk=True)))
        assert store(running).verify().records == before + 1, words
        for count in range(0, len(running.steps) + 1, 4):
            for again, disk in power_cuts(running.steps[:count], first.copy()):
                assert continued(store(disk)).seq in (before, before + 1), f"{words}, then {again}"
                store(disk).verify()


def test_a_run_after_a_kill_builds_only_on_what_a_power_cut_cannot_take_away(recorded: Recorded) -> None:
    """A killed process leaves unsynced data that the next run sees: that run must not trust it before it syncs it."""
    for count in range(len(recorded.steps) + 1):
        killed = MemoryDisk()
        for step in recorded.steps[:count]:
            killed.repeat(step)
        at = store(killed, segment_bytes=2500)
        state = replay(continued(at), at.append([finished(START_TIME)], START_TIME, reduces_risk=True))
        for words, disk in power_cuts(killed.steps):
            assert continued(store(disk)) == state, f"killed after step {count}, then {words}"
        at.save(state)
        for words, disk in power_cuts(killed.steps):
            assert continued(store(disk)) == state, f"killed after step {count}, then {words}"
            store(disk).verify()
