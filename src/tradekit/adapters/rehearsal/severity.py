"""How badly the world behaves in a rehearsal, as data. Chances are in 1000, times in milliseconds.

The kinds of faults are those of the order protocol's fault model: requests and answers that are lost, look-ups and
lists that lag, trades told twice or late, outages, runs that die, and minutes that nobody runs.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Severity(StrEnum):
    """Three kinds of weather."""

    CALM = "calm"
    NORMAL = "normal"
    HOSTILE = "hostile"


class Chances(NamedTuple):
    """Out of 1000: of a read, a send, a cancel, or a cycle. `horizon_ms` is how long *not found* proves nothing."""

    silent_read: int = 0
    lost_send: int = 0
    lost_answer: int = 0
    lost_cancel: int = 0
    lost_cancel_answer: int = 0
    hidden_order: int = 0
    late_trade: int = 0
    repeated_trade: int = 0
    crash: int = 0
    missed_cycle: int = 0
    outage: int = 0
    halt: int = 0
    hidden_ms: int = 20_000
    late_ms: int = 45_000
    outage_cycles: int = 5
    horizon_ms: int = 0


WEATHER: Final = {
    Severity.CALM: Chances(silent_read=1, missed_cycle=2),
    Severity.NORMAL: Chances(
        silent_read=5, lost_send=5, lost_answer=10, lost_cancel=10, lost_cancel_answer=10, hidden_order=20,
        late_trade=20, repeated_trade=20, crash=5, missed_cycle=10, outage=1, halt=1, horizon_ms=120_000,
    ),
    Severity.HOSTILE: Chances(
        silent_read=40, lost_send=60, lost_answer=80, lost_cancel=80, lost_cancel_answer=80, hidden_order=150,
        late_trade=150, repeated_trade=150, crash=60, missed_cycle=60, outage=8, halt=4, horizon_ms=180_000,
    ),
}  # fmt: skip
