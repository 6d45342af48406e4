"""The paper exchange as tradekit sees it: the `Exchange` port over the floor and its ledger.

Before any answer all open orders are brought up to the current world time and committed. Our own orders are not shown
in the quotes: the book is the recording's, as it was without us.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

from tradekit.adapters.paper import settlement
from tradekit.adapters.paper.floor import Floor
from tradekit.adapters.paper.ledger import Ledger, PaperOrder, PaperTrade
from tradekit.adapters.paper.setup import PaperSetup
from tradekit.adapters.paper.tape import Feed, Listing
from tradekit.domain.conversion import (
    Conversion,
    ConversionAnswer,
    ConversionIntent,
    ConversionWish,
    ConvertOutcome,
    NotOffered,
    OfferAnswer,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Market, Quote, Snapshot
from tradekit.domain.money import Money
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.outcome import (
    CancelAccepted,
    CancelOutcome,
    LookupAnswer,
    NotFound,
    NotOpen,
    OrderReport,
    RejectCode,
    Rejected,
    ReportedStatus,
    SendOutcome,
)
from tradekit.domain.ports import Review

_NO_CONVERSIONS: Final = "the paper exchange converts nothing"


class PaperExchange:
    """Implements `Exchange`. `moment(latency_ms)` opens the world at the time of the answer and commits at its end.

    Raises `NeedsHuman` when the ledger can't be read or written, and never `Unreachable`.
    """

    not_found_horizon_ms = 0

    def __init__(
        self,
        ledger: Ledger,
        feed: Feed,
        setup: PaperSetup,
        floor: Floor,
        moment: Callable[[int], AbstractContextManager[int]],
    ) -> None:
        self._ledger = ledger
        self._feed = feed
        self._setup = setup
        self._floor = floor
        self._moment = moment
        self._listings = {s: m for s, m in sorted(feed.listings().items()) if m.quote == setup.quote}

    def symbols(self) -> Sequence[str]:
        """All active symbols in the account's quote currency, sorted."""
        return [symbol for symbol, listing in self._listings.items() if listing.active]

    def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """Markets, quotes and all balances now. A symbol that is unknown is left out."""
        known = [symbol for symbol in symbols if symbol in self._listings]
        with self._moment(0) as now:
            held = settlement.balances(self._ledger.totals(), self._ledger.open_orders())
            markets = {symbol: self._market(self._listings[symbol]) for symbol in known}
            return Snapshot(now, markets, self._floor.quotes(known, now), held)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Best prices now. A symbol that is unknown, or has an empty side, is left out."""
        with self._moment(0) as now:
            return self._floor.quotes([symbol for symbol in symbols if symbol in self._listings], now)

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        """The last `minutes` complete one-minute candles per symbol, oldest first."""
        with self._moment(0) as now:
            return {s: self._feed.candles(s, now, minutes) for s in symbols if s in self._listings}

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
        """All intents arrive together after the latency, in the order given."""
        if not intents:
            return {}
        with self._moment(self._setup.latency_ms) as now:
            return {intent.client_order_id: self._floor.enter(intent, now) for intent in intents}

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        """All cancels arrive together after the latency; a fill on the way wins."""
        if not orders:
            return {}
        with self._moment(self._setup.latency_ms) as now:
            return {order.id: self._cancel_one(order.id, now) for order in orders}

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, LookupAnswer]:
        """What the ledger knows of each order. A rejected order was never there."""
        with self._moment(0):
            return {order.id: self._look_up_one(order.id) for order in orders}

    def review(self, orders: Sequence[Order], since: Mapping[str, int], *, with_balances: bool = False) -> Review:
        """Orders, open orders (oldest first), fills and balances of one moment."""
        with self._moment(0):
            open_orders = self._ledger.open_orders()
            return Review(
                answers={order.id: self._look_up_one(order.id) for order in orders},
                open_orders=[_report(order) for order in open_orders],
                fills=self._fills(since),
                balances=settlement.balances(self._ledger.totals(), open_orders) if with_balances else {},
            )

    def fills_since(self, since: Mapping[str, int]) -> Sequence[Fill]:
        """Our fills of each symbol at or after its time in milliseconds."""
        with self._moment(0):
            return self._fills(since)

    def offers(self, wishes: Sequence[ConversionWish]) -> Mapping[str, OfferAnswer]:
        """Nothing is converted here: nobody recorded what an exchange would have promised."""
        return {wish.asset: NotOffered(_NO_CONVERSIONS) for wish in wishes}

    def convert(self, intents: Sequence[ConversionIntent]) -> Mapping[ClientOrderId, ConvertOutcome]:
        """Nothing is converted here."""
        return {intent.id: Rejected(RejectCode.INVALID_ORDER, _NO_CONVERSIONS) for intent in intents}

    def conversions(self, open: Sequence[Conversion]) -> Mapping[ClientOrderId, ConversionAnswer]:
        """Nothing was ever converted here."""
        return {item.id: NotFound(_NO_CONVERSIONS) for item in open}

    def _fills(self, since: Mapping[str, int]) -> list[Fill]:
        return [_fill(trade) for s, time in since.items() for trade in self._ledger.trades(s, time)]

    def _cancel_one(self, client_id: ClientOrderId, now: int) -> CancelOutcome:
        order = self._ledger.find(client_id)
        if order is None:
            return NotOpen("no such order")
        if order.status is not ReportedStatus.OPEN:
            return NotOpen(f"order is {order.status}")
        self._floor.leave(order, now)
        return CancelAccepted(order.exchange_id)

    def _look_up_one(self, client_id: ClientOrderId) -> LookupAnswer:
        order = self._ledger.find(client_id)
        return NotFound("no such order") if order is None else _report(order)

    def _market(self, listing: Listing) -> Market:
        names = (listing.symbol, listing.base, listing.quote)
        filters = (listing.price_tick, listing.amount_step, listing.min_amount, listing.min_notional)
        return Market(*names, *filters, self._setup.maker_fee, self._setup.taker_fee, listing.active, listing.source)


def _report(order: PaperOrder) -> OrderReport:
    numbers = (order.price, order.amount, order.filled)
    names = (ClientOrderId(order.client_id), order.exchange_id, order.symbol, order.side, order.status)
    return OrderReport(*names, *numbers, order.created)


def _fill(trade: PaperTrade) -> Fill:
    return Fill(
        symbol=trade.symbol,
        trade_id=str(trade.id),
        exchange_id=f"paper-{trade.order_id}",
        client_order_id=ClientOrderId(trade.client_id),
        side=trade.side,
        amount=trade.amount,
        price=trade.price,
        cost=trade.cost,
        fees=(Money(trade.fee, trade.fee_asset),) if trade.fee else (),
        time=trade.time,
        maker=trade.maker,
    )
