"""Runs `tradekit` in processes of their own and kills them, with SIGKILL, at a chosen step towards the disk.

A program: it reads one JSON case a line from stdin and answers one JSON line each. A case is a home, a home to make
it from where it isn't there yet, and runs; a run is arguments and perhaps a kill, `{"point": N, "when": "before"}` or
`"after"`. Points are numbered from 1 in every run: those in the home, of calls of os.open, write, fsync, rename, link,
unlink, mkdir and posix_fallocate, and the begin and commit of every transaction of the paper exchange. `KILL_AT_MUTANT`
plants a bug, to show that it would be found.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import tradekit
from tradekit.adapters.paper.exchange import PaperExchange
from tradekit.cli.main import run
from tradekit.domain.event import OrderIntended
from tradekit.domain.order import OrderIntent
from tradekit.steps import assess, work
from tradekit.steps import place as placing
from tradekit.steps import settle as settling
from tradekit.steps.desk import Desk

WATCHED: Final = ("open", "write", "fsync", "rename", "link", "unlink", "mkdir", "posix_fallocate")
WIRE: Final = "wire.log"
_open, _write = os.open, os.write


class Points:
    """Counts the steps of this process, tells each to `report`, and ends the process at the one that was chosen."""

    def __init__(self, home: Path, kill: dict[str, Any] | None, report: int) -> None:
        self._home = home
        self._kill = kill or {"point": 0, "when": ""}
        self._report = report
        self._count = 0
        self._paths: dict[int, str] = {}

    def watch(self) -> None:
        """From now on every step counts."""
        for name in WATCHED:
            setattr(os, name, self._watched(name, getattr(os, name)))
        points = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *more: Any) -> Any:
                if sql not in ("BEGIN IMMEDIATE", "COMMIT"):
                    return super().execute(sql, *more)
                return points.step(f"sqlite {sql.lower()}", lambda: super(Connection, self).execute(sql, *more))

        connect = sqlite3.connect
        put_in_place(sqlite3, "connect", lambda *words, **more: connect(*words, **{"factory": Connection, **more}))

    def step(self, label: str, call: Callable[[], Any]) -> Any:
        """One step: perhaps the last."""
        self._count += 1
        _write(self._report, f"{label}\n".encode())
        self._die_if("before")
        try:
            return call()
        finally:
            self._die_if("after")

    def _die_if(self, when: str) -> None:
        if (self._count, when) == (self._kill["point"], self._kill["when"]):
            os.kill(os.getpid(), signal.SIGKILL)

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def watched(first: Any, *words: Any, **more: Any) -> Any:
            path = self._paths.get(first, "") if isinstance(first, int) else str(first)
            if not path.startswith(str(self._home)):
                return real(first, *words, **more)
            place = path.removeprefix(str(self._home) + "/")
            done = self.step(f"{name} {place}", lambda: real(first, *words, **more))
            if name == "open":
                self._paths[done] = path
            return done

        return watched


def put_in_place(owner: Any, name: str, new: object) -> None:
    """Replaces a part of this process, and of no other."""
    setattr(owner, name, new)


def note_what_is_sent(home: Path) -> None:
    """Every client order id that goes to the exchange is noted beside it, in the moment it goes."""
    real = PaperExchange.place

    def noted(self: PaperExchange, intents: Sequence[OrderIntent]) -> Any:
        log = _open(home / WIRE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        _write(log, "".join(f"{intent.client_order_id}\n" for intent in intents).encode())
        os.close(log)
        return real(self, intents)

    put_in_place(PaperExchange, "place", noted)


def send_before_the_intent_is_durable(desk: Desk, intents: Sequence[OrderIntent]) -> tuple[()]:
    """A planted bug."""
    outcomes = desk.exchange.place(intents)
    desk.record(*(OrderIntended(intent) for intent in intents))
    desk.record(*(placing._answer(intent, outcomes[intent.client_order_id]) for intent in intents))
    return ()


def send_again_what_is_unanswered(desk: Desk) -> settling.Settlement:
    """A planted bug: what has no recorded answer is sent once more, without looking it up."""
    desk.exchange.place([order.intent for order in desk.state.orders.values() if order.is_unanswered])
    return settling.settle(desk)


def in_a_process(home: Path, arguments: Sequence[str], kill: dict[str, Any] | None) -> dict[str, Any]:
    """Runs one command line in a child. `exit` is negative for a signal, `points` are the steps it took."""
    reading, report = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.environ["TRADEKIT_HOME"] = str(home)
            for number, name in ((0, os.devnull), (1, f"{home}.out"), (2, f"{home}.err")):
                os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), number)
            note_what_is_sent(home)
            Points(home, kill, report).watch()
            code = run(list(arguments))
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            code = 99
        os._exit(code)
    os.close(report)
    with open(reading, encoding="utf-8") as steps:
        points = steps.read().splitlines()
    return {"exit": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), "points": points}


def main() -> None:
    """Answers every case on stdin."""
    os.umask(0o077)
    for module in pkgutil.walk_packages(tradekit.__path__, "tradekit."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    mutant = os.environ.get("KILL_AT_MUTANT")
    if mutant == "send_first":
        put_in_place(work, "place", send_before_the_intent_is_durable)
    if mutant == "send_again":
        put_in_place(assess, "settle", send_again_what_is_unanswered)
    for line in sys.stdin:
        case = json.loads(line)
        home = Path(case["home"])
        if not home.exists():
            shutil.copytree(case["template"], home)
        done = [in_a_process(home, item["arguments"], item.get("kill")) for item in case["runs"]]
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main()
