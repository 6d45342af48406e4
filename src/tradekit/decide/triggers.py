"""What makes a coin worth a look: rises, volume spikes and breakouts in its one-minute candles.

Looks for rises only, because this account can't sell what it doesn't hold. Must never raise: too few candles, a gap
among them, or prices and volumes of zero give no trigger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from tradekit.domain.market import Candle
from tradekit.domain.numbers import ZERO, divide, total
from tradekit.domain.policy.sections import TriggersPolicy
from tradekit.domain.signal import Trigger, TriggerKind
from tradekit.domain.times import MINUTE_MS

_SPIKE_MINUTES: Final = 5
_USUAL_MINUTES: Final = 60


def find_triggers(policy: TriggersPolicy, candles: Mapping[str, Sequence[Candle]]) -> tuple[Trigger, ...]:
    """The triggers that fire on one-minute candles (complete, oldest first), by symbol and then in the order of kinds.

    A move or a spike fires when it reaches its threshold, a breakout when the last close is above all highs before it.
    How old the newest candle is, is not asked here.
    """
    found: list[Trigger] = []
    for symbol in sorted(candles):
        series = candles[symbol]
        looks = (
            _rise(symbol, TriggerKind.MOVE_15M, series, 15, policy.move_15m_pct),
            _rise(symbol, TriggerKind.MOVE_60M, series, 60, policy.move_60m_pct),
            _volume_spike(symbol, series, policy.volume_spike_ratio),
            _breakout(symbol, series, policy.breakout_minutes),
        )
        found.extend(trigger for trigger in looks if trigger is not None)
    return tuple(found)


def minutes_needed(policy: TriggersPolicy) -> int:
    """How many one-minute candles the triggers that are switched on look at; zero when none is."""
    return max(
        16 if policy.move_15m_pct else 0,
        61 if policy.move_60m_pct else 0,
        _SPIKE_MINUTES + _USUAL_MINUTES if policy.volume_spike_ratio else 0,
        policy.breakout_minutes + 1 if policy.breakout_minutes else 0,
    )


def _rise(
    symbol: str, kind: TriggerKind, series: Sequence[Candle], minutes: int, threshold_pct: Decimal
) -> Trigger | None:
    window = _newest(series, minutes + 1)
    if not threshold_pct or not window or window[0].close <= ZERO:
        return None
    rise_pct = divide((window[-1].close - window[0].close) * 100, window[0].close)
    return Trigger(symbol, kind, rise_pct, threshold_pct, minutes) if rise_pct >= threshold_pct else None


def _volume_spike(symbol: str, series: Sequence[Candle], threshold: Decimal) -> Trigger | None:
    window = _newest(series, _SPIKE_MINUTES + _USUAL_MINUTES)
    if not threshold or not window:
        return None
    hour_before = total(candle.volume for candle in window[:-_SPIKE_MINUTES])
    if hour_before <= ZERO:
        return None
    burst = total(candle.volume for candle in window[-_SPIKE_MINUTES:])
    times = divide(burst * (_USUAL_MINUTES // _SPIKE_MINUTES), hour_before)
    if times < threshold:
        return None
    return Trigger(symbol, TriggerKind.VOLUME_SPIKE, times, threshold, _SPIKE_MINUTES)


def _breakout(symbol: str, series: Sequence[Candle], minutes: int) -> Trigger | None:
    window = _newest(series, minutes + 1)
    if not minutes or not window:
        return None
    close, ceiling = window[-1].close, max(candle.high for candle in window[:-1])
    if ceiling <= ZERO or close <= ceiling:
        return None
    return Trigger(symbol, TriggerKind.BREAKOUT, close, ceiling, minutes)


def _newest(series: Sequence[Candle], count: int) -> Sequence[Candle]:
    """The newest `count` candles, or none where a gap among them would stretch the window."""
    window = series[-count:]
    if len(window) < count or window[-1].time - window[0].time != (count - 1) * MINUTE_MS:
        return ()
    return window
