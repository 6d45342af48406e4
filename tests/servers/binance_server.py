"""Binance spot's REST dialect: HMAC-SHA256 over the query, `recvWindow`, negative codes.

The words are those of the public REST documentation. A trade list without `fromId` answers oldest first and covers at
most 24 hours; a finished order's client id is free again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any

from binance_convert import ConvertDesk, ConvertRefusal
from engine import Engine, HeldOrder, HeldTrade, Listing, Refusal, Stranger
from faults import Faults
from wire import Answer, Request

D = Decimal
DAY = 86_400_000
_STATUS = {"filled": "FILLED", "canceled": "CANCELED", "expired": "EXPIRED", "rejected": "REJECTED"}
_CONVERT = {
    "convert/getQuote": "offer",
    "convert/acceptQuote": "convert",
    "convert/orderStatus": "conversion",
    "convert/tradeFlow": "conversions",
}
_REFUSALS = {
    "post_only": (400, -2010, "Order would immediately match and take."),
    "funds": (400, -2010, "Account has insufficient balance for requested action."),
    "minimum": (400, -1013, "Filter failure: NOTIONAL"),
    "precision": (400, -1111, "Precision is over the maximum defined for this asset."),
    "closed": (400, -1013, "Market is closed."),
    "duplicate": (400, -2010, "Duplicate order sent."),
    "symbol": (400, -1121, "Invalid symbol."),
    "unknown_order": (400, -2013, "Order does not exist."),
}


class BinanceServer:
    """Implements `Dialect`."""

    def __init__(self, engine: Engine, faults: Faults, key: str, secret: str) -> None:
        self.engine = engine
        self.faults = faults
        self.key = key
        self.secret = secret
        self.can_withdraw = False
        self.ip_restricted = True
        self.page = 1000
        self.converts = ConvertDesk(engine)

    def kind(self, request: Request) -> str:
        name = request.path.removeprefix("/api/v3/").removeprefix("/sapi/v1/")
        if name == "order":
            return {"POST": "create", "DELETE": "cancel", "GET": "order"}[request.method]
        return {
            "openOrders": "open",
            "allOrders": "closed",
            "myTrades": "trades",
            "account": "balance",
            "time": "time",
            "exchangeInfo": "markets",
            "ticker/24hr": "tickers",
            "ticker/bookTicker": "tickers",
            "klines": "candles",
            "depth": "depth",
            "aggTrades": "prints",
            "account/apiRestrictions": "permissions",
            **_CONVERT,
        }.get(name, "other")

    def arrive(self, request: Request) -> None:
        """Everything is checked when it is answered."""

    def answer(self, request: Request) -> Answer:
        kind, fields = self.kind(request), request.fields
        if kind in (
            "create",
            "cancel",
            "order",
            "open",
            "closed",
            "trades",
            "balance",
            "permissions",
            *_CONVERT.values(),
        ):
            refused = self._authenticate(request)
            if refused is not None:
                return refused
        try:
            if kind in _CONVERT.values():
                return Answer(self.converts.answer(kind, fields))
            return Answer(self._act(kind, fields))
        except ConvertRefusal as no:
            return Answer({"code": no.code, "msg": no.text}, 400)
        except Refusal as refusal:
            status, code, text = _REFUSALS[refusal.word]
            if kind == "cancel" and refusal.word == "unknown_order":
                code, text = -2011, "Unknown order sent."
            return Answer({"code": code, "msg": text}, status)

    def _authenticate(self, request: Request) -> Answer | None:
        """The signature covers everything before it; the time stamp may be old by `recvWindow` and new by a second."""
        signed = request.query if request.query else request.body
        text, _, signature = signed.rpartition("&signature=")
        wanted = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if request.headers.get("X-MBX-APIKEY") != self.key:
            return Answer({"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, 401)
        if not hmac.compare_digest(wanted, signature):
            return Answer({"code": -1022, "msg": "Signature for this request is not valid."}, 400)
        fields, now = request.fields, self.engine.now()
        sent = int(fields["timestamp"])
        if sent > now + 1000 or sent < now - int(fields.get("recvWindow", "5000")):
            return Answer({"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}, 400)
        return None

    def _act(self, kind: str, fields: dict[str, str]) -> Any:  # noqa: C901 - one case an endpoint, nothing nested
        engine = self.engine
        match kind:
            case "time":
                return {"serverTime": engine.now()}
            case "markets":
                return {
                    "timezone": "UTC",
                    "serverTime": engine.now(),
                    "symbols": [_market(x) for x in engine.listings.values()],
                }
            case "tickers":
                listed = {_id(symbol): symbol for symbol in engine.listings}
                asked = json.loads(fields["symbols"]) if "symbols" in fields else list(listed)
                if not listed.keys() >= set(asked):
                    raise Refusal("symbol")
                return [self._ticker(listed[id]) for id in asked]
            case "candles":
                return []
            case "depth":
                touch = next(t for s, t in engine.touches.items() if _id(s) == fields["symbol"])
                bids, asks = [[str(touch.bid), str(touch.bid_amount)]], [[str(touch.ask), str(touch.ask_amount)]]
                return {"lastUpdateId": 1, "bids": bids, "asks": asks}
            case "prints":
                return [_print(t) for t in engine.strangers if _id(t.symbol) == fields["symbol"]]
            case "balance":
                return {
                    "makerCommission": 10,
                    "canTrade": True,
                    "updateTime": engine.now(),
                    "accountType": "SPOT",
                    "balances": [
                        {"asset": name, "free": str(engine.free(name)), "locked": str(total - engine.free(name))}
                        for name, total in engine.totals.items()
                    ],
                }
            case "permissions":
                return {
                    "ipRestrict": self.ip_restricted,
                    "enableReading": True,
                    "enableWithdrawals": self.can_withdraw,
                    "enableSpotAndMarginTrading": True,
                }
            case "create":
                return self._create(fields)
            case "cancel":
                order = self._wanted(fields, lagging=False)
                engine.cancel(order)
                return {
                    **self._order(order),
                    "origClientOrderId": order.client_id,
                    "clientOrderId": f"cancel{order.id}",
                }
            case "order":
                return self._order(self._wanted(fields, lagging=True))
            case "open":
                return [self._order(o, ghost=True) for o in engine.listed_open() if _asked(fields, o.symbol)]
            case "closed":
                start, size, now = int(fields.get("startTime", "0")), int(fields.get("limit", "500")), engine.now()
                found = [o for o in engine.orders if o.placed >= start and o.shown_from <= now]
                return [self._order(o) for o in found if _asked(fields, o.symbol)][:size]
            case "trades":
                return self._trades(fields)
            case _:
                raise Refusal("symbol")

    def _create(self, fields: dict[str, str]) -> Any:
        kind = "PO" if fields["type"] == "LIMIT_MAKER" else fields["timeInForce"]
        symbol = self._symbol(fields["symbol"])
        numbers = (D(fields["quantity"]), D(fields["price"]))
        before = len(self.engine.trades)
        order = self.engine.place(fields["newClientOrderId"], symbol, fields["side"].lower(), kind, *numbers)
        fills = [
            {
                "price": str(t.price),
                "qty": str(t.amount),
                "commission": str(t.fee),
                "commissionAsset": t.fee_asset,
                "tradeId": t.number,
            }
            for t in self.engine.trades[before:]
            if t.order is order
        ]
        return {**self._order(order), "transactTime": order.placed, "fills": fills}

    def _wanted(self, fields: dict[str, str], *, lagging: bool) -> HeldOrder:
        number, client_id = fields.get("orderId", ""), fields.get("origClientOrderId", "")
        order = self.engine.find(number=number, client_id=client_id, lagging=lagging)
        if not _asked(fields, order.symbol):
            raise Refusal("unknown_order")
        return order

    def _order(self, order: HeldOrder, *, ghost: bool = False) -> dict[str, Any]:
        status = _STATUS.get(order.status) or ("PARTIALLY_FILLED" if order.filled else "NEW")
        if ghost:
            status = "PARTIALLY_FILLED" if order.filled else "NEW"
        elif self.faults.canceled_is_closed and status == "CANCELED" and order.filled:
            status = "FILLED"
        return {
            "symbol": _id(order.symbol),
            "orderId": order.number,
            "orderListId": -1,
            "clientOrderId": order.client_id,
            "price": str(order.price),
            "origQty": str(order.amount),
            "executedQty": str(order.filled),
            "cummulativeQuoteQty": str(order.cost),
            "status": status,
            "timeInForce": "IOC" if order.kind == "IOC" else "GTC",
            "type": "LIMIT_MAKER" if order.kind == "PO" else "LIMIT",
            "side": order.side.upper(),
            "time": order.placed,
            "updateTime": order.updated,
            "isWorking": True,
        }

    def _trades(self, fields: dict[str, str]) -> Any:
        if not any(_asked(fields, symbol) for symbol in self.engine.listings):
            raise Refusal("symbol")
        listed = [t for t in self.engine.listed_trades() if _asked(fields, t.symbol)]
        if "fromId" in fields:
            if "startTime" in fields:
                return {"code": -1128, "msg": "Combination of optional parameters invalid."}
            listed = [t for t in listed if t.number >= int(fields["fromId"])]
        elif "startTime" in fields:
            start = int(fields["startTime"])
            end = min(int(fields.get("endTime", start + DAY)), start + DAY)
            listed = [t for t in listed if start <= t.time <= end]
        if "orderId" in fields:
            listed = [t for t in listed if t.order.id == fields["orderId"]]
        size = min(int(fields.get("limit", "500")), self.page)
        rows = [_trade(t) for t in listed[: self.faults.page_cut or size]]
        if self.faults.duplicated:
            rows = rows + rows[:1]
        if self.faults.shuffled is not None:
            self.faults.shuffled.shuffle(rows)
        return rows

    def _ticker(self, symbol: str) -> dict[str, Any]:
        touch = self.engine.touches[symbol]
        return {
            "symbol": _id(symbol),
            "lastPrice": str(touch.bid),
            "bidPrice": str(touch.bid),
            "bidQty": str(touch.bid_amount),
            "askPrice": str(touch.ask),
            "askQty": str(touch.ask_amount),
            "volume": str(touch.volume / touch.bid),
            "quoteVolume": str(touch.volume),
            "closeTime": self.engine.now(),
        }

    def _symbol(self, id: str) -> str:
        return next((symbol for symbol in self.engine.listings if _id(symbol) == id), id)


def _id(symbol: str) -> str:
    return symbol.replace("/", "")


def _asked(fields: dict[str, str], symbol: str) -> bool:
    return "symbol" not in fields or fields["symbol"] == _id(symbol)


def _print(trade: Stranger) -> dict[str, Any]:
    """As an aggregate trade: `m` says that the buyer was the maker."""
    ids = {"a": trade.number, "f": trade.number, "l": trade.number}
    figures = {"p": str(trade.price), "q": str(trade.amount), "T": trade.time}
    return {**ids, **figures, "m": trade.taker == "sell", "M": True}


def _market(listing: Listing) -> dict[str, Any]:
    return {
        "symbol": _id(listing.symbol),
        "status": "TRADING" if listing.active else "BREAK",
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": str(listing.tick),
                "maxPrice": "1000000",
                "tickSize": str(listing.tick),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": str(listing.min_amount),
                "maxQty": "9000000",
                "stepSize": str(listing.step),
            },
            {"filterType": "NOTIONAL", "minNotional": str(listing.min_notional), "applyMinToMarket": True},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _trade(trade: HeldTrade) -> dict[str, Any]:
    return {
        "symbol": _id(trade.symbol),
        "id": trade.number,
        "orderId": trade.order.number,
        "orderListId": -1,
        "price": str(trade.price),
        "qty": str(trade.amount),
        "quoteQty": str(trade.cost),
        "commission": str(trade.fee),
        "commissionAsset": trade.fee_asset,
        "time": trade.time,
        "isBuyer": trade.side == "buy",
        "isMaker": trade.maker,
        "isBestMatch": True,
    }
