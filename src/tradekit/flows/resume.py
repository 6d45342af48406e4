"""`tradekit resume`: a person has looked, so what was held goes on."""

from __future__ import annotations

from collections.abc import Sequence

from tradekit.decide.fold import fold, replay
from tradekit.domain.event import HoldsLifted
from tradekit.domain.hold import Hold
from tradekit.domain.ports import Loaded, Store


def holds_in(loaded: Loaded) -> tuple[Hold, ...]:
    """The holds in force."""
    if loaded.state is None:
        return ()
    return tuple(hold for hold in replay(loaded.state, loaded.tail).holds if not hold.lifted)


def lift_holds(store: Store, by: str) -> Sequence[Hold]:
    """Lifts all holds, as one event of the journal, and tells them. Raises `NeedsHuman` for damaged files."""
    loaded = store.load()
    holds = holds_in(loaded)
    if holds and loaded.state is not None:
        state = replay(loaded.state, loaded.tail)
        for record in store.append([HoldsLifted(by)], state.time, reduces_risk=True):
            state = fold(state, record)
        store.save(state)
    return holds
