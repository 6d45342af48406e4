"""What goes over the wire to the seven exchanges whose dialect has no server: the real classes, recorded answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import pytest

from canned import BYBIT_CONVERSION, CLIENT_ID, NOW, ORDER_ID, QUOTE_ID, SCRIPTS, CannedServer
from faults import Faults
from rig import D, Rig, VirtualTime
from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.credentials import Credentials, ExchangeOptions, Secret
from tradekit.adapters.exchange.exchange import CcxtExchange
from tradekit.adapters.exchange.opening import open_exchange
from tradekit.adapters.exchange.venues import KNOWN, venue_of
from tradekit.adapters.exchange.venues.venue import Proof, Turn, Weakness
from tradekit.domain.account import Balance
from tradekit.domain.conversion import (
    Asked,
    Conversion,
    ConversionFailed,
    ConversionIntent,
    ConversionOffer,
    ConversionPending,
    ConversionTaken,
    ConversionWish,
    Converted,
    OfferAnswer,
)
from tradekit.domain.errors import Unreachable
from tradekit.domain.fill import Fill
from tradekit.domain.ids import client_order_id
from tradekit.domain.money import Money
from tradekit.domain.order import Open, Order, Unknown
from tradekit.domain.outcome import Acknowledged, CancelAccepted, NotFound, OrderReport, ReportedStatus, Unanswered
from tradekit.domain.times import DAY_MS
from wire import Answer, ExchangeServer, Request

# Per exchange: the fields of a post-only order, what differs for an immediate one, those of a cancel by the exchange's
# id and by ours, of a look-up by either, and the paths that own trades, open orders and balances are asked at.
WIRES: dict[str, dict[str, Any]] = {
    "okx": {
        "place": {
            "instId": "ETH-USDT",
            "side": "buy",
            "ordType": "post_only",
            "sz": "0.01",
            "px": "2499",
            "clOrdId": CLIENT_ID,
            "tdMode": "cash",
        },
        "ioc": {"ordType": "ioc"},
        "cancel": {"instId": "ETH-USDT", "ordId": ORDER_ID},
        "cancel_own": {"instId": "ETH-USDT", "clOrdId": CLIENT_ID},
        "fetch": {"instId": "ETH-USDT", "ordId": ORDER_ID},
        "fetch_own": {"instId": "ETH-USDT", "clOrdId": CLIENT_ID},
        "trades": {"instType": "SPOT", "begin": str(NOW - 1000)},
        "fee": Money(D("0.000004"), "ETH"),
    },
    "kucoin": {
        "place": {
            "symbol": "ETH-USDT",
            "side": "buy",
            "type": "limit",
            "size": "0.01",
            "price": "2499",
            "postOnly": True,
            "clientOid": CLIENT_ID,
        },
        "ioc": {"timeInForce": "IOC"},
        "cancel": {"symbol": "ETH-USDT", "path": f"/api/v1/hf/orders/{ORDER_ID}"},
        "cancel_own": {"symbol": "ETH-USDT", "path": f"/api/v1/hf/orders/client-order/{CLIENT_ID}"},
        "fetch": {"path": f"/api/v1/hf/orders/{ORDER_ID}"},
        "fetch_own": {"path": f"/api/v1/hf/orders/client-order/{CLIENT_ID}"},
        "trades": {"symbol": "ETH-USDT", "startAt": str(NOW - 1000), "path": "/api/v1/hf/fills"},
        "fee": Money(D("0.01"), "USDT"),
    },
    "bybit": {
        "place": {
            "category": "spot",
            "symbol": "ETHUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "qty": "0.01",
            "price": "2499",
            "timeInForce": "PostOnly",
            "orderLinkId": CLIENT_ID,
        },
        "ioc": {"timeInForce": "IOC"},
        "cancel": {"category": "spot", "symbol": "ETHUSDT", "orderId": ORDER_ID, "orderLinkId": None},
        "cancel_own": {"category": "spot", "symbol": "ETHUSDT", "orderLinkId": CLIENT_ID, "orderId": None},
        "fetch": {"category": "spot", "orderId": ORDER_ID},
        "fetch_own": {"category": "spot", "orderLinkId": CLIENT_ID},
        "trades": {"category": "spot", "startTime": str(NOW - 1000), "path": "/v5/execution/list"},
        "fee": Money(D("0.000004"), "ETH"),
    },
    "gate": {
        "place": {
            "currency_pair": "ETH_USDT",
            "type": "limit",
            "side": "buy",
            "amount": "0.01",
            "price": "2499",
            "time_in_force": "poc",
            "text": f"t-{CLIENT_ID}",
            "account": "spot",
        },
        "ioc": {"time_in_force": "ioc"},
        "cancel": {"currency_pair": "ETH_USDT", "path": f"/api/v4/spot/orders/{ORDER_ID}"},
        "cancel_own": {"currency_pair": "ETH_USDT", "path": f"/api/v4/spot/orders/t-{CLIENT_ID}"},
        "fetch": {"currency_pair": "ETH_USDT", "path": f"/api/v4/spot/orders/{ORDER_ID}"},
        "fetch_own": {"currency_pair": "ETH_USDT", "path": f"/api/v4/spot/orders/t-{CLIENT_ID}"},
        "trades": {
            "currency_pair": "ETH_USDT",
            "from": str((NOW - 1000) // 1000 - 1),
            "path": "/api/v4/spot/my_trades",
        },
        "fee": Money(D("0.000004"), "ETH"),
    },
    "bitget": {
        "place": {
            "symbol": "ETHUSDT",
            "side": "buy",
            "orderType": "limit",
            "size": "0.01",
            "price": "2499",
            "force": "post_only",
            "clientOid": CLIENT_ID,
        },
        "ioc": {"force": "ioc"},
        "cancel": {"symbol": "ETHUSDT", "orderId": ORDER_ID},
        "cancel_own": {"symbol": "ETHUSDT", "clientOid": CLIENT_ID, "orderId": None},
        "fetch": {"orderId": ORDER_ID},
        "fetch_own": {"clientOid": CLIENT_ID},
        "trades": {"symbol": "ETHUSDT", "startTime": str(NOW - 1000), "path": "/api/v2/spot/trade/fills"},
        "fee": Money(D("0.000004"), "ETH"),
    },
    "bitstamp": {
        "place": {
            "amount": "0.01",
            "price": "2499",
            "moc_order": "true",
            "client_order_id": CLIENT_ID,
            "path": "/api/v2/buy/ethusd/",
        },
        "ioc": {"ioc_order": "true"},
        "cancel": {"id": ORDER_ID},
        "cancel_own": {"id": ORDER_ID},  # found by our id first
        "fetch": {"id": ORDER_ID},
        "fetch_own": {"client_order_id": CLIENT_ID},
        "trades": {"limit": "1000", "path": "/api/v2/user_transactions/"},
        "fee": Money(D("0.01"), "USD"),
    },
    "cryptocom": {
        "place": {
            "instrument_name": "ETH_USD",
            "side": "BUY",
            "type": "LIMIT",
            "quantity": "0.01",
            "price": "2499",
            "exec_inst": ["POST_ONLY"],
            "client_oid": CLIENT_ID,
        },
        "ioc": {"time_in_force": "IMMEDIATE_OR_CANCEL", "exec_inst": None},
        "cancel": {"order_id": ORDER_ID},
        "cancel_own": {"client_oid": CLIENT_ID},
        "fetch": {"order_id": ORDER_ID},
        "fetch_own": {"client_oid": CLIENT_ID},
        "trades": {"start_time": NOW - 1000, "path": "/exchange/v1/private/get-trades"},
        "fee": Money(D("0.000004"), "ETH"),
    },
}


class Table(NamedTuple):
    """One exchange with its recorded answers; `sent` are the requests since the opening."""

    name: str
    exchange: CcxtExchange
    server: ExchangeServer
    dialect: CannedServer
    rig: Rig

    @property
    def sent(self) -> list[Request]:
        return [request for _, request in self.server.requests]

    def order(self, *, acknowledged: bool) -> Order:
        intent = self.rig.intent()
        return Order(intent, Open(NOW), ORDER_ID) if acknowledged else Order(intent, Unknown(NOW, "lost"))


@pytest.fixture(params=SCRIPTS)
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    with opened(request.param, tmp_path) as found:
        yield found


@pytest.fixture
def table_of(tmp_path: Path) -> Iterator[Callable[[str], Table]]:
    """Opens exchanges by name."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(opened(name, tmp_path))


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Table]:
    script, clock = SCRIPTS[name], VirtualTime(NOW)
    with Rig("binance", folder) as rig, ExchangeServer(CannedServer(script, rig.engine, Faults())) as server:
        rig.quote, rig.time, rig.engine.now = script.quote, clock, clock.now
        keys = Credentials(Secret("CANARYKEY"), Secret("CANARYSECRET"), Secret(script.password))
        options = ExchangeOptions(script.quote, base_url=server.url, sandbox=True, workers=1)
        exchange_clock = ExchangeClock(clock.now, clock.sleep, lambda: False)
        exchange = open_exchange(name, keys, options, folder, exchange_clock)
        dialect = server.dialect
        assert isinstance(dialect, CannedServer)
        yield Table(name, exchange, server, dialect, rig)
        exchange.close()


