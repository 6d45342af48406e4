"""Recorded answers of exchanges whose dialect has no server: one market, one order, one trade each, in their own words.

Field names are those that the exchanges' documentation shows and that the ccxt classes read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from engine import Engine
from faults import Faults
from tradekit.domain.ids import client_order_id
from wire import Answer, Request

CLIENT_ID: Final = client_order_id("rig", "p1", 1)
NOW: Final = 1_760_000_000_000
ORDER_ID: Final = "987654321"


class Script(NamedTuple):
    """What one exchange answers, by method and path. `password`: it wants a passphrase."""

    quote: str
    answers: Mapping[str, Any]
    password: str = ""


class CannedServer:
    """Implements `Dialect`. The kind of a request is its method and path."""

    def __init__(self, script: Script, engine: Engine, faults: Faults) -> None:
        self.script = script
        self.engine = engine
        self.faults = faults
        self.changed: dict[str, Any] = {}

    def kind(self, request: Request) -> str:
        return f"{request.method} {request.path}"

    def arrive(self, request: Request) -> None:
        """Everything is answered at once."""

    def answer(self, request: Request) -> Answer:
        answers = {**self.script.answers, **self.changed}
        body = answers.get(self.kind(request))
        return Answer({"error": "no such path"}, 404) if body is None else Answer(body)


_OKX_ORDER: Final = {
    "ordId": ORDER_ID,
    "clOrdId": CLIENT_ID,
    "instId": "ETH-USDT",
    "instType": "SPOT",
    "ordType": "post_only",
    "side": "buy",
    "px": "2499",
    "sz": "0.01",
    "accFillSz": "0.004",
    "avgPx": "2499",
    "fillPx": "2499",
    "state": "live",
    "cTime": str(NOW),
    "uTime": str(NOW),
    "fee": "-0.000004",
    "feeCcy": "ETH",
    "cancelSource": "",
    "tdMode": "cash",
}
OKX: Final = Script(
    "USDT",
    {
        "GET /api/v5/public/time": {"code": "0", "data": [{"ts": str(NOW)}]},
        "GET /api/v5/public/instruments": {
            "code": "0",
            "data": [
                {
                    "instId": "ETH-USDT",
                    "instType": "SPOT",
                    "baseCcy": "ETH",
                    "quoteCcy": "USDT",
                    "lotSz": "0.0001",
                    "tickSz": "0.01",
                    "minSz": "0.001",
                    "state": "live",
                    "maxLmtSz": "9999",
                    "maxLmtAmt": "1000000",
                    "maxMktSz": "",
                    "lever": "",
                }
            ],
        },
        "POST /api/v5/trade/order": {
            "code": "0",
            "data": [{"ordId": ORDER_ID, "clOrdId": CLIENT_ID, "sCode": "0", "sMsg": ""}],
        },
        "POST /api/v5/trade/cancel-order": {
            "code": "0",
            "data": [{"ordId": ORDER_ID, "clOrdId": CLIENT_ID, "sCode": "0"}],
        },
        "GET /api/v5/trade/order": {"code": "0", "data": [_OKX_ORDER]},
        "GET /api/v5/trade/orders-pending": {"code": "0", "data": [_OKX_ORDER]},
        "GET /api/v5/trade/orders-history": {"code": "0", "data": []},
        "GET /api/v5/trade/fills-history": {
            "code": "0",
            "data": [
                {
                    "instId": "ETH-USDT",
                    "tradeId": "t1",
                    "ordId": ORDER_ID,
                    "clOrdId": CLIENT_ID,
                    "billId": "55",
                    "side": "buy",
                    "fillPx": "2499.5",
                    "fillSz": "0.004",
                    "fee": "-0.000004",
                    "feeCcy": "ETH",
                    "ts": str(NOW),
                    "execType": "M",
                }
            ],
        },
        "GET /api/v5/account/balance": {
            "code": "0",
            "data": [
                {
                    "uTime": str(NOW),
                    "details": [
                        {
                            "ccy": "USDT",
                            "cashBal": "100",
                            "eq": "100",
                            "availBal": "75.01",
                            "availEq": "75.01",
                            "frozenBal": "24.99",
                            "uTime": str(NOW),
                        },
                    ],
                }
            ],
        },
        "GET /api/v5/account/config": {
            "code": "0",
            "data": [{"perm": "read_only,trade", "ip": "192.0.2.1", "acctLv": "1"}],
        },
    },
    password="pass",
)

_KUCOIN_ORDER: Final = {
    "id": ORDER_ID,
    "clientOid": CLIENT_ID,
    "symbol": "ETH-USDT",
    "opType": "DEAL",
    "type": "limit",
    "side": "buy",
    "price": "2499",
    "size": "0.01",
    "dealSize": "0.004",
    "dealFunds": "9.996",
    "remainSize": "0.006",
    "fee": "0.009996",
    "feeCurrency": "USDT",
    "timeInForce": "GTC",
    "postOnly": True,
    "active": True,
    "inOrderBook": True,
    "cancelExist": False,
    "createdAt": NOW,
    "lastUpdatedAt": NOW,
    "cancelledSize": "0",
    "cancelledFunds": "0",
}
KUCOIN: Final = Script(
    "USDT",
    {
        "GET /api/v1/timestamp": {"code": "200000", "data": NOW},
        "GET /api/v2/symbols": {
            "code": "200000",
            "data": [
                {
                    "symbol": "ETH-USDT",
                    "name": "ETH-USDT",
                    "baseCurrency": "ETH",
                    "quoteCurrency": "USDT",
                    "baseMinSize": "0.001",
                    "quoteMinSize": "0.1",
                    "baseMaxSize": "10000",
                    "quoteMaxSize": "99999999",
                    "baseIncrement": "0.0001",
                    "quoteIncrement": "0.0001",
                    "priceIncrement": "0.01",
                    "minFunds": "5",
                    "enableTrading": True,
                    "isMarginEnabled": False,
                }
            ],
        },
        "GET /api/v1/hf/orders/active/symbols": {"code": "200000", "data": {"symbols": ["ETH-USDT"]}},
        "POST /api/v1/hf/orders": {"code": "200000", "data": {"orderId": ORDER_ID, "clientOid": CLIENT_ID}},
        f"DELETE /api/v1/hf/orders/{ORDER_ID}": {"code": "200000", "data": {"orderId": ORDER_ID}},
        f"DELETE /api/v1/hf/orders/client-order/{CLIENT_ID}": {"code": "200000", "data": {"clientOid": CLIENT_ID}},
        f"GET /api/v1/hf/orders/{ORDER_ID}": {"code": "200000", "data": _KUCOIN_ORDER},
        f"GET /api/v1/hf/orders/client-order/{CLIENT_ID}": {"code": "200000", "data": _KUCOIN_ORDER},
        "GET /api/v1/hf/orders/active": {"code": "200000", "data": [_KUCOIN_ORDER]},
        "GET /api/v1/hf/orders/done": {"code": "200000", "data": {"items": [], "lastId": 0}},
        "GET /api/v1/hf/fills": {
            "code": "200000",
            "data": {
                "lastId": 77,
                "items": [
                    {
                        "id": 1,
                        "tradeId": 555,
                        "orderId": ORDER_ID,
                        "symbol": "ETH-USDT",
                        "side": "buy",
                        "type": "limit",
                        "price": "2499.5",
                        "size": "0.004",
                        "funds": "9.998",
                        "fee": "0.01",
                        "feeCurrency": "USDT",
                        "liquidity": "maker",
                        "createdAt": NOW,
                    }
                ],
            },
        },
        "GET /api/v1/accounts": {
            "code": "200000",
            "data": [
                {
                    "id": "a",
                    "currency": "USDT",
                    "type": "trade_hf",
                    "balance": "100",
                    "available": "75.01",
                    "holds": "24.99",
                },
            ],
        },
        "GET /api/v1/user/api-key": {
            "code": "200000",
            "data": {"permission": "General,Spot", "ipWhitelist": "192.0.2.1"},
        },
    },
    password="pass",
)

_BYBIT_ORDER: Final = {
    "orderId": ORDER_ID,
    "orderLinkId": CLIENT_ID,
    "symbol": "ETHUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "price": "2499",
    "qty": "0.01",
    "cumExecQty": "0.004",
    "cumExecValue": "9.996",
    "leavesQty": "0.006",
    "orderStatus": "PartiallyFilled",
    "timeInForce": "PostOnly",
    "createdTime": str(NOW),
    "updatedTime": str(NOW),
    "rejectReason": "EC_NoError",
    "avgPrice": "2499",
}


def _bybit(**result: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": {"category": "spot", **result}, "time": NOW}


QUOTE_ID: Final = "1010020692439481682687668224"
BYBIT_CONVERSION: Final = {
    "accountType": "eb_convert_uta",
    "exchangeTxId": QUOTE_ID,
    "userId": "100406395",
    "fromCoin": "ETH",
    "fromCoinType": "crypto",
    "fromAmount": "0.001",
    "toCoin": "USDT",
    "toCoinType": "crypto",
    "toAmount": "2.4912",
    "exchangeStatus": "success",
    "extInfo": {},
    "convertRate": "2491.2",
    "createdAt": str(NOW + 500),
}
BYBIT: Final = Script(
    "USDT",
    {
        "GET /v5/market/time": _bybit(timeSecond=str(NOW // 1000), timeNano=str(NOW * 1_000_000)),
        "GET /v5/market/instruments-info": _bybit(
            list=[
                {
                    "symbol": "ETHUSDT",
                    "baseCoin": "ETH",
                    "quoteCoin": "USDT",
                    "innovation": "0",
                    "status": "Trading",
                    "marginTrading": "none",
                    "lotSizeFilter": {
                        "basePrecision": "0.0001",
                        "quotePrecision": "0.00001",
                        "minOrderQty": "0.001",
                        "maxOrderQty": "100",
                        "minOrderAmt": "5",
                        "maxOrderAmt": "100000",
                    },
                    "priceFilter": {"tickSize": "0.01"},
                }
            ]
        ),
        "POST /v5/order/create": _bybit(orderId=ORDER_ID, orderLinkId=CLIENT_ID),
        "POST /v5/order/cancel": _bybit(orderId=ORDER_ID, orderLinkId=CLIENT_ID),
        "GET /v5/order/realtime": _bybit(list=[_BYBIT_ORDER], nextPageCursor=""),
        "GET /v5/order/history": _bybit(list=[], nextPageCursor=""),
        "GET /v5/execution/list": _bybit(
            list=[
                {
                    "symbol": "ETHUSDT",
                    "execId": "e1",
                    "orderId": ORDER_ID,
                    "orderLinkId": CLIENT_ID,
                    "side": "Buy",
                    "execPrice": "2499.5",
                    "execQty": "0.004",
                    "execValue": "9.998",
                    "execFee": "0.000004",
                    "feeCurrency": "ETH",
                    "feeRate": "0.001",
                    "execTime": str(NOW),
                    "execType": "Trade",
                    "isMaker": True,
                    "orderType": "Limit",
                }
            ],
            nextPageCursor="",
        ),
        "GET /v5/account/wallet-balance": _bybit(
            list=[
                {
                    "accountType": "UNIFIED",
                    "coin": [
                        {
                            "coin": "USDT",
                            "walletBalance": "100",
                            "locked": "24.99",
                            "equity": "100",
                            "availableToWithdraw": "75.01",
                        },
                    ],
                }
            ]
        ),
        "POST /v5/asset/exchange/quote-apply": _bybit(
            quoteTxId=QUOTE_ID,
            exchangeRate="2491",
            fromCoin="ETH",
            fromCoinType="crypto",
            toCoin="USDT",
            toCoinType="crypto",
            fromAmount="0.001",
            toAmount="2.491",
            expiredTime=str(NOW + 15_000),
            requestId="",
        ),
        "POST /v5/asset/exchange/convert-execute": _bybit(exchangeStatus="processing", quoteTxId=QUOTE_ID),
        "GET /v5/asset/exchange/convert-result-query": _bybit(result=BYBIT_CONVERSION),
        "GET /v5/asset/exchange/query-convert-history": _bybit(list=[]),
        "GET /v5/user/query-api": _bybit(
            readOnly=0, permissions={"Spot": ["SpotTrade"], "Wallet": []}, ips=["192.0.2.1"]
        ),
    },
)

_GATE_ORDER: Final = {
    "id": ORDER_ID,
    "text": f"t-{CLIENT_ID}",
    "currency_pair": "ETH_USDT",
    "status": "open",
    "type": "limit",
    "account": "spot",
    "side": "buy",
    "amount": "0.01",
    "price": "2499",
    "left": "0.006",
    "filled_total": "9.996",
    "time_in_force": "poc",
    "create_time_ms": NOW,
    "update_time_ms": NOW,
    "fee": "0.000004",
    "fee_currency": "ETH",
    "point_fee": "0",
    "gt_fee": "0",
    "avg_deal_price": "2499",
    "finish_as": "open",
}
GATE: Final = Script(
    "USDT",
    {
        "GET /api/v4/spot/time": {"server_time": NOW},
        "GET /api/v4/spot/currency_pairs": [
            {
                "id": "ETH_USDT",
                "base": "ETH",
                "quote": "USDT",
                "fee": "0.2",
                "min_base_amount": "0.001",
                "min_quote_amount": "5",
                "amount_precision": 4,
                "precision": 2,
                "trade_status": "tradable",
                "sell_start": 0,
                "buy_start": 0,
            }
        ],
        "GET /api/v4/margin/currency_pairs": [],
        "POST /api/v4/spot/orders": _GATE_ORDER,
        f"DELETE /api/v4/spot/orders/{ORDER_ID}": {**_GATE_ORDER, "status": "cancelled"},
        f"DELETE /api/v4/spot/orders/t-{CLIENT_ID}": {**_GATE_ORDER, "status": "cancelled"},
        f"GET /api/v4/spot/orders/{ORDER_ID}": _GATE_ORDER,
        f"GET /api/v4/spot/orders/t-{CLIENT_ID}": _GATE_ORDER,
        "GET /api/v4/spot/open_orders": [{"currency_pair": "ETH_USDT", "total": 1, "orders": [_GATE_ORDER]}],
        "GET /api/v4/spot/orders": [],
        "GET /api/v4/spot/my_trades": [
            {
                "id": "901",
                "create_time": str(NOW // 1000),
                "create_time_ms": f"{NOW}.123",
                "currency_pair": "ETH_USDT",
                "side": "buy",
                "role": "maker",
                "amount": "0.004",
                "price": "2499.5",
                "order_id": ORDER_ID,
                "fee": "0.000004",
                "fee_currency": "ETH",
                "point_fee": "0",
                "gt_fee": "0",
                "text": f"t-{CLIENT_ID}",
            }
        ],
        "GET /api/v4/spot/accounts": [{"currency": "USDT", "available": "75.01", "locked": "24.99"}],
    },
)

_BITGET_ORDER: Final = {
    "orderId": ORDER_ID,
    "clientOid": CLIENT_ID,
    "symbol": "ETHUSDT",
    "side": "buy",
    "orderType": "limit",
    "force": "post_only",
    "price": "2499",
    "size": "0.01",
    "priceAvg": "2499",
    "baseVolume": "0.004",
    "quoteVolume": "9.996",
    "status": "partially_filled",
    "cTime": str(NOW),
    "uTime": str(NOW),
    "feeDetail": "",
    "enterPointSource": "API",
}
BITGET: Final = Script(
    "USDT",
    {
        "GET /api/v2/public/time": {"code": "00000", "data": {"serverTime": str(NOW)}},
        "GET /api/v2/spot/public/symbols": {
            "code": "00000",
            "data": [
                {
                    "symbol": "ETHUSDT",
                    "baseCoin": "ETH",
                    "quoteCoin": "USDT",
                    "minTradeAmount": "0.001",
                    "maxTradeAmount": "10000",
                    "takerFeeRate": "0.001",
                    "makerFeeRate": "0.001",
                    "pricePrecision": "2",
                    "quantityPrecision": "4",
                    "quotePrecision": "6",
                    "minTradeUSDT": "5",
                    "status": "online",
                }
            ],
        },
        "GET /api/v2/margin/currencies": {"code": "00000", "data": []},
        "POST /api/v2/spot/trade/place-order": {"code": "00000", "data": {"orderId": ORDER_ID, "clientOid": CLIENT_ID}},
        "POST /api/v2/spot/trade/cancel-order": {
            "code": "00000",
            "data": {"orderId": ORDER_ID, "clientOid": CLIENT_ID},
        },
        "GET /api/v2/spot/trade/orderInfo": {"code": "00000", "data": [_BITGET_ORDER]},
        "GET /api/v2/spot/trade/unfilled-orders": {"code": "00000", "data": [_BITGET_ORDER]},
        "GET /api/v2/spot/trade/history-orders": {"code": "00000", "data": []},
        "GET /api/v2/spot/trade/fills": {
            "code": "00000",
            "data": [
                {
                    "symbol": "ETHUSDT",
                    "orderId": ORDER_ID,
                    "tradeId": "71",
                    "orderType": "limit",
                    "side": "buy",
                    "priceAvg": "2499.5",
                    "size": "0.004",
                    "amount": "9.998",
                    "tradeScope": "maker",
                    "cTime": str(NOW),
                    "feeDetail": {
                        "deduction": "no",
                        "feeCoin": "ETH",
                        "totalDeductionFee": "",
                        "totalFee": "-0.000004",
                    },
                }
            ],
        },
        "GET /api/v2/spot/account/assets": {
            "code": "00000",
            "data": [
                {"coin": "USDT", "available": "75.01", "frozen": "24.99", "locked": "0", "uTime": str(NOW)},
            ],
        },
    },
    password="pass",
)

BITSTAMP: Final = Script(
    "USD",
    {
        "GET /api/v2/markets/": [
            {
                "name": "ETH/USD",
                "market_symbol": "ethusd",
                "base_currency": "ETH",
                "base_decimals": 4,
                "counter_currency": "USD",
                "counter_decimals": 2,
                "minimum_order_value": "10",
                "trading": "Enabled",
                "instant_and_market_orders": "Enabled",
                "market_type": "SPOT",
                "minimum_order_amount": "0.001",
            }
        ],
        "POST /api/v2/buy/ethusd/": {
            "id": ORDER_ID,
            "datetime": "2025-10-09 08:53:20.000000",
            "type": "0",
            "price": "2499.00",
            "amount": "0.01000000",
            "client_order_id": CLIENT_ID,
            "market": "ETH/USD",
        },
        "POST /api/v2/cancel_order/": {
            "id": int(ORDER_ID),
            "amount": "0.006",
            "price": "2499.00",
            "type": 0,
            "status": "Canceled",
        },
        "POST /api/v2/order_status/": {
            "id": int(ORDER_ID),
            "datetime": "2025-10-09 08:53:20",
            "type": "0",
            "status": "Open",
            "market": "ETH/USD",
            "transactions": [
                {
                    "tid": 31,
                    "usd": "9.996",
                    "eth": "0.004",
                    "price": "2499.00",
                    "fee": "0.01",
                    "datetime": "2025-10-09 08:53:20.000000",
                    "type": 2,
                }
            ],
            "amount_remaining": "0.006",
            "client_order_id": CLIENT_ID,
        },
        "POST /api/v2/open_orders/all/": [
            {
                "id": ORDER_ID,
                "datetime": "2025-10-09 08:53:20",
                "type": "0",
                "price": "2499.00",
                "amount": "0.006",
                "amount_at_create": "0.01",
                "currency_pair": "ETH/USD",
                "market": "ETH/USD",
                "client_order_id": CLIENT_ID,
            }
        ],
        "POST /api/v2/user_transactions/": [
            {
                "id": 31,
                "datetime": "2025-10-09 08:53:20.000000",
                "type": "2",
                "eth": "0.00400000",
                "usd": "-9.998",
                "eth_usd": 2499.5,
                "fee": "0.01",
                "order_id": int(ORDER_ID),
                "btc": 0.0,
            }
        ],
        "POST /api/v2/account_balances/": [
            {"currency": "usd", "total": "100", "available": "75.01", "reserved": "24.99"}
        ],
    },
)

_CRYPTOCOM_ORDER: Final = {
    "account_id": "a",
    "order_id": ORDER_ID,
    "client_oid": CLIENT_ID,
    "order_type": "LIMIT",
    "time_in_force": "GOOD_TILL_CANCEL",
    "side": "BUY",
    "exec_inst": ["POST_ONLY"],
    "quantity": "0.01",
    "limit_price": "2499",
    "order_value": "24.99",
    "avg_price": "2499",
    "cumulative_quantity": "0.004",
    "cumulative_value": "9.996",
    "cumulative_fee": "0",
    "status": "ACTIVE",
    "fee_instrument_name": "ETH",
    "instrument_name": "ETH_USD",
    "create_time": NOW,
    "update_time": NOW,
    "reason": 0,
}


def _cryptocom(result: Any) -> dict[str, Any]:
    return {"id": 1, "method": "m", "code": 0, "result": result}


CRYPTOCOM: Final = Script(
    "USD",
    {
        "GET /exchange/v1/public/get-instruments": _cryptocom(
            {
                "data": [
                    {
                        "symbol": "ETH_USD",
                        "inst_type": "CCY_PAIR",
                        "display_name": "ETH/USD",
                        "base_ccy": "ETH",
                        "quote_ccy": "USD",
                        "quote_decimals": 2,
                        "quantity_decimals": 4,
                        "price_tick_size": "0.01",
                        "qty_tick_size": "0.0001",
                        "max_leverage": "50",
                        "tradable": True,
                        "expiry_timestamp_ms": 0,
                    }
                ]
            }
        ),
        "POST /exchange/v1/private/create-order": _cryptocom({"order_id": ORDER_ID, "client_oid": CLIENT_ID}),
        "POST /exchange/v1/private/cancel-order": _cryptocom({"order_id": ORDER_ID, "client_oid": CLIENT_ID}),
        "POST /exchange/v1/private/get-order-detail": _cryptocom(_CRYPTOCOM_ORDER),
        "POST /exchange/v1/private/get-open-orders": _cryptocom({"data": [_CRYPTOCOM_ORDER]}),
        "POST /exchange/v1/private/get-order-history": _cryptocom({"data": []}),
        "POST /exchange/v1/private/get-trades": _cryptocom(
            {
                "data": [
                    {
                        "account_id": "a",
                        "event_date": "2025-10-09",
                        "journal_type": "TRADING",
                        "traded_quantity": "0.004",
                        "traded_price": "2499.5",
                        "fees": "-0.000004",
                        "order_id": ORDER_ID,
                        "trade_id": "88",
                        "trade_match_id": "9",
                        "client_oid": CLIENT_ID,
                        "taker_side": "MAKER",
                        "side": "BUY",
                        "instrument_name": "ETH_USD",
                        "fee_instrument_name": "ETH",
                        "create_time": NOW,
                    }
                ]
            }
        ),
        "POST /exchange/v1/private/user-balance": _cryptocom(
            {
                "data": [
                    {
                        "instrument_name": "USD",
                        "position_balances": [
                            {
                                "instrument_name": "USD",
                                "quantity": "100",
                                "reserved_qty": "24.99",
                                "market_value": "100",
                            },
                        ],
                    }
                ]
            }
        ),
    },
)

SCRIPTS: Final = {
    "okx": OKX,
    "kucoin": KUCOIN,
    "bybit": BYBIT,
    "gate": GATE,
    "bitget": BITGET,
    "bitstamp": BITSTAMP,
    "cryptocom": CRYPTOCOM,
}
