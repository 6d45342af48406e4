"""Runs `tradekit` in processes of their own; each may be killed, stopped or given a broken disk at a chosen step.

A program: it reads one JSON case a line from stdin and answers one JSON line each. A case is a home, a home to make
it from where it isn't there yet, and runs; a run is arguments, perhaps an action (see `kill_points`), and milliseconds
that go by first. `meanwhile` are runs that take place while this one is stopped; then it goes on, or is killed. The
last of them may be one that waits for this one's end. A home with an exchange beside it (`HOME.world`) is a live one.
`KILL_AT_MUTANT` plants a bug, to show that it would be found.
"""

from __future__ import annotations

import fcntl
import importlib
import json
import os
import pkgutil
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import tradekit
from kill_points import Action, Points, put_in_place, real_open, real_write
from kill_world import Host, SharedTime, hosted, listen, move_in, world_of
from tradekit.adapters.paper.exchange import PaperExchange
from tradekit.cli import live_desk
from tradekit.cli.live_desk import MachineTime
from tradekit.cli.main import run
from tradekit.domain.event import OrderIntended
from tradekit.domain.order import OrderIntent
from tradekit.steps import assess, work
from tradekit.steps import place as placing
from tradekit.steps import settle as settling
from tradekit.steps.desk import Desk

WIRE: Final = "wire.log"
TRIES: Final = 3  # looks at a lock that is taken


class Child(NamedTuple):
    """A run that was started, and where it tells its steps."""

    pid: int
    steps: int
    home: Path


def note_what_is_sent(home: Path) -> None:
    """Every client order id that goes to the paper exchange is noted beside it, in the moment it goes."""
    real = PaperExchange.place

    def noted(self: PaperExchange, intents: Sequence[OrderIntent]) -> Any:
        log = real_open(home / WIRE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        real_write(log, "".join(f"{intent.client_order_id}\n" for intent in intents).encode())
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


def start(home: Path, item: dict[str, Any], number: int) -> Child:
    """Begins one command line in a child."""
    reading, report = os.pipe()
    fcntl.fcntl(report, fcntl.F_SETPIPE_SZ, 2**20)  # nobody reads before the end
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.close(reading)
            os.environ["TRADEKIT_HOME"] = str(home)
            for target, name in ((0, os.devnull), (1, f"{home}.out{number}"), (2, f"{home}.err{number}")):
                os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), target)
            note_what_is_sent(home)
            action = item.get("action")
            Points(home, Action(*action) if action else None, report).watch()
            code = run(list(item["arguments"]))
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    os.close(report)
    return Child(child, reading, home)


def finish(child: Child, item: dict[str, Any], host: Host | None) -> dict[str, Any]:
    """Waits for its end. `exit` is negative for a signal, `points` are its steps, `meanwhile` what came between."""
    between: list[dict[str, Any]] = []
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        *others, last = item["meanwhile"]
        between = [{**finish(start(child.home, other, 2), other, None), **said(child.home, 2)} for other in others]
        waiting = start(child.home, last, 2)
        if last.get("waits"):
            waits = until_it_waits(waiting)
        else:
            between.append({**finish(waiting, last, None), **said(child.home, 2)})
        os.kill(child.pid, signal.SIGKILL if item.get("then") == "kill" else signal.SIGCONT)
        _, status = os.waitpid(child.pid, 0)
        if last.get("waits"):
            between.append({**finish(waiting, last, None), **said(child.home, 2), "waited": waits})
    if host is not None:
        host.drain()
    return {
        "exit": os.waitstatus_to_exitcode(status),
        "points": told(child.steps),
        "meanwhile": between,
    }


def until_it_waits(child: Child) -> bool:
    """Whether it looks at a lock again and again."""
    heard = b""
    while heard.count(b"flock main") < TRIES:
        more = os.read(child.steps, 4096)
        if not more:
            return False
        heard += more
    return True


def told(steps: int) -> list[str]:
    with open(steps, encoding="utf-8") as lines:
        return lines.read().splitlines()


def full_budget(home: Path) -> None:
    """As after a quiet minute: how many requests are left is no matter of chance."""
    for path in (home / "exchange_cache").glob("requests-*"):
        try:
            path.write_text(json.dumps({**json.loads(path.read_text()), "units": 10**7}))
        except ValueError:
            continue


def said(home: Path, number: int = 1) -> dict[str, Any]:
    """The codes of the problems that a run with --json told, and its stderr."""
    out, err = Path(f"{home}.out{number}").read_text(), Path(f"{home}.err{number}").read_text()
    problems = json.loads(out)["problems"] if out.startswith("{") else []
    return {"problems": [[item["code"], item["message"]] for item in problems], "err": err}


def carry_out(case: dict[str, Any], time: SharedTime, listener: socket.socket) -> list[dict[str, Any]]:
    """Runs one case."""
    home, template = Path(case["home"]), Path(case["template"])
    world = world_of(home)
    if not home.exists():
        shutil.copytree(template, home)
        if world_of(template).exists():
            shutil.copy(world_of(template), world)
    done = []
    with ExitStack() as life:
        host = None
        if world.exists():
            move_in(home, listener)
            host = life.enter_context(hosted(world, time, listener))
        for item in case["runs"]:
            time.sleep(item.get("later_ms", 0))
            full_budget(home)
            ended = finish(start(home, item, 1), item, host)
            done.append({**ended, **said(home)})
    return done


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
    time, listener = SharedTime(), listen()
    put_in_place(live_desk, "machine_time", lambda must_stop: MachineTime(time.now, time.sleep))
    for line in sys.stdin:
        print(json.dumps(carry_out(json.loads(line), time, listener)), flush=True)


if __name__ == "__main__":
    main()
