"""The `Exchange` port over ccxt: questions in batches, checked answers, outcomes that claim no more than is known.

Knows no exchange by name: what is special about one stands in its venue record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tradekit.adapters.exchange import candles as minutes_of
from tradekit.adapters.exchange import orders as wire
from tradekit.adapters.exchange.cache_file import read_cache, write_cache
from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.failure import CallFailed, Failure
from tradekit.adapters.exchange.guard import BrokenAnswer, proves_emptiness
from tradekit.adapters.exchange.lookup import climb, in_open_list, open_items
from tradekit.adapters.exchange.markets import MarketBook, tick_at
from tradekit.adapters.exchange.pool import Pool
from tradekit.adapters.exchange.quotes import balances_of, quotes_of
from tradekit.adapters.exchange.reports import order_report
from tradekit.adapters.exchange.trades import Names, fills_among, learn_name, questions, read_trades
from tradekit.adapters.exchange.venues.venue import KeyPermissions, Venue
from tradekit.domain.account import Balance
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Quote, Snapshot
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


class CcxtExchange:
    """Implements `Exchange`. Made by `open_exchange`; closed by its user."""

    def __init__(
        self, venue: Venue, pool: Pool, book: MarketBook, names: Names, clock: ExchangeClock, folder: Path
    ) -> None:
        self.venue = venue
        self.clock = clock
        self._pool = pool
        self._book = book
        self._names = names
        self._candles = folder / f"candles-{venue.id}.json"

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
        tasks = [self._pool.private(_read_balances), *self._quote_tasks(known)]
        balances, *answers = self._all(tasks)
        quotes = quotes_of(answers, known, self.clock.now())
        markets = {}
        for symbol in known:
            filters = self._book.markets[symbol]
            price = quotes[symbol].ask or quotes[symbol].bid if symbol in quotes else filters.market.price_tick
            markets[symbol] = filters.market._replace(price_tick=tick_at(price, filters))
        return Snapshot(self.clock.now(), markets, quotes, balances)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Best prices alone: needs no key where the exchange tells them to everybody."""
        known = [symbol for symbol in symbols if symbol in self._book.markets]
        return quotes_of(self._all(self._quote_tasks(known)), known, self.clock.now())

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        """The last `minutes` complete one-minute candles per symbol, oldest first. Asks only for what is new.

        A symbol whose history can't be read is left out. Raises `Unreachable` when none can.
        """
        kept, now = minutes_of.sound(read_cache(self._candles)), self.clock.now()
        known = [symbol for symbol in symbols if symbol in self._book.markets]
        since = {symbol: minutes_of.missing_since(kept.get(symbol, []), now, minutes) for symbol in known}
        asked = [(symbol, start) for symbol, start in since.items() if start is not None]
        answers = self._pool.run([self._pool.public(_rows_task(symbol, start, now)) for symbol, start in asked])
        silent = [answer for answer in answers if isinstance(answer, Failure)]
        if silent and len(silent) == len(known):
            fail_unreachable(silent[0])
        for (symbol, _), answer in zip(asked, answers, strict=True):
            if not isinstance(answer, Failure):
                kept[symbol] = minutes_of.joined(kept.get(symbol, []), answer, now, minutes)
        if asked:
            write_cache(self._candles, kept)
        end = now // 60_000 * 60_000
        return {
            symbol: minutes_of.as_candles(kept[symbol][-minutes:])
            for symbol in known
            if kept.get(symbol) and kept[symbol][-1][0] == end - 60_000
        }

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
        """Sends each intent once. Every intent gets an outcome."""
        now = self.clock.now()
        tasks = [self._pool.private(partial(wire.send, intent=intent, now=now)) for intent in intents]
        outcomes: dict[ClientOrderId, SendOutcome] = {}
        for intent, told in zip(intents, self._pool.run(tasks), strict=True):
            outcome = Unanswered(told.text) if isinstance(told, Failure) else told
            outcomes[intent.client_order_id] = outcome
            if isinstance(outcome, Acknowledged):
                self._names.learn(outcome.exchange_id, intent.client_order_id)
            if isinstance(outcome, Rejected) and outcome.code in (RejectCode.BAD_PRECISION, RejectCode.BELOW_MINIMUM):
                self._book.forget()
        self._names.save()
        return outcomes

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        """Asks to cancel each order. Every order gets an outcome."""
        now = self.clock.now()
        tasks = [self._pool.private(partial(wire.cancel, order=order, now=now)) for order in orders]
        told = self._pool.run(tasks)
        return {
            order.id: Unanswered(answer.text) if isinstance(answer, Failure) else answer
            for order, answer in zip(orders, told, strict=True)
        }

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, LookupAnswer]:
        """What the exchange knows of each order. Every order gets an answer."""
        if not orders:
            return {}
        reports: Sequence[OrderReport] = ()
        if len(orders) > self.venue.direct:
            listed = self._pool.run([self._open_task()])[0]
            reports = [] if isinstance(listed, Failure) else listed
        return self._look_up(orders, reports)

    def review(self, orders: Sequence[Order], since: Mapping[str, int]) -> Review:
        """What became of these orders, all open orders, our fills since their times, and all balances: one round of
        parallel reads. Raises `Unreachable`.
        """
        for order in orders:
            if order.exchange_id is not None:
                self._names.learn(order.exchange_id, order.id)
        direct = list(orders) if len(orders) <= self.venue.direct else []
        asked = self._trade_tasks(since)
        told = self._pool.run(
            [self._pool.private(_read_balances), self._open_task(), *asked, *self._climb_tasks(direct)]
        )
        for part in told[: 2 + len(asked)]:
            if isinstance(part, Failure):
                fail_unreachable(part)
        balances, reports = told[:2]
        fills = [fill for part in told[2 : 2 + len(asked)] for fill in part]
        answers = dict(zip((order.id for order in direct), told[2 + len(asked) :], strict=True))
        if not direct:
            answers = self._look_up(orders, reports)
        self._learn(reports, answers)
        return Review(answers, reports, fills, balances)

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
        return self._all([self._pool.private(lambda connection: check.read(connection.call(check.method)))])[0]

    def balances(self) -> Mapping[str, Balance]:
        """All balances that are not zero. Raises `Unreachable`."""
        return self._all([self._pool.private(_read_balances)])[0]

    def close(self) -> None:
        """Ends the threads and closes the connections."""
        self._names.save()
        self._pool.close()

    def _look_up(self, orders: Sequence[Order], reports: Sequence[OrderReport]) -> dict[ClientOrderId, LookupAnswer]:
        answers: dict[ClientOrderId, LookupAnswer] = {}
        for order in orders:
            report = in_open_list(order, reports)
            if report is not None:
                answers[order.id] = report._replace(client_order_id=order.id, amount=order.intent.amount)
        rest = [order for order in orders if order.id not in answers]
        told = self._pool.run(self._climb_tasks(rest))
        answers.update(zip((order.id for order in rest), told, strict=True))
        self._learn(reports, answers)
        return {
            id: Unanswered(answer.text) if isinstance(answer, Failure) else answer for id, answer in answers.items()
        }

    def _climb_tasks(self, orders: Sequence[Order]) -> list[Callable[[], LookupAnswer]]:
        now = self.clock.now()
        return [self._pool.private(partial(climb, order=order, now=now)) for order in orders]

    def _open_task(self) -> Callable[[], list[OrderReport]]:
        return self._pool.private(partial(_read_open, now=self.clock.now()))

    def _trade_tasks(self, since: Mapping[str, int]) -> list[Callable[[], list[Fill]]]:
        now = self.clock.now()

        def read(connection: Connection, symbol: str | None, start: int) -> list[Fill]:
            items = read_trades(connection, symbol, start, now)

            def ask(fill: Fill) -> None:
                learn_name(connection, fill, self._names, now)

            return _sound(lambda: fills_among(connection, items, since, self._names, ask))

        asked = questions(self.venue.trades, since)
        return [self._pool.private(partial(read, symbol=symbol, start=start)) for symbol, start in asked]

    def _quote_tasks(self, symbols: Sequence[str]) -> list[Callable[[], Any]]:
        if not symbols:
            return []
        return [self._pool.public(partial(_ask_for, method=method, symbols=symbols)) for method in self.venue.quotes]

    def _learn(self, reports: Sequence[OrderReport], answers: Mapping[ClientOrderId, object]) -> None:
        for report in reports:
            self._names.learn(report.exchange_id, report.client_order_id)
        for answer in answers.values():
            if isinstance(answer, OrderReport):
                self._names.learn(answer.exchange_id, answer.client_order_id)
        self._names.save()

    def _all(self, tasks: Sequence[Callable[[], T]]) -> list[T]:
        """All results. Raises `Unreachable` for the first that failed."""
        results = self._pool.run(tasks)
        for result in results:
            if isinstance(result, Failure):
                fail_unreachable(result)
        return results


