"""All that a decision is taken on, as one value: it can be saved, and judged later under another policy."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.books import RecentFills
from tradekit.domain.market import Snapshot
from tradekit.domain.signal import Trigger
from tradekit.domain.state import State


class SavedLook(NamedTuple):
    """The books, the market and the signals at `now` (exchange time in milliseconds).

    `mismatched` are assets whose balance is not what the books say, `closes` the last trades of symbols whose candles
    were read.
    """

    now: int
    state: State
    snapshot: Snapshot
    halted: bool
    mismatched: tuple[str, ...]
    closes: Mapping[str, Decimal]
    triggers: tuple[Trigger, ...]


def risk_view(state: State) -> State:
    """The part of a state that decisions look at; what was consumed and which fills were seen is left out."""
    return state._replace(consumed={}, consumed_older=0, cursors={}, recent=RecentFills(), last_cycle=None)
