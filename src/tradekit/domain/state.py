"""The fold of the journal: everything one run has to know of the runs before it. History never makes it grow."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.domain.account import Stamp
from tradekit.domain.books import Books, RecentFills
from tradekit.domain.conversion import Conversion
from tradekit.domain.event import CycleFinished
from tradekit.domain.hold import EVERYTHING, Hold
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.memory import RiskMemory
from tradekit.domain.order import Order
from tradekit.domain.outcome import OrderReport
from tradekit.domain.position import Position
from tradekit.domain.purge import PurgePlan
from tradekit.domain.universe import TierMemory

SCHEMA_VERSION: Final = 1


class Opening(NamedTuple):
    """An opening order for the pace limits, kept for a day."""

    client_order_id: ClientOrderId
    symbol: str
    time: int


class Governor(NamedTuple):
    """How the cycles use their time: the governor's `step`, and the milliseconds that the newest ones asked for."""

    step: int = 0
    asked: tuple[int, ...] = ()


class State(NamedTuple):
    """Frozen; `decide.fold` makes the next one from an event.

    `seq` is the last journal event folded in (0: none), `opened_at` the exchange time of the first. `identity` seeds
    the client order ids. Trades up to `counted_until` are in the books without being listed anywhere. `cursors` are
    the newest fill times per symbol. `foreign` are open orders that are not ours. `consumed` maps recent external
    proposal ids to their digests; `consumed_older` counts those that were moved out. `risk` is what the risk desk
    remembers. `purges` are by asset; `written_off` are the amounts of dust that nobody cares
    about any more. `conversions` are those whose end is open, by our id.
    """

    stamp: Stamp
    identity: str = ""
    seq: int = 0
    time: int = 0
    opened_at: int = 0
    cycles: int = 0
    books: Books = Books()
    recent: RecentFills = RecentFills()
    counted_until: int = 0
    cursors: Mapping[str, int] = {}
    orders: Mapping[ClientOrderId, Order] = {}
    foreign: tuple[OrderReport, ...] = ()
    holds: tuple[Hold, ...] = ()
    openings: tuple[Opening, ...] = ()
    consumed: Mapping[str, str] = {}
    consumed_older: int = 0
    tiers: Mapping[str, TierMemory] = {}
    equity: Decimal | None = None
    last_cycle: CycleFinished | None = None
    risk: RiskMemory = RiskMemory()
    purges: Mapping[str, PurgePlan] = {}
    governor: Governor = Governor()
    written_off: Mapping[str, Decimal] = {}
    conversions: Mapping[ClientOrderId, Conversion] = {}

    @property
    def cash(self) -> Decimal:
        """Units of the account's quote currency."""
        return self.books.cash

    @property
    def positions(self) -> Mapping[str, Position]:
        """What is held of every other asset."""
        return self.books.positions

    def holds_on(self, symbol: str) -> tuple[Hold, ...]:
        """The doubts that stop an opening order of a symbol."""
        return tuple(hold for hold in self.holds if not hold.lifted and hold.symbol in (EVERYTHING, symbol))

    @property
    def converting(self) -> frozenset[str]:
        """Assets that are being converted: until that has ended they are left alone."""
        return frozenset(item.intent.offer.asset for item in self.conversions.values())

    @property
    def is_opened(self) -> bool:
        """Whether the opening balances are in the books."""
        return self.seq > 0
