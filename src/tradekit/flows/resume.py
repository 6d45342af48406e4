"""`tradekit resume` for the books: after a drawdown, equity is measured from where it stands now."""

from __future__ import annotations

from decimal import Decimal

from tradekit.domain.event import PeakReset
from tradekit.domain.numbers import PERCENT
from tradekit.domain.policy.sections import Policy
from tradekit.domain.ports import Store
from tradekit.domain.state import State


def stands_in_drawdown(state: State, policy: Policy) -> bool:
    """Whether the last good equity is as far below the highest as stops opens."""
    marks, share = state.risk.watermarks, policy.losses.max_drawdown_pct
    if marks is None or state.equity is None or not share:
        return False
    lost = marks.peak - state.equity
    return state.risk.drawdown_since > 0 or (marks.peak > 0 and lost >= marks.peak * share * PERCENT)


def measure_anew(store: Store, state: State) -> Decimal:
    """Records that the drawdown is measured from the last good equity, and returns that. Needs the lock.

    The state is saved by the next cycle, which replays this event. Raises `NeedsHuman`.
    """
    assert state.equity is not None
    store.append([PeakReset(state.equity)], state.time, reduces_risk=True)
    return state.equity
