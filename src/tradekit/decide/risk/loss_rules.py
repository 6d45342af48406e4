"""Rules on money lost: today, this week, since the highest equity, and sale after sale.

Losses are measured from watermarks that move with deposits and withdrawals, and with prices that are believed: a quote
that is missing or wild makes no loss.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradekit.decide.memory import day_of, next_day, next_week, week_of
from tradekit.decide.risk.advice import by_hand, wait_for
from tradekit.decide.risk.rule import PASSES, Kind, Reading, Rule, Sense
from tradekit.decide.risk.situation import Ask, Situation
from tradekit.domain.numbers import PERCENT, ZERO
from tradekit.domain.times import MINUTE_MS


def _today(at: Situation, ask: Ask) -> Reading:
    marks = at.state.risk.watermarks
    if marks is None:
        return PASSES
    start = marks.day_equity if marks.day == day_of(at.now) else marks.last
    return _loss(at, start, at.policy.losses.max_daily_loss_pct)


def _this_week(at: Situation, ask: Ask) -> Reading:
    marks = at.state.risk.watermarks
    if marks is None:
        return PASSES
    start = marks.week_equity if marks.week == week_of(at.now) else marks.last
    return _loss(at, start, at.policy.losses.max_weekly_loss_pct)


def _drawdown(at: Situation, ask: Ask) -> Reading:
    """Once it has stopped opens it goes on until a human ends it, also when the equity comes back by itself."""
    marks, share = at.state.risk.watermarks, at.policy.losses.max_drawdown_pct
    if marks is None:
        return PASSES
    reading = _loss(at, marks.peak, share)
    return reading._replace(passes=reading.passes and not (share and at.state.risk.drawdown_since))


def in_drawdown(at: Situation) -> bool:
    """Whether a drawdown stops opens now."""
    marks, share = at.state.risk.watermarks, at.policy.losses.max_drawdown_pct
    return marks is not None and not _loss(at, marks.peak, share).passes


def _loss(at: Situation, start: Decimal, share_pct: Decimal) -> Reading:
    lost = max(start - at.worth, ZERO)
    if not share_pct:
        return Reading(True, None, lost, after=lost)
    limit = start * share_pct * PERCENT
    return Reading(lost < limit or start <= ZERO, limit, lost, after=lost)


def _streak(at: Situation, ask: Ask) -> Reading:
    """The losses in a row that ended with the newest sale, until the pause after the last of them is over."""
    losses, results = at.policy.losses, at.state.risk.results
    row = 0
    for result in reversed(results):
        if result.pnl >= ZERO:
            break
        row += 1
    if not losses.streak:
        return Reading(True, None, Decimal(row), after=Decimal(row))
    over = row < losses.streak or at.now >= _streak_end(at)
    return Reading(over, Decimal(losses.streak), Decimal(row), after=Decimal(row))


def _streak_end(at: Situation) -> int:
    return at.state.risk.results[-1].time + at.policy.losses.streak_pause_minutes * MINUTE_MS


DAILY: Final = Rule(
    "loss today", "loss_daily", ("losses.max_daily_loss_pct",), "quote", Kind.GATE, Sense.AT_MOST,
    "lost since 00:00 UTC", _today, wait_for(lambda at, ask, reading: next_day(at.now)),
)  # fmt: skip
WEEKLY: Final = Rule(
    "loss this week", "loss_weekly", ("losses.max_weekly_loss_pct",), "quote", Kind.GATE, Sense.AT_MOST,
    "lost since Monday 00:00 UTC", _this_week, wait_for(lambda at, ask, reading: next_week(at.now)),
)  # fmt: skip
DRAWDOWN: Final = Rule(
    "drawdown", "drawdown", ("losses.max_drawdown_pct",), "quote", Kind.GATE, Sense.AT_MOST,
    "lost since the highest equity", _drawdown, by_hand("`tradekit resume` measures from the equity of now on"),
)  # fmt: skip
STREAK: Final = Rule(
    "loss streak", "loss_streak", ("losses.streak", "losses.streak_pause_minutes"), "sales", Kind.GATE, Sense.AT_MOST,
    "sales with a loss in a row, and the pause after them", _streak,
    wait_for(lambda at, ask, reading: _streak_end(at)),
)  # fmt: skip
