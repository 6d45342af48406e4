"""The way to the exchange and back: requests and replies are lost or late, lists are cut, mixed up and out of date.

It implements the port of an exchange over a `Venue`. What a real adapter promises it keeps: a send has one outcome, a
read that fails raises, and an order that is not there by the horizon never will be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Final, Protocol

from simulated.border import Border
from simulated.counter import Counter
from simulated.counter import Witness as CounterWitness
from simulated.venue import Venue
from simulated.venue_order import VenueOrder
from simulated.weather import Weather
from tradekit.domain.account import Balance
from tradekit.domain.conversion import (
    Conversion,
    ConversionAnswer,
    ConversionIntent,
    ConversionWish,
    ConvertOutcome,
    OfferAnswer,
)
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Quote, Snapshot
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.outcome import (
    CancelOutcome,
    LookupAnswer,
    NotFound,
    OrderReport,
    RejectCode,
    Rejected,
    SendOutcome,
    Unanswered,
)
from tradekit.domain.ports import Review

_LONGEST_LATE_MS: Final = 30_000
_LONGEST_LAG_MS: Final = 8_000
_LONGEST_TRADE_LAG_MS: Final = 40_000
_HOUR_MS: Final = 3_600_000
_MARGIN_MS: Final = 3_000
_STALE_MS: Final = 5_000


class Witness(CounterWitness, Protocol):
    """Hears what passes over the wire. Must not change anything."""

    def sending(self, intent: OrderIntent) -> None:
        """An order is about to leave."""
        ...

    def answered(self, intent: OrderIntent, outcome: SendOutcome) -> None:
        """What the sender is told of it."""
        ...

    def told(self, id: ClientOrderId, answer: LookupAnswer) -> None:
        """What a look-up says of an order."""
        ...

    def canceling(self, id: ClientOrderId) -> None:
        """A cancel is about to leave."""
        ...


class Wire:
    """Implements `Exchange`. `weather` may change from run to run."""

    def __init__(
        self, venue: Venue, counter: Counter, border: Border, luck: Random, witness: Witness, horizon_ms: int
    ) -> None:
        self.weather = Weather()
        self.not_found_horizon_ms = horizon_ms
        self.longest_lag_ms = horizon_ms // 10
        self.very_late_share = 0.03
        self._venue = venue
        self._counter = counter
        self._border = border
        self._luck = luck
        self._witness = witness
        self._made: dict[ClientOrderId, int] = {}
        self._lags: dict[int, int] = {}
        self._trade_lags: dict[tuple[str, str], int] = {}
        self._balances: tuple[int, dict[str, Balance]] = (0, {})

    def symbols(self) -> Sequence[str]:
        """See `Exchange.symbols`."""
        self._read("symbols")
        return sorted(symbol for symbol, market in self._venue.markets.items() if market.active)

    def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """See `Exchange.snapshot`."""
        self._read("snapshot")
        known = [symbol for symbol in symbols if symbol in self._venue.markets]
        now = self._venue.agenda.now
        quotes = {symbol: self._venue.quotes[symbol]._replace(time=now) for symbol in known}
        return Snapshot(now, {symbol: self._venue.markets[symbol] for symbol in known}, quotes, self._told_balances())

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """See `Exchange.quotes`."""
        self._read("quotes")
        now = self._venue.agenda.now
        return {s: self._venue.quotes[s]._replace(time=now) for s in symbols if s in self._venue.quotes}

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        """See `Exchange.candles`. There are none: the built-in rules are not what is rehearsed here."""
        self._read("candles")
        return {}

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
        """See `Exchange.place`."""
        self._takes_time()
        return {intent.client_order_id: self._send(intent) for intent in intents}

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        """See `Exchange.cancel`."""
        self._takes_time()
        return {order.id: self._cancel(order.id) for order in orders}

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, LookupAnswer]:
        """See `Exchange.lookup`."""
        self._read("lookup")
        return {order.id: self._look_up(order.id) for order in orders}

    def review(self, orders: Sequence[Order], since: Mapping[str, int], *, with_balances: bool = False) -> Review:
        """See `Exchange.review`."""
        self._read("review")
        answers = {order.id: self._look_up(order.id) for order in orders}
        found = (self._seen(order) for order in self._venue.orders if order.is_open)
        listed = [report for report in found if report is not None]
        trades = self._trades(since)
        balances = self._told_balances()  # untold, they are still what the exchange may say again in a moment
        return Review(answers, listed, trades, balances if with_balances else {})

    def fills_since(self, since: Mapping[str, int]) -> Sequence[Fill | BrokenTrade]:
        """See `Exchange.fills_since`."""
        self._read("fills")
        return self._trades(since)

    def offers(self, wishes: Sequence[ConversionWish]) -> Mapping[str, OfferAnswer]:
        """See `Exchange.offers`."""
        self._read("offers")
        return {wish.asset: self._counter.offer(wish) for wish in wishes}

    def convert(self, intents: Sequence[ConversionIntent]) -> Mapping[ClientOrderId, ConvertOutcome]:
        """See `Exchange.convert`."""
        self._takes_time()
        return {intent.id: self._counter.take(intent, self.weather) for intent in intents}

    def conversions(self, open: Sequence[Conversion]) -> Mapping[ClientOrderId, ConversionAnswer]:
        """See `Exchange.conversions`."""
        self._read("conversions")
        return {item.id: self._counter.tell(item, self.weather) for item in open}

    def hides(self, order: VenueOrder) -> bool:
        """Whether nobody can be told of an order before its horizon is over: then it may be taken for dead."""
        if order.client_id is None:
            return False
        shown = order.placed + self._lag(order)
        return shown >= self._made[order.client_id] + self.not_found_horizon_ms - _MARGIN_MS

    def told_free(self, asset: str) -> Decimal:
        """What was last told to be free of an asset."""
        balance = self._balances[1].get(asset)
        return ZERO if balance is None else balance.free

    def clear(self) -> None:
        """From now on everything gets through, and all that was late has come."""
        self.weather = Weather()
        self._counter.clear()
        self._lags = dict.fromkeys((order.number for order in self._venue.orders), 0)
        self._trade_lags = dict.fromkeys(((trade.symbol, trade.trade_id) for trade in self._venue.trades), 0)

    def _send(self, intent: OrderIntent) -> SendOutcome:
        self._border.effect("send", f"{intent.side} {intent.amount:f} {intent.symbol} at {intent.price:f}")
        self._made[intent.client_order_id] = intent.created
        self._witness.sending(intent)
        outcome = self._deliver(intent)
        self._witness.answered(intent, outcome)
        return outcome

    def _deliver(self, intent: OrderIntent) -> SendOutcome:
        weather, draw = self.weather, self._luck.random()
        if draw < weather.request_lost:
            return Unanswered("timeout")
        draw -= weather.request_lost
        if draw < weather.late:
            self._venue.agenda.after(
                self._lateness(_LONGEST_LATE_MS, self.not_found_horizon_ms * 3 // 4), lambda: self._venue.submit(intent)
            )
            return Unanswered("timeout")
        draw -= weather.late
        if draw < weather.refused:
            return Rejected(RejectCode.RATE_LIMITED, "too many requests")
        outcome = self._venue.submit(intent)
        return Unanswered("reply lost") if self._luck.random() < weather.reply_lost else outcome

    def _cancel(self, id: ClientOrderId) -> CancelOutcome:
        self._border.effect("cancel", id)
        self._witness.canceling(id)
        weather, draw, found = self.weather, self._luck.random(), self._venue.mine(id)
        if draw < weather.cancel_lost:
            return Unanswered("timeout")
        draw -= weather.cancel_lost
        if draw < weather.cancel_late:
            self._venue.agenda.after(self._luck.randint(1, _LONGEST_LATE_MS), lambda: self._venue.cancel(id))
            return Unanswered("timeout")
        if found is not None and self._luck.random() < weather.filled_first:
            self._venue.fill_a_part(found)
        outcome = self._venue.cancel(id)
        return Unanswered("reply lost") if self._luck.random() < weather.cancel_answer_lost else outcome

    def _look_up(self, id: ClientOrderId) -> LookupAnswer:
        answer = self._known(id)
        self._witness.told(id, answer)
        return answer

    def _known(self, id: ClientOrderId) -> LookupAnswer:
        if self._luck.random() < self.weather.unanswered:
            return Unanswered("timeout")
        order = self._venue.mine(id)
        report = None if order is None else self._seen(order)
        return report or NotFound("no such order")

    def _seen(self, order: VenueOrder) -> OrderReport | None:
        return order.report(self._venue.agenda.now - self._lag(order))

    def _lag(self, order: VenueOrder) -> int:
        lag = self._lags.get(order.number)
        if lag is None:
            lags = self._luck.random() < self.weather.lagging
            lag = self._lags[order.number] = self._lateness(_LONGEST_LAG_MS, self.longest_lag_ms) if lags else 0
        return lag

    def _trades(self, since: Mapping[str, int]) -> list[Fill | BrokenTrade]:
        now, luck, weather = self._venue.agenda.now, self._luck, self.weather
        listed: list[Fill | BrokenTrade] = []
        for trade in self._venue.trades:
            lag = self._trade_lags.get((trade.symbol, trade.trade_id))
            if lag is None:
                late = luck.random() < weather.late_trades
                lag = self._lateness(_LONGEST_TRADE_LAG_MS, _HOUR_MS) if late else 0
                self._trade_lags[trade.symbol, trade.trade_id] = lag
            if trade.symbol in since and trade.time >= since[trade.symbol] and trade.time + lag <= now:
                listed.append(trade)
        if listed and luck.random() < weather.cut:
            listed = listed[: luck.randint(0, len(listed) - 1)]
        if luck.random() < weather.duplicated:
            listed += listed
        if luck.random() < weather.shuffled:
            luck.shuffle(listed)
        return listed

    def _told_balances(self) -> dict[str, Balance]:
        then, old = self._balances
        now = self._venue.agenda.now
        if old and now - then <= _STALE_MS and self._luck.random() < self.weather.stale_balances:
            return old
        self._balances = (now, self._venue.balances())
        return self._balances[1]

    def _lateness(self, usual: int, longest: int) -> int:
        """Mostly not more than `usual`, now and then up to `longest`."""
        return self._luck.randint(1, longest if self._luck.random() < self.very_late_share else min(usual, longest))

    def _read(self, name: str) -> None:
        self._border.effect("ask", name)
        self._takes_time()
        if self._luck.random() < self.weather.silent:
            raise Unreachable(Problem("unreachable", f"{name} had no answer", "try again later"))

    def _takes_time(self) -> None:
        self._venue.agenda.advance(self._luck.randint(20, 400))
