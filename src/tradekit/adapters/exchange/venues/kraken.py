"""Kraken spot. Proven over HTTP against a server of its dialect.

A post-only order that would cross is accepted and then canceled with a reason. Look-ups by id don't know client ids,
the lists of open and closed orders do. Nonces have to rise per key, so private requests go one after the other. An
order carries the time after which it is no longer accepted, and that at which it ends by itself. Trades: `start` is
whole seconds and exclusive.
"""

from __future__ import annotations

from typing import Any, Final

from tradekit.adapters.exchange.guard import Holds, Shape
from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.numbers import exact
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

_ORDER: Final = ("status", "opentm", "descr", "vol", "vol_exec")


def _permissions(told: Any) -> KeyPermissions:
    """Kraken's words are not documented to the last one: what isn't understood is not known."""
    found = told.get("result", {}).get("permissions")
    words = [str(word).lower() for word in found] if isinstance(found, list) else None
    if words is None:
        return KeyPermissions(None, None, None)
    trades = any("modify" in word or "trade" in word for word in words)
    listed = told["result"].get("ip_allowlist")
    return KeyPermissions(trades, any("withdraw" in word for word in words), None if listed is None else bool(listed))


def _mend_trade(trade: dict[str, Any]) -> None:
    """The class multiplies seconds as floats, which may lose a millisecond. Raises `BrokenAnswer`."""
    told = trade["info"].get("time")
    if told is not None:
        trade["timestamp"] = int(exact(told, "time") * 1000)


VENUE: Final = Venue(
    id="kraken",
    name="Kraken",
    proof=Proof.WIRE,
    budget=Budget(capacity=45, ms_per_unit=1000),
    place={
        TimeInForce.PO: {"postOnly": True, "clientOrderId": "{id}"},
        TimeInForce.IOC: {"timeInForce": "IOC", "clientOrderId": "{id}"},
    },
    cancel_by_client_id={"clientOrderId": "{id}"},
    history=(
        Listing("fetch_open_orders", {"clientOrderId": "{id}"}, by_client_id=True, since=False),
        Listing("fetch_closed_orders", {"clientOrderId": "{id}"}, by_client_id=True, since=False),
    ),
    trades=Trades(Paging(Turn.OFFSET, param="ofs", count_at=("result", "count")), per_symbol=False, margin_ms=1000),
    gone=frozenset({"OrderNotFound"}),
    unknown_texts=("EOrder:Unknown order", "EOrder:Invalid order"),
    no_market_texts=("EQuery:Unknown asset pair",),
    rejects=(
        ("EOrder:Order minimum not met", RejectCode.BELOW_MINIMUM),
        ("EOrder:Cost minimum not met", RejectCode.BELOW_MINIMUM),
        ("EOrder:Insufficient funds", RejectCode.INSUFFICIENT_FUNDS),
        ("EOrder:Post only", RejectCode.POST_ONLY_WOULD_CROSS),
        ("EOrder:", RejectCode.INVALID_ORDER),
        ("EService:Market in", RejectCode.MARKET_CLOSED),
        ("EAccount:Invalid permissions", RejectCode.INVALID_ORDER),
        ("EGeneral:Invalid arguments", RejectCode.INVALID_ORDER),
    ),
    post_only_marks=(("reason", "Post only order"),),
    accepted_until=("deadline", 10_000, rfc3339),
    expiry=Expiry("expiretm", lambda ms: str(ms // 1000), {"timeInForce": "GTD"}),
    needs_currencies=True,
    tick_field="tick_size",
    time_step_ms=1000,
    one_lane=True,
    own_nonce=True,
    direct=1,
    dead_man_switch=True,
    permissions=PermissionCheck("private_post_getapikeyinfo", _permissions),
    mend_trade=_mend_trade,
    shapes={
        "GET Assets": Shape(("result",), Holds.BY_ID, ("altname",)),
        "GET AssetPairs": Shape(("result",), Holds.BY_ID, ("base", "quote", "pair_decimals", "lot_decimals")),
        "GET Time": Shape(("result",), Holds.ONE, ("unixtime",)),
        "GET Ticker": Shape(("result",), Holds.BY_ID, ("a", "b", "v")),
        "POST BalanceEx": Shape(("result",), Holds.BY_ID, ("balance",)),
        "POST AddOrder": Shape(("result",), Holds.ONE, ("txid",)),
        "POST CancelOrder": Shape(("result",), Holds.ONE, ("count|pending",)),
        "POST QueryOrders": Shape(("result",), Holds.BY_ID, _ORDER),
        "POST OpenOrders": Shape(("result", "open"), Holds.BY_ID, _ORDER),
        "POST ClosedOrders": Shape(("result", "closed"), Holds.BY_ID, _ORDER),
        "POST TradesHistory": Shape(
            ("result", "trades"), Holds.BY_ID, ("ordertxid", "pair", "time", "type", "price", "cost", "fee", "vol")
        ),
        "POST GetApiKeyInfo": Shape(("result",), Holds.ONE),
    },
)
