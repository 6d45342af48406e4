"""Coinbase Advanced Trade's REST dialect: an ES256 token per request whose `uri` names method, host and path.

An order with a client id that was used before is not placed again: the first one is returned. Orders are looked up by
the exchange's id only; the list has no filter for client ids. Lists come newest first with a cursor.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from engine import Engine, HeldOrder, HeldTrade, Listing, Refusal, Stranger
from faults import Faults
from wire import Answer, Request

D = Decimal
_STATUS = {"open": "OPEN", "filled": "FILLED", "canceled": "CANCELLED", "expired": "EXPIRED", "rejected": "FAILED"}
_REFUSALS = {
    "post_only": "INVALID_LIMIT_PRICE_POST_ONLY",
    "funds": "INSUFFICIENT_FUND",
    "minimum": "ORDER_ENTRY_DISABLED",
    "precision": "INVALID_SIZE_PRECISION",
    "closed": "ORDER_ENTRY_DISABLED",
    "symbol": "INVALID_PRODUCT_ID",
}
_KINDS = {
    "orders": "create",
    "orders/batch_cancel": "cancel",
    "orders/historical/batch": "closed",
    "orders/historical/fills": "trades",
    "accounts": "balance",
    "market/products": "markets",
    "transaction_summary": "markets",
    "best_bid_ask": "tickers",
    "time": "time",
    "key_permissions": "permissions",
}


class CoinbaseServer:
    """Implements `Dialect`. `secret` is the private key in PEM; only its public half is used."""

    def __init__(self, engine: Engine, faults: Faults, key: str, secret: str) -> None:
        self.engine = engine
        self.faults = faults
        self.key = key
        self.can_transfer = False
        self.page = 100
        public = load_pem_private_key(secret.encode(), None).public_key()
        assert isinstance(public, EllipticCurvePublicKey)
        self._public = public

    def kind(self, request: Request) -> str:
        name = request.path.partition("/brokerage/")[2]
        if request.path == "/v2/time":
            return "time"
        if name == "market/products" and "product_ids" in request.query:
            return "tickers"
        if name == "orders/historical/batch" and request.fields.get("order_status") == "OPEN":
            return "open"
        if name.startswith("orders/historical/") and name not in _KINDS:
            return "order"
        if name == "market/product_book":
            return "depth"
        if name.startswith("market/products/") and name.endswith("/ticker"):
            return "prints"
        return "candles" if name.endswith("/candles") else _KINDS.get(name, "other")

    def arrive(self, request: Request) -> None:
        """Everything is checked when it is answered."""

    def answer(self, request: Request) -> Answer:
        if (
            "/brokerage/market/" not in request.path
            and not request.path.startswith("/v2/")
            and not request.path.endswith("/time")
        ):
            refused = self._authenticate(request)
            if refused is not None:
                return refused
        kind = self.kind(request)
        try:
            return Answer(self._act(kind, request))
        except Refusal as refusal:
            if kind != "create":
                return Answer(
                    {"error": "NOT_FOUND", "error_details": "order not found", "message": "order not found"}, 404
                )
            reason = _REFUSALS[refusal.word]
            return Answer({"success": False, "error_response": {"error": reason, "message": "", "error_details": ""}})

    def _authenticate(self, request: Request) -> Answer | None:
        """Checks the token's signature, its subject, its times and that it was made for this very address."""
        head, _, rest = request.headers.get("Authorization", "").removeprefix("Bearer ").partition(".")
        claims, _, signature = rest.partition(".")
        raw = _unpacked(signature)
        try:
            pair = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            self._public.verify(pair, f"{head}.{claims}".encode(), ECDSA(SHA256()))
        except InvalidSignature:
            return Answer({"error": "unauthorized"}, 401)
        told, now = json.loads(_unpacked(claims)), self.engine.now() // 1000
        wanted = f"{request.method} http://{request.host}{request.path}"
        if told["sub"] != self.key or told["uri"] != wanted or not told["nbf"] - 5 <= now <= told["exp"]:
            return Answer({"error": "unauthorized"}, 401)
        return None

    def _act(self, kind: str, request: Request) -> Any:  # noqa: C901 - one case an endpoint, nothing nested
        engine, fields = self.engine, request.fields
        match kind:
            case "time":
                return {
                    "data": {"epoch": engine.now() // 1000},
                    "iso": _iso(engine.now()),
                    "epochSeconds": str(engine.now() // 1000),
                    "epochMillis": str(engine.now()),
                }
            case "markets" if request.path.endswith("transaction_summary"):
                return {"fee_tier": {"maker_fee_rate": "0.006", "taker_fee_rate": "0.012"}}
            case "markets":
                listed = (
                    []
                    if fields.get("product_type") == "FUTURE"
                    else [self._product(x) for x in engine.listings.values()]
                )
                return {"products": listed, "num_products": len(listed)}
            case "tickers" if request.path.endswith("best_bid_ask"):
                return {"pricebooks": [self._book(s) for s in engine.touches if _asked(request, s)]}
            case "tickers":
                return {"products": [self._product(x) for x in engine.listings.values() if _asked(request, x.symbol)]}
            case "depth":
                symbol = request.fields["product_id"].replace("-", "/")
                return {"pricebook": self._book(symbol)}
            case "prints":
                symbol = request.path.split("/")[-2].replace("-", "/")
                return {"trades": [_print(t) for t in engine.strangers if t.symbol == symbol]}
            case "balance":
                return {
                    "accounts": [self._account(n) for n in engine.totals],
                    "has_next": False,
                    "cursor": "",
                    "size": len(engine.totals),
                }
            case "permissions":
                return {"can_view": True, "can_trade": True, "can_transfer": self.can_transfer, "portfolio_uuid": "p"}
            case "create":
                return self._create(json.loads(request.body))
            case "cancel":
                return {"results": [self._cancel(id) for id in json.loads(request.body)["order_ids"]]}
            case "order":
                return {"order": self._order(engine.find(number=_number(request.path.rpartition("/")[2])))}
            case "open":
                return self._paged("orders", [self._order(o, ghost=True) for o in engine.listed_open()], fields)
            case "closed":
                return self._orders(fields)
            case "trades":
                return self._fills(fields)
            case _:
                raise Refusal("symbol")

    def _create(self, wish: dict[str, Any]) -> Any:
        ((name, terms),) = wish["order_configuration"].items()
        kind = "IOC" if name == "sor_limit_ioc" else "PO" if terms["post_only"] else "GTC"
        expires = _ms(terms["end_time"]) if name == "limit_limit_gtd" else 0
        symbol, client_id = wish["product_id"].replace("-", "/"), wish["client_order_id"]
        with self.engine.lock:
            known = [o for o in self.engine.orders if o.client_id == client_id]
            order = (
                known[0]
                if known
                else self.engine.place(
                    client_id,
                    symbol,
                    wish["side"].lower(),
                    kind,
                    D(terms["base_size"]),
                    D(terms["limit_price"]),
                    expires=expires,
                )
            )
        told = {
            "order_id": _id(order),
            "product_id": wish["product_id"],
            "side": wish["side"],
            "client_order_id": client_id,
        }
        return {"success": True, "success_response": told, "order_configuration": wish["order_configuration"]}

    def _cancel(self, id: str) -> dict[str, Any]:
        try:
            self.engine.cancel(self.engine.find(number=_number(id), lagging=False))
        except Refusal:
            return {"success": False, "failure_reason": "UNKNOWN_CANCEL_ORDER", "order_id": id}
        return {"success": True, "failure_reason": "UNKNOWN_CANCEL_FAILURE_REASON", "order_id": id}

    def _order(self, order: HeldOrder, *, ghost: bool = False) -> dict[str, Any]:
        status = "OPEN" if ghost else _STATUS[order.status]
        if self.faults.canceled_is_closed and status == "CANCELLED" and order.filled:
            status = "FILLED"
        terms = {"base_size": str(order.amount), "limit_price": str(order.price)}
        configuration = (
            {"sor_limit_ioc": terms}
            if order.kind == "IOC"
            else {"limit_limit_gtd": {**terms, "post_only": order.kind == "PO", "end_time": _iso(order.expires)}}
            if order.expires
            else {"limit_limit_gtc": {**terms, "post_only": order.kind == "PO"}}
        )
        return {
            "order_id": _id(order),
            "product_id": order.symbol.replace("/", "-"),
            "side": order.side.upper(),
            "client_order_id": order.client_id,
            "status": status,
            "time_in_force": "IMMEDIATE_OR_CANCEL" if order.kind == "IOC" else "GOOD_UNTIL_DATE_TIME",
            "created_time": _iso(order.placed),
            "filled_size": str(order.filled),
            "order_configuration": configuration,
            "average_filled_price": str(order.cost / order.filled) if order.filled else "0",
            "filled_value": str(order.cost),
            "total_fees": str(order.fee),
            "order_type": "LIMIT",
            "size_in_quote": False,
            "settled": order.status != "open",
        }

    def _orders(self, fields: dict[str, str]) -> Any:
        start = _ms(fields.get("start_date", "1970-01-01T00:00:00Z"))
        found = [
            o
            for o in self.engine.orders
            if o.shown_from <= self.engine.now()
            and o.placed >= start
            and fields.get("product_id", o.symbol.replace("/", "-")) == o.symbol.replace("/", "-")
        ]
        return self._paged("orders", [self._order(o) for o in found], fields)

    def _fills(self, fields: dict[str, str]) -> Any:
        start = _ms(fields.get("start_sequence_timestamp", "1970-01-01T00:00:00Z"))
        rows = [self._fill(t) for t in self.engine.listed_trades() if t.time >= start]
        if self.faults.duplicated:
            rows = rows + rows[-1:]
        if self.faults.shuffled is not None:
            self.faults.shuffled.shuffle(rows)
        return self._paged("fills", rows, fields)

    def _fill(self, trade: HeldTrade) -> dict[str, Any]:
        size = trade.cost if self.faults.in_quote else trade.amount
        return {
            "entry_id": f"e{trade.number}",
            "trade_id": f"t{trade.number:05}",
            "order_id": _id(trade.order),
            "trade_type": "FILL",
            "trade_time": _iso(trade.time),
            "sequence_timestamp": _iso(trade.time),
            "price": str(trade.price),
            "size": str(size),
            "commission": str(trade.fee),
            "product_id": trade.symbol.replace("/", "-"),
            "size_in_quote": self.faults.in_quote,
            "liquidity_indicator": "MAKER" if trade.maker else "TAKER",
            "side": trade.side.upper(),
        }

    def _paged(self, name: str, rows: list[dict[str, Any]], fields: dict[str, str]) -> dict[str, Any]:
        """Newest first. The cursor is the offset of the next page, and empty at the end."""
        rows, offset = rows[::-1], int(fields.get("cursor") or 0)
        size = min(int(fields.get("limit", "100")), self.page)
        cut = self.faults.page_cut if name == "fills" and self.faults.page_cut else size
        end = offset + cut
        return {name: rows[offset:end], "has_next": end < len(rows), "cursor": str(end) if end < len(rows) else ""}

    def _product(self, listing: Listing) -> dict[str, Any]:
        touch = self.engine.touches[listing.symbol]
        return {
            "product_id": listing.symbol.replace("/", "-"),
            "price": str(touch.bid),
            "volume_24h": str(touch.volume / touch.bid),
            "approximate_quote_24h_volume": str(touch.volume),
            "base_increment": str(listing.step),
            "quote_increment": "0.01",
            "price_increment": str(listing.tick),
            "quote_min_size": str(listing.min_notional),
            "quote_max_size": "1000000",
            "base_min_size": str(listing.min_amount),
            "base_max_size": "100000",
            "base_name": listing.base,
            "quote_name": listing.quote,
            "status": "online",
            "cancel_only": False,
            "limit_only": False,
            "post_only": False,
            "trading_disabled": not listing.active,
            "product_type": "SPOT",
            "base_currency_id": listing.base,
            "quote_currency_id": listing.quote,
            "alias": "",
            "alias_to": [],
        }

    def _book(self, symbol: str) -> dict[str, Any]:
        touch = self.engine.touches[symbol]
        bids, asks = (
            [{"price": str(touch.bid), "size": str(touch.bid_amount)}],
            [{"price": str(touch.ask), "size": str(touch.ask_amount)}],
        )
        return {"product_id": symbol.replace("/", "-"), "bids": bids, "asks": asks, "time": _iso(self.engine.now())}

    def _account(self, name: str) -> dict[str, Any]:
        free = self.engine.free(name)
        held = self.engine.totals[name] - free
        return {
            "uuid": f"u-{name}",
            "name": f"{name} Wallet",
            "currency": name,
            "default": True,
            "active": True,
            "ready": True,
            "available_balance": {"value": str(free), "currency": name},
            "hold": {"value": str(held), "currency": name},
            "type": "ACCOUNT_TYPE_FIAT" if name == "USD" else "ACCOUNT_TYPE_CRYPTO",
        }


def _asked(request: Request, symbol: str) -> bool:
    return "product_ids" not in request.query or f"product_ids={symbol.replace('/', '-')}" in request.query.split("&")


def _id(order: HeldOrder) -> str:
    return f"00000000-0000-4000-8000-{order.number:012}"


def _number(id: str) -> str:
    tail = id.rpartition("-")[2]
    return str(int(tail)) if tail.isdigit() else "0"


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _print(trade: Stranger) -> dict[str, Any]:
    """A trade as the ticker tells it; `side` is that of the maker."""
    side = "SELL" if trade.taker == "buy" else "BUY"
    figures = {"price": str(trade.price), "size": str(trade.amount), "time": _iso(trade.time), "side": side}
    return {"trade_id": str(trade.number), "product_id": trade.symbol.replace("/", "-"), **figures}
