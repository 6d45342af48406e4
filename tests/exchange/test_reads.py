"""Reads: a broken answer is never an empty account, and what is told is told to the last digit."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rig import D, Rig
from tradekit.adapters.exchange.public import PublicMarkets
from tradekit.domain.account import Balance
from tradekit.domain.errors import Unreachable
from tradekit.domain.fill import Fill
from tradekit.domain.market import Source
from wire import Answer, Request

BROKEN = ("drop", "502", "524", "409", "500", "403", "empty", "html", "null", "hollow", "truncate")

Bend = Callable[[Any], Any]


def bend(rig: Rig, kind: str, change: Bend) -> None:
    """From now on the exchange's answers of a kind are changed by a function."""
    answer = rig.dialect.answer

    def bent(request: Request) -> Answer:
        told: Answer = answer(request)
        if rig.dialect.kind(request) != kind:
            return told
        return Answer(change(json.loads(json.dumps(told.body))), told.status, told.headers)

    rig.dialect.answer = bent


def read(rig: Rig, what: str) -> object:
    match what:
        case "balance":
            return rig.exchange.balances()
        case "open":
            return rig.exchange.review([], {}).open_orders
        case "trades":
            return rig.exchange.fills_since({rig.symbol(): rig.time.now() - 3_600_000})
        case _:
            return rig.exchange.snapshot(rig.exchange.symbols())


@pytest.mark.parametrize("word", [*BROKEN, "429:5"])
@pytest.mark.parametrize("what", ["balance", "open", "trades", "tickers"])
def test_a_broken_answer_is_no_answer(rig: Rig, what: str, word: str) -> None:
    rig.placed(rig.intent())
    rig.placed(rig.intent(price="2500.10", ioc=True))
    rig.faults.put(what, word)
    with pytest.raises(Unreachable):
        read(rig, what)
    if word.startswith("429"):
        rig.time.sleep(6000)
    assert read(rig, what)


