"""What became of an order: every way to ask, one after the other, until one knows it.

*Not found* is only said when each way answered. One that failed leaves the order unanswered. What is asked for one
order alone comes first, lists that a batch shares come after it: an order that moves is in either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.failure import CallFailed
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.lists import Lists
from tradekit.adapters.exchange.outcomes import says_unknown
from tradekit.adapters.exchange.paging import Item
from tradekit.adapters.exchange.reports import order_report
from tradekit.adapters.exchange.trades import Names
from tradekit.adapters.exchange.venues.venue import Listing, Params
from tradekit.domain.order import Order
from tradekit.domain.outcome import LookupAnswer, NotFound, OrderReport, Unanswered


def in_open_list(order: Order, reports: Sequence[OrderReport]) -> OrderReport | None:
    """The order in a list of open ones, unless it is being canceled: such lists lag behind."""
    if order.is_canceling:
        return None
    return next((report for report in reports if is_of(report, order)), None)


def is_of(report: OrderReport, order: Order) -> bool:
    """Whether a report is about this order."""
    if order.exchange_id is not None and report.symbol == order.intent.symbol:
        return report.exchange_id == order.exchange_id
    return report.client_order_id == order.id


def ask_for(connection: Connection, order: Order, lists: Lists) -> LookupAnswer:
    """Asks in every way that the venue has for this order alone. Never raises for the exchange."""
    return _climb(connection, _own_rungs(connection, order, lists))


def search_for(connection: Connection, order: Order, lists: Lists, names: Names) -> LookupAnswer:
    """Looks through all `lists`, which a batch shares; `names` tell whose the orders behind trades are, and learn it.

    Never raises for the exchange.
    """
    return _climb(connection, _shared_rungs(connection, order, lists, names))


def _climb(connection: Connection, rungs: Iterable[Callable[[], OrderReport | None]]) -> LookupAnswer:
    silent: list[str] = []
    for rung in rungs:
        try:
            found = rung()
        except CallFailed as failed:
            if not says_unknown(failed.failure, connection.venue):
                silent.append(failed.failure.text)
            continue
        except BrokenAnswer as broken:
            silent.append(str(broken))
            continue
        if found is not None:
            return found
    return Unanswered(silent[0]) if silent else NotFound("no such order in any list")


def _own_rungs(connection: Connection, order: Order, lists: Lists) -> Iterator[Callable[[], OrderReport | None]]:
    venue = connection.venue
    if order.exchange_id is not None and venue.fetch is not None:
        yield partial(_fetch, connection, order, order.exchange_id, venue.fetch)
    if venue.fetch_by_client_id is not None:
        yield partial(_fetch, connection, order, None, venue.fetch_by_client_id)
    for listing in venue.history:
        if listing.by_client_id:
            yield partial(_among_past, connection, order, listing, lists)


def _shared_rungs(
    connection: Connection, order: Order, lists: Lists, names: Names
) -> Iterator[Callable[[], OrderReport | None]]:
    venue = connection.venue
    if order.exchange_id is None and venue.fetch_by_client_id is None and not _filters(venue.history):
        yield partial(_among_open, connection, order, lists)
    for listing in venue.history:
        if not listing.by_client_id:
            yield partial(_among_past, connection, order, listing, lists)
    if order.exchange_id is None:
        yield partial(_by_trades, connection, order, lists, names)


def _filters(history: Sequence[Listing]) -> bool:
    return any(listing.by_client_id for listing in history)


def _fetch(
    connection: Connection, order: Order, exchange_id: str | None, params: Params, names: Names | None = None
) -> OrderReport | None:
    venue = connection.venue
    fields = venue.filled_in(params, order.id, exchange_id or "")
    named = fields.pop("id", exchange_id)
    told = connection.call("fetch_order", named, order.intent.symbol, fields)
    report = _ours(connection, order, told)
    if report is None and (exchange_id is None or told.get("id") != exchange_id):
        raise BrokenAnswer("an answer about another order")
    if names is not None and told.get("id") == exchange_id:
        names.learn(order.intent.symbol, exchange_id or "", venue.own_id(told.get("clientOrderId")))
    return report


def _among_open(connection: Connection, order: Order, lists: Lists) -> OrderReport | None:
    return _among(connection, order, lists.open_orders(connection, order.intent.symbol))


def _among_past(connection: Connection, order: Order, listing: Listing, lists: Lists) -> OrderReport | None:
    return _among(connection, order, lists.past_orders(connection, listing, order))


def _by_trades(connection: Connection, order: Order, lists: Lists, names: Names) -> OrderReport | None:
    """Trades since the order was made name exchange ids; the order behind one may be this one. Lists lag, trades too.

    An order that is known to be another one is not asked for.
    """
    venue, intent = connection.venue, order.intent
    ids = {
        trade["order"]
        for trade in lists.trades(connection, order)
        if trade.get("symbol") == intent.symbol and trade.get("side") == intent.side and trade.get("order")
    }
    if venue.fetch is None:
        return None
    for id in sorted(id for id in ids if names.get(intent.symbol, id) in (None, order.id)):
        found = _fetch(connection, order, id, venue.fetch, names)
        if found is not None:
            return found
    return None


def _among(connection: Connection, order: Order, items: Sequence[Item]) -> OrderReport | None:
    for item in items:
        report = _ours(connection, order, item)
        if report is not None:
            return report
    return None


def _ours(connection: Connection, order: Order, item: Item) -> OrderReport | None:
    """A report on this order, its amount taken from what we sent. An answer about another order is none."""
    told, own = connection.venue.own_id(item.get("clientOrderId")), order.exchange_id
    hit = item.get("id") == own if own is not None else told == order.id
    if not hit:
        return None
    if item.get("symbol") != order.intent.symbol or item.get("side") != order.intent.side:
        raise BrokenAnswer("an order under our id that is not ours")
    report = order_report(item, connection.venue, order.intent.amount)
    return report._replace(client_order_id=order.id)
