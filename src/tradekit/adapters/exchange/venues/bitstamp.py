"""Bitstamp. The requests of the real class are pinned by tests.

The class knows neither post-only nor time in force: both go out under the exchange's raw names. There is no list of
finished orders, and no server time but the date of an answer. A status tells neither amount nor what remains; what was
filled is the sum of its transactions. Trades have no time filter: pages are read from the newest on.
"""

from __future__ import annotations

from typing import Any, Final

from tradekit.adapters.exchange.guard import Holds, Shape
from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.venues.venue import Paging, Proof, Trades, Turn, Venue, Weakness
from tradekit.domain.order import TimeInForce


def _mend_order(order: dict[str, Any]) -> None:
    """In the list of open orders the amount is what remains; that of an order's status is not told at all. Without a
    transaction nothing was filled, unless the order is said to be.
    """
    order["amount"] = order["info"].get("amount_at_create")
    if order["info"].get("transactions") == [] and order.get("status") != "closed":
        order["filled"] = "0"


VENUE: Final = Venue(
    id="bitstamp",
    name="Bitstamp",
    proof=Proof.RECORDED,
    budget=Budget(capacity=40, ms_per_unit=75),
    place={
        TimeInForce.PO: {"moc_order": True, "clientOrderId": "{id}"},
        TimeInForce.IOC: {"ioc_order": True, "clientOrderId": "{id}"},
    },
    fetch_by_client_id={"clientOrderId": "{id}"},
    trades=Trades(Paging(Turn.OFFSET, size=1000, param="offset"), per_symbol=False),
    unknown_texts=("Order not found",),
    mend_order=_mend_order,
    server_time=False,
    weak=frozenset({Weakness.UNVERIFIED, Weakness.SERVER_TIME, Weakness.LOOKUP}),
    shapes={
        "GET markets/": Shape((), Holds.LIST, ("market_symbol",)),
        "GET ticker/": Shape((), Holds.LIST, ("pair",)),
        "POST account_balances/": Shape((), Holds.LIST, ("currency", "available", "total")),
        "POST buy/{pair}/": Shape((), Holds.ONE, ("id",)),
        "POST sell/{pair}/": Shape((), Holds.ONE, ("id",)),
        "POST cancel_order/": Shape((), Holds.ONE, ("id",)),
        "POST order_status/": Shape((), Holds.ONE, ("id", "status", "transactions")),
        "POST open_orders/all/": Shape((), Holds.LIST, ("id", "type", "price", "amount")),
        "POST user_transactions/": Shape((), Holds.LIST, ("id", "datetime", "type", "fee")),
    },
)
