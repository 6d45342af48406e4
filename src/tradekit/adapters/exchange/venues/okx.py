"""OKX spot. The requests of the real class are pinned by tests; no server of its dialect was run.

A post-only order that would cross is accepted and canceled with source 31. Canceled orders without a fill vanish after
two hours. Trades come newest first and are paged by bill id. 51149 and 50004 leave the outcome open.
"""

from __future__ import annotations

from typing import Any, Final

from tradekit.adapters.exchange.guard import Holds, Shape
from tradekit.adapters.exchange.limiter import Budget
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

_ORDER: Final = ("ordId", "instId", "state", "side", "sz", "accFillSz")
_PAGE: Final = Paging(Turn.BEFORE_ID, size=100, param="after")


def _permissions(told: Any) -> KeyPermissions:
    account = told["data"][0]
    granted = str(account["perm"]).split(",")
    return KeyPermissions("trade" in granted, "withdraw" in granted, bool(account.get("ip")))


VENUE: Final = Venue(
    id="okx",
    name="OKX",
    proof=Proof.RECORDED,
    budget=Budget(capacity=20, ms_per_unit=110),
    place={
        TimeInForce.PO: {"postOnly": True, "clientOrderId": "{id}"},
        TimeInForce.IOC: {"timeInForce": "IOC", "clientOrderId": "{id}"},
    },
    open_list=_PAGE,
    fetch_by_client_id={"clientOrderId": "{id}"},
    cancel_by_client_id={"clientOrderId": "{id}"},
    history=(Listing("fetch_closed_orders", paging=_PAGE), Listing("fetch_canceled_orders", paging=_PAGE)),
    trades=Trades(
        Paging(Turn.BEFORE_ID, size=100, param="after", at=("billId",)), per_symbol=False, client_id="clOrdId"
    ),
    post_only_marks=(("cancelSource", "31"),),
    options={"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "createOrder": "privatePostTradeOrder"},
    permissions=PermissionCheck("private_get_account_config", _permissions),
    weak=frozenset({Weakness.UNVERIFIED}),
    dead_man_switch=True,
    shapes={
        "GET public/instruments": Shape(("data",), Holds.SOME, ("instId", "lotSz", "tickSz")),
        "GET public/time": Shape(("data",), Holds.SOME, ("ts",)),
        "GET market/tickers": Shape(("data",), Holds.LIST, ("instId",)),
        "GET account/balance": Shape(("data",), Holds.SOME, ("details",)),
        "POST trade/order": Shape(("data",), Holds.SOME, ("ordId",)),
        "POST trade/cancel-order": Shape(("data",), Holds.SOME, ("ordId",)),
        "GET trade/order": Shape(("data",), Holds.SOME, _ORDER),
        "GET trade/orders-pending": Shape(("data",), Holds.LIST, _ORDER),
        "GET trade/orders-history": Shape(("data",), Holds.LIST, _ORDER),
        "GET trade/fills-history": Shape(
            ("data",),
            Holds.LIST,
            ("tradeId", "ordId", "billId", "instId", "side", "fillPx", "fillSz", "fee", "feeCcy", "ts"),
        ),
        "GET account/config": Shape(("data",), Holds.SOME, ("perm",)),
    },
)