def fields_of(request: Request) -> dict[str, Any]:
    """Everything that a request says, wherever it stands."""
    told: dict[str, Any] = {"path": request.path, **dict(parse_qsl(request.query))}
    if request.body.startswith("{"):
        body = json.loads(request.body)
        told.update(body.get("params", body))
    else:
        told.update(dict(parse_qsl(request.body)))
    return told


def assert_says(request: Request, wanted: dict[str, Any]) -> None:
    told = fields_of(request)
    assert {name: told.get(name) for name in wanted} == wanted


def test_an_opening_asks_for_nothing_hidden(table: Table) -> None:
    private = [
        request.path
        for request in table.sent
        if "Authorization" in str(request.headers) or "sign" in str(request.headers).lower()
    ]
    assert len(table.sent) <= 3 and private == []
    assert table.exchange.symbols() == [table.rig.symbol()]


def test_orders_on_the_wire(table: Table) -> None:
    intent = table.rig.intent()
    outcome = table.exchange.place([intent])[intent.client_order_id]
    assert outcome == Acknowledged(ORDER_ID)
    assert_says(table.sent[-1], WIRES[table.name]["place"])
    second = table.rig.intent(ioc=True)
    table.exchange.place([second])
    text = json.dumps(fields_of(table.sent[-1])).replace(second.client_order_id, CLIENT_ID)
    told = json.loads(text)
    wanted = {**WIRES[table.name]["place"], **WIRES[table.name]["ioc"]}
    for name in ("postOnly", "moc_order"):
        if name in wanted:
            assert told.get(name) is None
            wanted.pop(name)
    assert {name: told.get(name) for name in wanted} == wanted


