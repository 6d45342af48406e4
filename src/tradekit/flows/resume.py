"""`tradekit resume`: a person has looked. Holds are lifted, and a drawdown is measured from the equity of now on."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.fold import fold, replay
from tradekit.domain.event import Event, HoldsLifted, PeakReset
from tradekit.domain.hold import Hold
from tradekit.domain.numbers import PERCENT
from tradekit.domain.policy.sections import Policy
from tradekit.domain.ports import Loaded, Store
from tradekit.domain.state import State


class Stopped(NamedTuple):
    """What stops opens until a person resumes: holds, and a drawdown with the `peak` to go on from (quote currency)."""

    holds: tuple[Hold, ...] = ()
    peak: Decimal | None = None


def find_stops(loaded: Loaded, policy: Policy) -> Stopped:
    """The stops in force."""
    if loaded.state is None:
        return Stopped()
    state = replay(loaded.state, loaded.tail)
    holds = tuple(hold for hold in state.holds if not hold.lifted)
    return Stopped(holds, state.equity if _stands_in_drawdown(state, policy) else None)


def lift_stops(store: Store, policy: Policy) -> Stopped:
    """Ends them in one write of the journal, and tells them. Needs the lock. Raises `NeedsHuman` for damaged files."""
    loaded = store.load()
    found = find_stops(loaded, policy)
    events: list[Event] = [HoldsLifted("resume")] if found.holds else []
    if found.peak is not None:
        events.append(PeakReset(found.peak))
    if events and loaded.state is not None:
        state = replay(loaded.state, loaded.tail)
        for record in store.append(events, state.time, reduces_risk=True):
            state = fold(state, record)
        store.save(state)
    return found


def _stands_in_drawdown(state: State, policy: Policy) -> bool:
    """Whether the last good equity is as far below the highest as stops opens."""
    marks, share = state.risk.watermarks, policy.losses.max_drawdown_pct
    if marks is None or state.equity is None or not share:
        return False
    lost = marks.peak - state.equity
    return state.risk.drawdown_since > 0 or (marks.peak > 0 and lost >= marks.peak * share * PERCENT)
