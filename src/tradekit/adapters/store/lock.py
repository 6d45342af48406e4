"""One run at a time per account: a kernel lock on a file that is never renamed and never unlinked.

`flock` goes away with the process, however it dies, so there is no stale lock to clean up.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final

from tradekit.adapters.store.disk_errors import storage_fault
from tradekit.domain.errors import Busy, NeedsHuman, Problem

_LOOK_AGAIN_SECONDS: Final = 0.05


class AccountLock:
    """Held from `__enter__` to `__exit__`. Raises `Busy` when another run holds it for longer than `wait_seconds`, or
    `must_stop` ends the wait, and `NeedsHuman` when the file can't be opened or locked. `waits` is called once when it
    has to be waited for.
    """

    def __init__(
        self,
        path: Path,
        wait_seconds: float,
        *,
        must_stop: Callable[[], bool] = lambda: False,
        waits: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._wait_seconds = wait_seconds
        self._must_stop = must_stop
        self._waits = waits
        self._descriptor = -1

    def __enter__(self) -> AccountLock:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise storage_fault(self._path, error) from None
            fix = "check owner and mode of the home"
            raise NeedsHuman(Problem("home_unwritable", f"{self._path}: {error.strerror}", fix)) from None
        give_up = time.monotonic() + self._wait_seconds
        is_told = False
        while not self._try():
            if time.monotonic() >= give_up or self._must_stop():
                os.close(self._descriptor)
                raise Busy(
                    Problem("busy", f"another run holds {self._path}", "it ends by itself; `--wait` waits for it")
                )
            if not is_told:
                self._waits()
                is_told = True
            time.sleep(_LOOK_AGAIN_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            os.close(self._descriptor)
            raise storage_fault(self._path, error) from None
        return True
