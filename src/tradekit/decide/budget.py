"""The time of one cycle: until when its orders may wait, so that the next cycle starts on time.

Times are in milliseconds.
"""

from __future__ import annotations

from typing import Final

from tradekit.domain.order import OrderIntent
from tradekit.domain.policy.sections import Policy

_CANCEL_MS: Final = 3000


def last_deadline(policy: Policy, started: int) -> int:
    """When the last order of a cycle has to be canceled, so that canceling and settling fit the budget too."""
    return started + policy.execution.budget_seconds * 1000 - _CANCEL_MS


def within_budget(intent: OrderIntent, latest: int) -> OrderIntent:
    """The intent with a deadline that the cycle can keep; it lives at least one look."""
    return intent._replace(deadline=max(min(intent.deadline, latest), intent.created + 1))