def test_cancels_on_the_wire(table: Table) -> None:
    order = table.order(acknowledged=True)
    assert table.exchange.cancel([order])[order.id] == CancelAccepted(ORDER_ID)
    assert_says(table.sent[-1], WIRES[table.name]["cancel"])
    unknown = order._replace(exchange_id=None, state=Unknown(NOW, "lost"))
    assert isinstance(table.exchange.cancel([unknown])[order.id], CancelAccepted)
    assert_says(table.sent[-1], WIRES[table.name]["cancel_own"])


@pytest.mark.parametrize("acknowledged", [True, False])
def test_look_ups_on_the_wire(table: Table, acknowledged: bool) -> None:
    order = table.order(acknowledged=acknowledged)
    report = table.exchange.lookup([order])[order.id]
    assert isinstance(report, OrderReport)
    assert_says(table.sent[-1], WIRES[table.name]["fetch" if acknowledged else "fetch_own"])
    assert (report.client_order_id, report.exchange_id, report.status) == (CLIENT_ID, ORDER_ID, ReportedStatus.OPEN)
    assert (report.amount, report.filled) == (D("0.01"), D("0.004"))


def test_trades_open_orders_and_balances(table: Table) -> None:
    before = len(table.sent)
    review = table.exchange.review([], {table.rig.symbol(): NOW - 1000}, with_balances=True)
    (fill,) = review.fills
    assert isinstance(fill, Fill)
    assert (fill.exchange_id, fill.client_order_id, fill.time) == (ORDER_ID, CLIENT_ID, NOW)
    assert (fill.amount, fill.price, fill.cost) == (D("0.004"), D("2499.5"), D("9.998"))
    assert fill.fees == (WIRES[table.name]["fee"],)
    (order,) = review.open_orders
    assert (order.exchange_id, order.client_order_id, order.amount) == (ORDER_ID, CLIENT_ID, D("0.01"))
    quote = table.rig.quote
    assert review.balances == {quote: Balance(quote, D("75.01"), D(100))}
    wanted = WIRES[table.name]["trades"]
    assert any(all(fields_of(request).get(k) == v for k, v in wanted.items()) for request in table.sent[before:])


