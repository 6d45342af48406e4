"""Signals: a run that is asked to end stops placing, cancels what waits, saves and exits. A hung one is ended hard."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from tradekit.domain.errors import ExitCode

_GRACE_SECONDS: Final = 8


class StopFlag:
    """Set by SIGTERM, SIGINT, SIGHUP, and by the alarm when a run has used up its time."""

    def __init__(self) -> None:
        self._set = False

    def is_set(self) -> bool:
        """Whether the run has to end."""
        return self._set

    def set(self, number: int, frame: FrameType | None) -> None:
        """The signal handler. The second alarm ends the process at once: everything that counts is durable."""
        if number == signal.SIGALRM and self._set:
            print("tradekit: hard_deadline: the run hung and was ended", file=sys.stderr, flush=True)
            os._exit(ExitCode.PARTLY_DONE)
        self._set = True
        signal.alarm(_GRACE_SECONDS)

    def arm(self, budget_seconds: int) -> None:
        """Sets the flag by itself when `budget_seconds` of real time are over."""
        if not self._set:
            signal.alarm(budget_seconds)


@contextmanager
def stopping() -> Iterator[StopFlag]:
    """A flag that signals set while the block runs."""
    flag = StopFlag()
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM)
    before = {number: signal.signal(number, flag.set) for number in numbers}
    try:
        yield flag
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
