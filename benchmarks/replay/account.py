"""A paper account in memory on a tape, worked by tradekit's own code, cycle after cycle, as cron would.

Nothing is simulated above the exchange: the flow, the desk, the risk rules and the paper exchange are the real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple

from replay.exit import DEAR, Exit, Sold, lots_of, mid_of, sold_to_bids
from replay.feed import TapeFeed
from replay.tape import Grid, Tape
from tradekit.adapters.paper.setup import PaperSetup
from tradekit.adapters.paper.tape import Level
from tradekit.adapters.paper.world import BEGINNING, PaperWorld
from tradekit.cli.watchers import Silent
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.event import CycleFinished, Event, FillBooked, OrderIntended, Record
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import BP
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import Policy
from tradekit.domain.ports import Loaded
from tradekit.domain.proposal import Side
from tradekit.domain.state import State
from tradekit.flows.cycle import CycleReport, Wanted, cycle
from tradekit.steps.desk import Desk

MINUTE: Final = 60_000
_NO_FILE: Final = Path("/nonexistent/ledger")


class KeptStore:
    """Implements `Store` and `JournalIndex` in memory: what one run leaves the next one finds."""

    def __init__(self) -> None:
        self._state: State | None = None
        self.records: list[Record] = []

    def load(self) -> Loaded:
        """What was saved, and the events after it."""
        if self._state is None:
            return Loaded(None, ())
        return Loaded(self._state, tuple(self.records[self._state.seq :]))

    def create(self, state: State) -> None:
        """Keeps the empty state."""
        self._state = state

    def append(self, events: Sequence[Event], time: int, *, reduces_risk: bool) -> tuple[Record, ...]:
        """Numbers the events."""
        first = len(self.records) + 1
        self.records += [Record(seq, time, event) for seq, event in enumerate(events, first)]
        return tuple(self.records[first - 1 :])

    def save(self, state: State) -> None:
        """Keeps the state."""
        self._state = state

    def is_halted(self) -> bool:
        """Never."""
        return False

    def history(self) -> Iterator[Record]:
        """All events."""
        yield from self.records

    def proposals(self, ids: Sequence[str]) -> Mapping[str, str]:
        """None: nothing comes from outside."""
        return {}

    def fills(self, ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """The digests of those trades that are booked."""
        wanted = set(ids)
        booked = (record.event.fill for record in self.records if isinstance(record.event, FillBooked))
        return {(f.symbol, f.trade_id): f.digest for f in booked if (f.symbol, f.trade_id) in wanted}

    def orders(self, ids: Sequence[ClientOrderId]) -> frozenset[ClientOrderId]:
        """Those orders that were sent."""
        sent = (r.event.intent.client_order_id for r in self.records if isinstance(r.event, OrderIntended))
        return frozenset(ids) & frozenset(sent)


class Purged(NamedTuple):
    """What became of each holding, and the milliseconds that each cycle took and asked for."""

    exits: tuple[Exit, ...]
    took: tuple[int, ...]
    asked: tuple[int, ...]


def purge(
    tape: Tape,
    starts: Sequence[int],
    worth: Decimal,
    horizon: int,
    *,
    latency_ms: int = 300,
    **sections: Mapping[str, object],
) -> Purged:
    """Sells one holding a start, all at the same time, within `horizon` milliseconds, at one cycle a minute.

    `sections` are policy keys that differ from the defaults.
    """
    assets = {f"P{number:02d}": start for number, start in enumerate(starts)}
    lots = {asset: lots_of(tape, start, worth) for asset, start in assets.items()}
    policy = purging(tuple(assets), sections)
    feed = TapeFeed(tape, policy.account.quote, assets)
    held = {asset: count * tape.grid.step for asset, count in lots.items()}
    setup = PaperSetup(policy.account.quote, held, DEAR.maker * BP, DEAR.taker * BP, latency_ms=latency_ms)
    store = KeptStore()
    took: list[int] = []
    with PaperWorld.scratch(_NO_FILE, setup, feed=feed) as world:
        for _ in range(-(-horizon // MINUTE)):
            world.begin_run(MINUTE)
            report = _run(policy, world, store)
            took.append(report.finished - report.started)
        world.clock.sleep(BEGINNING + horizon - world.clock.now())
        fills = world.exchange.fills_since({f"{asset}/{policy.account.quote}": 0 for asset in assets})
    exits = []
    for asset, start in assets.items():
        parts = tuple(
            Sold(f.time - BEGINNING, int(f.price / tape.grid.tick), int(f.amount / tape.grid.step), f.maker is True)
            for f in fills
            if f.base == asset and f.time < BEGINNING + horizon
        )
        left = lots[asset] - sum(part.lots for part in parts)
        exits.append(Exit(mid_of(tape, start), lots[asset], parts, sold_to_bids(tape, start + horizon, left, horizon)))
    ends = (record.event for record in store.records)
    return Purged(tuple(exits), tuple(took), tuple(e.asked_ms for e in ends if isinstance(e, CycleFinished)))


def purge_in_vain(count: int, max_attempts: int, *, latency_ms: int) -> tuple[int, ...]:
    """How long cycles take (milliseconds) with so many holdings that nobody buys; 0 attempts: as many as fit."""
    quiet = [Level(0, Side.BUY, 10_000, 10_000), Level(0, Side.SELL, 10_010, 10_000)]
    end = [Level(10 * MINUTE, Side.BUY, 1, 1)]
    tape = Tape(Grid(Decimal("0.0001"), Decimal("0.01")), [*quiet, *end])
    starts = [MINUTE] * count
    return purge(
        tape, starts, Decimal(16), 3 * MINUTE, latency_ms=latency_ms, purge={"max_attempts": max_attempts}
    ).took


def purging(assets: tuple[str, ...], sections: Mapping[str, Mapping[str, object]]) -> Policy:
    """The default policy of an account that holds nothing but what it sells off."""
    given: dict[str, Mapping[str, object]] = {
        "account": {"managed": list(assets)},
        "rules": {"enabled": False},
        "purge": {"assets": list(assets)},
    }
    return read_policy(
        {name: {**given.get(name, {}), **sections.get(name, {})} for name in {*given, *sections}}, "benchmark"
    )


def _run(policy: Policy, world: PaperWorld, store: KeptStore) -> CycleReport:
    """One process."""
    stamp = Stamp("paper", "main", Mode.PAPER, policy.account.quote, "")
    desk = Desk(policy, world.exchange, world.clock, store, store, Silent(), State(stamp), "benchmark")
    desk.load()
    return cycle(desk, Wanted())
