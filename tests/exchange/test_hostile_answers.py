"""What fuzzing found in answers, each as it was: they hung, crashed, or looked like less than there is."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from rig import Rig
from tradekit.adapters.exchange.key_check import check_key
from tradekit.domain.errors import Unreachable
from tradekit.domain.outcome import Acknowledged, Unanswered
from wire import Answer, Request

HUGE = "1e999999999"


def bend(rig: Rig, kind: str, change: Callable[[Any], Any]) -> None:
    """From now on the exchange's answers of a kind are changed by a function."""
    answer = rig.dialect.answer

    def bent(request: Request) -> Answer:
        told: Answer = answer(request)
        if rig.dialect.kind(request) != kind:
            return told
        return Answer(change(json.loads(json.dumps(told.body))), told.status, told.headers)

    rig.dialect.answer = bent


@pytest.mark.parametrize("field", ["executedQty", "origQty", "price", "cummulativeQuoteQty"])
def test_a_number_out_of_this_world_is_refused_at_once(rig_of: Any, field: str) -> None:
    rig = rig_of("binance")
    rig.exchange.symbols()
    bend(rig, "create", lambda body: {**body, field: HUGE})
    start, intent = time.process_time(), rig.intent()
    assert isinstance(rig.place(intent), Unanswered | Acknowledged) and len(rig.held(intent)) == 1
    assert time.process_time() - start < 2


def test_a_fee_out_of_this_world_leaves_the_market_out(rig_of: Any) -> None:
    rig = rig_of("coinbase")
    rates = {"maker_fee_rate": HUGE, "taker_fee_rate": "0.012"}
    bend(rig, "markets", lambda body: {**body, "fee_tier": rates} if "fee_tier" in body else body)
    start = time.process_time()
    assert rig.exchange.symbols() == []
    assert time.process_time() - start < 2


def test_a_trade_whose_time_cannot_be_read_is_not_left_out(rig: Rig) -> None:
    """ccxt drops it, as if it had never been."""
    rig.placed(rig.intent(price="2500.10", ioc=True))
    now = rig.time.now()
    assert len(rig.exchange.fills_since({rig.symbol(): now - 60_000})) == 1
    names = {"binance": "time", "coinbase": "trade_time", "kraken": "time"}

    def timeless(body: Any) -> Any:
        if isinstance(body, dict):
            return {name: "2?5" if name == names[rig.name] else timeless(part) for name, part in body.items()}
        return [timeless(part) for part in body] if isinstance(body, list) else body

    bend(rig, "trades", timeless)
    with pytest.raises(Unreachable):
        rig.exchange.fills_since({rig.symbol(): now - 60_000})


@pytest.mark.parametrize("told", ["1e999999999", "NaN", "2.5.1", True])
def test_seconds_that_are_no_number_are_no_crash(rig_of: Any, told: Any) -> None:
    rig = rig_of("kraken")
    rig.placed(rig.intent(price="2500.10", ioc=True))

    def odd(body: Any) -> Any:
        trades = body["result"]["trades"]
        return {**body, "result": {**body["result"], "trades": {k: {**t, "time": told} for k, t in trades.items()}}}

    bend(rig, "trades", odd)
    start = time.process_time()
    with pytest.raises(Unreachable):
        rig.exchange.fills_since({rig.symbol(): 0})
    assert time.process_time() - start < 2


@pytest.mark.parametrize("id", ["x", {"a": None}, [1], 1.5, True])
def test_a_trade_with_an_id_of_another_form_is_no_crash(rig_of: Any, id: Any) -> None:
    rig = rig_of("binance")
    rig.placed(rig.intent(price="2500.10", ioc=True))
    bend(rig, "trades", lambda body: [{**trade, "id": id} for trade in body])
    with pytest.raises(Unreachable):
        rig.exchange.fills_since({rig.symbol(): 0})


@pytest.mark.parametrize("name", [{"a": None}, [], True, None])
def test_a_balance_without_a_readable_name_is_not_left_out(rig_of: Any, name: Any) -> None:
    rig = rig_of("binance")

    def nameless(body: Any) -> Any:
        first, *rest = body["balances"]
        return {**body, "balances": [{**first, "asset": name}, *rest]}

    rig.exchange.symbols()
    bend(rig, "balance", nameless)
    with pytest.raises(Unreachable):
        rig.exchange.balances()


@pytest.mark.parametrize("name", ["ETH-\ufffdUSD", "ETH-\u202eUSD", "", None])
def test_a_trade_whose_market_can_not_be_read_is_not_left_out(rig_of: Any, name: object) -> None:
    rig = rig_of("coinbase")
    rig.placed(rig.intent(price="2500.10", ioc=True))
    bend(rig, "trades", lambda body: {**body, "fills": [{**fill, "product_id": name} for fill in body["fills"]]})
    with pytest.raises(Unreachable):
        rig.exchange.fills_since({rig.symbol(): 0})


@pytest.mark.parametrize("told", [None, "false", 0, "", [], ...])
@pytest.mark.parametrize(("name", "field"), [("binance", "enableWithdrawals"), ("coinbase", "can_transfer")])
def test_whether_a_key_may_withdraw_is_told_in_so_many_words(rig_of: Any, name: str, field: str, told: Any) -> None:
    """An exchange that can tell, and doesn't, has not said no."""
    rig = rig_of(name)
    rig.exchange.symbols()
    bend(rig, "permissions", lambda body: {k: v for k, v in {**body, field: told}.items() if v is not ...})
    with pytest.raises(Unreachable):
        check_key(rig.exchange, rig.folder / "key.json")
    assert not (rig.folder / "key.json").exists()
