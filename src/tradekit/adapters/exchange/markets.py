"""Markets and their filters, read from the exchange once an hour and kept on disk, cut to what the account needs.

A market whose filters are missing, zero or no numbers is left out: nothing can be traded on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradekit.adapters.exchange.cache_file import read_cache, write_cache
from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.numbers import exact
from tradekit.adapters.exchange.venues.venue import Venue
from tradekit.adapters.safe_text import is_safe
from tradekit.domain.market import Market
from tradekit.domain.numbers import ZERO

_FORMAT: Final = 1
_MOST_PLACES: Final = 60
_DECIMAL_PLACES, _SIGNIFICANT_DIGITS, _TICK_SIZE = 2, 3, 4
_KEPT: Final = (
    *("id", "symbol", "base", "quote", "baseId", "quoteId", "lowercaseId", "altname", "alias", "type", "active"),
    *("spot", "margin", "swap", "future", "option", "contract", "linear", "inverse", "taker", "maker"),
)


class Filters(NamedTuple):
    """A market with its filters. `digits`: how many digits a price may have, 0 where the tick is fixed."""

    market: Market
    digits: int = 0


class MarketBook:
    """The spot markets in one quote currency. `path` is the cache file, `source` says where the markets come from."""

    def __init__(self, path: Path, source: str, quote: str, max_age_ms: int) -> None:
        self._path = path
        self._source = source
        self._quote = quote
        self._max_age_ms = max_age_ms
        self.markets: dict[str, Filters] = {}

    def load(self, connection: Connection, wall: int, *, fresh: bool = False) -> None:
        """Gives the connection its markets, from the cache where it is young enough. Raises `CallFailed`."""
        kept = None if fresh else self._cached(connection, wall)
        if kept is None:
            kept = self._ask(connection)
            stamp = {
                "format": _FORMAT,
                "source": self._source,
                "time": wall,
                "ccxt": connection.api.__class__.__module__,
            }
            write_cache(self._path, {**stamp, **kept})
        connection.api.set_markets(kept["markets"], kept["currencies"])
        if kept["altnames"]:
            connection.api.options["marketsByAltname"] = {
                market["altname"]: market for market in connection.api.markets.values() if "altname" in market
            }
        self.markets = {
            symbol: filters
            for symbol, market in sorted(connection.api.markets.items())
            if (filters := filters_of(market, connection.api.precisionMode)) is not None
        }

    def forget(self) -> None:
        """The next run asks anew: the exchange refused what the filters allowed."""
        with suppress(OSError):  # orders were sent, and their answers count more than this file
            self._path.unlink(missing_ok=True)

    def _cached(self, connection: Connection, wall: int) -> Any:
        kept = read_cache(self._path)
        if not isinstance(kept, dict) or kept.get("format") != _FORMAT or kept.get("source") != self._source:
            return None
        if not isinstance(kept.get("time"), int) or not 0 <= wall - kept["time"] < self._max_age_ms:
            return None
        return kept if kept.get("markets") and isinstance(kept.get("currencies"), dict) and "altnames" in kept else None

    def _ask(self, connection: Connection) -> Mapping[str, Any]:
        """Asks for all markets and keeps the spot markets in the quote currency.

        While markets are parsed numbers are decimals: some classes compare them, and texts compare wrongly.
        """
        api, venue = connection.api, connection.venue
        currencies = connection.call("fetch_currencies") if venue.needs_currencies else {}
        if venue.needs_currencies:
            api.options["cachedCurrencies"] = currencies
        api.number = Decimal
        try:
            listed = connection.call("fetch_markets", dict(venue.markets))
        finally:
            api.number = str
            api.options.pop("cachedCurrencies", None)
        wanted = (market for market in listed if self._is_wanted(market))
        markets = [_cut(market, venue, api.precisionMode) for market in wanted]
        kept = {
            code: {"id": currency["id"], "code": code, "precision": None}
            for code, currency in (currencies or {}).items()
        }
        return {"markets": markets, "currencies": kept, "altnames": "marketsByAltname" in api.options}

    def _is_wanted(self, market: Mapping[str, Any]) -> bool:
        return bool(market.get("spot")) and market.get("quote") == self._quote and is_safe(str(market.get("symbol")))


def filters_of(market: Mapping[str, Any], mode: int) -> Filters | None:
    """What a market allows; None where that isn't clear. Where digits count, the tick is that of a price near 1."""
    try:
        precision, limits = market["precision"], market["limits"]
        step, tick = _grid(precision["amount"], mode), _grid(precision["price"], mode)
        least, worth = limits["amount"].get("min"), limits["cost"].get("min")
        maker, taker = (exact(_plain(market.get(side) or 0), "fee") for side in ("maker", "taker"))
        smallest = max(exact(least, "minimum") if least else ZERO, step)
        filters = Market(
            market["symbol"], market["base"], market["quote"], tick, step, smallest,
            exact(worth, "minimum") if worth else ZERO, maker, taker, market.get("active") is not False,
        )  # fmt: skip
    except (BrokenAnswer, KeyError, TypeError, AttributeError, ArithmeticError):
        return None
    if step <= 0 or tick <= 0 or filters.min_amount < 0 or filters.min_notional < 0:
        return None
    return Filters(filters, int(precision["price"]) if mode == _SIGNIFICANT_DIGITS else 0)


def tick_at(price: Decimal, filters: Filters) -> Decimal:
    """The grid of prices near `price`."""
    if not filters.digits:
        return filters.market.price_tick
    return Decimal(1).scaleb(price.adjusted() - filters.digits + 1)


def _grid(told: Any, mode: int) -> Decimal:
    number = exact(told, "precision")
    if mode == _TICK_SIZE:
        return number
    return Decimal(1).scaleb(-int(number) + (1 if mode == _SIGNIFICANT_DIGITS else 0))


def _cut(market: Mapping[str, Any], venue: Venue, mode: int) -> dict[str, Any]:
    """A market without what is never asked for. Of its raw form only what the class reads later is kept."""
    info = market.get("info") or {}
    precision = _plain(market["precision"])
    if info.get(venue.tick_field):
        precision["price"] = str(info[venue.tick_field])
    if mode != _TICK_SIZE:  # a count of digits: ccxt wants a whole number there
        precision = {name: _count(value) for name, value in precision.items()}
    limits = {name: _plain(market["limits"].get(name) or {}) for name in ("amount", "price", "cost")}
    if info.get(venue.min_notional_field):
        limits["cost"]["min"] = str(info[venue.min_notional_field])
    kept = {name: _plain(market[name]) for name in _KEPT if name in market}
    return {
        **kept,
        "precision": precision,
        "limits": limits,
        "info": {name: info[name] for name in venue.market_fields if name in info},
    }


def _count(value: Any) -> int | None:
    try:
        return int(exact(value, "digits"))
    except BrokenAnswer:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal | float):
        number = Decimal(str(value))
        # written out, a number like 1e999999999 would fill the memory; as it is, `exact` refuses it
        return format(number, "f") if abs(number.adjusted()) <= _MOST_PLACES else str(number)
    return {name: _plain(part) for name, part in value.items()} if isinstance(value, Mapping) else value
