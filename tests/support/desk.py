"""A whole account in memory: exchange, store and clock that outlive any number of runs, and words to write tests in.

BTC is worth 100, ETH 50, SOL 20, DOGE 0.5 and ZK 0.1 USDT, spreads are about 10 bp, all are in the first tier. Fees are
10 bp for makers and 20 bp for takers. The policy of `policy()` is wide open: a test narrows what it is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fake_exchange import FakeExchange, FakeOrder
from fake_time import MINUTE, Effects, FakeClock
from tradekit.decide.fold import replay
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.event import (
    BooksRebuilt,
    ConversionIntended,
    Event,
    FillBooked,
    OrderAdopted,
    OrderIntended,
    Record,
    StateRestored,
)
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Market
from tradekit.domain.numbers import ZERO, floor_to
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.plain import from_plain, to_plain
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import Policy
from tradekit.domain.ports import Loaded, Store
from tradekit.domain.proposal import Amount, Notional, Origin, Proposal, Side, Urgency
from tradekit.domain.state import State
from tradekit.flows.cycle import CycleReport, Wanted, cycle
from tradekit.steps.desk import Desk

D = Decimal
STAMP = Stamp("fake", "main", Mode.PAPER, "USDT", "")
_MARKETS = {  # symbol: tick, step, minimum amount, bid, ask
    "BTC": ("0.01", "0.001", "0.001", "99.95", "100.05"),
    "ETH": ("0.01", "0.01", "0.01", "49.98", "50.02"),
    "SOL": ("0.01", "0.01", "0.01", "19.99", "20.01"),
    "DOGE": ("0.0001", "1", "1", "0.4998", "0.5002"),
    "ZK": ("0.00001", "0.1", "1", "0.09995", "0.10005"),
}
_OPEN: dict[str, dict[str, object]] = {
    "account": {"managed": []},
    "rules": {"enabled": False},
    "risk": {
        "max_total_at_risk_pct": 100,
        "max_asset_pct": 100,
        "max_tier1_pct": 100,
        "max_tier2_pct": 100,
        "max_tier3_pct": 100,
        "max_positions": 100,
        "max_new_positions_per_cycle": 100,
        "min_order_notional": 5,
        "max_trades_per_hour": 10000,
        "max_trades_per_day": 10000,
        "min_seconds_between_trades": 0,
        "min_seconds_between_symbol_trades": 0,
        "themes": {},
        "quote_reserve_pct": 0,
        "max_external_sales_pct": 0,
    },
    "guards": {"max_quote_age_seconds": 0, "max_spread_bp": 0, "max_depth_share_pct": 0, "max_price_jump_pct": 0},
    "cooldowns": {
        "after_win_minutes": 0,
        "after_loss_minutes": 0,
        "after_stop_minutes": 0,
        "after_failure_seconds": 0,
    },
    "losses": {"max_daily_loss_pct": 0, "max_weekly_loss_pct": 0, "max_drawdown_pct": 0, "streak": 0},
    "exits": {"take_profit_pct": 0},
    "execution": {"max_attempts": 1, "max_reprices": 0, "sales_rest": False, "remainder_rest_minutes": 0},
}


def policy(**sections: Mapping[str, object]) -> Policy:
    """The open policy with some keys set: `policy(risk={"max_positions": 2})`. Numbers are ints or texts."""
    names = _OPEN.keys() | sections.keys()
    return read_policy({name: {**_OPEN.get(name, {}), **sections.get(name, {})} for name in names}, "test")


def buy(symbol: str, **more: Any) -> Proposal:
    """An external wish to buy: `buy("BTC/USDT", notional="30")` or with `amount=`; the id is made of the symbol."""
    return _proposal(Side.BUY, symbol, **more)


def sell(symbol: str, **more: Any) -> Proposal:
    """An external wish to sell."""
    return _proposal(Side.SELL, symbol, **more)


def _proposal(
    side: Side,
    symbol: str,
    *,
    notional: str | None = None,
    amount: str | None = None,
    id: str = "",
    confidence: str = "0.8",
    origin: Origin = Origin.EXTERNAL,
    urgency: Urgency = Urgency.MAKER,
    expires: int | None = None,
) -> Proposal:
    size = Amount(D(amount)) if amount is not None else Notional(D(notional or "30"))
    name = id or f"{side}-{symbol.partition('/')[0]}"
    return Proposal(name, symbol, side, size, D(confidence), "because", origin, urgency, expires)


def market(symbol: str, **changes: Any) -> Market:
    """One of the markets above, or one like ZK for another symbol."""
    base = symbol.partition("/")[0]
    tick, step, smallest, _, _ = _MARKETS.get(base, _MARKETS["ZK"])
    fees = (D("0.001"), D("0.002"))
    return Market(symbol, base, "USDT", D(tick), D(step), D(smallest), D(5), *fees)._replace(**changes)


class FakeStore:
    """A `Store` that keeps what it was given as text, as a disk would. `halted` and `full` are for the test to set."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._saved: str | None = None
        self._lines: list[str] = []
        self._intended: set[ClientOrderId] = set()
        self._begin = 0
        self.records: list[Record] = []
        self.halted = False
        self.full = False
        self.saves = 0

    def load(self) -> Loaded:
        if self._saved is None:
            return Loaded(None, ())
        state = from_plain(State, json.loads(self._saved))
        lines = self._lines[state.seq - self._begin :]
        return Loaded(state, tuple(from_plain(Record, json.loads(line)) for line in lines))

    def create(self, state: State) -> None:
        self.save(state)

    def append(self, events: Sequence[Event], time: int, *, reduces_risk: bool) -> tuple[Record, ...]:
        if self.full and not reduces_risk:
            raise NeedsHuman(Problem("disk_full", "no room", "make some"))
        names = " ".join(type(event).__name__ for event in events)
        with self._effects.effect(f"append {names}"):
            first = self._begin + len(self.records) + 1
            records = tuple(Record(seq, time, event) for seq, event in enumerate(events, start=first))
            self.records += records
            self._lines += [json.dumps(to_plain(Record, record)) for record in records]
            self._intended |= {e.intent.client_order_id for e in events if isinstance(e, OrderIntended)}
            self._intended |= {e.intent.id for e in events if isinstance(e, ConversionIntended)}
        return records

    def save(self, state: State) -> None:
        with self._effects.effect("save"):
            self.saves += 1
            self._saved = json.dumps(to_plain(State, state))

    def is_halted(self) -> bool:
        return self.halted

    def history(self) -> Iterator[Record]:
        yield from (from_plain(Record, json.loads(line)) for line in self._lines)

    def begin_anew(self) -> None:
        """The journal is gone; the next event goes on from the state that was saved."""
        assert self._saved is not None
        self._begin = from_plain(State, json.loads(self._saved)).seq
        self.records, self._lines = [], []

    def has_intent(self, id: ClientOrderId) -> bool:
        return id in self._intended


