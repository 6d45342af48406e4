"""Triggers: each at its threshold, just under it, switched off, and on candles that can't carry it."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradekit.decide.triggers import find_triggers, minutes_needed
from tradekit.domain.market import Candle
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import TriggersPolicy
from tradekit.domain.signal import Trigger, TriggerKind

D = Decimal
MINUTE = 60_000
OFF = {"move_15m_pct": 0, "move_60m_pct": 0, "volume_spike_ratio": 0, "breakout_minutes": 0}
SYMBOL = "PENGU/USDT"


def only(**keys: object) -> TriggersPolicy:
    """A policy with all triggers off but these."""
    return read_policy({"triggers": OFF | keys}, "test").triggers


def candles(*closes: str, volumes: dict[int, str] | None = None, highs: dict[int, str] | None = None) -> list[Candle]:
    """One candle per close, a minute apart. Keys of `volumes` and `highs` count from the end: -1 is the newest."""
    found = []
    for place, close in enumerate(closes):
        from_end = place - len(closes)
        high = D((highs or {}).get(from_end, close))
        volume = D((volumes or {}).get(from_end, "10"))
        found.append(Candle(place * MINUTE, D(close), high, D(close), D(close), volume))
    return found


def fired(policy: TriggersPolicy, series: list[Candle]) -> list[tuple[TriggerKind, Decimal]]:
    return [(trigger.kind, trigger.value) for trigger in find_triggers(policy, {SYMBOL: series})]


def flat(minutes: int, *rest: str) -> list[str]:
    return ["100"] * minutes + list(rest)


def test_a_rise_over_15_minutes_fires_at_its_threshold() -> None:
    policy = only(move_15m_pct=1)
    assert fired(policy, candles(*flat(15, "101"))) == [(TriggerKind.MOVE_15M, D(1))]  # 101 / 100 is a rise of 1 %
    assert fired(policy, candles(*flat(15, "100.9999"))) == []
    assert fired(policy, candles(*flat(15, "99"))) == []  # a fall of the same size


def test_a_rise_is_measured_from_the_close_15_minutes_ago() -> None:
    policy = only(move_15m_pct=1)
    # the candle 15 minutes before the newest closed at 100, its neighbours at 101: 102 / 100 is 2 %
    series = candles("101", "100", *["101"] * 14, "102")
    assert fired(policy, series) == [(TriggerKind.MOVE_15M, D(2))]


def test_a_rise_over_60_minutes_fires_at_its_threshold() -> None:
    policy = only(move_60m_pct="2.5")
    slow = [str(D(100) + D("0.05") * minute) for minute in range(61)]  # 60 x 0.05 = 3 in an hour
    assert fired(policy, candles(*slow)) == [(TriggerKind.MOVE_60M, D(3))]
    assert fired(policy, candles(*flat(60, "102.5"))) == [(TriggerKind.MOVE_60M, D("2.5"))]
    assert fired(policy, candles(*flat(60, "102.4999"))) == []


def test_a_volume_spike_is_measured_against_the_hour_before_it() -> None:
    policy = only(volume_spike_ratio=4)
    # the hour before: 60 x 10 = 600, which is 50 in 5 minutes; 4 x 50 = 200 = 4 x 10 + 160
    at_threshold = candles(*flat(65), volumes={-5: "160"})
    assert fired(policy, at_threshold) == [(TriggerKind.VOLUME_SPIKE, D(4))]
    assert fired(policy, candles(*flat(65), volumes={-1: "159.99"})) == []
    # a minute earlier the burst is outside of the 5 minutes, and raises what is usual
    assert fired(policy, candles(*flat(65), volumes={-6: "160"})) == []
    # what was traded before the hour is not looked at
    assert fired(policy, candles(*flat(66), volumes={-66: "99999", -5: "160"})) == [(TriggerKind.VOLUME_SPIKE, D(4))]


def test_a_breakout_is_a_close_above_the_highest_high_before_it() -> None:
    policy = only(breakout_minutes=60)
    high = {-30: "101"}
    assert fired(policy, candles(*flat(60, "101"), highs=high)) == []
    assert fired(policy, candles(*flat(60, "101.01"), highs=high)) == [(TriggerKind.BREAKOUT, D("101.01"))]
    # its own high doesn't count: it is above its close in almost every minute
    assert fired(policy, candles(*flat(60, "101.01"), highs=high | {-1: "150"})) == [
        (TriggerKind.BREAKOUT, D("101.01"))
    ]
    # 60 minutes before the newest are candles -61 to -2
    assert fired(policy, candles(*flat(61, "101.01"), highs={-61: "102"})) == []
    assert fired(policy, candles(*flat(61, "101.01"), highs={-62: "102"})) == [(TriggerKind.BREAKOUT, D("101.01"))]


def test_a_trigger_carries_its_threshold_and_its_minutes() -> None:
    policy = only(move_15m_pct=1, breakout_minutes=10)
    assert find_triggers(policy, {SYMBOL: candles(*flat(15, "102"), highs={-5: "101.5"})}) == (
        Trigger(SYMBOL, TriggerKind.MOVE_15M, D(2), D(1), 15),
        Trigger(SYMBOL, TriggerKind.BREAKOUT, D(102), D("101.5"), 10),
    )


@pytest.mark.parametrize(
    ("keys", "candles_needed"),
    [
        ({}, 0),
        ({"move_15m_pct": 1}, 16),
        ({"move_60m_pct": 1}, 61),
        ({"volume_spike_ratio": 4}, 65),
        ({"breakout_minutes": 60}, 61),
        ({"breakout_minutes": 240, "move_15m_pct": 1}, 241),
        ({"breakout_minutes": 1, "move_15m_pct": 1}, 16),
    ],
)
def test_the_candles_needed_are_enough_and_one_less_is_not(keys: dict[str, object], candles_needed: int) -> None:
    policy = only(**keys)
    assert minutes_needed(policy) == candles_needed
    # 15 % up in the newest minute, with a hundred times the volume
    series = candles(*flat(candles_needed, "115"), volumes={-1: "1000"})[1:] if candles_needed else candles("1", "2")
    assert len(fired(policy, series)) == len(keys)
    assert len(fired(policy, series[1:])) == max(len(keys) - 1, 0)


def test_triggers_come_by_symbol_and_then_in_the_order_of_the_kinds() -> None:
    spiking = candles(*flat(64, "103"), volumes={-5: "210"})
    found = find_triggers(read_policy({}, "test").triggers, dict.fromkeys(("B/USDT", "C/USDT", "A/USDT"), spiking))
    in_order = ["A/USDT"] * 4 + ["B/USDT"] * 4 + ["C/USDT"] * 4
    assert [trigger.symbol for trigger in found] == in_order
    assert [trigger.kind for trigger in found[:4]] == list(TriggerKind)
    assert [(trigger.threshold, trigger.minutes) for trigger in found[:4]] == [
        (1, 15),
        (D("2.5"), 60),
        (4, 5),
        (100, 60),
    ]


def test_zero_switches_every_trigger_off() -> None:
    assert find_triggers(only(), {SYMBOL: candles(*flat(240, "200"), volumes={-1: "9999"})}) == ()


@pytest.mark.parametrize(
    "series",
    [
        [],
        candles("100"),
        candles(*["0"] * 300, volumes=dict.fromkeys(range(-300, 0), "0")),
        candles(*["0"] * 299, "1", volumes=dict.fromkeys(range(-300, -1), "0")),  # a price and a volume out of nothing
    ],
)
def test_nothing_fires_and_nothing_breaks_on_empty_or_zero_candles(series: list[Candle]) -> None:
    assert fired(read_policy({}, "test").triggers, series) == []


def test_a_gap_among_the_candles_proves_nothing() -> None:
    policy = only(move_15m_pct=1)
    series = candles(*flat(20, "105"))
    assert fired(policy, series) != []
    del series[-4]
    assert fired(policy, series) == []


def test_a_gap_before_the_window_does_no_harm() -> None:
    series = candles(*flat(20, "105"))
    del series[2]
    assert fired(only(move_15m_pct=1), series) == [(TriggerKind.MOVE_15M, D(5))]


prices = st.integers(0, 10**6).map(lambda cents: str(D(cents) / 100))


@given(closes=st.lists(prices, max_size=80), seed=st.integers())
def test_it_never_raises_and_the_order_of_symbols_never_matters(closes: list[str], seed: int) -> None:
    policy = read_policy({"triggers": {"breakout_minutes": 30}}, "test").triggers
    series = {f"{name}/USDT": candles(*closes[place:]) for place, name in enumerate("ABCDE")}
    shuffled = {symbol: series[symbol] for symbol in Random(seed).sample(sorted(series), len(series))}
    found = find_triggers(policy, shuffled)
    assert found == find_triggers(policy, series)
    assert list(found) == sorted(found, key=lambda trigger: (trigger.symbol, list(TriggerKind).index(trigger.kind)))
    assert all(trigger.value >= trigger.threshold > 0 for trigger in found)
