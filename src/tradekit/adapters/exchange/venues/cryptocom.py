"""Crypto.com Exchange. The requests of the real class are pinned by tests.

The class drops a unified client id: it goes out under its raw name. Every unmapped or broken answer is a bare
`ExchangeError`. Lists of orders and trades cover one day a question. No server time but the date of an answer.
"""

from __future__ import annotations

from typing import Final

from tradekit.adapters.exchange.guard import Holds, Shape
from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.venues.venue import Listing, Paging, Proof, Trades, Turn, Venue, Weakness
from tradekit.domain.order import TimeInForce
from tradekit.domain.times import DAY_MS

_ORDER: Final = ("order_id", "client_oid?", "instrument_name", "side", "status", "quantity", "cumulative_quantity")
_PAGE: Final = Paging(Turn.UNTIL, size=100, param="until", window_ms=DAY_MS)

VENUE: Final = Venue(
    id="cryptocom",
    name="Crypto.com",
    proof=Proof.RECORDED,
    budget=Budget(capacity=400, ms_per_unit=10),
    place={
        TimeInForce.PO: {"postOnly": True, "client_oid": "{id}"},
        TimeInForce.IOC: {"timeInForce": "IOC", "client_oid": "{id}"},
    },
    fetch_by_client_id={"id": "", "client_oid": "{id}"},
    cancel_by_client_id={"id": "", "client_oid": "{id}"},
    history=(Listing("fetch_orders", paging=_PAGE),),
    trades=Trades(_PAGE, per_symbol=False, client_id="client_oid"),
    ask_all_above=1,
    server_time=False,
    weak=frozenset({Weakness.UNVERIFIED, Weakness.SERVER_TIME}),
    shapes={
        "GET public/get-instruments": Shape(
            ("result", "data"), Holds.SOME, ("symbol", "price_tick_size", "qty_tick_size")
        ),
        "GET public/get-tickers": Shape(("result", "data"), Holds.LIST, ("i",)),
        "POST private/user-balance": Shape(("result", "data"), Holds.SOME, ("position_balances",)),
        "POST private/create-order": Shape(("result",), Holds.ONE, ("order_id",)),
        "POST private/cancel-order": Shape(("result",), Holds.ONE, ("order_id|client_oid",)),
        "POST private/get-order-detail": Shape(("result",), Holds.ONE, _ORDER),
        "POST private/get-open-orders": Shape(("result", "data"), Holds.LIST, _ORDER),
        "POST private/get-order-history": Shape(("result", "data"), Holds.LIST, _ORDER),
        "POST private/get-trades": Shape(
            ("result", "data"),
            Holds.LIST,
            (
                "trade_id",
                "order_id",
                "instrument_name",
                "side",
                "traded_price",
                "traded_quantity",
                "fees",
                "create_time",
            ),
        ),
    },
)
