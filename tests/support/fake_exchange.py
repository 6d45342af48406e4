"""An exchange in memory with real behaviour: exact balances, a book of one level, and faults that a test switches on.

Time is a virtual clock; everything that leaves the process runs through `Effects`, which can kill the process at any of
them. The exchange knows nothing of tradekit's books, so that the two can be compared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from fake_time import MINUTE, Effects, FakeClock
from tradekit.domain.account import Balance
from tradekit.domain.conversion import (
    Conversion,
    ConversionAnswer,
    ConversionFailed,
    ConversionIntent,
    ConversionOffer,
    ConversionPending,
    ConversionTaken,
    ConversionWish,
    Converted,
    ConvertOutcome,
    NotOffered,
    OfferAnswer,
)
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Market, Quote, Snapshot
from tradekit.domain.money import Money
from tradekit.domain.order import Order, OrderIntent, TimeInForce
from tradekit.domain.outcome import (
    Acknowledged,
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
    Unanswered,
)
from tradekit.domain.ports import Review
from tradekit.domain.proposal import Side

D = Decimal
HORIZON = 15 * MINUTE
_IN_QUOTE_PER_THIRD = D(500)


@dataclass
class Faults:
    """What goes wrong. `sends`, `cancels` and `converts` hold one word per coming request: see `FakeExchange`; "" is no
    fault.

    Of each coming list of trades only the first `cut_listings` come through. `vanished` orders, by the exchange's id,
    are neither found nor listed as open.
    """

    sends: deque[str] = field(default_factory=deque)
    cancels: deque[str] = field(default_factory=deque)
    converts: deque[str] = field(default_factory=deque)
    lookup_lag_ms: int = 0
    lookups_unanswered: int = 0
    trades_lag_ms: int = 0
    duplicated: bool = False
    shuffled: Random | None = None
    too_old_fills: bool = False
    fills_without_our_id: bool = False
    reports_without_filled: bool = False
    silent_reads: frozenset[int] = frozenset()
    silent: frozenset[str] = frozenset()
    cut_listings: deque[int] = field(default_factory=deque)
    vanished: set[str] = field(default_factory=set)


@dataclass
class FakeOrder:
    number: int
    client_id: ClientOrderId | None
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    placed: int
    filled: Decimal = D(0)
    status: ReportedStatus = ReportedStatus.OPEN

    @property
    def exchange_id(self) -> str:
        return f"x{self.number}"

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.filled


@dataclass
class FakeConversion:
    """One offer: `status` is offered, pending, done or failed."""

    offer: ConversionOffer
    status: str = "offered"
    accepted: int = 0

    @property
    def exchange_id(self) -> str:
        return f"c{self.offer.quote_id}"


@dataclass
class FakeExchange:
    """Implements `Exchange`. Words for `faults.sends`: lost, reply_lost, late:MS, reject:CODE; for `faults.cancels`:
    unanswered (it did nothing), answer_lost (it worked), filled_first, partly_first (a half fills, then it works); for
    `faults.converts`: lost, reply_lost, late:MS, refused, pending:MS, failing.

    Conversions are offered where `convert_rate`, the share of the bid that is promised, is not None, for
    `offer_life_ms`.

    `fee_asset` is "quote", "received" or the name of a third asset, of which one is worth 500 quote.
    """

    clock: FakeClock
    effects: Effects
    markets: dict[str, Market]
    totals: dict[str, Decimal]
    quote_asset: str = "USDT"
    fee_asset: str = "quote"
    latency_ms: int = 0
    not_found_horizon_ms: int = HORIZON
    convert_rate: Decimal | None = None
    offer_life_ms: int = 10_000
    is_durable: Callable[[ClientOrderId], bool] = lambda _: True
    is_conversion_durable: Callable[[ClientOrderId], bool] = lambda _: True
    on_open: Callable[[FakeOrder], object] = lambda _: None
    faults: Faults = field(default_factory=Faults)
    book: dict[str, Quote] = field(default_factory=dict)
    history: dict[str, Sequence[Candle]] = field(default_factory=dict)
    orders: list[FakeOrder] = field(default_factory=list)
    trades: list[tuple[int, Fill]] = field(default_factory=list)
    broken: list[BrokenTrade] = field(default_factory=list)
    rejections: list[Rejected] = field(default_factory=list)
    offered: list[FakeConversion] = field(default_factory=list)
    taken: list[ConversionIntent] = field(default_factory=list)
    sent: list[OrderIntent] = field(default_factory=list)
    reads: int = 0

    # what the test does to the market

    def set_quote(self, symbol: str, bid: str, ask: str, *, volume: str = "50000000", depth: str = "1000000") -> None:
        """A new best bid and ask; orders of ours that the market moved through fill at their own price."""
        at_bid, at_ask = D(bid), D(ask)
        amounts = (D(depth) / (at_bid or 1), D(depth) / (at_ask or 1))
        self.book[symbol] = Quote(symbol, self.clock.now(), at_bid, at_ask, *amounts, D(volume))
        for order in self.open(symbol):
            if (0 < at_ask <= order.price) if order.side is Side.BUY else at_bid >= order.price:
                self.fill(order)

    def open(self, symbol: str | None = None) -> list[FakeOrder]:
        return [o for o in self.orders if o.status is ReportedStatus.OPEN and symbol in (None, o.symbol)]

    def fill(
        self, order: FakeOrder, amount: Decimal | None = None, price: Decimal | None = None, *, maker: bool = True
    ) -> None:
        """A trade of an open order: all that is left of it, at its own price, unless said otherwise."""
        if order.status is not ReportedStatus.OPEN:
            return
        amount = min(order.remaining if amount is None else amount, order.remaining)
        self._trade(order, amount, order.price if price is None else price, maker=maker)
        order.filled += amount
        if not order.remaining:
            order.status = ReportedStatus.FILLED

    def trade_elsewhere(self, symbol: str, side: Side, amount: str, price: str) -> None:
        """A trade that somebody made by hand on the same account."""
        order = FakeOrder(self._next(), None, symbol, side, D(price), D(amount), self.clock.now())
        self.orders.append(order)
        self.fill(order)

    def place_elsewhere(
        self, symbol: str, side: Side, amount: str, price: str, client_id: ClientOrderId | None = None
    ) -> FakeOrder:
        """An open order that this journal did not send."""
        order = FakeOrder(self._next(), client_id, symbol, side, D(price), D(amount), self.clock.now())
        self.orders.append(order)
        return order

    def tell(self, *trades: Fill | BrokenTrade) -> None:
        """Trades are listed from now on that moved no balance."""
        for trade in trades:
            if isinstance(trade, Fill):
                self.trades.append((self.clock.now(), trade))
            else:
                self.broken.append(trade)

    def retell(self, trade_id: str, **changes: object) -> None:
        """A trade is listed from now on with other content; the balances stay what they are."""
        self.trades = [
            (shown, fill._replace(**changes) if fill.trade_id == trade_id else fill)  # type: ignore[arg-type]
            for shown, fill in self.trades
        ]

    def by_id(self, client_id: ClientOrderId) -> FakeOrder:
        found = [order for order in self.orders if order.client_id == client_id]
        assert len(found) == 1, f"{len(found)} orders with the id {client_id}"
        return found[0]

    # the port

    def symbols(self) -> Sequence[str]:
        self._read("symbols")
        return sorted(symbol for symbol, market in self.markets.items() if market.active)

    def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        self._read("snapshot")
        known = [symbol for symbol in symbols if symbol in self.markets]
        balances = self._balances()
        quotes = {s: self.book[s] for s in known if s in self.book}
        return Snapshot(self.clock.now(), {s: self.markets[s] for s in known}, quotes, balances)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        self._read("quotes")
        return {symbol: self.book[symbol] for symbol in symbols if symbol in self.book}

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        self._read("candles")
        return {symbol: self.history[symbol][-minutes:] for symbol in symbols if symbol in self.history}

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
        with self.effects.effect("place"):
            self.clock.advance(self.latency_ms)
            return {intent.client_order_id: self._receive(intent) for intent in intents}

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        with self.effects.effect("cancel"):
            self.clock.advance(self.latency_ms)
            return {order.id: self._cancel(order) for order in orders}

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, LookupAnswer]:
        self._read("lookup")
        return {order.id: self._look_up(order.id) for order in orders}

    def review(self, orders: Sequence[Order], since: Mapping[str, int], *, with_balances: bool = False) -> Review:
        self._read("review", "lookup", "fills")
        answers = {order.id: self._look_up(order.id) for order in orders}
        shown = [order for order in self.open() if order.exchange_id not in self.faults.vanished]
        balances = self._balances() if with_balances else {}
        return Review(answers, [self._report(order) for order in shown], self._fills(since), balances)

    def fills_since(self, since: Mapping[str, int]) -> Sequence[Fill | BrokenTrade]:
        self._read("fills")
        return self._fills(since)

    def offers(self, wishes: Sequence[ConversionWish]) -> Mapping[str, OfferAnswer]:
        self._read("offers")
        return {wish.asset: self._offer(wish) for wish in wishes}

    def convert(self, intents: Sequence[ConversionIntent]) -> Mapping[ClientOrderId, ConvertOutcome]:
        with self.effects.effect("convert"):
            self.clock.advance(self.latency_ms)
            return {intent.id: self._take(intent) for intent in intents}

    def conversions(self, open: Sequence[Conversion]) -> Mapping[ClientOrderId, ConversionAnswer]:
        self._read("conversions")
        return {item.id: self._became(item) for item in open}

    def _balances(self) -> dict[str, Balance]:
        return {asset: Balance(asset, self.free(asset), total) for asset, total in self.totals.items()}

    def _fills(self, since: Mapping[str, int]) -> list[Fill | BrokenTrade]:
        old = self.faults.too_old_fills
        listed: list[Fill | BrokenTrade] = [
            fill._replace(client_order_id=None) if self.faults.fills_without_our_id else fill
            for shown, fill in self.trades
            if shown <= self.clock.now() and fill.symbol in since and (old or fill.time >= since[fill.symbol])
        ]
        listed += [trade for trade in self.broken if trade.symbol in since]
        if self.faults.duplicated:
            listed = [*listed, *listed]
        if self.faults.shuffled is not None:
            self.faults.shuffled.shuffle(listed)
        return listed[: self.faults.cut_listings.popleft()] if self.faults.cut_listings else listed

    def free(self, asset: str) -> Decimal:
        bound = D(0)
        for order in self.open():
            if order.side is Side.SELL and self.markets[order.symbol].base == asset:
                bound += order.remaining
            elif order.side is Side.BUY and asset == self.quote_asset:
                bound += order.remaining * order.price
        bound += sum((c.offer.amount for c in self.offered if c.status == "pending" and c.offer.asset == asset), D(0))
        return self.totals.get(asset, D(0)) - bound

    def _read(self, name: str, *parts: str) -> None:
        with self.effects.effect(name):
            self.reads += 1
            self.clock.advance(self.latency_ms)
            if self.reads in self.faults.silent_reads or {name, *parts} & self.faults.silent:
                raise Unreachable(Problem("unreachable", f"{name} had no answer", "try again later"))

    def _receive(self, intent: OrderIntent) -> SendOutcome:
        assert self.is_durable(intent.client_order_id), "sent before it was durable"
        self.sent.append(intent)
        word, _, detail = (self.faults.sends.popleft() if self.faults.sends else "").partition(":")
        if word == "reject":
            return self._rejected(RejectCode(detail))
        if word == "late":
            self.clock.after(int(detail), lambda: self._accept(intent))
        elif word != "lost":
            outcome = self._accept(intent)
            return Unanswered("reply lost") if word == "reply_lost" else outcome
        return Unanswered("timeout")

    def _accept(self, intent: OrderIntent) -> SendOutcome:
        market, quote = self.markets[intent.symbol], self.book[intent.symbol]
        buys = intent.side is Side.BUY
        if intent.price % market.price_tick or intent.amount % market.amount_step or intent.price <= 0:
            return self._rejected(RejectCode.BAD_PRECISION)
        if intent.amount < market.min_amount or intent.notional < market.min_notional:
            return self._rejected(RejectCode.BELOW_MINIMUM)
        if (intent.notional if buys else intent.amount) > self.free(self.quote_asset if buys else market.base):
            return self._rejected(RejectCode.INSUFFICIENT_FUNDS)
        touch = quote.ask if buys else quote.bid
        crosses = intent.price >= touch > 0 if buys else intent.price <= touch
        if crosses and intent.time_in_force is TimeInForce.PO:
            return self._rejected(RejectCode.POST_ONLY_WOULD_CROSS)
        order = FakeOrder(
            self._next(), intent.client_order_id, intent.symbol, intent.side, intent.price, intent.amount,
            self.clock.now(),
        )  # fmt: skip
        self.orders.append(order)
        if intent.time_in_force is TimeInForce.IOC:
            if crosses:
                self.fill(order, quote.ask_amount if buys else quote.bid_amount, touch, maker=False)
            if order.remaining:
                order.status = ReportedStatus.EXPIRED
        else:
            self.on_open(order)
        return Acknowledged(order.exchange_id)

    def _rejected(self, code: RejectCode) -> Rejected:
        self.rejections.append(Rejected(code, "no"))
        return self.rejections[-1]

    def _cancel(self, order: Order) -> CancelOutcome:
        word = self.faults.cancels.popleft() if self.faults.cancels else ""
        found = next((o for o in self.open() if o.client_id == order.id), None)
        if word == "unanswered":
            return Unanswered("timeout")
        if found is not None and word in ("filled_first", "partly_first"):
            step = self.markets[found.symbol].amount_step
            self.fill(found, None if word == "filled_first" else found.remaining / 2 // step * step)
        if found is None or found.status is not ReportedStatus.OPEN:
            return NotOpen("no such open order")
        found.status = ReportedStatus.CANCELED
        return Unanswered("reply lost") if word == "answer_lost" else CancelAccepted(found.exchange_id)

    def _look_up(self, client_id: ClientOrderId) -> LookupAnswer:
        if self.faults.lookups_unanswered > 0:
            self.faults.lookups_unanswered -= 1
            return Unanswered("timeout")
        shown = [order for order in self.orders if order.exchange_id not in self.faults.vanished]
        for order in shown:
            if order.client_id == client_id and self.clock.now() >= order.placed + self.faults.lookup_lag_ms:
                return self._report(order)
        return NotFound("no such order")

    def _offer(self, wish: ConversionWish) -> OfferAnswer:
        if self.convert_rate is None:
            return NotOffered("not offered here")
        bid = self.book[f"{wish.asset}/{wish.quote_asset}"].bid
        promised = (wish.amount * bid * self.convert_rate).quantize(D("0.00000001"))
        names = (f"q{len(self.offered) + 1}", wish.asset, wish.quote_asset)
        offer = ConversionOffer(*names, wish.amount, promised, self.clock.now() + self.offer_life_ms)
        self.offered.append(FakeConversion(offer))
        return offer

    def _take(self, intent: ConversionIntent) -> ConvertOutcome:
        assert self.is_conversion_durable(intent.id), "sent before it was durable"
        self.taken.append(intent)
        word, _, detail = (self.faults.converts.popleft() if self.faults.converts else "").partition(":")
        found = next(c for c in self.offered if c.offer.quote_id == intent.offer.quote_id)
        if word == "refused" or self.clock.now() >= found.offer.expires:
            return Rejected(RejectCode.INVALID_ORDER, "the offer is gone")
        if word == "late":
            self.clock.after(int(detail), lambda: self._accept_conversion(found, "", ""))
        elif word != "lost":
            outcome = self._accept_conversion(found, word, detail)
            return Unanswered("reply lost") if word == "reply_lost" else outcome
        return Unanswered("timeout")

    def _accept_conversion(self, found: FakeConversion, word: str, detail: str) -> ConvertOutcome:
        if found.status != "offered" or self.clock.now() >= found.offer.expires:
            return Rejected(RejectCode.INVALID_ORDER, "the offer is gone")
        if found.offer.amount > self.free(found.offer.asset):
            return Rejected(RejectCode.INSUFFICIENT_FUNDS, "no")  # ordered away meanwhile
        found.status, found.accepted = "pending", self.clock.now()
        if word == "pending":
            self.clock.after(int(detail), lambda: self._carry_out(found))
        elif word == "failing":
            found.status = "failed"
        else:
            self._carry_out(found)
        return ConversionTaken(found.exchange_id)

    def _carry_out(self, found: FakeConversion) -> None:
        offer = found.offer
        assert found.status == "pending" and offer.amount <= self.totals[offer.asset]
        found.status = "done"
        self.totals[offer.asset] -= offer.amount
        self.totals[offer.quote_asset] = self.totals.get(offer.quote_asset, D(0)) + offer.promised

    def _became(self, item: Conversion) -> ConversionAnswer:
        if self.faults.lookups_unanswered > 0:
            self.faults.lookups_unanswered -= 1
            return Unanswered("timeout")
        found = next(c for c in self.offered if c.offer.quote_id == item.intent.offer.quote_id)
        if found.status == "offered" or self.clock.now() < found.accepted + self.faults.lookup_lag_ms:
            return NotFound("no such conversion")
        if found.status == "pending":
            return ConversionPending(found.exchange_id)
        if found.status == "failed":
            return ConversionFailed("the exchange says FAIL")
        return Converted(found.exchange_id, found.offer.amount, found.offer.promised, found.accepted)

    def _report(self, order: FakeOrder) -> OrderReport:
        filled = None if self.faults.reports_without_filled else order.filled
        names = (order.client_id, order.exchange_id, order.symbol, order.side, order.status)
        return OrderReport(*names, order.price, order.amount, filled, order.placed)

    def _trade(self, order: FakeOrder, amount: Decimal, price: Decimal, *, maker: bool) -> None:
        market, cost, now = self.markets[order.symbol], amount * price, self.clock.now()
        rate = market.maker_fee if maker else market.taker_fee
        sign = 1 if order.side is Side.BUY else -1
        fee = Money(cost * rate, market.quote)
        if self.fee_asset == "received" and order.side is Side.BUY:
            fee = Money(amount * rate, market.base)
        elif self.fee_asset not in ("quote", "received"):
            fee = Money(cost * rate / _IN_QUOTE_PER_THIRD, self.fee_asset)
        for asset, change in ((market.base, sign * amount), (market.quote, -sign * cost), (fee.asset, -fee.amount)):
            self.totals[asset] = self.totals.get(asset, D(0)) + change
        fees = (fee,) if fee.amount else ()
        names = (order.symbol, f"t{len(self.trades) + 1:05}", order.exchange_id, order.client_id, order.side)
        fill = Fill(*names, amount, price, cost, fees, now, maker)
        self.trades.append((now + self.faults.trades_lag_ms, fill))

    def _next(self) -> int:
        return len(self.orders) + 1
