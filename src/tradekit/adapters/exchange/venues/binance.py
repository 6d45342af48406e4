"""Binance spot. Proven over HTTP against a server of its dialect.

Client ids are unique among open orders only. 5XX and -1006/-1007 leave the outcome open. An order was once not found
for ten minutes after it was placed. Trades: per symbol, a question by time covers 24 hours, by id it is exact.
Conversions are asked for by the id of their quote, and listed for at most 30 days a question.
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
)
from tradekit.domain.order import TimeInForce
from tradekit.domain.times import DAY_MS

_ORDER: Final = ("orderId", "symbol", "clientOrderId?", "status", "side", "origQty", "executedQty")
_RIGHTS: Final = ("enableSpotAndMarginTrading", "enableWithdrawals", "ipRestrict")


_CONVERSION: Final = ("orderId", "orderStatus", "fromAsset", "fromAmount", "toAsset", "toAmount", "createTime")
_CONVERSIONS: Final = Conversions(
    offer=Ask(
        "sapi_post_convert_getquote",
        {"fromAsset": "{asset}", "toAsset": "{quote}", "fromAmount": "{amount}", "walletType": "SPOT"},
    ),
    take=Ask("sapi_post_convert_acceptquote", {"quoteId": "{quote_id}"}),
    look=Ask("sapi_get_convert_orderstatus", {"quoteId": "{quote_id}"}),
    history=Ask(
        "sapi_get_convert_tradeflow", {"startTime": "{since}", "endTime": "{until}", "limit": "1000"}, ("list",)
    ),
    page=1000,
    quote_id="quoteId",
    own_id="quoteId",
    given="fromAmount",
    received="toAmount",
    source="fromAsset",
    target="toAsset",
    expires="validTimestamp",
    made="createTime",
    status="orderStatus",
    exchange_id="orderId",
    done=frozenset({"SUCCESS"}),
    failed=frozenset({"FAIL"}),
    pending=frozenset({"PROCESS", "ACCEPT_SUCCESS"}),
)


def _permissions(told: Any) -> KeyPermissions:
    return KeyPermissions(*(told[name] for name in _RIGHTS))


VENUE: Final = Venue(
    id="binance",
    name="Binance",
    proof=Proof.WIRE,
    budget=Budget(capacity=300, ms_per_unit=50),
    place={
        TimeInForce.PO: {"postOnly": True, "newClientOrderId": "{id}"},
        TimeInForce.IOC: {"timeInForce": "IOC", "newClientOrderId": "{id}"},
    },
    fetch_by_client_id={"origClientOrderId": "{id}"},
    cancel_by_client_id={"origClientOrderId": "{id}"},
    history=(Listing("fetch_orders", paging=Paging(Turn.NONE, size=1000)),),
    trades=Trades(Paging(Turn.FROM_ID, size=1000, param="fromId", window_ms=DAY_MS)),
    direct=20,
    options={
        "defaultType": "spot",
        "fetchMarkets": {"types": ["spot"]},
        "fetchMargins": False,
        "recvWindow": 5000,
        "warnOnFetchOpenOrdersWithoutSymbol": False,
        "fetchOpenOrders": {"warnWithoutSymbol": False},
    },
    market_fields=("orderTypes",),
    permissions=PermissionCheck("sapi_get_account_apirestrictions", _permissions),
    conversions=_CONVERSIONS,
    shapes={
        "GET exchangeInfo": Shape(("symbols",), Holds.LIST, ("symbol", "filters")),
        "GET account/apiRestrictions": Shape((), Holds.ONE, _RIGHTS),
        "GET time": Shape((), Holds.ONE, ("serverTime",)),
        "GET account": Shape(("balances",), Holds.LIST, ("asset", "free", "locked")),
        "GET ticker/24hr": Shape((), Holds.LIST, ("symbol", "bidPrice", "askPrice")),
        "POST order": Shape((), Holds.ONE, ("orderId", "symbol", "clientOrderId", "status")),
        "DELETE order": Shape((), Holds.ONE, ("orderId", "symbol", "status")),
        "GET order": Shape((), Holds.ONE, _ORDER),
        "GET openOrders": Shape((), Holds.LIST, _ORDER),
        "GET allOrders": Shape((), Holds.LIST, _ORDER),
        "GET myTrades": Shape(
            (),
            Holds.LIST,
            ("id", "orderId", "symbol", "price", "qty", "quoteQty", "commission", "commissionAsset", "time"),
        ),
        "POST convert/getQuote": Shape((), Holds.ONE, ("fromAmount", "toAmount", "validTimestamp")),
        "POST convert/acceptQuote": Shape((), Holds.ONE, ("orderId", "orderStatus")),
        "GET convert/orderStatus": Shape((), Holds.ONE, _CONVERSION),
        "GET convert/tradeFlow": Shape(("list",), Holds.LIST, ("quoteId", *_CONVERSION)),
    },
)