@pytest.mark.parametrize("word", ["html", "empty", "hollow", "null", "502", "524", "truncate", "drop"])
def test_a_broken_answer_is_unknown_everywhere(table: Table, word: str) -> None:
    order = table.order(acknowledged=True)
    faults = table.dialect.faults
    faults.put("any", *[word] * 3)
    intent = table.rig.intent()
    assert isinstance(table.exchange.place([intent])[intent.client_order_id], Unanswered)
    faults.queues.clear()
    faults.put("any", *[word] * 9)
    assert isinstance(table.exchange.lookup([order])[order.id], Unanswered)
    assert isinstance(table.exchange.cancel([order])[order.id], Unanswered)
    with pytest.raises(Unreachable):
        table.exchange.review([], {})
    with pytest.raises(Unreachable):
        table.exchange.fills_since({table.rig.symbol(): NOW - 1000})


def test_no_rung_says_not_found_while_another_is_silent(table: Table) -> None:
    """Every path that a look-up asks at fails once, alone, for an order that is nowhere."""
    order = table.order(acknowledged=False)
    unrelated = order._replace(intent=table.rig.intent())
    before = len(table.sent)
    table.exchange.lookup([unrelated])
    asked = {f"{r.method} {r.path}" for r in table.sent[before:]}
    for kind in asked:
        table.dialect.faults.put(kind, *["502"] * 4)
        assert not isinstance(table.exchange.lookup([unrelated])[unrelated.id], NotFound)
        table.dialect.faults.queues.clear()


# What an exchange answers that knows no such order, at every path that a look-up asks at.
UNKNOWN: dict[str, dict[str, Any]] = {
    "okx": {
        "GET /api/v5/trade/order": {"code": "51603", "data": [], "msg": "Order does not exist"},
        "GET /api/v5/trade/fills-history": {"code": "0", "data": []},
    },
    "kucoin": {
        f"GET /api/v1/hf/orders/{ORDER_ID}": {"code": "400100", "msg": "order not exist."},
        f"GET /api/v1/hf/orders/client-order/{CLIENT_ID}": {"code": "400100", "msg": "order not exist."},
        "GET /api/v1/hf/fills": {"code": "200000", "data": {"lastId": 0, "items": []}},
    },
    "bybit": {
        "GET /v5/order/realtime": {"retCode": 0, "retMsg": "OK", "result": {"list": [], "nextPageCursor": ""}},
        "GET /v5/execution/list": {"retCode": 0, "retMsg": "OK", "result": {"list": [], "nextPageCursor": ""}},
    },
    "gate": {
        f"GET /api/v4/spot/orders/{ORDER_ID}": {"label": "ORDER_NOT_FOUND", "message": "Order not found"},
        f"GET /api/v4/spot/orders/t-{CLIENT_ID}": {"label": "ORDER_NOT_FOUND", "message": "Order not found"},
        "GET /api/v4/spot/my_trades": [],
        "GET /api/v4/spot/orders": [],
    },
    "bitget": {
        "GET /api/v2/spot/trade/orderInfo": {"code": "00000", "msg": "success", "requestTime": NOW, "data": []},
        "GET /api/v2/spot/trade/fills": {"code": "00000", "msg": "success", "requestTime": NOW, "data": []},
    },
    "bitstamp": {
        "POST /api/v2/order_status/": {"status": "error", "reason": "Order not found", "response_code": "404.002"},
        "POST /api/v2/user_transactions/": [],
    },
    "cryptocom": {
        "POST /exchange/v1/private/get-order-detail": {"id": 1, "method": "m", "code": 40401, "message": "NOT_FOUND"},
        "POST /exchange/v1/private/get-trades": {"id": 1, "method": "m", "code": 0, "result": {"data": []}},
    },
}


