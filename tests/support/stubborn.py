"""An exchange that never confirms a cancel, and a clock that only counts: to see how long a cancel is kept up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from converts_nothing import ConvertsNothing
from policy_lab import NOW, Raw, policy_of, wish
from tradekit.adapters.store.memory_store import MemoryStore
from tradekit.cli.watchers import Silent
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.decision import Approved
from tradekit.domain.event import AccountOpened, OrderAcknowledged, OrderIntended
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Quote, Snapshot
from tradekit.domain.order import Order, OrderIntent, TimeInForce
from tradekit.domain.outcome import OrderReport, ReportedStatus, Unanswered
from tradekit.domain.ports import Loaded, Review
from tradekit.domain.state import State
from tradekit.steps.desk import Desk
from tradekit.steps.orders import cancel

D = Decimal
_OPEN = ReportedStatus.OPEN


class Counting(ConvertsNothing):
    """A clock that only counts, and an exchange that neither confirms nor ends anything."""

    not_found_horizon_ms = 0

    def __init__(self) -> None:
        self.slept: list[int] = []

    def now(self) -> int:
        return NOW + sum(self.slept)

    def sleep(self, ms: int) -> None:
        self.slept.append(ms)

    def must_stop(self) -> bool:
        return False

    def symbols(self) -> Sequence[str]:
        return ()

    def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        raise NotImplementedError

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        return {}

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        return {}

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, Unanswered]:
        raise NotImplementedError

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, Unanswered]:
        return {order.id: Unanswered("lost") for order in orders}

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, OrderReport]:
        return {
            o.id: OrderReport(o.id, "1", o.intent.symbol, o.intent.side, _OPEN, None, None, D(0), 0) for o in orders
        }

    def fills_since(self, since: Mapping[str, int]) -> Sequence[Any]:
        return ()

    def review(self, orders: Sequence[Order], since: Mapping[str, int], *, with_balances: bool = False) -> Review:
        return Review(self.lookup(orders), (), (), {})

    def proposals(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {}

    def fills(self, ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        return {}

    def orders(self, ids: Sequence[ClientOrderId]) -> frozenset[ClientOrderId]:
        return frozenset()


class Nowhere(MemoryStore):
    """A store without anything under it."""

    def __init__(self) -> None:
        super().__init__(self)

    def load(self) -> Loaded:
        return Loaded(None, ())


def waits(raw: Raw) -> list[int]:
    """The pauses between cancels of an order that won't go away."""
    outside, stamp = Counting(), Stamp("paper", "main", Mode.PAPER, "USDT", "")
    desk = Desk(policy_of(raw), outside, outside, Nowhere(), outside, Silent(), State(stamp), "lab")
    approved, id = Approved(wish(), D(1), D(100), D(101)), ClientOrderId("k1")
    intent = OrderIntent(approved, 1, id, D(1), D(100), TimeInForce.PO, NOW, NOW + 1)
    desk.record(AccountOpened(stamp, "lab", D(1000), ()), OrderIntended(intent), OrderAcknowledged(id, "1"))
    assert cancel(desk, {id: "test"}) == (id,)
    return outside.slept
