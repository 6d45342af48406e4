"""A paper account on live public markets: the paper exchange's books and queue, a real clock, no key.

Its writes never raise, as those of a real exchange: where the markets can't be seen, nothing is known to have happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tradekit.adapters.exchange.public import PublicMarkets
from tradekit.adapters.paper.exchange import PaperExchange
from tradekit.adapters.paper.floor import Floor
from tradekit.adapters.paper.ledger import Ledger
from tradekit.adapters.paper.live_feed import LiveFeed
from tradekit.adapters.paper.setup import PaperSetup
from tradekit.adapters.paper.world import PaperWorld
from tradekit.domain.errors import Unreachable
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.outcome import CancelOutcome, LookupAnswer, SendOutcome, Unanswered
from tradekit.domain.ports import Clock


class LivePaperExchange(PaperExchange):
    """Implements `Exchange`. Reads raise `Unreachable`."""

    public: PublicMarkets

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        """See `Exchange.candles`."""
        return self.public.candles(symbols, minutes)

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
        """All or nothing: where a book can't be seen, no order of the batch is entered."""
        try:
            return super().place(intents)
        except Unreachable as silent:
            return {intent.client_order_id: Unanswered(str(silent)) for intent in intents}

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        """See `Exchange.cancel`."""
        try:
            return super().cancel(orders)
        except Unreachable as silent:
            return {order.id: Unanswered(str(silent)) for order in orders}

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, LookupAnswer]:
        """See `Exchange.lookup`."""
        try:
            return super().lookup(orders)
        except Unreachable as silent:
            return {order.id: Unanswered(str(silent)) for order in orders}


class LivePaperWorld(PaperWorld):
    """As `PaperWorld`, in the time of `clock`. Its exchange is a `LivePaperExchange`."""

    def __init__(
        self,
        path: Path,
        setup: PaperSetup,
        public: PublicMarkets,
        clock: Clock,
        *,
        memory: Path | None,
        only: Sequence[str] = (),
        must_exist: bool = False,
        scratch: bool = False,
    ) -> None:
        begin = clock.now()
        self._ledger = (
            Ledger.copied(path, setup, begin) if scratch else Ledger.at(path, setup, begin, must_exist=must_exist)
        )
        self._feed = LiveFeed(public, memory, only)
        self._floor = Floor(self._ledger, self._feed, setup)
        self.clock = clock
        exchange = LivePaperExchange(self._ledger, self._feed, setup, self._floor, self._moment)
        exchange.public = public
        self.exchange = exchange

    def close(self) -> None:
        """Gives the files back. What happened since the last look is seen by the next one."""
        self._ledger.close()
