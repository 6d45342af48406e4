"""Candles: only what is new is asked for, gaps repeat the last close, nonsense is left out."""

from __future__ import annotations

from typing import Any

import pytest

from rig import D, Rig
from tradekit.domain.errors import Unreachable
from wire import Answer, Request

MINUTE = 60_000


@pytest.fixture
def asked(rig_of: Any) -> tuple[Rig, list[int]]:
    """A server whose price is the number of the minute; nobody trades in every fifth."""
    rig: Rig = rig_of("binance")
    starts: list[int] = []
    answer = rig.dialect.answer

    def candles(request: Request) -> Answer:
        if rig.dialect.kind(request) != "candles":
            told: Answer = answer(request)
            return told
        start = int(request.fields["startTime"])
        starts.append(start)
        times = range(-(-start // MINUTE) * MINUTE, rig.time.now() + 1, MINUTE)
        rows = [[t, *[str(t // MINUTE % 1000 + 1)] * 4, "2.5", t + MINUTE - 1, "0", 1, "0", "0", "0"] for t in times]
        return Answer([row for time, row in zip(times, rows, strict=True) if time // MINUTE % 5])

    rig.dialect.answer = candles
    rig.time.sleep(-rig.time.now() % (5 * MINUTE) + 2 * MINUTE + 17)
    return rig, starts


def test_only_new_minutes_are_asked_for(asked: tuple[Rig, list[int]]) -> None:
    rig, starts = asked
    end = rig.time.now() // MINUTE * MINUTE
    told = rig.exchange.candles([rig.symbol()], 9)[rig.symbol()]
    assert [candle.time for candle in told] == [end - n * MINUTE for n in range(9, 0, -1)][-len(told) :]
    assert len(told) >= 8 and all(candle.close > 0 for candle in told)
    rig.exchange.candles([rig.symbol()], 9)
    assert len(starts) == 1
    rig.time.sleep(2 * MINUTE)
    again = rig.reopen().candles([rig.symbol()], 9)[rig.symbol()]
    assert starts[1:] == [end]
    assert [candle.time for candle in again][-2:] == [end, end + MINUTE]


def test_a_minute_without_a_trade_repeats_the_close_before_it(asked: tuple[Rig, list[int]]) -> None:
    rig, _ = asked
    told = {candle.time: candle for candle in rig.exchange.candles([rig.symbol()], 10)[rig.symbol()]}
    empty = [candle for time, candle in told.items() if time // MINUTE % 5 == 0]
    assert empty and all(candle.volume == 0 for candle in empty)
    for candle in empty:
        assert candle.open == candle.low == candle.close == told[candle.time - MINUTE].close
    assert all(candle.volume == D("2.5") for time, candle in told.items() if time // MINUTE % 5)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ETH/USDT": [[1]]}', '{"ETH/USDT": [["x","1","1","1","1","1"]]}'])
def test_a_damaged_cache_is_asked_for_anew(asked: tuple[Rig, list[int]], text: str) -> None:
    rig, starts = asked
    (rig.folder / "candles-binance.json").write_text(text)
    assert rig.exchange.candles([rig.symbol()], 9)[rig.symbol()] and len(starts) == 1


def test_a_silent_history_costs_its_symbol_only(asked: tuple[Rig, list[int]]) -> None:
    rig, _ = asked
    symbols = [rig.symbol(), rig.symbol("SOL")]
    rig.exchange.symbols()
    rig.faults.put("candles", "502")
    assert set(rig.exchange.candles(symbols, 9)) == {symbols[1]}
    rig.faults.put("candles", "html", "html")
    with pytest.raises(Unreachable):
        rig.exchange.candles([rig.symbol("BTC"), rig.symbol("DOGE")], 9)