@pytest.mark.parametrize("acknowledged", [True, False])
def test_an_order_that_an_exchange_does_not_know_is_not_found(table: Table, acknowledged: bool) -> None:
    order = table.order(acknowledged=acknowledged)
    table.dialect.changed.update(UNKNOWN[table.name])
    assert isinstance(table.exchange.lookup([order])[order.id], NotFound)


@pytest.mark.parametrize(
    ("status", "means"),
    [("Canceled", ReportedStatus.CANCELED), ("Open", ReportedStatus.OPEN), ("Finished", ReportedStatus.UNCLEAR)],
)
def test_an_order_without_a_transaction_is_not_filled(
    table_of: Callable[[str], Table], status: str, means: ReportedStatus
) -> None:
    """The class doesn't know it then. Of one that is finished, the transactions have to come."""
    table, path = table_of("bitstamp"), "POST /api/v2/order_status/"
    table.dialect.changed[path] = {**table.dialect.script.answers[path], "status": status, "transactions": []}
    order = table.order(acknowledged=True)
    report = table.exchange.lookup([order])[order.id]
    assert isinstance(report, OrderReport)
    assert (report.status, report.filled) == (means, None if means is ReportedStatus.UNCLEAR else 0)


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("bybit", "POST /v5/order/create", {"retCode": 170146, "retMsg": "Order creation timeout", "result": {}}),
        (
            "bybit",
            "POST /v5/order/create",
            {"retCode": 170035, "retMsg": "Submitted to the system for processing!", "result": {}},
        ),
        ("kucoin", "POST /api/v1/hf/orders", {"code": "408000", "msg": "Network timeout, please try again later"}),
    ],
)
def test_a_timeout_behind_the_gateway_is_no_refusal(
    table_of: Callable[[str], Table], name: str, path: str, body: dict[str, Any]
) -> None:
    table = table_of(name)
    table.dialect.changed[path] = body
    intent = table.rig.intent()
    assert isinstance(table.exchange.place([intent])[intent.client_order_id], Unanswered)


def test_an_order_that_fills_while_others_are_looked_for_is_found(table_of: Callable[[str], Table]) -> None:
    """Gate knows a client id as long as the order is open. This one fills after the first order was asked for."""
    table = table_of("gate")
    first, second = (Order(table.rig.intent(), Unknown(NOW, "lost")) for _ in range(2))
    normal, filled = table.dialect.answer, list[dict[str, Any]]()
    by_id = table.dialect.script.answers[f"GET /api/v4/spot/orders/{ORDER_ID}"]

    def answer(request: Request) -> Answer:
        if request.path.endswith(f"/t-{second.id}"):
            filled.append({**by_id, "text": f"t-{second.id}", "status": "closed", "left": "0", "finish_as": "filled"})
        if "/spot/orders/t-" in request.path:
            return Answer({"label": "ORDER_NOT_FOUND", "message": "Order not found"}, 404)
        if request.path == "/api/v4/spot/orders":
            return Answer(filled[:1] if request.fields.get("page", "1") == "1" else [])
        return Answer([]) if request.path == "/api/v4/spot/my_trades" else normal(request)

    setattr(table.dialect, "answer", answer)  # noqa: B010 - a method of this one server
    told = table.exchange.lookup([first, second])
    assert isinstance(told[first.id], NotFound)
    report = told[second.id]
    assert isinstance(report, OrderReport) and (report.status, report.filled) == (ReportedStatus.FILLED, D("0.01"))


