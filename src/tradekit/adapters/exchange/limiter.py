"""What all processes that use one key share: the exchange's request budget, a ban, the last nonce. A small locked file.

Waiting is done outside the lock: whoever comes first has taken its units already. The file is a cache: when it is lost
or damaged the budget counts as used up, never as full.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tradekit.adapters.store.disk_errors import disk_errors
from tradekit.domain.times import DAY_MS

_MILLI: Final = 1000
_LONGEST_BAN_MS: Final = DAY_MS
_LONGEST_FILE: Final = 4096


class Budget(NamedTuple):
    """A bucket of ccxt's cost units: how many it holds, and how many milliseconds one takes to come back."""

    capacity: int
    ms_per_unit: float


class Banned(Exception):
    """The exchange asked for silence until `until` (milliseconds of this machine's clock), or the budget is used up."""

    def __init__(self, until: int, now: int) -> None:
        super().__init__(f"no requests for another {max(until - now, 0) // 1000 + 1} seconds")
        self.until = until


class RequestLedger:
    """One per key. `wall` tells milliseconds of this machine, `sleep` waits for some. `spent` are this run's units."""

    def __init__(
        self, path: Path, budget: Budget, wall: Callable[[], int], sleep: Callable[[int], None], longest_wait_ms: int
    ) -> None:
        self._path = path
        self._budget = budget
        self._wall = wall
        self._sleep = sleep
        self._longest_wait_ms = longest_wait_ms
        self.spent = 0.0

    @property
    def folder(self) -> Path:
        """Where the account's caches lie."""
        return self._path.parent

    def acquire(self, cost: float) -> None:
        """Takes units and waits until they were there. Raises `Banned` without a wait where it would be too long."""
        with self._open() as held:
            now = self._wall()
            if held["banned"] > now:
                raise Banned(held["banned"], now)
            capacity, per_unit = self._budget.capacity * _MILLI, self._budget.ms_per_unit
            back = max(now - held["at"], 0) * _MILLI / per_unit
            units = min(held["units"] + int(back), capacity) - round(cost * _MILLI)
            wait = int(-units * per_unit / _MILLI) + 1 if units < 0 else 0
            if wait > self._longest_wait_ms:
                raise Banned(now + wait, now)
            held.update(units=units, at=now)
            self.spent += cost
        if wait:
            self._sleep(wait)

    def ban(self, ms: int) -> None:
        """No requests for so long, in this and in later runs; at most a day."""
        with self._open() as held:
            held["banned"] = max(held["banned"], self._wall() + min(ms, _LONGEST_BAN_MS))

    def banned_until(self) -> int:
        """Until when the exchange asked for silence, in milliseconds of this machine's clock; 0 when it didn't."""
        with self._open() as held:
            return held["banned"]

    def next_nonce(self, now: int) -> int:
        """A number above all that were given for this key before, `now` where that is enough."""
        with self._open() as held:
            held["nonce"] = max(now, held["nonce"] + 1)
            return held["nonce"]

    @contextmanager
    def _open(self) -> Iterator[dict[str, int]]:
        with disk_errors(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                held = self._read(descriptor)
                yield held
                text = json.dumps(held).encode()
                os.pwrite(descriptor, text, 0)
                os.ftruncate(descriptor, len(text))
            finally:
                os.close(descriptor)

    def _read(self, descriptor: int) -> dict[str, int]:
        """A new file has a full bucket, a damaged one an empty one. A clock that was set back shortens a ban."""
        now = self._wall()
        text = os.pread(descriptor, _LONGEST_FILE, 0)
        fresh = {"units": 0 if text else self._budget.capacity * _MILLI, "at": now, "banned": 0, "nonce": 0}
        try:
            told = json.loads(text) if text else fresh
            held = {name: told[name] for name in fresh}
        except (ValueError, TypeError, KeyError):
            return fresh
        if any(type(value) is not int for value in held.values()):
            return fresh
        held["banned"] = min(held["banned"], now + _LONGEST_BAN_MS)
        return held
