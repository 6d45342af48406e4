"""Coinbase Advanced Trade. Proven over HTTP against a server of its dialect.

The class sends a client id only under its raw name. A client id that was used returns the first order. Orders are
looked up by the exchange's id; the list of all orders tells client ids but can't filter by them. A refusal to cancel
says nothing of its reason. Lists come newest first with a cursor; `FAILED` and `EXPIRED` arrive as canceled.
"""

from __future__ import annotations

from typing import Any, Final

from tradekit.adapters.exchange.guard import Holds, Shape
from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.venues.venue import (
    Expiry,
    KeyPermissions,
    Listing,
    Paging,
    PermissionCheck,
    Proof,
    Trades,
    Turn,
    Venue,
    rfc3339,
)
from tradekit.domain.order import TimeInForce
from tradekit.domain.outcome import RejectCode

_ORDER: Final = (
    *("order_id", "product_id", "side", "status", "client_order_id?", "order_configuration", "created_time"),
    "filled_size",
)
_CURSOR: Final = Paging(Turn.CURSOR, size=100, param="cursor", at=("cursor",))


def _permissions(told: Any) -> KeyPermissions:
    return KeyPermissions(told["can_trade"], told["can_transfer"], None)


def _mend(path: str, answer: Any) -> None:
    """An empty page with a cursor makes the class fail; such a page is the end."""
    if isinstance(answer, dict) and answer.get("cursor") and [] in (answer.get("orders"), answer.get("fills")):
        answer["cursor"] = ""


VENUE: Final = Venue(
    id="coinbase",
    name="Coinbase",
    proof=Proof.WIRE,
    budget=Budget(capacity=60, ms_per_unit=34),
    place={
        TimeInForce.PO: {"postOnly": True, "client_order_id": "{id}"},
        TimeInForce.IOC: {"timeInForce": "IOC", "client_order_id": "{id}"},
    },
    expiry=Expiry("end_time", rfc3339, {"timeInForce": "GTD"}),
    open_list=_CURSOR,
    history=(Listing("fetch_orders", paging=_CURSOR),),
    trades=Trades(Paging(Turn.CURSOR, size=250, param="cursor", at=("cursor",)), per_symbol=False),
    gone=frozenset({"OrderNotFound", "InvalidOrder", "BadRequest"}),
    unknown_texts=('"error":"NOT_FOUND"',),
    rejects=(
        ("INVALID_LIMIT_PRICE_POST_ONLY", RejectCode.POST_ONLY_WOULD_CROSS),
        ("INSUFFICIENT_FUND", RejectCode.INSUFFICIENT_FUNDS),
        ("INVALID_SIZE_PRECISION", RejectCode.BAD_PRECISION),
        ("INVALID_PRICE_PRECISION", RejectCode.BAD_PRECISION),
        ("MINIMUM", RejectCode.BELOW_MINIMUM),
        ("ORDER_ENTRY_DISABLED", RejectCode.MARKET_CLOSED),
        ("INVALID_", RejectCode.INVALID_ORDER),
    ),
    quotes=("fetch_tickers", "fetch_bids_asks"),
    keyless_quotes=("fetch_tickers",),
    tells_taker=False,
    options={"fetchTime": "v3PublicGetBrokerageTime", "fetchBalance": "v3PrivateGetBrokerageAccounts"},
    time_step_ms=1000,
    permissions=PermissionCheck("v3_private_get_brokerage_key_permissions", _permissions),
    mend=_mend,
    shapes={
        "GET brokerage/market/products": Shape(("products",), Holds.LIST, ("product_id",)),
        "GET brokerage/transaction_summary": Shape((), Holds.ONE, ("fee_tier",)),
        "GET brokerage/time": Shape((), Holds.ONE, ("epochMillis",)),
        "GET brokerage/accounts": Shape(("accounts",), Holds.LIST, ("currency", "available_balance", "hold", "type")),
        "GET brokerage/best_bid_ask": Shape(("pricebooks",), Holds.LIST, ("product_id",)),
        "POST brokerage/orders": Shape(("success_response",), Holds.ONE, ("order_id", "client_order_id")),
        "POST brokerage/orders/batch_cancel": Shape(("results",), Holds.LIST, ("order_id",)),
        "GET brokerage/orders/historical/{order_id}": Shape(("order",), Holds.ONE, _ORDER),
        "GET brokerage/orders/historical/batch": Shape(("orders",), Holds.LIST, _ORDER),
        "GET brokerage/orders/historical/fills": Shape(
            ("fills",),
            Holds.LIST,
            ("trade_id", "order_id", "trade_time", "price", "size", "commission", "product_id", "side"),
        ),
        "GET brokerage/key_permissions": Shape((), Holds.ONE, ("can_trade", "can_transfer")),
    },
)