def listing(table: Table, name: str, rows: list[dict[str, Any]]) -> None:
    """Crypto.com lists these rows, oldest first: newest first, a hundred a page, `end_time` excluded, a day at most."""
    normal, path = table.dialect.answer, f"/exchange/v1/private/{name}"

    def answer(request: Request) -> Answer:
        if request.path != path:
            return normal(request)
        asked = json.loads(request.body)["params"]
        start, end = asked["start_time"], asked.get("end_time", asked["start_time"] + DAY_MS)
        assert end - start <= DAY_MS
        hits = [row for row in reversed(rows) if start <= row["create_time"] < end]
        return Answer({"id": 1, "method": "m", "code": 0, "result": {"data": hits[: asked["limit"]]}})

    setattr(table.dialect, "answer", answer)  # noqa: B010 - a method of this one server


@pytest.mark.parametrize("days", [0, 1, 3])
def test_trades_of_the_millisecond_at_which_a_page_or_a_day_ends_are_read(
    table_of: Callable[[str], Table], days: int
) -> None:
    table = table_of("cryptocom")
    trade = table.dialect.script.answers["POST /exchange/v1/private/get-trades"]["result"]["data"][0]
    start = NOW - 5000 - days * DAY_MS
    times = [start + 10 * number for number in range(150)]
    times[47:53] = [times[50]] * 6  # the oldest of the first page and its neighbours
    times += [start + day * DAY_MS + off for day in range(1, days + 1) for off in range(-5, 6)]
    rows = [{**trade, "trade_id": str(1000 + number), "create_time": time} for number, time in enumerate(times)]
    listing(table, "get-trades", rows)
    fills = table.exchange.fills_since({table.rig.symbol(): start})
    assert sorted(fill.trade_id for fill in fills) == [row["trade_id"] for row in rows]


@pytest.mark.parametrize("place", range(44, 56))
def test_an_order_of_the_millisecond_at_which_a_page_ends_is_found(
    table_of: Callable[[str], Table], place: int
) -> None:
    table = table_of("cryptocom")
    lost = table.order(acknowledged=False)
    found = table.dialect.script.answers["POST /exchange/v1/private/get-order-detail"]["result"]
    times = [NOW + 10 * number for number in range(150)]
    times[47:53] = [times[50]] * 6
    rows = [
        {**found, "order_id": str(1000 + number), "client_oid": f"x{number}", "create_time": time}
        for number, time in enumerate(times)
    ]
    rows[place]["client_oid"] = lost.id
    table.dialect.changed.update(UNKNOWN["cryptocom"])
    listing(table, "get-order-history", rows)
    table.rig.time.sleep(10_000)
    report = table.exchange.lookup([lost])[lost.id]
    assert isinstance(report, OrderReport) and report.exchange_id == rows[place]["order_id"]


def test_a_small_debt_in_one_coin_hides_no_balance(bybit: Table) -> None:
    path = "GET /v5/account/wallet-balance"
    answer = json.loads(json.dumps(bybit.dialect.script.answers[path]))
    owed = {"walletBalance": "-0.00000001", "locked": "0", "equity": "0", "borrowAmount": "0.00000001"}
    answer["result"]["list"][0]["coin"].append({"coin": "XRP", **owed})
    bybit.dialect.changed[path] = answer
    assert bybit.exchange.balances() == {"USDT": Balance("USDT", D("75.01"), D(100))}


@pytest.fixture
def bybit(table_of: Callable[[str], Table]) -> Table:
    return table_of("bybit")


def conversion(told: Mapping[str, OfferAnswer]) -> Conversion:
    offer = told["ETH"]
    assert isinstance(offer, ConversionOffer)
    id = client_order_id("rig", offer.quote_id, 1)
    return Conversion(ConversionIntent(id, offer, NOW), Asked(NOW))


WISH = ConversionWish("ETH", "USDT", D("0.001"))