class FakeIndex:
    """What the store's own records say of old proposals, trades and orders."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.asked = 0

    def proposals(self, ids: Sequence[str]) -> Mapping[str, str]:
        proposals = [intent.approved.proposal for intent in self._intents()]
        return {p.id: p.digest for p in proposals if p.id in ids and p.origin is Origin.EXTERNAL}

    def fills(self, ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        self.asked += 1
        booked: dict[tuple[str, str], str] = {}
        as_of: dict[int, dict[tuple[str, str], str]] = {}
        for record in self._store.records:
            match record.event:
                case FillBooked(fill):
                    booked[fill.symbol, fill.trade_id] = fill.digest
                case BooksRebuilt(fills=fills):
                    booked |= {(f.symbol, f.trade_id): f.digest for f, _ in fills}
                case StateRestored(books_seq=seq):
                    booked = dict(as_of[seq])
                case _:
                    pass
            as_of[record.seq] = dict(booked)
        return {id: booked[id] for id in ids if id in booked}

    def orders(self, ids: Sequence[ClientOrderId]) -> frozenset[ClientOrderId]:
        return frozenset(ids) & {intent.client_order_id for intent in self._intents()}

    def _intents(self) -> list[OrderIntent]:
        events = (record.event for record in self._store.records)
        return [event.intent for event in events if isinstance(event, OrderIntended | OrderAdopted)]


class QuietWatcher:
    """Implements `Watcher`; remembers how often it waited."""

    def __init__(self) -> None:
        self.waits = 0

    def recorded(self, record: Record, before: State, after: State) -> None:
        assert after.seq == record.seq == before.seq + 1

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        assert orders and until > now
        self.waits += 1


class World:
    """An exchange and a disk, on which runs begin, end and die."""

    def __init__(self, policy_: Policy | None = None, **balances: str) -> None:
        self.policy = policy_ or policy()
        self.effects = Effects()
        self.clock = FakeClock()
        self.store = FakeStore(self.effects)
        self.watcher = QuietWatcher()
        totals = {asset: D(amount) for asset, amount in ({"USDT": "1000"} | balances).items()}
        markets = {f"{base}/USDT": market(f"{base}/USDT") for base in _MARKETS}
        self.exchange = FakeExchange(self.clock, self.effects, markets, totals, is_durable=self.store.has_intent)
        self.exchange.is_conversion_durable = self.store.has_intent
        for base, (*_, bid, ask) in _MARKETS.items():
            self.exchange.set_quote(f"{base}/USDT", bid, ask)
        self.faults = self.exchange.faults

    def desk(self, *, dry_run: bool = False, store: Store | None = None) -> Desk:
        """A new process on this account."""
        desk = Desk(
            self.policy, self.exchange, self.clock, store or self.store, FakeIndex(self.store), self.watcher,
            State(STAMP), "identity", dry_run,
        )  # fmt: skip
        desk.load()
        return desk

    def cycle(self, *proposals: Proposal, problems: tuple[Problem, ...] = ()) -> CycleReport:
        """One run of `tradekit cycle`; the next one starts a minute after this one started."""
        started = self.clock.now()
        report = cycle(self.desk(), Wanted(proposals, problems))
        self.clock.advance(max(started + MINUTE - self.clock.now(), 0))
        return report

    def fills_at_once(self, symbol: str | None = None) -> None:
        """From now on resting orders fill a second after they are placed."""

        def soon(order: FakeOrder) -> None:
            if symbol in (None, order.symbol):
                self.clock.after(1000, lambda: self.exchange.fill(order))

        self.exchange.on_open = soon

    @property
    def state(self) -> State:
        """What a run that starts now would find."""
        loaded = self.store.load()
        assert loaded.state is not None
        return replay(loaded.state, loaded.tail)

    def order(self, id: str) -> Order:
        """The one order made of the proposal with this id."""
        found = [o for o in self.state.orders.values() if o.intent.approved.proposal.id == id]
        assert len(found) == 1, f"{len(found)} orders of {id}"
        return found[0]

    def events(self, kind: type[Event]) -> list[Any]:
        """All recorded events of a kind."""
        return [record.event for record in self.store.records if isinstance(record.event, kind)]

    def audit(self) -> None:
        """What holds at the end of any quiet schedule: one order an id, nothing open, books equal to balances."""
        ids = [order.client_id for order in self.exchange.orders if order.client_id is not None]
        assert len(ids) == len(set(ids)), "an order was placed twice"
        assert not self.exchange.open(), "an order was left open"
        state = self.state
        books = {asset: position.total for asset, position in state.positions.items()} | {"USDT": state.cash}
        for asset in books.keys() | self.exchange.totals.keys():
            assert books.get(asset, ZERO) == self.exchange.totals.get(asset, ZERO), asset
        for order in self.exchange.orders:
            if order.client_id is not None and order.client_id in state.orders:
                assert state.orders[order.client_id].filled == order.filled
        for intent in self.exchange.sent:
            grid = self.exchange.markets[intent.symbol]
            assert intent.price == floor_to(intent.price, grid.price_tick)
            assert intent.amount == floor_to(intent.amount, grid.amount_step)
            assert intent.amount <= intent.approved.amount
