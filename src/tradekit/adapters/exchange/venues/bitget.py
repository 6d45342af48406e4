"""Bitget spot. The requests of the real class are pinned by tests.

The class pages own trades wrongly; here they are paged by id. It also turns the sign of fees that were paid in the
exchange's own coin, which is mended.
"""

from __future__ import annotations

from typing import Any, Final

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

_ORDER: Final = ("orderId", "clientOid?", "symbol", "side", "status", "size", "baseVolume")
_PAGE: Final = Paging(Turn.BEFORE_ID, size=100, param="idLessThan")


def _mend_trade(trade: dict[str, Any]) -> None:
    """A fee that was deducted in another coin is a fee all the same."""
    detail = trade["info"].get("feeDetail")
    if isinstance(detail, dict) and detail.get("deduction") == "yes":
        for fee in [trade.get("fee") or {}, *(trade.get("fees") or [])]:
            if isinstance(fee.get("cost"), str):
                fee["cost"] = fee["cost"].removeprefix("-")


VENUE: Final = Venue(
    id="bitget",
    name="Bitget",
    proof=Proof.RECORDED,
    budget=Budget(capacity=60, ms_per_unit=50),
    place={
        TimeInForce.PO: {"postOnly": True, "clientOrderId": "{id}"},
        TimeInForce.IOC: {"force": "ioc", "clientOrderId": "{id}"},
    },
    open_list=_PAGE,
    fetch_by_client_id={"id": "", "clientOrderId": "{id}"},
    cancel_by_client_id={"clientOrderId": "{id}"},
    history=(Listing("fetch_canceled_and_closed_orders", paging=_PAGE),),
    trades=Trades(_PAGE),
    options={"defaultType": "spot", "uta": False, "fetchMarkets": {"types": ["spot"]}},
    mend_trade=_mend_trade,
    weak=frozenset({Weakness.UNVERIFIED}),
    shapes={
        "GET v2/spot/public/symbols": Shape(("data",), Holds.SOME, ("symbol", "pricePrecision", "quantityPrecision")),
        "GET v2/public/time": Shape(("data",), Holds.ONE, ("serverTime",)),
        "GET v2/spot/market/tickers": Shape(("data",), Holds.LIST, ("symbol",)),
        "GET v2/spot/account/assets": Shape(("data",), Holds.LIST, ("coin", "available", "frozen")),
        "POST v2/spot/trade/place-order": Shape(("data",), Holds.ONE, ("orderId",)),
        "POST v2/spot/trade/cancel-order": Shape(("data",), Holds.ONE, ("orderId",)),
        "GET v2/spot/trade/orderInfo": Shape(("data",), Holds.LIST, _ORDER),
        "GET v2/spot/trade/unfilled-orders": Shape(
            ("data",), Holds.LIST, ("orderId", "symbol", "side", "status", "size")
        ),
        "GET v2/spot/trade/history-orders": Shape(("data",), Holds.LIST, _ORDER),
        "GET v2/spot/trade/fills": Shape(
            ("data",), Holds.LIST, ("tradeId", "orderId", "symbol", "side", "priceAvg", "size", "feeDetail", "cTime")
        ),
    },
)