def without(key: str) -> Bend:
    """Takes a field out of every object, however deep."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: strip(part) for name, part in value.items() if name != key}
        return [strip(part) for part in value] if isinstance(value, list) else value

    return strip


FIELDS = {
    "binance": {
        "balance": ("balances", "free", "asset"),
        "open": ("orderId", "clientOrderId", "status", "executedQty", "origQty", "side", "symbol"),
        "trades": ("id", "orderId", "price", "qty", "commission", "commissionAsset", "time", "quoteQty"),
    },
    "kraken": {
        "balance": ("result", "balance"),
        "open": ("result", "open", "status", "vol", "vol_exec", "descr"),
        "trades": ("result", "trades", "ordertxid", "pair", "price", "vol", "cost", "fee", "time", "type"),
    },
    "coinbase": {
        "balance": ("accounts", "available_balance", "hold", "currency"),
        "open": ("orders", "order_id", "client_order_id", "status", "side", "product_id", "filled_size"),
        "trades": ("fills", "trade_id", "order_id", "price", "size", "commission", "trade_time", "side"),
    },
}


@pytest.mark.parametrize("what", ["balance", "open", "trades"])
def test_a_missing_field_is_no_answer(rig_of: Any, what: str) -> None:
    for name, kinds in FIELDS.items():
        for field in kinds[what]:
            rig = rig_of(name)
            rig.placed(rig.intent())
            rig.placed(rig.intent(price="2500.10", ioc=True))
            assert read(rig, what)
            bend(rig, what, without(field))
            with pytest.raises(Unreachable):
                read(rig, what)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "", None, True, [], "0x10", "1,5", "12345678901234567"])
def test_a_number_that_is_none_is_no_balance_and_no_fill(rig_of: Any, number: object) -> None:
    def put(*names: str) -> Bend:
        def change(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: number if key in names else change(part) for key, part in value.items()}
            return [change(part) for part in value] if isinstance(value, list) else value

        return change

    for name, fields in {
        "binance": {"balance": ("free",), "trades": ("price",)},
        "kraken": {"balance": ("balance",), "trades": ("vol",)},
        "coinbase": {"balance": ("value",), "trades": ("size",)},
    }.items():
        for what, names in fields.items():
            rig = rig_of(name)
            rig.placed(rig.intent(price="2500.10", ioc=True))
            bend(rig, what, put(*names))
            with pytest.raises(Unreachable):
                read(rig, what)


def test_a_finite_nonsense_fill_is_told_and_not_dropped(rig: Rig) -> None:
    """More than was ordered, or below zero: the books set it aside, so they have to hear of it."""
    order = rig.placed(rig.intent())
    rig.engine.fill(rig.held(order.intent)[0], D("5"))
    fills = rig.exchange.fills_since({rig.symbol(): 0})
    assert [fill.amount for fill in fills] == [D(5)]
    rig.engine.trades[-1] = rig.engine.trades[-1].__class__(
        **{**vars(rig.engine.trades[-1]), "price": D("-1"), "number": 2}
    )
    assert [fill.price for fill in rig.exchange.fills_since({rig.symbol(): 0})] == [D(-1)]


def test_an_empty_list_of_balances_is_not_an_empty_account(rig: Rig) -> None:
    assert rig.exchange.symbols()
    rig.engine.totals.clear()
    with pytest.raises(Unreachable, match="not a single balance"):
        rig.exchange.review([], {}, with_balances=True)
    rig.engine.totals[rig.quote] = D(0)
    assert rig.exchange.review([], {}, with_balances=True).balances == {}


def test_balances_are_exact_and_know_what_is_bound(rig: Rig) -> None:
    rig.engine.totals["SOL"] = D("0.123456789012345678")
    rig.placed(rig.intent(amount="0.0123"))
    held = rig.exchange.balances()
    assert held["SOL"] == Balance("SOL", D("0.123456789012345678"), D("0.123456789012345678"))
    assert held[rig.quote] == Balance(rig.quote, D(10_000) - D("2499") * D("0.0123"), D(10_000))


def test_a_balance_below_zero_is_none_and_hides_no_other(rig: Rig) -> None:
    assert rig.exchange.symbols()
    rig.engine.totals["SOL"], rig.engine.totals["DOGE"] = D("-0.00000001"), D(-5)
    held = rig.exchange.balances()
    assert held.keys() == {rig.quote, "ETH"}
    assert held["ETH"] == Balance("ETH", D(2), D(2))


def test_what_is_free_is_never_below_zero(rig: Rig) -> None:
    order = rig.placed(rig.intent())
    rig.engine.totals[rig.quote] = D(1)  # less than the order binds
    assert rig.engine.free(rig.quote) < 0
    assert rig.exchange.review([order], {}, with_balances=True).balances[rig.quote] == Balance(rig.quote, D(0), D(1))


@pytest.mark.parametrize("id", ["by-hand", ""])
def test_a_foreign_order_is_told_with_its_foreign_id_or_none(rig: Rig, id: str) -> None:
    rig.engine.place(id, rig.symbol(), "sell", "GTC", D("0.5"), D("2600"))
    (report,) = rig.exchange.review([], {}).open_orders
    assert (report.client_order_id, report.amount, report.side) == (id or None, D("0.5"), "sell")


def test_a_snapshot_is_one_round(rig: Rig) -> None:
    symbols = rig.exchange.symbols()
    before = len(rig.server.requests)
    snapshot = rig.exchange.snapshot([*symbols, "NOBODY/KNOWS"])
    assert set(snapshot.markets) == set(symbols) == set(snapshot.quotes)
    assert len(rig.server.requests) - before <= 3
    quote, market = snapshot.quotes[rig.symbol()], snapshot.markets[rig.symbol()]
    assert (quote.bid, quote.ask, quote.bid_amount, quote.ask_amount) == (D(2500), D("2500.1"), D(100), D(100))
    assert abs(quote.volume_24h - 20_000_000) < 1
    assert (market.price_tick, market.amount_step, market.min_amount) == (D("0.01"), D("0.0001"), D("0.001"))
    assert (market.min_notional, market.source) == (D(5), Source.LIVE)
    assert snapshot.time == rig.exchange.clock.now()


@pytest.mark.parametrize(("bid", "ask"), [("-1", "5"), ("10", "9")])
def test_a_quote_without_sense_is_left_out(rig: Rig, bid: str, ask: str) -> None:
    touch = rig.engine.touches[rig.symbol()]
    symbols = rig.exchange.symbols()
    touch.bid, touch.ask = D(bid), D(ask)
    quotes = rig.exchange.snapshot(symbols).quotes
    assert rig.symbol() not in quotes and rig.symbol("SOL") in quotes


@pytest.mark.parametrize("name", ["binance", "kraken"])
def test_a_market_that_is_gone_hides_no_other(rig_of: Any, name: str) -> None:
    """The markets of an hour ago still have it, and a question that names it fails as a whole."""
    rig: Rig = rig_of(name)
    symbols = rig.exchange.symbols()
    del rig.engine.listings[rig.symbol("SOL")]
    for _ in range(2):
        rig.time.sleep(60_000)
        quotes = rig.reopen().snapshot(symbols).quotes
        assert quotes.keys() == set(symbols) - {rig.symbol("SOL")}
    assert rig.symbol("SOL") not in rig.exchange.symbols()


def test_a_market_that_is_gone_is_asked_for_its_trades_once(rig_of: Any) -> None:
    rig = rig_of("binance")
    since = {symbol: rig.time.now() for symbol in rig.exchange.symbols()}
    del rig.engine.listings[rig.symbol("SOL")]
    with pytest.raises(Unreachable):
        rig.exchange.review([], since)
    assert rig.reopen().review([], since).fills == []


def test_a_review_tells_everything_in_one_round(rig: Rig) -> None:
    resting, taken = rig.placed(rig.intent()), rig.placed(rig.intent(price="2500.10", ioc=True))
    before = len(rig.server.requests)
    review = rig.exchange.review([resting], {rig.symbol(): rig.time.now() - 1000}, with_balances=True)
    assert len(rig.server.requests) - before <= 5
    assert [report.exchange_id for report in review.open_orders] == [resting.exchange_id]
    assert [fill.client_order_id for fill in review.fills if isinstance(fill, Fill)] == [taken.id]
    assert review.answers[resting.id].client_order_id == resting.id  # type: ignore[union-attr]
    assert review.balances["ETH"].total == D("2.01")
    assert rig.exchange.requests == len(rig.server.requests)


def test_public_reads_need_no_key(rig_of: Any) -> None:
    for name in ("binance", "kraken"):
        rig = rig_of(name)
        exchange = rig.open(public=True)
        assert PublicMarkets(exchange).quotes(exchange.symbols()).keys() == set(exchange.symbols())
        assert not any("private" in request.path for _, request in rig.server.requests)
        exchange.close()