def _read_balances(connection: Connection) -> dict[str, Balance]:
    told = connection.call("fetch_balance")
    held = _sound(lambda: balances_of(told))
    if not told["total"] and not proves_emptiness(connection.answer):
        raise CallFailed(Failure((), "balances that belong to another kind of account", sent=True, whole=False))
    return held


def _ask_for(connection: Connection, method: str, symbols: Sequence[str]) -> Any:
    return connection.call(method, list(symbols) if len(symbols) <= connection.venue.ask_all_above else None)


def _read_open(connection: Connection, now: int) -> list[OrderReport]:
    return _sound(
        lambda: [order_report(item, connection.venue) for item in open_items(connection, symbol=None, now=now)]
    )


def _rows_task(symbol: str, since: int, now: int) -> Callable[[Connection], list[minutes_of.Row]]:
    return lambda connection: _sound(lambda: minutes_of.fetch_rows(connection, symbol, since, now))


def _sound(read: Callable[[], T]) -> T:
    """What was read; an answer that can't be understood counts as none."""
    try:
        return read()
    except BrokenAnswer as broken:
        failure = Failure((), str(broken), sent=True, whole=False)
    raise CallFailed(failure)


def fail_unreachable(failure: Failure) -> NoReturn:
    """Raises `Unreachable` for a read that brought no result, with what to do about it."""
    if failure.limited:
        raise Unreachable(
            Problem(
                "rate_limited",
                f"the exchange asks for fewer requests: {failure.text}",
                "nothing; the next run after that time goes on",
            )
        )
    if failure.whole and failure.is_a("AuthenticationError"):
        raise Unreachable(
            Problem(
                "key_refused",
                f"the exchange refuses the key: {failure.text}",
                "check the key, its permissions and its IP addresses",
            )
        )
    raise Unreachable(
        Problem(
            "unreachable",
            f"the exchange did not answer as it should: {failure.text}",
            "nothing; the next run tries again",
        )
    )
