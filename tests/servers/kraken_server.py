"""Kraken spot's REST dialect: HMAC-SHA512 over path and SHA-256 of nonce and body, rising nonces, `EOrder:` texts.

A post-only order that would cross is accepted and then canceled with a reason. Look-ups by id don't know client ids;
the lists of open and closed orders filter by `cl_ord_id`. Histories come newest first in pages of 50.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from engine import Engine, HeldOrder, HeldTrade, Listing, Refusal, Stranger
from faults import Faults
from wire import Answer, Request

D = Decimal
_STATUS = {"open": "open", "filled": "closed", "canceled": "canceled", "expired": "canceled", "rejected": "canceled"}
_REFUSALS = {
    "funds": "EOrder:Insufficient funds",
    "minimum": "EOrder:Order minimum not met",
    "precision": "EGeneral:Invalid arguments:price",
    "closed": "EService:Market in cancel_only mode",
    "duplicate": "EOrder:Duplicate cl_ord_id",
    "symbol": "EQuery:Unknown asset pair",
    "unknown_order": "EOrder:Unknown order",
    "late": "EOrder:Deadline elapsed",
}
_KINDS = {
    "AddOrder": "create",
    "CancelOrder": "cancel",
    "QueryOrders": "order",
    "OpenOrders": "open",
    "ClosedOrders": "closed",
    "TradesHistory": "trades",
    "BalanceEx": "balance",
    "Time": "time",
    "AssetPairs": "markets",
    "Assets": "markets",
    "Ticker": "tickers",
    "OHLC": "candles",
    "Depth": "depth",
    "Trades": "prints",
    "GetApiKeyInfo": "permissions",
}
_ASSET_IDS = {"USD": "ZUSD", "EUR": "ZEUR", "BTC": "XXBT", "ETH": "XETH"}


class KrakenServer:
    """Implements `Dialect`. `key_permissions` is what a key may do."""

    def __init__(self, engine: Engine, faults: Faults, key: str, secret: str) -> None:
        engine.post_only_accepts = True
        self.engine = engine
        self.faults = faults
        self.key = key
        self.secret = secret
        self.key_permissions = ["query-funds", "query-open-trades", "query-closed-trades", "modify-trades"]
        self.page = 50
        self.nonce_window = 0
        self._nonce = 0
        self._used: set[int] = set()
        self._arrived: set[str] = set()

    def kind(self, request: Request) -> str:
        return _KINDS.get(request.path.rpartition("/")[2], "other")

    def arrive(self, request: Request) -> None:
        """The nonce is checked on arrival."""
        fields = request.fields
        if self._authenticate(request, fields) is None:
            self._arrived.add(fields["nonce"])

    def answer(self, request: Request) -> Answer:
        kind, fields = self.kind(request), request.fields
        if "/private/" in request.path:
            refused = self._authenticate(request, fields)
            if refused is not None:
                return refused
        try:
            return Answer({"error": [], "result": self._act(kind, request, fields)})
        except Refusal as refusal:
            return Answer({"error": [_REFUSALS[refusal.word]]})

    def _authenticate(self, request: Request, fields: dict[str, str]) -> Answer | None:
        digest = hashlib.sha256((fields["nonce"] + request.body).encode()).digest()
        wanted = hmac.new(base64.b64decode(self.secret), request.path.encode() + digest, hashlib.sha512).digest()
        if request.headers.get("API-Key") != self.key:
            return Answer({"error": ["EAPI:Invalid key"]})
        if base64.b64encode(wanted).decode() != request.headers.get("API-Sign"):
            return Answer({"error": ["EAPI:Invalid signature"]})
        if fields["nonce"] in self._arrived:
            return None
        with self.engine.lock:
            nonce = int(fields["nonce"])
            if nonce <= self._nonce - self.nonce_window or nonce in self._used:
                return Answer({"error": ["EAPI:Invalid nonce"]})
            self._nonce = max(nonce, self._nonce)
            self._used.add(nonce)
        return None

    def _act(self, kind: str, request: Request, fields: dict[str, str]) -> Any:  # noqa: C901 - one case an endpoint, nothing nested
        engine = self.engine
        match kind:
            case "time":
                return {"unixtime": engine.now() // 1000, "rfc1123": "now"}
            case "markets" if request.path.endswith("Assets"):
                names = sorted({n for x in engine.listings.values() for n in (x.base, x.quote)} | engine.totals.keys())
                return {
                    _asset(n): {
                        "aclass": "currency",
                        "altname": _alt(n),
                        "decimals": 10,
                        "display_decimals": 5,
                        "status": "enabled",
                    }
                    for n in names
                }
            case "markets":
                return {_id(x.symbol): _market(x) for x in engine.listings.values()}
            case "tickers":
                listed = {_id(symbol): symbol for symbol in engine.listings}
                asked = fields["pair"].split(",") if "pair" in fields else list(listed)
                if not listed.keys() >= set(asked):
                    raise Refusal("symbol")
                return {id: self._ticker(listed[id]) for id in asked}
            case "depth":
                symbol = next(s for s in engine.touches if _id(s) == fields["pair"])
                touch, now = engine.touches[symbol], engine.now() // 1000
                bids, asks = (
                    [[str(touch.bid), str(touch.bid_amount), now]],
                    [[str(touch.ask), str(touch.ask_amount), now]],
                )
                return {_id(symbol): {"bids": bids, "asks": asks}}
            case "prints":
                rows = [_print(t) for t in engine.strangers if _id(t.symbol) == fields["pair"]]
                return {fields["pair"]: rows, "last": "1"}
            case "balance":
                return {
                    _asset(n): {"balance": str(total), "hold_trade": str(total - engine.free(n))}
                    for n, total in engine.totals.items()
                }
            case "permissions":
                return {"api_key_name": "cron", "permissions": self.key_permissions, "ip_allowlist": ["192.0.2.1"]}
            case "create":
                return self._create(fields)
            case "cancel":
                number, client_id = fields.get("txid", ""), fields.get("cl_ord_id", "")
                engine.cancel(engine.find(number=_number(number), client_id=client_id, lagging=False))
                return {"count": 1}
            case "order":
                order = engine.find(number=_number(fields["txid"]))
                return {_txid(order): self._order(order)}
            case "open":
                wanted = fields.get("cl_ord_id")
                return {
                    "open": {
                        _txid(o): self._order(o, ghost=True)
                        for o in engine.listed_open()
                        if wanted in (None, o.client_id)
                    }
                }
            case "closed":
                return self._closed(fields)
            case "trades":
                return self._trades(fields)
            case _:
                raise Refusal("symbol")

    def _create(self, fields: dict[str, str]) -> Any:
        if "deadline" in fields:
            deadline = datetime.fromisoformat(fields["deadline"]).replace(tzinfo=UTC).timestamp() * 1000
            if deadline < self.engine.now():
                raise Refusal("late")
        kind = "PO" if "post" in fields.get("oflags", "") else fields.get("timeinforce", "GTC")
        expires = int(fields["expiretm"]) * 1000 if fields.get("timeinforce") == "GTD" else 0
        symbol = next((s for s in self.engine.listings if _id(s) == fields["pair"]), fields["pair"])
        numbers = (D(fields["volume"]), D(fields["price"]))
        order = self.engine.place(fields["cl_ord_id"], symbol, fields["type"], kind, *numbers, expires=expires)
        words = f"{fields['type']} {fields['volume']} {_altname(symbol)} @ limit {fields['price']}"
        return {"descr": {"order": words}, "txid": [_txid(order)]}

    def _order(self, order: HeldOrder, *, ghost: bool = False) -> dict[str, Any]:
        status = "open" if ghost else _STATUS[order.status]
        if self.faults.canceled_is_closed and status == "canceled" and order.filled:
            status = "closed"
        rest: dict[str, Any] = {}
        if status != "open":
            reason = {"rejected": "Post only order", "canceled": "User requested"}.get(order.status)
            rest = {"closetm": order.updated / 1000, "reason": reason}
        return {
            "refid": None,
            "userref": None,
            "cl_ord_id": order.client_id,
            "status": status,
            "opentm": order.placed / 1000,
            "starttm": 0,
            "expiretm": order.expires // 1000,
            "descr": {
                "pair": _altname(order.symbol),
                "type": order.side,
                "ordertype": "limit",
                "price": str(order.price),
                "price2": "0",
                "leverage": "none",
                "order": f"{order.side} {order.amount} {_altname(order.symbol)} @ limit {order.price}",
            },
            "vol": str(order.amount),
            "vol_exec": str(order.filled),
            "cost": str(order.cost),
            "fee": str(order.fee),
            "price": str(order.cost / order.filled) if order.filled else "0",
            "stopprice": "0",
            "limitprice": "0",
            "misc": "",
            "oflags": "fciq,post" if order.kind == "PO" else "fciq",
            **rest,
        }

    def _closed(self, fields: dict[str, str]) -> Any:
        wanted, start = fields.get("cl_ord_id"), int(fields.get("start", "0")) * 1000
        found = [o for o in self.engine.listed_closed() if wanted in (None, o.client_id) and o.updated >= start]
        offset = int(fields.get("ofs", "0"))
        page = found[::-1][offset : offset + self.page]
        return {"closed": {_txid(o): self._order(o) for o in page}, "count": len(found)}

    def _trades(self, fields: dict[str, str]) -> Any:
        start = int(fields.get("start", "0")) * 1000
        found = [t for t in self.engine.listed_trades() if t.time > start]
        offset = int(fields.get("ofs", "0"))
        page = found[::-1][offset : offset + (self.faults.page_cut or self.page)]
        if self.faults.shuffled is not None:
            self.faults.shuffled.shuffle(page)
        return {"trades": {f"T{t.number:05}": _trade(t) for t in page}, "count": len(found)}

    def _ticker(self, symbol: str) -> dict[str, Any]:
        touch = self.engine.touches[symbol]
        volume = str(touch.volume / touch.bid)
        return {
            "a": [str(touch.ask), "1", str(touch.ask_amount)],
            "b": [str(touch.bid), "1", str(touch.bid_amount)],
            "c": [str(touch.bid), "1"],
            "v": [volume, volume],
            "p": [str(touch.bid)] * 2,
            "t": [9, 9],
            "l": [str(touch.bid)] * 2,
            "h": [str(touch.bid)] * 2,
            "o": str(touch.bid),
        }


def _asset(name: str) -> str:
    return _ASSET_IDS.get(name, name)


def _alt(name: str) -> str:
    return "XBT" if name == "BTC" else name


def _altname(symbol: str) -> str:
    base, _, quote = symbol.partition("/")
    return _alt(base) + _alt(quote)


def _id(symbol: str) -> str:
    base, _, quote = symbol.partition("/")
    return _asset(base) + _asset(quote)


def _txid(order: HeldOrder) -> str:
    return f"O{order.number:05}-TEST"


def _number(txid: str) -> str:
    return str(int(txid[1:6])) if txid else ""


def _market(listing: Listing) -> dict[str, Any]:
    return {
        "altname": _altname(listing.symbol),
        "wsname": f"{_alt(listing.base)}/{_alt(listing.quote)}",
        "aclass_base": "currency",
        "base": _asset(listing.base),
        "aclass_quote": "currency",
        "quote": _asset(listing.quote),
        "pair_decimals": -int(listing.tick.normalize().as_tuple().exponent),
        "lot_decimals": -int(listing.step.normalize().as_tuple().exponent),
        "cost_decimals": 5,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.4]],
        "fees_maker": [[0, 0.25]],
        "fee_volume_currency": "ZUSD",
        "ordermin": str(listing.min_amount),
        "costmin": str(listing.min_notional),
        "tick_size": str(listing.tick),
        "status": "online" if listing.active else "cancel_only",
    }


def _trade(trade: HeldTrade) -> dict[str, Any]:
    return {
        "ordertxid": _txid(trade.order),
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": _id(trade.symbol),
        "time": trade.time / 1000,
        "type": trade.side,
        "ordertype": "limit",
        "price": str(trade.price),
        "cost": str(trade.cost),
        "fee": str(trade.fee),
        "vol": str(trade.amount),
        "margin": "0",
        "misc": "",
        "trade_id": trade.number,
        "maker": trade.maker,
    }


def _print(trade: Stranger) -> list[Any]:
    """Price, volume, seconds, who took, kind, and a number."""
    side = "b" if trade.taker == "buy" else "s"
    return [str(trade.price), str(trade.amount), trade.time / 1000, side, "l", "", trade.number]