def test_conversions_on_the_wire_of_bybit(bybit: Table) -> None:
    item = conversion(bybit.exchange.offers([WISH]))
    assert_says(
        bybit.sent[-1],
        {"fromCoin": "ETH", "toCoin": "USDT", "requestCoin": "ETH", "requestAmount": "0.001"}
        | {"accountType": "eb_convert_uta", "path": "/v5/asset/exchange/quote-apply"},
    )
    assert item.intent.offer == ConversionOffer(QUOTE_ID, "ETH", "USDT", D("0.001"), D("2.491"), NOW + 15_000)
    assert bybit.exchange.convert([item.intent]) == {item.id: ConversionTaken(QUOTE_ID)}
    assert_says(bybit.sent[-1], {"quoteTxId": QUOTE_ID, "path": "/v5/asset/exchange/convert-execute"})
    answer = bybit.exchange.conversions([item])[item.id]
    assert answer == Converted(QUOTE_ID, D("0.001"), D("2.4912"), NOW + 500)
    assert_says(
        bybit.sent[-1],
        {"quoteTxId": QUOTE_ID, "accountType": "eb_convert_uta", "path": "/v5/asset/exchange/convert-result-query"},
    )


@pytest.mark.parametrize(
    ("look", "listed", "means"),
    [
        ({"exchangeStatus": "processing"}, None, ConversionPending),
        ({"exchangeStatus": "failure"}, None, ConversionFailed),
        ({"exchangeStatus": "tomorrow"}, None, Unanswered),
        ({"fromCoin": "BTC"}, None, Unanswered),
        ({"exchangeStatus": "init"}, [], NotFound),
        (None, [], NotFound),
        (None, [{}], Converted),
        (None, [{"exchangeStatus": "processing"}], ConversionPending),
        (None, [{"exchangeTxId": "7"}], NotFound),
        (None, [{"exchangeTxId": "7", "createdAt": str(NOW)}] * 100, Unanswered),
        (None, [{"exchangeTxId": "7", "createdAt": str(NOW - 120_000)}] * 100, NotFound),
    ],
)
def test_what_bybit_says_of_a_conversion(
    bybit: Table, look: dict[str, str] | None, listed: list[dict[str, str]] | None, means: type
) -> None:
    item = conversion(bybit.exchange.offers([WISH]))
    whole = {"retCode": 0, "retMsg": "OK", "retExtInfo": {}, "time": NOW}
    result = {} if look is None else {"result": {**BYBIT_CONVERSION, **look}}
    bybit.dialect.changed["GET /v5/asset/exchange/convert-result-query"] = {**whole, "result": result}
    rows = [{**BYBIT_CONVERSION, **row} for row in listed or ()]
    bybit.dialect.changed["GET /v5/asset/exchange/query-convert-history"] = {**whole, "result": {"list": rows}}
    assert type(bybit.exchange.conversions([item])[item.id]) is means


@pytest.mark.parametrize("word", ["html", "empty", "hollow", "null", "502", "524", "truncate", "drop"])
def test_a_broken_answer_on_a_conversion_is_unknown(bybit: Table, word: str) -> None:
    item = conversion(bybit.exchange.offers([WISH]))
    bybit.dialect.faults.put("any", word)
    assert isinstance(bybit.exchange.convert([item.intent])[item.id], Unanswered)
    bybit.dialect.faults.put("any", word)
    assert isinstance(bybit.exchange.conversions([item])[item.id], Unanswered)
    bybit.dialect.faults.put("any", word)
    with pytest.raises(Unreachable):
        bybit.exchange.offers([WISH])


def test_every_table_is_whole() -> None:
    for name in KNOWN:
        venue = venue_of(name, None)
        assert venue.id == name
        assert venue.proof in (Proof.WIRE, Proof.RECORDED)
        assert (Weakness.UNVERIFIED in venue.weak) == (venue.proof is Proof.RECORDED)
        assert venue.fetch is not None or venue.fetch_by_client_id is not None
        assert all(any("{id}" in str(value) for value in params.values()) for params in venue.place.values())
        assert venue.trades.paging.turn is not Turn.NONE
        assert venue.not_found_horizon_ms >= 60_000
        assert venue.shapes


def test_the_generic_record_says_what_nobody_has_proven() -> None:
    from tradekit.adapters.exchange.loading import exchange_class

    venue = venue_of("bitfinex", exchange_class("bitfinex")())
    assert venue.proof is Proof.GENERIC
    assert {Weakness.UNVERIFIED, Weakness.CLIENT_ID, Weakness.POST_ONLY} <= venue.weak
