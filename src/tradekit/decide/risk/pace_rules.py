"""Rules on how often: opening orders by hour and day, pauses between them, and cooldowns of a symbol."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tradekit.decide.risk.advice import Advice, raised, wait_for
from tradekit.decide.risk.rule import Kind, Reading, Rule, Sense
from tradekit.decide.risk.situation import Ask, Situation
from tradekit.domain.decision import WouldPass
from tradekit.domain.memory import Result
from tradekit.domain.numbers import ONE, ZERO
from tradekit.domain.times import DAY_MS, HOUR_MS

Limit = Callable[[Situation], int]
Since = Callable[[Situation, Ask], int | None]


def _at_most(limit: Limit, window_ms: int) -> Callable[[Situation, Ask], Reading]:
    def read(at: Situation, ask: Ask) -> Reading:
        allowed, done = limit(at), _done(at, window_ms)
        return Reading(done < allowed, Decimal(allowed), Decimal(done), None, ONE, Decimal(done + 1))

    return read


def _done(at: Situation, window_ms: int) -> int:
    openings = at.tally.openings
    return len(openings) - bisect_right(openings, at.now - window_ms)


def _when_enough_are_over(key: str, limit: Limit, window_ms: int) -> Advice:
    def over(at: Situation, ask: Ask, reading: Reading) -> int:
        return at.tally.openings[-limit(at)] + window_ms

    def advise(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
        return wait_for(over)(at, ask, reading) if limit(at) else raised(key, reading.after or ONE, ONE)

    return advise


def _at_least(seconds: Limit, since: Since) -> Callable[[Situation, Ask], Reading]:
    """Passes once `seconds` have passed since a moment, or where there was none."""

    def read(at: Situation, ask: Ask) -> Reading:
        needed, moment = seconds(at), since(at, ask)
        if moment is None or not needed:
            return Reading(True, Decimal(needed) if needed else None)
        passed = Decimal(at.now - moment) / 1000
        return Reading(passed >= needed, Decimal(needed), passed, None, None, passed)

    return read


def _when_passed(seconds: Limit, since: Since) -> Advice:
    def passed(at: Situation, ask: Ask, reading: Reading) -> int:
        moment = since(at, ask)
        assert moment is not None
        return moment + seconds(at) * 1000

    return wait_for(passed)


def _newest(at: Situation, ask: Ask) -> int | None:
    return at.tally.openings[-1] if at.tally.openings else None


def _newest_of_symbol(at: Situation, ask: Ask) -> int | None:
    return at.tally.newest.get(ask.proposal.symbol)


def _last_result(kind: Callable[[Result], bool]) -> Since:
    def since(at: Situation, ask: Ask) -> int | None:
        times = [item.time for item in at.tally.results.get(ask.proposal.symbol, ()) if kind(item)]
        return times[-1] if times else None

    return since


def _last_failure(at: Situation, ask: Ask) -> int | None:
    return at.state.risk.failures.get(ask.proposal.symbol)


def _pause(name: str, code: str, key: str, doc: str, seconds: Limit, since: Since) -> Rule:
    read, advise = _at_least(seconds, since), _when_passed(seconds, since)
    return Rule(name, code, (key,), "seconds", Kind.GATE, Sense.AT_LEAST, doc, read, advise)


def _frequency(name: str, code: str, key: str, doc: str, limit: Limit, window_ms: int) -> Rule:
    read, advise = _at_most(limit, window_ms), _when_enough_are_over(key, limit, window_ms)
    return Rule(name, code, (key,), "orders", Kind.GATE, Sense.AT_MOST, doc, read, advise)


PER_HOUR: Final = _frequency(
    "pace per hour", "pace_hour", "risk.max_trades_per_hour", "opening orders in the last 60 minutes",
    lambda at: at.policy.risk.max_trades_per_hour, HOUR_MS,
)  # fmt: skip
PER_DAY: Final = _frequency(
    "pace per day", "pace_day", "risk.max_trades_per_day", "opening orders in the last 24 hours",
    lambda at: at.policy.risk.max_trades_per_day, DAY_MS,
)  # fmt: skip
PAUSE: Final = _pause(
    "pause", "pace_pause", "risk.min_seconds_between_trades", "since the last opening order of any symbol",
    lambda at: at.policy.risk.min_seconds_between_trades, _newest,
)  # fmt: skip
SYMBOL_PAUSE: Final = _pause(
    "symbol pause", "pace_symbol", "risk.min_seconds_between_symbol_trades", "since the last one of the symbol",
    lambda at: at.policy.risk.min_seconds_between_symbol_trades, _newest_of_symbol,
)  # fmt: skip
AFTER_WIN: Final = _pause(
    "after a win", "cooldown_win", "cooldowns.after_win_minutes", "since the symbol was sold with a gain",
    lambda at: at.policy.cooldowns.after_win_minutes * 60, _last_result(lambda item: item.pnl >= ZERO),
)  # fmt: skip
AFTER_LOSS: Final = _pause(
    "after a loss", "cooldown_loss", "cooldowns.after_loss_minutes", "since the symbol was sold with a loss",
    lambda at: at.policy.cooldowns.after_loss_minutes * 60, _last_result(lambda item: item.pnl < ZERO),
)  # fmt: skip
AFTER_STOP: Final = _pause(
    "after a stop", "cooldown_stop", "cooldowns.after_stop_minutes", "since a stop sold the symbol",
    lambda at: at.policy.cooldowns.after_stop_minutes * 60, _last_result(lambda item: item.stop),
)  # fmt: skip
AFTER_FAILURE: Final = _pause(
    "after a failure", "cooldown_failure", "cooldowns.after_failure_seconds",
    "since the exchange refused an opening order of the symbol, or never had it",
    lambda at: at.policy.cooldowns.after_failure_seconds, _last_failure,
)  # fmt: skip
