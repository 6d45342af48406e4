"""What an exchange tells everybody, asked without a key: markets, best prices, order books, trades of strangers.

Never sees an account. An answer that can't be understood is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final, NamedTuple

from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.exchange import CcxtExchange
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.numbers import exact, exact_or_none
from tradekit.adapters.exchange.quotes import quotes_of
from tradekit.adapters.exchange.reads import understood
from tradekit.domain.market import Candle, Market, Quote
from tradekit.domain.numbers import ZERO
from tradekit.domain.proposal import Side

ONE_BY_ONE: Final = 20
"""So many best prices are taken from order books where an exchange tells them no other way."""


class Depth(NamedTuple):
    """An order book as it was shown: price and amount, the best ones first."""

    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


class PublicTrade(NamedTuple):
    """A trade between strangers: `taker` came to the other one, None where nobody says. `time` in milliseconds."""

    time: int
    taker: Side | None
    price: Decimal
    amount: Decimal


class PublicMarkets:
    """Public questions over an exchange that was opened without credentials. All raise `Unreachable`."""

    def __init__(self, exchange: CcxtExchange) -> None:
        self._exchange = exchange

    @property
    def now(self) -> int:
        """Exchange time in milliseconds."""
        return self._exchange.clock.now()

    def markets(self) -> Mapping[str, Market]:
        """All markets in the account's quote currency, by symbol."""
        return self._exchange.markets()

    def quotes(self, symbols: Sequence[str]) -> dict[str, Quote]:
        """Best prices of all, in one question where the exchange has one; a few from order books where it hasn't."""
        methods = self._exchange.venue.public_quotes
        told = self._exchange.tickers(methods, symbols)
        quotes = quotes_of(told, symbols, self.now)
        missing = [symbol for symbol in symbols if symbol not in quotes]
        if 0 < len(missing) <= ONE_BY_ONE:
            shown = {symbol: _touch(depth) for symbol, depth in self.depths(missing).items()}
            quotes |= quotes_of([*told, shown], missing, self.now)
        return quotes

    def depths(self, symbols: Sequence[str]) -> dict[str, Depth]:
        """The order books now."""
        found = self._exchange.ask([partial(_read_depth, symbol=symbol) for symbol in symbols])
        return dict(zip(symbols, found, strict=True))

    def trades(self, symbol: str) -> list[PublicTrade]:
        """The newest trades, oldest first: one page of them, which a busy market fills in seconds."""
        return self._exchange.ask([partial(_read_trades, symbol=symbol)])[0]

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        """See `Exchange.candles`."""
        return self._exchange.candles(symbols, minutes)


def _touch(depth: Depth) -> dict[str, str]:
    """The best level of each side, under the names that tickers have for it."""
    names = (("bid", depth.bids), ("ask", depth.asks))
    told: dict[str, str] = {}
    for name, levels in names:
        if levels:
            told |= {name: f"{levels[0][0]:f}", f"{name}Volume": f"{levels[0][1]:f}"}
    return told


def _read_depth(connection: Connection, symbol: str) -> Depth:
    told = connection.call("fetch_order_book", symbol)
    return understood(lambda: Depth(_levels(told, "bids"), _levels(told, "asks")))


def _levels(told: Any, name: str) -> tuple[tuple[Decimal, Decimal], ...]:
    rows = told.get(name)
    if not isinstance(rows, list):
        raise BrokenAnswer(f"{name} are missing")
    found = [(_shown(row[0], "price"), _shown(row[1], "amount")) for row in rows if len(row) > 1]
    return tuple(sorted(found, reverse=name == "bids"))  # ccxt sorts texts as texts


def _shown(value: object, what: str) -> Decimal:
    """A figure of strangers. Some classes make order books of floats; their shortest form is what the exchange told."""
    return exact(repr(value) if isinstance(value, float) else value, what)


def _read_trades(connection: Connection, symbol: str) -> list[PublicTrade]:
    told = connection.call("fetch_trades", symbol)
    told_taker = connection.venue.tells_taker
    return understood(lambda: sorted((_trade(item, told_taker) for item in told), key=lambda trade: trade.time))


def _trade(item: Mapping[str, Any], told_taker: bool) -> PublicTrade:
    time, side = item.get("timestamp"), item.get("side")
    amount = exact_or_none(item.get("amount"), "amount") or ZERO
    if not isinstance(time, int):
        raise BrokenAnswer("a trade without a time")
    taker = Side(side) if told_taker and side in ("buy", "sell") else None
    return PublicTrade(time, taker, exact(item.get("price"), "price"), amount)
