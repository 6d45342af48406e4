"""KuCoin spot, the high-frequency accounts. The requests of the real class are pinned by tests.

Everything is asked for per symbol. An order's answer is its id alone, before matching. Lists cover seven days and are
paged by `lastId`. Without the pinned options the class asks twice more, or uses an abandoned endpoint.
"""

from __future__ import annotations

from typing import Any, Final

from tradekit.adapters.exchange.guard import Holds, Shape
from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.venues.venue import (
    KeyPermissions,
    Listing,
    OpenSymbols,
    Paging,
    PermissionCheck,
    Proof,
    Trades,
    Turn,
    Venue,
    Weakness,
)
from tradekit.domain.order import TimeInForce
from tradekit.domain.times import WEEK_MS

_ORDER: Final = ("id", "symbol", "side", "size", "dealSize")
_PAGE: Final = Paging(Turn.CURSOR, size=100, param="lastId", at=("data", "lastId"), window_ms=WEEK_MS)


def _permissions(told: Any) -> KeyPermissions:
    granted = [word.strip().lower() for word in str(told["data"]["permission"]).split(",")]
    withdraws = any(word in ("transfer", "withdrawal", "withdraw") for word in granted)
    return KeyPermissions("spot" in granted or "trade" in granted, withdraws, bool(told["data"].get("ipWhitelist")))


VENUE: Final = Venue(
    id="kucoin",
    name="KuCoin",
    proof=Proof.RECORDED,
    budget=Budget(capacity=400, ms_per_unit=7.5),
    place={
        TimeInForce.PO: {"postOnly": True, "clientOrderId": "{id}"},
        TimeInForce.IOC: {"timeInForce": "IOC", "clientOrderId": "{id}"},
    },
    open_symbols=OpenSymbols("private_get_hf_orders_active_symbols", ("data", "symbols")),
    markets={"marginables": False},
    fetch_by_client_id={"clientOrderId": "{id}"},
    cancel_by_client_id={"clientOrderId": "{id}"},
    history=(Listing("fetch_closed_orders", paging=_PAGE),),
    trades=Trades(_PAGE),
    options={
        "hf": True,
        "uta": False,
        "fetchMarkets": {"fetchTickersFees": False, "types": ["spot"]},
        "defaultType": "spot",
    },
    min_notional_field="minFunds",
    market_fields=("quoteIncrement",),
    permissions=PermissionCheck("private_get_user_api_key", _permissions),
    weak=frozenset({Weakness.UNVERIFIED}),
    shapes={
        "GET symbols": Shape(("data",), Holds.SOME, ("symbol", "baseIncrement", "priceIncrement")),
        "GET market/allTickers": Shape(("data", "ticker"), Holds.LIST, ("symbol",)),
        "GET accounts": Shape(("data",), Holds.LIST, ("currency", "balance", "available", "type")),
        "POST hf/orders": Shape(("data",), Holds.ONE, ("orderId",)),
        "DELETE hf/orders/{orderId}": Shape(("data",), Holds.ONE, ("orderId",)),
        "DELETE hf/orders/client-order/{clientOid}": Shape(("data",), Holds.ONE, ("clientOid",)),
        "GET hf/orders/{orderId}": Shape(("data",), Holds.ONE, _ORDER),
        "GET hf/orders/client-order/{clientOid}": Shape(("data",), Holds.ONE, _ORDER),
        "GET hf/orders/active/symbols": Shape(("data",), Holds.ONE, ("symbols",)),
        "GET hf/orders/active": Shape(("data",), Holds.LIST, _ORDER),
        "GET hf/orders/done": Shape(("data", "items"), Holds.LIST, _ORDER),
        "GET hf/fills": Shape(
            ("data", "items"),
            Holds.LIST,
            ("tradeId", "orderId", "symbol", "side", "price", "size", "fee", "feeCurrency", "createdAt"),
        ),
        "GET user/api-key": Shape(("data",), Holds.ONE, ("permission",)),
    },
)
