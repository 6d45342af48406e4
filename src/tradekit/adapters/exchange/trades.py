"""Our own trades since given times, all of them, each with our client order id wherever it can be learned.

Most exchanges name only their own order id in a trade. Which of ours that is was said when the order was placed or
looked up; it is kept in a small cache, and asked for where it isn't there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Final

from tradekit.adapters.exchange.cache_file import read_cache, write_cache
from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.failure import CallFailed
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.outcomes import says_unknown
from tradekit.adapters.exchange.paging import Item, read_list
from tradekit.adapters.exchange.reports import fill_of, text_of
from tradekit.adapters.exchange.venues.venue import Trades
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId

_NAMES_KEPT: Final = 2000


class Names:
    """Which client order id stands behind an order id of the exchange; "" for an order without one.

    An order id says nothing without its symbol: some exchanges count the orders of each market.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = read_cache(path)
        sound = isinstance(kept, dict) and all(isinstance(value, str) for value in kept.values())
        self._names: dict[str, str] = kept if sound else {}
        self._changed = False
        self._lock = Lock()

    def learn(self, symbol: str, exchange_id: str, client_id: str | None) -> None:
        """Notes down what the exchange said."""
        key = f"{symbol} {exchange_id}"
        with self._lock:
            if exchange_id and self._names.get(key) != (client_id or ""):
                self._names[key] = client_id or ""
                self._changed = True

    def get(self, symbol: str, exchange_id: str) -> str | None:
        """The client order id, "" where there is none, None where nobody knows."""
        return self._names.get(f"{symbol} {exchange_id}")

    def save(self) -> None:
        """Keeps the newest."""
        if self._changed:
            surplus = max(len(self._names) - _NAMES_KEPT, 0)
            write_cache(self._path, dict(islice(self._names.items(), surplus, None)))
            self._changed = False


def questions(trades: Trades, since: Mapping[str, int]) -> list[tuple[str | None, int]]:
    """What to ask for: symbol by symbol, or all at once from the earliest time on."""
    if not since:
        return []
    if trades.per_symbol:
        return [(symbol, trades.asked_from(time)) for symbol, time in since.items()]
    return [(None, trades.asked_from(min(since.values())))]


def read_trades(connection: Connection, symbol: str | None, since: int, now: int) -> list[Item]:
    """All trades of a symbol, or of the account, since a time. Raises `CallFailed`."""
    trades = connection.venue.trades
    return read_list(connection, "fetch_my_trades", symbol, since, trades.params, trades.paging, now)


def fills_among(
    connection: Connection,
    items: Iterable[Item],
    since: Mapping[str, int],
    names: Names,
    ask: Callable[[Fill], None],
) -> list[Fill]:
    """The trades of the symbols asked for, as fills. `ask` tries to learn the name behind one.

    Raises `BrokenAnswer` for a trade that can't be read: it must not be left out.
    """
    fills = []
    for item in items:
        if text_of(item, "symbol") not in since:
            continue
        fill = fill_of(item, connection.venue)
        if fill.time < since[fill.symbol]:
            continue
        if fill.client_order_id is None:
            if names.get(fill.symbol, fill.exchange_id) is None:
                ask(fill)
            name = names.get(fill.symbol, fill.exchange_id) or ""
            fill = fill._replace(client_order_id=ClientOrderId(name) or None)
        fills.append(fill)
    return fills


def learn_name(connection: Connection, fill: Fill, names: Names, now: int) -> None:
    """Asks for the order behind a trade. Where the exchange doesn't know it any more, it stays without a name.

    Raises `CallFailed`, `BrokenAnswer`: a trade of unknown origin must not be taken for somebody else's, also not one
    that is younger than the order's look-up.
    """
    venue, id = connection.venue, fill.exchange_id
    if venue.fetch is None:
        return
    try:
        told: Any = connection.call("fetch_order", id, fill.symbol, venue.filled_in(venue.fetch, "", id))
    except CallFailed as failed:
        if not says_unknown(failed.failure, venue) or now - fill.time <= venue.not_found_horizon_ms:
            raise
        names.learn(fill.symbol, id, None)
        return
    if told.get("id") != id or told.get("symbol") != fill.symbol:
        raise BrokenAnswer("an answer about another order")
    names.learn(fill.symbol, id, venue.own_id(told.get("clientOrderId")))
