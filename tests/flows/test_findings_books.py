"""What reviewers found in the books: each of these made them differ from the exchange, or forgot what was sent."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from books_world import DAY, HOUR, BooksWorld, DamagedFiles
from desk import buy, market, policy
from tradekit.adapters.journal_index import FileIndex
from tradekit.adapters.store.memory_store import MemoryStore
from tradekit.adapters.store.record_line import Line, Position
from tradekit.domain.account import Balance
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.event import OrderIntended, ProposalsConsumed
from tradekit.domain.proposal import Side
from tradekit.domain.state import State
from tradekit.flows.reconcile_fills import Wanted, reconcile_fills
from tradekit.flows.restore import restore
from tradekit.steps.desk import Desk

D = Decimal


class Indexed(BooksWorld):
    """A world whose index is the real one, over the events that its store still has."""

    def __init__(self, folder: Path, **given: Any) -> None:
        self.folder = folder
        super().__init__(**given)

    def desk(self, **given: Any) -> Desk:
        desk = super().desk(**given)
        desk.index = FileIndex(self.folder / "journal.sqlite3", self._lines)
        return desk

    def _lines(self, after: Position) -> Iterator[Line]:
        if after.seq and after.seq < self.store._begin:
            raise NeedsHuman(Problem("journal_damaged", "the journal begins later", "restore"))
        for record in self.store.records:
            if record.seq > after.seq:
                yield Line(record, Position(1, 1, record.seq, "h"))


class OlderState(DamagedFiles):
    """Goes back to an older state, the journal's beginning being lost or not."""

    def __init__(self, world: BooksWorld, older: State, *, lost: bool) -> None:
        super().__init__(world.store)
        self._older, self._lost = older, lost

    def old_state(self, name: str) -> State:
        return self._older

    def load_newest_whole(self) -> Any:
        if self._lost:
            self._store.begin_anew()
        return self._store.load()


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_the_accounts_own_currency_can_be_traded_too(side: Side) -> None:
    world = BooksWorld(TRY="5000")
    world.exchange.markets["USDT/TRY"] = market("USDT/TRY")._replace(base="USDT", quote="TRY")
    world.cycle()
    world.clock.advance(60_000)
    world.by_hand("USDT/TRY", side, "100", "40")
    report = world.reconcile("USDT/TRY")
    assert (world.differences(), report.exit_code) == ({}, 0)


def test_nothing_is_recorded_of_what_traded_a_moment_ago() -> None:
    world = BooksWorld(policy(account={"managed": ["BTC"]}))
    world.cycle()
    world.by_hand("BTC/USDT", Side.BUY, "0.1", "100")
    world.cycle()
    stale = dict(world.exchange.totals)
    world.by_hand("BTC/USDT", Side.SELL, "0.05", "100")
    world.clock.advance(3000)
    fresh = world.exchange._balances
    world.exchange._balances = lambda: {asset: Balance(asset, total, total) for asset, total in stale.items()}  # type: ignore[method-assign]
    report = world.reconcile(record=("BTC", "USDT"))
    assert (report.recorded, {problem.code for problem in report.problems} >= {"not_recorded"}) == ((), True)
    world.exchange._balances = fresh  # type: ignore[method-assign]
    world.clock.advance(60_000)
    assert (world.reconcile().exit_code, world.differences()) == (0, {})


@pytest.mark.parametrize("late_ms", [0, 300_000])
def test_a_trade_that_is_listed_late_leaves_the_peak_of_a_trailing_stop(late_ms: int) -> None:
    exits = {"take_profit_pct": 0, "stop_loss_pct": 10, "trailing_stop_pct": 5, "max_hold_hours": 0}
    world = BooksWorld(policy(account={"managed": ["BTC"]}, exits=exits))
    world.cycle()
    world.by_hand("BTC/USDT", Side.BUY, "0.5", "100", listed_after=late_ms)
    world.clock.advance(1000)
    world.by_hand("BTC/USDT", Side.BUY, "0.5", "100")
    world.cycle()
    for bid, cycles in (("120", 1), ("116", 5), ("113", 1)):
        world.exchange.set_quote("BTC/USDT", bid, f"{bid}.1")
        for _ in range(cycles):
            world.cycle()
    assert [intent.side for intent in world.exchange.sent] == [Side.SELL], "113 is 5.8 % below the peak"


def test_a_dry_run_books_no_trade_twice() -> None:
    """More of them than the state remembers, and a difference that makes it ask for them again."""
    world = BooksWorld()
    world.cycle()
    world.clock.advance(HOUR)
    for _ in range(70):
        world.by_hand("ETH/USDT", Side.BUY, "0.1", "50")
        world.clock.advance(1000)
    world.exchange.totals["ETH"] += D("0.01")
    desk = world.desk(dry_run=True, store=MemoryStore(world.store))
    report = reconcile_fills(desk, Wanted(("ETH/USDT",)))
    assert {row.asset: row.rest for row in report.proof if row.rest} == {"ETH": D("0.01")}


@pytest.mark.parametrize("cache_kept", [True, False])
def test_a_proposal_stays_consumed_when_the_journal_lost_its_beginning(tmp_path: Path, cache_kept: bool) -> None:
    world = Indexed(tmp_path)
    world.cycle()
    world.fills_at_once()
    world.cycle(buy("BTC/USDT", amount="0.3", id="signal-1"))
    world.cycle()
    world.lose_journal(*(record for record in world.store.records if isinstance(record.event, OrderIntended)))
    world.cycle()
    desk = world.desk()
    desk.record(ProposalsConsumed({f"later-{number}": "x" for number in range(1000)}))
    desk.save()
    world.clock.advance(2 * DAY)
    for number in range(52):
        world.cycle(buy("ETH/USDT", amount="0.2", id=f"o{number}"))
    if not cache_kept:
        (tmp_path / "journal.sqlite3").unlink()
    report = world.cycle(buy("BTC/USDT", amount="0.3", id="signal-1"))
    assert (report.repeated, report.decisions) == (("signal-1",), ())


@pytest.mark.parametrize("lost", [False, True])
def test_older_books_take_no_trade_twice_when_the_journal_lost_its_beginning(tmp_path: Path, lost: bool) -> None:
    world = Indexed(tmp_path, policy_=policy(account={"managed": ["ETH"]}))
    world.cycle()
    for number in range(90):
        world.by_hand("ETH/USDT", Side.BUY, "0.01", "50")
        world.clock.advance(1000)
        if number % 30 == 29:
            world.cycle()
    world.cycle()
    older = world.state
    world.by_hand("ETH/USDT", Side.BUY, "0.2", "50")
    world.cycle()
    restore(OlderState(world, older, lost=lost), "older")
    world.cycle()
    assert world.differences() == {}
    world.exchange.totals["ETH"] += D(1)  # now trades of a whole day are asked for
    world.cycle()
    assert {asset: abs(rest) for asset, rest in world.differences().items()} == {"ETH": D(1)}
