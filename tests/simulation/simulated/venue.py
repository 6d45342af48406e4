"""An exchange with a life of its own: prices drift, resting orders fill, filters change, markets halt.

Its balances, orders and trades are the truth that tradekit's books are held against; it knows nothing of those. Every
answer is right and immediate here: what gets lost, late or mixed up on the way is the business of `wire`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final

from simulated.clock import Agenda
from simulated.venue_order import VenueOrder
from tradekit.domain.account import Balance
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Market, Quote
from tradekit.domain.money import Money
from tradekit.domain.numbers import ZERO, floor_to
from tradekit.domain.order import OrderIntent, TimeInForce
from tradekit.domain.outcome import (
    Acknowledged,
    CancelAccepted,
    CancelOutcome,
    NotOpen,
    RejectCode,
    Rejected,
    ReportedStatus,
)
from tradekit.domain.proposal import Side

_THIRD_ASSET_WORTH: Final = Decimal(500)
_LONGEST_STEPS: Final = 3


@dataclass
class Habits:
    """How the market behaves. Shares are per second of time that passes.

    `fee_asset` is "quote", "received" or a third asset, of which one is worth 500 quote. Ids of trades are only
    unique within their symbol. `trade_grain_ms` is what times of trades are cut to.
    """

    fill_share: float = 0.05
    partial_share: float = 0.5
    drift_ticks: int = 20
    fee_asset: str = "quote"
    frees_ids_of_finished: bool = True
    trades_name_our_id: bool = True
    trade_grain_ms: int = 1


class Venue:
    """One account on it. `accepted` and `traded` hear of everything that becomes true of our orders."""

    def __init__(
        self, agenda: Agenda, luck: Random, markets: dict[str, Market], totals: dict[str, Decimal], habits: Habits
    ) -> None:
        self.agenda = agenda
        self.luck = luck
        self.markets = markets
        self.totals = totals
        self.habits = habits
        self.quotes: dict[str, Quote] = {}
        self.orders: list[VenueOrder] = []
        self.trades: list[Fill] = []
        self.accepted: Callable[[VenueOrder], object] = lambda _: None
        self.traded: Callable[[VenueOrder, Fill], object] = lambda *_: None
        agenda.moved = self._live

    def set_quote(self, symbol: str, bid: Decimal, ask: Decimal, depth: Decimal, volume: Decimal) -> None:
        """A new best bid and ask; resting orders that the market moved through trade at their own price."""
        amounts = (depth / bid, depth / ask)
        self.quotes[symbol] = Quote(symbol, self.agenda.now, bid, ask, *amounts, volume)
        for order in self.open(symbol):
            if ask <= order.price if order.side is Side.BUY else bid >= order.price:
                self.fill(order, order.remaining)

    def open(self, symbol: str | None = None) -> list[VenueOrder]:
        """Orders that can still trade."""
        return [order for order in self.orders if order.is_open and symbol in (None, order.symbol)]

    def mine(self, client_id: ClientOrderId) -> VenueOrder | None:
        """The newest order with our id."""
        return next((order for order in reversed(self.orders) if order.client_id == client_id), None)

    def free(self, asset: str) -> Decimal:
        """What is not bound in open orders."""
        bound = ZERO
        for order in self.open():
            market = self.markets[order.symbol]
            if order.side is Side.SELL and market.base == asset:
                bound += order.remaining
            elif order.side is Side.BUY and market.quote == asset:
                bound += order.remaining * order.price
        return self.totals.get(asset, ZERO) - bound

    def balances(self) -> dict[str, Balance]:
        """All of them."""
        return {asset: Balance(asset, self.free(asset), total) for asset, total in self.totals.items()}

    def transfer(self, asset: str, amount: Decimal) -> None:
        """A deposit, or a withdrawal where `amount` is negative."""
        self.totals[asset] = self.totals.get(asset, ZERO) + amount

    def submit(self, intent: OrderIntent) -> Acknowledged | Rejected:
        """An order arrives."""
        refused = self._refusal(intent)
        if refused is not None:
            return Rejected(refused, "no")
        order = self.enter(intent.symbol, intent.side, intent.price, intent.amount, intent.client_order_id)
        if intent.time_in_force is TimeInForce.IOC:
            quote, buys = self.quotes[intent.symbol], intent.side is Side.BUY
            touch, shown = (quote.ask, quote.ask_amount) if buys else (quote.bid, quote.bid_amount)
            if intent.price >= touch if buys else intent.price <= touch:
                part = floor_to(shown, self.markets[order.symbol].amount_step)
                self.fill(order, min(order.remaining, part), price=touch, maker=False)
            if order.is_open:
                self.end(order, ReportedStatus.EXPIRED)
        return Acknowledged(order.exchange_id)

    def enter(
        self, symbol: str, side: Side, price: Decimal, amount: Decimal, client_id: ClientOrderId | None = None
    ) -> VenueOrder:
        """An order is there now, whoever sent it."""
        order = VenueOrder(len(self.orders) + 1, client_id, symbol, side, price, amount, self.agenda.now)
        self.orders.append(order)
        self._noted(order)
        self.accepted(order)
        return order

    def cancel(self, client_id: ClientOrderId) -> CancelOutcome:
        """A cancel arrives."""
        found = next((order for order in self.open() if order.client_id == client_id), None)
        if found is None:
            return NotOpen("no such open order")
        self.end(found, ReportedStatus.CANCELED)
        return CancelAccepted(found.exchange_id)

    def end(self, order: VenueOrder, status: ReportedStatus) -> None:
        """An order will never trade again."""
        order.status = status
        self._noted(order)

    def fill(self, order: VenueOrder, amount: Decimal, *, price: Decimal | None = None, maker: bool = True) -> None:
        """A trade of an open order, at its own price unless said otherwise."""
        if not order.is_open or amount <= 0:
            return
        market = self.markets[order.symbol]
        at = order.price if price is None else price
        cost, sign = amount * at, 1 if order.side is Side.BUY else -1
        fee = self._fee(order, market, amount, cost, market.maker_fee if maker else market.taker_fee)
        for asset, change in ((market.base, sign * amount), (market.quote, -sign * cost), (fee.asset, -fee.amount)):
            self.totals[asset] = self.totals.get(asset, ZERO) + change
        order.filled += amount
        if not order.remaining:
            order.status = ReportedStatus.FILLED
        self._noted(order)
        number = 1 + sum(1 for other in self.trades if other.symbol == order.symbol)
        ours = order.client_id if self.habits.trades_name_our_id else None
        names = (order.symbol, f"t{number:05}", order.exchange_id, ours, order.side)
        time = self.agenda.now - self.agenda.now % self.habits.trade_grain_ms
        trade = Fill(*names, amount, at, cost, (fee,) if fee.amount else (), time, maker)
        self.trades.append(trade)
        self.traded(order, trade)

    def fill_a_part(self, order: VenueOrder) -> None:
        """Some of what is left trades, or all of it."""
        step, part = self.markets[order.symbol].amount_step, order.remaining
        if self.luck.random() < self.habits.partial_share:
            part = floor_to(part * self.luck.randint(5, 95) / 100, step) or part
        self.fill(order, part)

    def drift(self, symbol: str, ticks: int) -> None:
        """The price goes up or down so many ticks; the spread is drawn anew."""
        tick, old = self.markets[symbol].price_tick, self.quotes[symbol]
        bid = max(floor_to(old.bid, tick) + ticks * tick, 20 * tick)
        self.set_quote(symbol, bid, bid + self.luck.randint(1, 6) * tick, old.bid * old.bid_amount, old.volume_24h)

    def _live(self, passed_ms: int) -> None:
        """The market does what it does while time passes."""
        seconds = passed_ms / 1000
        for order in self.open():
            if self.luck.random() < 1 - (1 - self.habits.fill_share) ** seconds:
                self.fill_a_part(order)
        symbols, ticks = sorted(self.quotes), self.habits.drift_ticks
        for _ in range(min(max(int(seconds), 1), _LONGEST_STEPS)):
            self.drift(self.luck.choice(symbols), self.luck.randint(-ticks, ticks))

    def _fee(self, order: VenueOrder, market: Market, amount: Decimal, cost: Decimal, rate: Decimal) -> Money:
        wanted = self.habits.fee_asset
        if wanted == "received" and order.side is Side.BUY:
            return Money(amount * rate, market.base)
        third = cost * rate / _THIRD_ASSET_WORTH
        if wanted not in ("quote", "received") and third <= self.free(wanted):
            return Money(third, wanted)
        return Money(cost * rate, market.quote)

    def _refusal(self, intent: OrderIntent) -> RejectCode | None:
        market, quote, buys = self.markets[intent.symbol], self.quotes[intent.symbol], intent.side is Side.BUY
        taken = [order for order in self.orders if order.client_id == intent.client_order_id]
        if any(order.is_open for order in taken) or (taken and not self.habits.frees_ids_of_finished):
            return RejectCode.INVALID_ORDER
        if not market.active:
            return RejectCode.MARKET_CLOSED
        if intent.price % market.price_tick or intent.amount % market.amount_step or intent.price <= 0:
            return RejectCode.BAD_PRECISION
        if intent.amount < market.min_amount or intent.notional < market.min_notional:
            return RejectCode.BELOW_MINIMUM
        if (intent.notional if buys else intent.amount) > self.free(market.quote if buys else market.base):
            return RejectCode.INSUFFICIENT_FUNDS
        crosses = intent.price >= quote.ask if buys else intent.price <= quote.bid
        return RejectCode.POST_ONLY_WOULD_CROSS if crosses and intent.time_in_force is TimeInForce.PO else None

    def _noted(self, order: VenueOrder) -> None:
        order.past.append((self.agenda.now, order.filled, order.status))
