"""An account's files in memory, and a plausible story of events to write into them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from memory_disk import MemoryDisk
from tradekit.adapters.store.account_store import AccountStore
from tradekit.adapters.store.disk import Disk
from tradekit.decide.fold import fold, replay
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.decision import Approved
from tradekit.domain.errors import TradekitError
from tradekit.domain.event import (
    AccountOpened,
    CycleFinished,
    Event,
    FillBooked,
    Holding,
    OrderAcknowledged,
    OrderFinal,
    OrderIntended,
    Record,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import client_order_id
from tradekit.domain.money import Money
from tradekit.domain.order import FinalWord, OrderIntent, TimeInForce
from tradekit.domain.proposal import Notional, Origin, Proposal, Side
from tradekit.domain.state import State

FOLDER: Final = Path("/home/main/paper")
STATE: Final = FOLDER / "state.json"
JOURNAL: Final = FOLDER / "journal"
GENERATIONS: Final = FOLDER / "generations"
FIRST: Final = JOURNAL / "000001.jsonl"
STAMP: Final = Stamp("paper", "main", Mode.PAPER, "USDT", "")
START_TIME: Final = 1_723_161_600_000
MINUTE: Final = 60_000


def store(
    disk: Disk, *, may_write: bool = True, stamp: Stamp = STAMP, segment_bytes: int = 2**22, folder: Path = FOLDER
) -> AccountStore:
    """The store of the account in this disk; a writing one makes the folder first, as the command line does."""
    if may_write:
        disk.make_folder(folder)
    return AccountStore(disk, folder, stamp, may_write=may_write, segment_bytes=segment_bytes)


def opening() -> AccountOpened:
    """The first event."""
    held = (
        Holding("BTC", Decimal("0.002"), Decimal("61660"), managed=True),
        Holding("ETH", Decimal(1), Decimal(0), False),
    )
    return AccountOpened(STAMP, "f2d07e42cf5d8af1", Decimal(1000), held)


def intent(number: int, *, side: Side = Side.BUY, symbol: str = "BTC/USDT") -> OrderIntent:
    """An external proposal's order for 0.001 units at 50000."""
    proposal = Proposal(f"p{number}", symbol, side, Notional(Decimal(50)), Decimal("0.9"), "because", Origin.EXTERNAL)
    amount, price = Decimal("0.001"), Decimal(50_000)
    approved = Approved(proposal, amount, price, price)
    time = START_TIME + number * MINUTE
    id = client_order_id("f2d07e42cf5d8af1", proposal.id, 1)
    return OrderIntent(approved, 1, id, amount, price, TimeInForce.PO, time, time + 12_000)


def fill_of(order: OrderIntent, trade_id: str) -> Fill:
    """All of an order in one trade, with a fee in quote currency."""
    fee = (Money(Decimal("0.05"), "USDT"),)
    cost = order.amount * order.price
    return Fill(
        order.symbol, trade_id, f"x{trade_id}", order.client_order_id, order.side, order.amount, order.price, cost, fee,
        order.created + 100, maker=True,
    )  # fmt: skip


def finished(time: int) -> CycleFinished:
    """The last event of a cycle."""
    return CycleFinished(time, 100, Decimal("1123.32"), {}, {}, (), (), 1, 1)


def cycle_of(number: int) -> list[list[Event]]:
    """The writes of one cycle that buys once. Cycles count from 1; the first one opens the account."""
    order = intent(number)
    id = order.client_order_id
    writes: list[list[Event]] = [
        [OrderIntended(order)],
        [OrderAcknowledged(id, f"x{number}")],
        [OrderFinal(id, FinalWord.FILLED, order.amount), FillBooked(fill_of(order, str(number)))],
        [finished(order.created)],
    ]
    return [[opening()], *writes] if number == 1 else writes


def written(
    disk: Disk, cycles: int, *, segment_bytes: int = 2**22, saved: bool = True, folder: Path = FOLDER
) -> list[Record]:
    """Runs so many cycles and returns all records; without `saved` the last one's state is not written."""
    records: list[Record] = []
    for number in range(1, cycles + 1):
        at = store(disk, segment_bytes=segment_bytes, folder=folder)
        state = continued(at)
        for events in cycle_of(number):
            for record in at.append(events, START_TIME + number * MINUTE, reduces_risk=True):
                records.append(record)
                state = fold(state, record)
        if saved or number < cycles:
            at.save(state)
    return records


def continued(at: AccountStore) -> State:
    """What a run begins with: the state and its tail folded, or a fresh account."""
    loaded = at.load()
    if loaded.state is None:
        at.create(State(STAMP))
        return State(STAMP)
    return replay(loaded.state, loaded.tail)


def folded(records: Sequence[Record]) -> State:
    """The state that these records make from nothing."""
    return replay(State(STAMP), records)


def segments(disk: MemoryDisk) -> list[Path]:
    """The journal's files, oldest first."""
    return [JOURNAL / name for name in disk.names(JOURNAL) if name.endswith(".jsonl")]


def lines(disk: MemoryDisk, path: Path = FIRST) -> list[bytes]:
    """The records of one journal file."""
    return disk.read(path).splitlines(keepends=True)[1:]


def seq_of(line: bytes) -> int:
    """A record's number."""
    return int(json.loads(line)["seq"])


def refused_with(at: AccountStore) -> str:
    """The code with which `load` refuses."""
    with pytest.raises(TradekitError) as refused:
        at.load()
    return refused.value.problems[0].code
