"""The inside of a test exchange: exact balances, one level of quotes, resting orders, trades. Knows nothing of HTTP.

Shares no code with tradekit, so that the two sets of books can be compared. All methods hold one lock: the servers
answer several requests at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from threading import RLock

D = Decimal


@dataclass(frozen=True)
class Listing:
    """One market. `tick` and `step` are the grids of price and amount."""

    base: str
    quote: str
    tick: Decimal
    step: Decimal
    min_amount: Decimal
    min_notional: Decimal
    active: bool = True

    @property
    def symbol(self) -> str:
        return f"{self.base}/{self.quote}"


@dataclass
class Touch:
    """Best prices with their amounts, and what was traded in a day, in quote currency."""

    bid: Decimal
    ask: Decimal
    bid_amount: Decimal = D(100)
    ask_amount: Decimal = D(100)
    volume: Decimal = D(20_000_000)


@dataclass
class HeldOrder:
    """One order as the exchange knows it. `status`: open, filled, canceled, expired or rejected."""

    number: int
    client_id: str
    symbol: str
    side: str
    kind: str
    price: Decimal
    amount: Decimal
    placed: int
    filled: Decimal = D(0)
    cost: Decimal = D(0)
    fee: Decimal = D(0)
    status: str = "open"
    updated: int = 0
    shown_from: int = 0
    gone_from: int = 0
    expires: int = 0

    @property
    def id(self) -> str:
        return str(self.number)

    @property
    def remaining(self) -> Decimal:
        return self.amount - self.filled


@dataclass(frozen=True)
class HeldTrade:
    """One trade of ours. `shown_from` is when the trade list first tells it, in milliseconds."""

    number: int
    order: HeldOrder
    symbol: str
    side: str
    amount: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    time: int
    shown_from: int

    @property
    def cost(self) -> Decimal:
        return self.amount * self.price


class Refusal(Exception):
    """The exchange says no. Words: post_only, funds, minimum, precision, closed, duplicate, unknown_order, symbol."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True)
class Stranger:
    """A trade between two others: `taker` bought or sold."""

    number: int
    symbol: str
    taker: str
    price: Decimal
    amount: Decimal
    time: int


