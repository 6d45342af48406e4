"""A `World` to try the books in: reconcile, resume, rebuild, restore and backups, each a process of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from desk import FakeStore, World
from fake_exchange import FakeOrder
from tradekit.domain.books import Owner
from tradekit.domain.event import FillBooked, Record
from tradekit.domain.fill import Fill
from tradekit.domain.hold import Hold
from tradekit.domain.ids import ClientOrderId, client_order_id
from tradekit.domain.numbers import ZERO
from tradekit.domain.ports import Generation, Loaded
from tradekit.domain.proposal import Side
from tradekit.domain.state import State
from tradekit.flows.rebuild_positions import RebuildReport, Source, rebuild_positions
from tradekit.flows.reconcile_fills import ReconcileReport, Wanted, reconcile_fills
from tradekit.flows.restore import restore
from tradekit.flows.resume import lift_stops

HOUR = 3_600_000
DAY = 24 * HOUR


class BooksWorld(World):
    """Every word begins a new process, as cron would. `first` is a state for a test to go back to."""

    first: State

    def reconcile(self, *symbols: str, since: int | None = None, record: tuple[str, ...] = ()) -> ReconcileReport:
        """`tradekit reconcile-fills`."""
        return reconcile_fills(self.desk(), Wanted(symbols, since, record))

    def resume(self) -> list[Hold]:
        """`tradekit resume`; tells what it lifted."""
        return list(lift_stops(self.store, self.policy).holds)

    def rebuild(self, source: Source, *, apply: bool = True, **more: Any) -> RebuildReport:
        """`tradekit rebuild-positions`."""
        return rebuild_positions(self.desk(), source, apply=apply, **more)

    def go_back_to(self, older: State) -> None:
        """`tradekit state restore` of the state that this was."""
        restore(_OlderStates(self.store, older), "older")

    def backup(self) -> Any:
        """A copy of the whole home."""
        return copy.deepcopy({name: getattr(self.store, name) for name in _FILES})

    def bring_back(self, home: Any) -> None:
        """The home is what it was at the backup: nobody remembers what came after."""
        for name in _FILES:
            setattr(self.store, name, copy.deepcopy(home[name]))

    def lose_journal(self, *found: Record) -> None:
        """The journal is damaged from its first line on: a restore goes on from the newest state alone. The lines of
        the `found` intents are whole.
        """
        restore(DamagedFiles(self.store, found), None)

    def by_hand(self, symbol: str, side: Side, amount: str, price: str = "100", *, listed_after: int = 0) -> Fill:
        """A trade that somebody made on the same account, listed only after so many milliseconds."""
        before, self.faults.trades_lag_ms = self.faults.trades_lag_ms, listed_after
        self.exchange.trade_elsewhere(symbol, side, amount, price)
        self.faults.trades_lag_ms = before
        return self.exchange.trades[-1][1]

    def lost_order(self, number: int = 1, symbol: str = "BTC/USDT", amount: str = "0.3") -> FakeOrder:
        """An open buy with an id of our form that this journal does not know."""
        return self.exchange.place_elsewhere(symbol, Side.BUY, amount, "99.9", our_id(number))

    def held(self) -> list[tuple[str, str]]:
        """Code and symbol of every hold in force."""
        return [(str(hold.code), hold.symbol) for hold in self.state.holds if not hold.lifted]

    def owners(self) -> dict[str, Owner]:
        """Whose each booked trade is."""
        return {event.fill.trade_id: event.owner for event in self.events(FillBooked)}

    def differences(self) -> dict[str, Decimal]:
        """What the exchange has more than the books, to the last digit."""
        state = self.state
        assets = state.books.tallies.keys() | self.exchange.totals.keys()
        rests = {a: self.exchange.totals.get(a, ZERO) - state.books.total(a) for a in assets}
        return {asset: rest for asset, rest in rests.items() if rest}

    def check(self) -> None:
        """Each trade is booked exactly once, books equal balances, and one more reconcile changes nothing."""
        booked = [(e.fill.symbol, e.fill.trade_id) for e in self.events(FillBooked)]
        assert len(booked) == len(set(booked)), "a trade was booked twice"
        self.check_quiet()

    def check_quiet(self) -> None:
        """Books equal balances, and one more reconcile changes nothing."""
        assert self.differences() == {}, self.differences()
        for asset, tally in self.state.books.tallies.items():
            assert tally.total == self.state.books.total(asset), asset
        records, saves = len(self.store.records), self.store.saves
        report = self.reconcile()
        assert not report.settled.fills.fresh
        assert (len(self.store.records), self.store.saves) == (records, saves)


class DamagedFiles:
    """Implements `StateHistory` over a store whose journal is not whole. `found` are intents in what is set aside."""

    def __init__(self, store: FakeStore, found: Sequence[Record] = ()) -> None:
        self._store = store
        self._found = found
        self.append, self.save = store.append, store.save

    def history(self) -> Iterator[Record]:
        return self._store.history()

    def generations(self) -> Sequence[Generation]:
        return ()

    def old_state(self, name: str) -> State:
        raise AssertionError("there are no older states")

    def set_aside_damage(self) -> Sequence[str]:
        return ("000001.jsonl.damaged1",)

    def intents_set_aside(self) -> Sequence[Record]:
        return self._found

    def load_newest_whole(self) -> Loaded:
        self._store.begin_anew()
        return self._store.load()


class _OlderStates(DamagedFiles):
    """Implements `StateHistory` over a store that is whole and has one older state."""

    def __init__(self, store: FakeStore, older: State) -> None:
        super().__init__(store)
        self._older = older

    def old_state(self, name: str) -> State:
        return self._older

    def set_aside_damage(self) -> Sequence[str]:
        return ()

    def load_newest_whole(self) -> Loaded:
        return self._store.load()


def our_id(number: int) -> ClientOrderId:
    """An id of our form that no intent of the tests has."""
    return client_order_id("another installation", f"order {number}", 1)


_FILES = ("_saved", "_lines", "_intended", "records")
