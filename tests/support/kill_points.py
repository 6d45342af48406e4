"""The steps of a process towards its disk and its exchange, each with a name, and what is to happen at one of them.

A step has a label and a number among those of its label, because threads may change places from run to run. Steps are
calls of the `os` functions in WATCHED (but `close`) and of `flock` on files in the home, begin and commit of SQLite,
and every connect and send of a socket.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any, Final, NamedTuple

WATCHED: Final = (
    *("open", "fdopen", "write", "pwrite", "ftruncate", "fsync", "close"),
    *("rename", "replace", "link", "unlink", "mkdir", "rmdir"),
)
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_RANDOM: Final = re.compile(r"\.[0-9a-f]{12,16}(?=\.tmp$|$)")
_ORDER: Final = re.compile("[0-9a-f]{8}-[0-9a-f-]{27}")
_UNHARMED_BY_A_FULL_DISK: Final = ("open for reading", "close", "unlink", "rmdir", "fsync", "flock", "ftruncate")
_SQLITE: Final = {errno.ENOSPC: (13, "database or disk is full"), errno.EIO: (10, "disk I/O error")}
real_open, real_write = os.open, os.write


class Action(NamedTuple):
    """What happens `before` or `after` the step: `kill`, `stop` (until somebody continues the process), or an error.

    `fail` is for one step, `stay` for all steps of its kind from there on, `tear` writes half of it first.
    """

    label: str
    number: int
    when: str
    what: str
    error: int = 0


class Points:
    """Counts the steps of this process, tells each to `report`, and does what was chosen at one of them."""

    def __init__(self, home: Path, action: Action | None, report: int) -> None:
        self._home = home
        self._action = action or Action("", 0, "", "")
        self._report = report
        self._counts: Counter[str] = Counter()
        self._paths: dict[int, str] = {}
        self._failing = False
        self._lock = RLock()

    def watch(self) -> None:
        """From now on every step counts."""
        for name in WATCHED:
            setattr(os, name, self._watched(name, getattr(os, name)))
        put_in_place(fcntl, "flock", self._watched("flock", fcntl.flock))
        self._watch_sqlite()
        self._watch_sockets()

    def _watch_sqlite(self) -> None:
        points = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *more: Any) -> Any:
                if sql not in ("BEGIN IMMEDIATE", "COMMIT"):
                    return super().execute(sql, *more)
                step = f"sqlite {sql.lower()}"
                return points.step(step, lambda: super(Connection, self).execute(sql, *more), fail=_sqlite_fault)

            def __exit__(self, *raised: Any) -> Any:
                return points.step("sqlite end", lambda: super(Connection, self).__exit__(*raised), fail=_sqlite_fault)

        connect = sqlite3.connect
        put_in_place(sqlite3, "connect", lambda *words, **more: connect(*words, **{"factory": Connection, **more}))

    def _watch_sockets(self) -> None:
        connect, sendall = socket.socket.connect, socket.socket.sendall

        def watched_connect(made: socket.socket, address: Any) -> Any:
            return self.step("connect", lambda: connect(made, address))

        def watched_send(made: socket.socket, data: Any, *flags: Any) -> Any:
            method, _, rest = bytes(data[:200]).partition(b" ")
            known = method in (b"GET", b"POST", b"DELETE", b"PUT")
            path = rest.partition(b" ")[0].partition(b"?")[0].decode()
            what = f"{method.decode()} {_ORDER.sub('ORDER', path)}" if known else "a body"
            return self.step(f"send {what}", lambda: sendall(made, data, *flags))

        put_in_place(socket.socket, "connect", watched_connect)
        put_in_place(socket.socket, "sendall", watched_send)

    def step(
        self,
        label: str,
        call: Callable[[], Any],
        *,
        fail: Callable[[int], Exception] | None = None,
        half: Callable[[], Any] | None = None,
    ) -> Any:
        """One step: perhaps the last. `fail` makes the exception of an error, `half` does half of it."""
        with self._lock:
            self._counts[label] += 1
            here = (label, self._counts[label]) == self._action[:2]
            real_write(self._report, f"{label}\n".encode())
        if here and self._action.when == "before":
            self._act()
        if fail is not None and (self._fails_here(label) or (here and self._action.error)):
            self._failing = self._failing or self._action.what == "stay"
            if half is not None and self._action.what == "tear":
                half()
            raise fail(self._action.error)
        try:
            return call()
        finally:
            if here and self._action.when == "after":
                self._act()

    def _fails_here(self, label: str) -> bool:
        if not self._failing:
            return False
        return self._action.error != errno.ENOSPC or not label.startswith(_UNHARMED_BY_A_FULL_DISK)

    def _act(self) -> None:
        if self._action.what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._action.what == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(first: Any, *words: Any, **more: Any) -> Any:
            path = self._paths.get(first, "") if isinstance(first, int) else str(first)
            if name in ("close", "fdopen"):  # its descriptor is counted no more
                self._paths.pop(first, None)
            if name == "close" or not f"{path}/".startswith(f"{self._home}/"):
                done = real(first, *words, **more)
                self._paths.pop(done if name == "open" else -1, None)
                return done
            verb = "open for reading" if name == "open" and not words[0] & _WRITES else name
            half = (lambda: real(first, words[0][: len(words[0]) // 2], *words[1:])) if name == "write" else None
            done = self.step(
                f"{verb} {_RANDOM.sub('', path.removeprefix(str(self._home)).lstrip('/') or '.')}",
                lambda: real(first, *words, **more),
                fail=lambda error: OSError(error, os.strerror(error), path),
                half=half,
            )
            if name == "open":
                self._paths[done] = path
            return done

        return watched


def put_in_place(owner: Any, name: str, new: object) -> None:
    """Replaces a part of this process, and of no other."""
    setattr(owner, name, new)


def _sqlite_fault(error: int) -> Exception:
    code, text = _SQLITE[error]
    fault = sqlite3.OperationalError(text)
    fault.sqlite_errorcode = code
    return fault
