"""Bybit spot, the unified account. The requests of the real class are pinned by tests.

A post-only order that would cross is accepted and canceled with a reason. `PartiallyFilledCanceled` arrives as closed.
Orders are found by client id in the lists of open and of finished ones. Trades: seven days a question, with a cursor.
A conversion has the id of its offer, and `init` is one that nobody has taken yet.
"""

from __future__ import annotations

from typing import Any, Final

from tradekit.adapters.exchange.guard import Holds, Shape
from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.venues.conversions import Ask, Conversions
from tradekit.adapters.exchange.venues.venue import (
    KeyPermissions,
    Listing,
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

_ORDER: Final = ("orderId", "orderLinkId?", "symbol", "side", "orderStatus", "qty", "cumExecQty")
_CURSOR: Final = Paging(Turn.CURSOR, size=50, param="cursor", at=("result", "nextPageCursor"))


_CONVERSION: Final = ("exchangeTxId", "exchangeStatus", "fromCoin", "fromAmount", "toCoin", "toAmount", "createdAt")
_ACCOUNT: Final = {"accountType": "eb_convert_uta"}
_CONVERSIONS: Final = Conversions(
    offer=Ask(
        "private_post_v5_asset_exchange_quote_apply",
        {
            "fromCoin": "{asset}",
            "toCoin": "{quote}",
            "requestCoin": "{asset}",
            "requestAmount": "{amount}",
            **_ACCOUNT,
        },
        ("result",),
    ),
    take=Ask("private_post_v5_asset_exchange_convert_execute", {"quoteTxId": "{quote_id}"}, ("result",)),
    look=Ask(
        "private_get_v5_asset_exchange_convert_result_query",
        {"quoteTxId": "{quote_id}", **_ACCOUNT},
        ("result", "result"),
    ),
    history=Ask(
        "private_get_v5_asset_exchange_query_convert_history",
        {"index": "{page}", "limit": "100", **_ACCOUNT},
        ("result", "list"),
    ),
    page=100,
    quote_id="quoteTxId",
    own_id="exchangeTxId",
    given="fromAmount",
    received="toAmount",
    source="fromCoin",
    target="toCoin",
    expires="expiredTime",
    made="createdAt",
    status="exchangeStatus",
    exchange_id="exchangeTxId",
    done=frozenset({"success"}),
    failed=frozenset({"failure"}),
    pending=frozenset({"processing"}),
    not_taken=frozenset({"init"}),
)


def _permissions(told: Any) -> KeyPermissions:
    key = told["result"]
    granted = key["permissions"]
    listed = [address for address in key.get("ips") or [] if address != "*"]
    trades = bool(granted.get("Spot")) and key.get("readOnly") in (0, "0")
    return KeyPermissions(trades, "Withdraw" in (granted.get("Wallet") or []), bool(listed))


VENUE: Final = Venue(
    id="bybit",
    name="Bybit",
    proof=Proof.RECORDED,
    budget=Budget(capacity=100, ms_per_unit=20),
    place={
        TimeInForce.PO: {"postOnly": True, "clientOrderId": "{id}"},
        TimeInForce.IOC: {"timeInForce": "IOC", "clientOrderId": "{id}"},
    },
    open_list=_CURSOR,
    fetch={"acknowledged": True},
    cancel_by_client_id={"orderLinkId": "{id}"},
    history=(
        Listing("fetch_open_orders", {"orderLinkId": "{id}"}, by_client_id=True, since=False),
        Listing("fetch_canceled_and_closed_orders", {"orderLinkId": "{id}"}, by_client_id=True, since=False),
    ),
    trades=Trades(
        Paging(Turn.CURSOR, size=100, param="cursor", at=("result", "nextPageCursor"), window_ms=WEEK_MS),
        per_symbol=False,
        client_id="orderLinkId",
    ),
    post_only_marks=(("rejectReason", "EC_PostOnlyWillTakeLiquidity"),),
    options={
        "defaultType": "spot",
        "enableUnifiedMargin": False,
        "enableUnifiedAccount": True,
        "fetchMarkets": {"types": ["spot"]},
    },
    permissions=PermissionCheck("private_get_v5_user_query_api", _permissions),
    conversions=_CONVERSIONS,
    weak=frozenset({Weakness.UNVERIFIED}),
    dead_man_switch=True,
    shapes={
        "GET v5/market/instruments-info": Shape(
            ("result", "list"), Holds.SOME, ("symbol", "lotSizeFilter", "priceFilter")
        ),
        "GET v5/market/time": Shape(("result",), Holds.ONE, ("timeSecond",)),
        "GET v5/market/tickers": Shape(("result", "list"), Holds.LIST, ("symbol",)),
        "GET v5/account/wallet-balance": Shape(("result", "list"), Holds.SOME, ("coin",)),
        "POST v5/order/create": Shape(("result",), Holds.ONE, ("orderId",)),
        "POST v5/order/cancel": Shape(("result",), Holds.ONE, ("orderId",)),
        "GET v5/order/realtime": Shape(("result", "list"), Holds.LIST, _ORDER),
        "GET v5/order/history": Shape(("result", "list"), Holds.LIST, _ORDER),
        "GET v5/execution/list": Shape(
            ("result", "list"),
            Holds.LIST,
            ("execId", "orderId", "symbol", "side", "execPrice", "execQty", "execFee", "execTime"),
        ),
        "POST v5/asset/exchange/quote-apply": Shape(("result",), Holds.ONE, ("fromAmount", "toAmount", "expiredTime")),
        "POST v5/asset/exchange/convert-execute": Shape(("result",), Holds.ONE, ("quoteTxId",)),
        "GET v5/asset/exchange/convert-result-query": Shape(("result",), Holds.ONE),
        "GET v5/asset/exchange/query-convert-history": Shape(("result", "list"), Holds.LIST, _CONVERSION),
        "GET v5/user/query-api": Shape(("result",), Holds.ONE, ("permissions",)),
    },
)
