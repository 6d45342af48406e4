"""Gate spot. The requests of the real class are pinned by tests.

A client id goes out as `t-ID`, and that text stands for the order's id while the order is open; finished orders are
found in their list. A cancel without an id would cancel everything, so nothing is ever canceled by another road.
"""

from __future__ import annotations

from typing import Final

from tradekit.adapters.exchange.guard import Holds, Shape
from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.venues.venue import (
    Listing,
    Paging,
    Proof,
    Trades,
    Turn,
    Venue,
    Weakness,
)
from tradekit.domain.order import TimeInForce
from tradekit.domain.times import DAY_MS

_MONTH_MS: Final = 30 * DAY_MS
_ORDER: Final = ("id", "text", "currency_pair", "side", "status", "amount", "left")
_PAGES: Final = Paging(Turn.PAGE, size=100, param="page")


VENUE: Final = Venue(
    id="gate",
    name="Gate",
    proof=Proof.RECORDED,
    budget=Budget(capacity=100, ms_per_unit=50),
    place={
        TimeInForce.PO: {"postOnly": True, "clientOrderId": "{id}"},
        TimeInForce.IOC: {"timeInForce": "IOC", "clientOrderId": "{id}"},
    },
    client_id_prefix="t-",
    open_list=_PAGES,
    fetch_by_client_id={"id": "{id}"},
    cancel_by_client_id={"id": "{id}"},
    history=(Listing("fetch_closed_orders", paging=Paging(Turn.PAGE, size=100, param="page", window_ms=_MONTH_MS)),),
    trades=Trades(Paging(Turn.PAGE, size=1000, param="page", window_ms=_MONTH_MS), client_id="text", margin_ms=1000),
    options={"defaultType": "spot", "unifiedAccount": False, "fetchMarkets": {"types": ["spot"]}},
    weak=frozenset({Weakness.UNVERIFIED}),
    shapes={
        "GET currency_pairs": Shape((), Holds.LIST, ("id",)),
        "GET time": Shape((), Holds.ONE, ("server_time",)),
        "GET tickers": Shape((), Holds.LIST, ("currency_pair",)),
        "GET accounts": Shape((), Holds.LIST, ("currency", "available", "locked")),
        "POST orders": Shape((), Holds.ONE, ("id", "text")),
        "DELETE orders/{order_id}": Shape((), Holds.ONE, ("id", "status")),
        "GET orders/{order_id}": Shape((), Holds.ONE, _ORDER),
        "GET open_orders": Shape((), Holds.LIST, ("currency_pair", "orders")),
        "GET orders": Shape((), Holds.LIST, _ORDER),
        "GET my_trades": Shape(
            (), Holds.LIST, ("id", "order_id", "currency_pair", "side", "amount", "price", "fee", "create_time_ms")
        ),
    },
)