@dataclass
class Engine:
    """One account on one exchange.

    `lookup_lag_ms`: how long a new order is not found by look-ups and lists. `ghost_ms`: how long a finished order is
    still in the list of open ones. `trades_lag_ms`: how late trades are told. `third_asset`: pays all fees when set,
    one of it being worth 500 quote. `strict_client_ids`: a client id is unique among open orders.
    """

    now: Callable[[], int]
    listings: dict[str, Listing]
    totals: dict[str, Decimal]
    touches: dict[str, Touch] = field(default_factory=dict)
    maker_rate: Decimal = D("0.001")
    taker_rate: Decimal = D("0.002")
    third_asset: str = ""
    fee_in_received: bool = False
    lookup_lag_ms: int = 0
    ghost_ms: int = 0
    trades_lag_ms: int = 0
    post_only_accepts: bool = False
    orders: list[HeldOrder] = field(default_factory=list)
    trades: list[HeldTrade] = field(default_factory=list)
    strangers: list[Stranger] = field(default_factory=list)
    accepted: dict[str, int] = field(default_factory=dict)
    agenda: list[tuple[int, int, Callable[[], object]]] = field(default_factory=list)
    lock: RLock = field(default_factory=RLock)
    _entries: int = 0

    def place(
        self, client_id: str, symbol: str, side: str, kind: str, amount: Decimal, price: Decimal, *, expires: int = 0
    ) -> HeldOrder:
        """`kind` is GTC, PO or IOC; at `expires` (milliseconds; 0: never) the order ends. Raises `Refusal`."""
        with self.lock:
            listing = self._admit(client_id, symbol, side, amount, price)
            touch = self.touches[symbol]
            best = touch.ask if side == "buy" else touch.bid
            crosses = price >= best > 0 if side == "buy" else price <= best
            now = self.now()
            if crosses and kind == "PO" and not self.post_only_accepts:
                raise Refusal("post_only")
            order = HeldOrder(
                len(self.orders) + 1, client_id, symbol, side, kind, price, amount, now,
                updated=now, shown_from=now + self.lookup_lag_ms, expires=expires,
            )  # fmt: skip
            if expires:
                self.after(expires - now, lambda: self._expire(order))
            self.orders.append(order)
            self.accepted[client_id] = self.accepted.get(client_id, 0) + 1
            if crosses and kind == "PO":
                self._finish(order, "rejected")
            elif crosses:
                shown = touch.ask_amount if side == "buy" else touch.bid_amount
                part = min(amount, shown // listing.step * listing.step)
                if part:
                    self.fill(order, part, best, maker=False)
            if kind == "IOC" and order.status == "open":
                self._finish(order, "expired")
            return order

    def cancel(self, order: HeldOrder) -> None:
        """Raises `Refusal` when it is not open."""
        with self.lock:
            if order.status != "open":
                raise Refusal("unknown_order")
            self._finish(order, "canceled")

    def fill(
        self, order: HeldOrder, amount: Decimal | None = None, price: Decimal | None = None, *, maker: bool = True
    ) -> HeldTrade:
        """Somebody trades with a resting order: all of it, unless an amount is given."""
        with self.lock:
            part = order.remaining if amount is None else amount
            paid = order.price if price is None else price
            listing = self.listings[order.symbol]
            fee, asset = self._fee(order, listing, part, paid, maker=maker)
            sign = 1 if order.side == "buy" else -1
            for name, change in ((listing.base, sign * part), (listing.quote, -sign * part * paid), (asset, -fee)):
                self.totals[name] = self.totals.get(name, D(0)) + change
            order.filled += part
            order.cost += part * paid
            order.fee += fee
            now = self.now()
            trade = HeldTrade(
                len(self.trades) + 1, order, order.symbol, order.side, part, paid, fee, asset, maker, now,
                now + self.trades_lag_ms,
            )  # fmt: skip
            self.trades.append(trade)
            order.updated = now
            if not order.remaining:
                self._finish(order, "filled")
            return trade

    def move(self, symbol: str, bid: str, ask: str) -> None:
        """New best prices; resting orders that they reach are filled at their own price."""
        with self.lock:
            touch = replace(self.touches[symbol], bid=D(bid), ask=D(ask))
            self.touches[symbol] = touch
            for order in self.open_orders():
                reached = order.price >= touch.ask if order.side == "buy" else order.price <= touch.bid
                if order.symbol == symbol and reached:
                    self.fill(order)

    def stranger(self, symbol: str, taker: str, amount: str, price: str = "") -> None:
        """Somebody takes from the best level of somebody else; what is shown there shrinks by it."""
        with self.lock:
            touch = self.touches[symbol]
            best = touch.bid if taker == "sell" else touch.ask
            at, side = D(price) if price else best, "bid_amount" if taker == "sell" else "ask_amount"
            self.strangers.append(Stranger(len(self.strangers) + 1, symbol, taker, at, D(amount), self.now()))
            if at == best:
                self.touches[symbol] = replace(touch, **{side: max(getattr(touch, side) - D(amount), D(0))})

    def open_orders(self) -> list[HeldOrder]:
        """What is open in truth."""
        return [order for order in self.orders if order.status == "open"]

    def listed_open(self) -> list[HeldOrder]:
        """What the list of open orders shows now: without the newest, with ghosts of finished ones."""
        now = self.now()
        with self.lock:
            self.run_due()
            return [
                order for order in self.orders
                if order.shown_from <= now and (order.status == "open" or now < order.gone_from)
            ]  # fmt: skip

    def listed_closed(self) -> list[HeldOrder]:
        """What the list of finished orders shows now."""
        now = self.now()
        with self.lock:
            self.run_due()
            return [order for order in self.orders if order.shown_from <= now and order.status != "open"]

    def find(self, *, number: str = "", client_id: str = "", lagging: bool = True) -> HeldOrder:
        """The newest order with an id. Raises `Refusal`."""
        now = self.now()
        with self.lock:
            self.run_due()
            for order in reversed(self.orders):
                hit = order.id == number if number else order.client_id == client_id
                if hit and (order.shown_from <= now or not lagging):
                    return order
        raise Refusal("unknown_order")

    def listed_trades(self) -> list[HeldTrade]:
        """The trades that are told by now, oldest first."""
        now = self.now()
        with self.lock:
            self.run_due()
            return [trade for trade in self.trades if trade.shown_from <= now]

    def free(self, asset: str) -> Decimal:
        """What is not bound in open orders."""
        with self.lock:
            bound = D(0)
            for order in self.open_orders():
                listing = self.listings[order.symbol]
                if order.side == "sell" and listing.base == asset:
                    bound += order.remaining
                elif order.side == "buy" and listing.quote == asset:
                    bound += order.remaining * order.price
            return self.totals.get(asset, D(0)) - bound

    def after(self, ms: int, action: Callable[[], object]) -> None:
        """Something that happens later by the exchange's clock: it is done before the first answer after that."""
        with self.lock:
            self._entries += 1
            self.agenda.append((self.now() + ms, self._entries, action))

    def run_due(self) -> None:
        """Does what is due."""
        with self.lock:
            now = self.now()
            due = sorted(entry for entry in self.agenda if entry[0] <= now)
            self.agenda = [entry for entry in self.agenda if entry[0] > now]
            for _, _, action in due:
                action()

    def _admit(self, client_id: str, symbol: str, side: str, amount: Decimal, price: Decimal) -> Listing:
        listing = self.listings.get(symbol)
        if listing is None:
            raise Refusal("symbol")
        if not listing.active:
            raise Refusal("closed")
        if price <= 0 or amount <= 0 or price % listing.tick or amount % listing.step:
            raise Refusal("precision")
        if amount < listing.min_amount or amount * price < listing.min_notional:
            raise Refusal("minimum")
        if any(order.client_id == client_id for order in self.open_orders()):
            raise Refusal("duplicate")
        asset, needed = (listing.quote, amount * price) if side == "buy" else (listing.base, amount)
        if needed > self.free(asset):
            raise Refusal("funds")
        return listing

    def _expire(self, order: HeldOrder) -> None:
        if order.status == "open":
            self._finish(order, "expired")

    def _finish(self, order: HeldOrder, status: str) -> None:
        order.status = status
        order.updated = self.now()
        order.gone_from = order.updated + self.ghost_ms

    def _fee(
        self, order: HeldOrder, listing: Listing, amount: Decimal, price: Decimal, *, maker: bool
    ) -> tuple[Decimal, str]:
        rate = self.maker_rate if maker else self.taker_rate
        if self.third_asset:
            return amount * price * rate / 500, self.third_asset
        if self.fee_in_received and order.side == "buy":
            return amount * rate, listing.base
        return amount * price * rate, listing.quote
