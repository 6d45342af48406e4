"""The time of one cycle: until when it may wait, what it asked for, and what gives way when that is too much.

Times are in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from tradekit.decide.job import Ending, Job
from tradekit.decide.manner import Times
from tradekit.domain.numbers import divide
from tradekit.domain.policy.sections import Policy
from tradekit.domain.state import Governor

_CANCEL_MS: Final = 3000
_EARLY_MS: Final = 5000  # cron is not exact, and a sale that is not overdue yet would block its asset for a cycle
STEPS: Final = ("", "a shorter life of an attempt", "a shorter life of an attempt and fewer assets in a cycle")
"""What each step of the governor makes of a purge."""


def times_of(policy: Policy, started: int, now: int) -> Times:
    """Orders are waited for until canceling and settling still fit the budget; sales may rest until the next cycle."""
    execution = policy.execution
    until = started + execution.budget_seconds * 1000 - _CANCEL_MS
    return Times(now, until, started + execution.interval_seconds * 1000 - _EARLY_MS)


def time_asked(jobs: Iterable[Job], took_ms: int, waited_ms: int) -> int:
    """What a cycle's work asked for: its own time without the waits, one whole life of its orders (they wait
    together), and for each job that found no time a share like that of those that did.
    """
    jobs = list(jobs)
    own, late = took_ms - waited_ms, sum(1 for job in jobs if job.ending is Ending.TIME and not job.sent)
    lives = max((job.manner.ttl_ms for job in jobs), default=0)
    return own + lives + late * own // max(len(jobs) - late, 1)


def utilization_pct(policy: Policy, governor: Governor) -> Decimal | None:
    """Mean time asked for by the newest cycles, of the interval, in percent; None before there are enough of them."""
    window = policy.governor.window_cycles
    asked = governor.asked[-window:]
    if len(asked) < window:
        return None
    return divide(Decimal(sum(asked)) * 100, Decimal(len(asked) * policy.execution.interval_seconds * 1000))


def govern(policy: Policy, governor: Governor, asked_ms: int) -> int:
    """The governor's step after one more cycle: one further when cycles ask for too much, back when there is room."""
    mean = utilization_pct(policy, governor._replace(asked=(*governor.asked, asked_ms)))
    if mean is None:
        return governor.step
    if mean > policy.governor.high_pct:
        return min(governor.step + 1, len(STEPS) - 1)
    return max(governor.step - 1, 0) if mean < policy.governor.low_pct else governor.step
