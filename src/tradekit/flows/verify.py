"""`tradekit state verify`: every byte read, and the state folded again from the journal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tradekit.decide.fold import fold
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.event import Record
from tradekit.domain.state import State


class Refolded(NamedTuple):
    """`records` were read; the state was folded again from event `since` on."""

    records: int
    since: int


def refold(starts: Iterable[State], records: Iterable[Record], saved: State) -> Refolded:
    """Folds the records on from the first of `starts` that they follow, and compares with the `saved` state.

    `starts` are in the order of their events, the empty state first. Raises `NeedsHuman` where the two differ.
    """
    waiting = list(starts)
    state: State | None = None
    count, since = 0, saved.seq
    for record in records:
        count += 1
        while state is None and waiting and waiting[0].seq < record.seq:
            start = waiting.pop(0)
            if start.seq == record.seq - 1:
                state, since = start, start.seq
        if state is not None and record.seq <= saved.seq:
            state = fold(state, record)
    if state is not None and state != saved:
        fix = "`tradekit rebuild-positions` shows what differs, `tradekit state restore` takes an older state"
        raise NeedsHuman(Problem("state_not_folded", f"the state is not the fold of its journal at {saved.seq}", fix))
    return Refolded(count, since)
