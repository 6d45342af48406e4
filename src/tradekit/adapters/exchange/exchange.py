"""The `Exchange` port over ccxt: questions in batches, checked answers, outcomes that claim no more than is known.

Knows no exchange by name: what is special about one stands in its venue record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NoReturn, TypeVar

from tradekit.adapters.exchange import orders as wire
from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.conversions import Converter
from tradekit.adapters.exchange.failure import Failure
from tradekit.adapters.exchange.limiter import RequestLedger
from tradekit.adapters.exchange.lookup import in_open_list
from tradekit.adapters.exchange.markets import MarketBook, tick_at
from tradekit.adapters.exchange.outcomes import says_no_market
from tradekit.adapters.exchange.pool import Pool
from tradekit.adapters.exchange.quotes import quotes_of
from tradekit.adapters.exchange.reads import (
    all_candles,
    fail_unreachable,
    read_balances,
    read_fills,
    read_permissions,
    read_tickers,
)
from tradekit.adapters.exchange.search import Search
from tradekit.adapters.exchange.trades import Names, questions
from tradekit.adapters.exchange.venues.venue import KeyPermissions, Venue
from tradekit.domain.account import Balance
from tradekit.domain.errors import Problem
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Market, Quote, Snapshot
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.outcome import (
    Acknowledged,
    CancelOutcome,
    LookupAnswer,
    OrderReport,
    RejectCode,
    Rejected,
    SendOutcome,
    Unanswered,
)
from tradekit.domain.ports import Review

T = TypeVar("T")


class CcxtExchange(Converter):
    """Implements `Exchange`. Made by `open_exchange`; closed by its user. `notes`: what that one should know."""

    def __init__(
        self, venue: Venue, pool: Pool, book: MarketBook, names: Names, clock: ExchangeClock, ledger: RequestLedger
    ) -> None:
        super().__init__(venue, pool, clock)
        self.ledger = ledger
        self.notes: tuple[Problem, ...] = ()
        self._book = book
        self._names = names
        self._candles = ledger.folder / f"candles-{venue.id}.json"

    @property
    def not_found_horizon_ms(self) -> int:
        """How long after the send a *not found* proves nothing."""
        return self.venue.not_found_horizon_ms

    @property
    def requests(self) -> int:
        """How many requests this run has sent."""
        return self._pool.requests

    def symbols(self) -> Sequence[str]:
        """All active spot symbols in the account's quote currency, sorted."""
        return [symbol for symbol, filters in self._book.markets.items() if filters.market.active]

    def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """Markets, quotes and all balances in one round. A symbol that is unknown is left out."""
        known = [symbol for symbol in symbols if symbol in self._book.markets]
        tasks = [self._pool.private(read_balances), *self._quote_tasks(self.venue.quotes, known)]
        balances, *answers = self._all(tasks)
        quotes = quotes_of(answers, known, self.clock.now())
        markets = {}
        for symbol in known:
            filters = self._book.markets[symbol]
            price = quotes[symbol].ask or quotes[symbol].bid if symbol in quotes else filters.market.price_tick
            markets[symbol] = filters.market._replace(price_tick=tick_at(price, filters))
        return Snapshot(self.clock.now(), markets, quotes, balances)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Best prices alone. Raises `Unreachable`."""
        known = [symbol for symbol in symbols if symbol in self._book.markets]
        return quotes_of(self.tickers(self.venue.quotes, known), known, self.clock.now())

    def tickers(self, methods: Sequence[str], symbols: Sequence[str]) -> list[Any]:
        """What each of these methods tells of prices. Raises `Unreachable`."""
        return self._all(self._quote_tasks(methods, symbols))

    def markets(self) -> Mapping[str, Market]:
        """All markets in the account's quote currency."""
        return {symbol: filters.market for symbol, filters in self._book.markets.items()}

    def ask(self, reads: Sequence[Callable[[Connection], T]]) -> list[T]:
        """Answers of public questions, side by side. Raises `Unreachable`."""
        return self._all([self._pool.public(read) for read in reads])

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        """The last `minutes` complete one-minute candles per symbol, oldest first. A symbol whose history can't be read
        is left out. Raises `Unreachable` when none can. Asks only for what is new.
        """
        known = [symbol for symbol in symbols if symbol in self._book.markets]
        return all_candles(self._pool, self._candles, known, minutes, self.clock.now())

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
        """Sends each intent once. Every intent gets an outcome."""
        send = partial(wire.send, now=self.clock.now)
        tasks = [self._pool.private(partial(send, intent=intent)) for intent in intents]
        outcomes: dict[ClientOrderId, SendOutcome] = {}
        for intent, told in zip(intents, self._pool.run(tasks), strict=True):
            outcome = Unanswered(told.text) if isinstance(told, Failure) else told
            outcomes[intent.client_order_id] = outcome
            if isinstance(outcome, Acknowledged):
                self._names.learn(intent.symbol, outcome.exchange_id, intent.client_order_id)
            if isinstance(outcome, Rejected) and outcome.code in (RejectCode.BAD_PRECISION, RejectCode.BELOW_MINIMUM):
                self._book.forget()
        self._names.save()
        return outcomes

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        """Asks to cancel each order. Every order gets an outcome. Those that have to be found first come last."""
        lost = [order for order in orders if wire.has_to_be_found(order, self.venue)]
        outcomes = self._cancel([order for order in orders if not wire.has_to_be_found(order, self.venue)], {})
        return {**outcomes, **self._cancel(lost, self._search(lost).run(lost))}

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, LookupAnswer]:
        """What the exchange knows of each order. Every order gets an answer."""
        if not orders:
            return {}
        search, reports = self._search(orders), list[OrderReport]()
        if len(orders) > self.venue.direct:
            listed = self._pool.run([search.open_orders()])[0]
            reports = [] if isinstance(listed, Failure) else listed
        return self._look_up(orders, reports, search)

    def review(self, orders: Sequence[Order], since: Mapping[str, int], *, with_balances: bool = False) -> Review:
        """What became of these orders, all open orders, our fills since their times, and all balances if they are
        wanted: one round of parallel reads, and another one for orders that it didn't find. Raises `Unreachable`.
        """
        for order in orders:
            if order.exchange_id is not None:
                self._names.learn(order.intent.symbol, order.exchange_id, order.id)
        direct = list(orders) if len(orders) <= self.venue.direct else []
        asked, search = self._trade_tasks(since), self._search(orders)
        proof = [self._pool.private(read_balances)] if with_balances else []
        told = self._pool.run([*proof, search.open_orders(), *asked, *search.by_ids(direct)])
        balances = self._whole(told[: len(proof)])
        reports, *listed = self._whole(told[len(proof) : len(proof) + 1 + len(asked)])
        found = told[len(proof) + 1 + len(asked) :]
        answers = search.finish(direct, found) if direct else self._look_up(orders, reports, search)
        self._learn(reports, answers)
        return Review(answers, reports, [fill for part in listed for fill in part], balances[0] if balances else {})

    def fills_since(self, since: Mapping[str, int]) -> Sequence[Fill]:
        """Our fills of each symbol at or after its time, in any order. Raises `Unreachable`."""
        fills = [fill for part in self._all(self._trade_tasks(since)) for fill in part]
        self._names.save()
        return fills

    def permissions(self) -> KeyPermissions | None:
        """What the key may do; None where the exchange doesn't tell. Raises `Unreachable`."""
        check = self.venue.permissions
        if check is None:
            return None
        return self._all([self._pool.private(partial(read_permissions, check=check))])[0]

    def balances(self) -> Mapping[str, Balance]:
        """All balances above zero. Raises `Unreachable`."""
        return self._all([self._pool.private(read_balances)])[0]

    def close(self) -> None:
        """Ends the threads and closes the connections."""
        self._names.save()
        self._pool.close()

    def _cancel(
        self, orders: Sequence[Order], found: Mapping[ClientOrderId, LookupAnswer]
    ) -> dict[ClientOrderId, CancelOutcome]:
        tasks = [self._pool.private(partial(wire.cancel, order=order, found=found.get(order.id))) for order in orders]
        return dict(zip((order.id for order in orders), self._pool.run(tasks), strict=True))

    def _search(self, orders: Sequence[Order]) -> Search:
        return Search(self._pool, self._names, orders, self.clock.now())

    def _look_up(
        self, orders: Sequence[Order], reports: Sequence[OrderReport], search: Search
    ) -> dict[ClientOrderId, LookupAnswer]:
        answers: dict[ClientOrderId, LookupAnswer] = {}
        for order in orders:
            report = in_open_list(order, reports)
            if report is not None:
                answers[order.id] = report._replace(client_order_id=order.id, amount=order.intent.amount)
        rest = [order for order in orders if order.id not in answers]
        answers.update(search.run(rest))
        self._learn(reports, answers)
        return answers

    def _trade_tasks(self, since: Mapping[str, int]) -> list[Callable[[], list[Fill]]]:
        """A coin that is held and can't be bought here has no trades to ask for."""
        since = {symbol: time for symbol, time in since.items() if symbol in self._book.markets}
        read = partial(read_fills, since=since, names=self._names, now=self.clock.now())
        asked = questions(self.venue.trades, since)
        return [self._pool.private(partial(read, symbol=symbol, start=start)) for symbol, start in asked]

    def _quote_tasks(self, methods: Sequence[str], symbols: Sequence[str]) -> list[Callable[[], Any]]:
        read = partial(read_tickers, symbols=symbols, forget=self._book.forget)
        return [self._pool.public(partial(read, method=method)) for method in methods if symbols]

    def _learn(self, reports: Sequence[OrderReport], answers: Mapping[ClientOrderId, object]) -> None:
        """A list that names no client id says nothing: some leave it out. Only the order itself can tell of none."""
        for report in reports:
            if report.client_order_id is not None:
                self._names.learn(report.symbol, report.exchange_id, report.client_order_id)
        for answer in answers.values():
            if isinstance(answer, OrderReport):
                self._names.learn(answer.symbol, answer.exchange_id, answer.client_order_id)
        self._names.save()

    def _all(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """All results. Raises `Unreachable` for the first that failed."""
        return self._whole(self._pool.run(tasks))

    def _whole(self, results: list[Any]) -> list[Any]:
        """These results, none of which failed. Raises `Unreachable` for the first that did."""
        for result in results:
            if isinstance(result, Failure):
                self._fail(result)
        return results

    def _fail(self, failure: Failure) -> NoReturn:
        """Raises `Unreachable`. If a market is gone, the next run asks which ones there are."""
        if says_no_market(failure, self.venue):
            self._book.forget()
        fail_unreachable(failure)
