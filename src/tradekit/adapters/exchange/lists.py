"""Lists of orders and trades, each read once for all orders of a batch that are looked for in it.

A list reaches back to the earliest of the orders whose exchange id nobody knows: they can only be found in lists, and
after a bad minute there are many of them. Tombstones, which are a day old at most, have lists of their own: theirs may
be too long to be read to the end. Open orders are listed before past ones: one that moves is in either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from functools import partial
from threading import Lock
from typing import Final

from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.paging import Item, read_list
from tradekit.adapters.exchange.venues.venue import Listing, OpenSymbols
from tradekit.domain.order import Order

_EARLIER_MS: Final = 60_000


class Lists:
    """What a batch reads, and keeps until it ends. Used by many threads; all methods raise `CallFailed`."""

    def __init__(self, orders: Iterable[Order], now: int) -> None:
        self._now = now
        self._sought = [order for order in orders if order.exchange_id is None]
        self._told: dict[object, Future[list[Item]]] = {}
        self._lock = Lock()

    def open_orders(self, connection: Connection, symbol: str | None) -> list[Item]:
        """All open orders, or those of one symbol where the exchange wants one. Raises `BrokenAnswer`."""
        asked = symbol if connection.venue.open_symbols is not None else None
        return self._once(("open", asked), partial(self._open_orders, connection, asked))

    def past_orders(self, connection: Connection, listing: Listing, order: Order) -> list[Item]:
        """One of the venue's lists of past orders, from before this one was made."""
        params = connection.venue.filled_in(listing.params, order.id, order.exchange_id or "")
        symbol = order.intent.symbol
        since = self._before(order, symbol) if listing.since else None
        read = partial(read_list, connection, listing.method, symbol, since, params, listing.paging, self._now)
        if order.exchange_id is not None:
            return read()
        return self._once((listing.method, symbol, order.is_tombstone, *sorted(params.items())), read)

    def trades(self, connection: Connection, order: Order) -> list[Item]:
        """Our own trades from before this order was made; its exchange id isn't known."""
        trades = connection.venue.trades
        symbol = order.intent.symbol if trades.per_symbol else None
        since = trades.asked_from(self._before(order, symbol))
        read = partial(read_list, connection, "fetch_my_trades", symbol, since, trades.params, trades.paging, self._now)
        return self._once(("trades", symbol, order.is_tombstone), read)

    def _before(self, order: Order, symbol: str | None) -> int:
        """A minute before the order, or before the earliest that is sought in the same list."""
        sharing = self._sought if order.exchange_id is None else ()
        made = [
            other.intent.created
            for other in sharing
            if symbol in (None, other.intent.symbol) and other.is_tombstone == order.is_tombstone
        ]
        return min([order.intent.created, *made]) - _EARLIER_MS

    def _open_orders(self, connection: Connection, symbol: str | None) -> list[Item]:
        venue = connection.venue
        if venue.open_symbols is None or symbol is not None:
            symbols = [symbol]
        else:
            symbols = [*_symbols_with_orders(connection, venue.open_symbols)]
        return [
            item
            for name in symbols
            for item in read_list(
                connection, "fetch_open_orders", name, None, venue.open_params, venue.open_list, self._now
            )
        ]

    def _once(self, key: object, read: Callable[[], list[Item]]) -> list[Item]:
        """Who comes first asks; the others wait for what it is told, be it a failure."""
        with self._lock:
            first = key not in self._told
            told = self._told.setdefault(key, Future())
        if first:
            try:
                told.set_result(read())
            except BaseException as error:  # whoever waits must not wait for ever; raised again below
                told.set_exception(error)
        return told.result()


def _symbols_with_orders(connection: Connection, where: OpenSymbols) -> list[str]:
    """The account's markets with open orders; those in other quote currencies are nobody's concern here."""
    told = connection.call(where.method)
    for name in where.at:
        told = told.get(name) if isinstance(told, dict) else None
    if not isinstance(told, list):
        raise BrokenAnswer("a list of symbols is missing")
    known = {market["id"]: symbol for symbol, market in connection.api.markets.items()}
    return [known[id] for id in told if id in known]
