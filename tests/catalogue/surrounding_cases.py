"""Rows 61 to 68: the process's surroundings, and the key."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

from freezegun import freeze_time

from answer_cases import ideas, sent
from cases import LiveStory, Story
from command_line import SRC, CommandLine, bare, buy, sell
from live_home import LiveHome

SAME: Final = {
    61: [{"LANG": "C", "LC_ALL": "C", "TERM": "dumb", "COLUMNS": "1"}, {"PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "1"}],
    62: [{"PATH": ""}],
    65: [
        {"HTTPS_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"},
        {"REQUESTS_CA_BUNDLE": "/nowhere", "SSL_CERT_FILE": "/nowhere", "CURL_CA_BUNDLE": "/nowhere"},
    ],
}


def _changes_nothing(environment: dict[str, str]) -> Callable[[LiveHome], None]:
    def tell(live: LiveHome) -> None:
        ran = live.apart("cycle --json", **environment)
        assert (ran.code, ran.problems) == (0, [])

    return tell


def _bare_status(tradekit: CommandLine) -> None:
    """`env -i`, and the home said by an option."""
    entry = f"import sys; sys.path.insert(0, {str(SRC)!r}); from tradekit.cli.main import main; main()"
    command = ["env", "-i", sys.executable, "-I", "-c", entry, "status", "--home", str(tradekit.home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


def _clock(tradekit: CommandLine) -> None:
    other = tradekit.beside("again")
    other("cycle")
    line = f"cycle --json --proposals {tradekit.proposals(buy('b'), sell('s'))}"
    plain = tradekit(line)
    for moment in ("1970-01-02", "2038-01-20"):
        with freeze_time(moment):
            jumped = other(line)
        assert jumped.data["decisions"] == plain.data["decisions"] or jumped.data["repeated"]


def _traps(live: LiveHome) -> None:
    traps = live.home.parent / "traps"
    traps.mkdir()
    for name in ("ccxt", "decimal", "requests", "json", "typer"):
        (traps / f"{name}.py").write_text("raise SystemExit('trap')\n")
    script = live.home.parent / "tradekit"
    script.write_text("from tradekit.cli.main import main\nmain()\n")
    done = subprocess.run(
        [sys.executable, str(script), "cycle"], env=bare(live.home), cwd=traps, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def _ended(number: signal.Signals) -> Callable[[LiveHome], None]:
    """While the order is on the way. The next runs find it, and don't send it again."""

    def tell(live: LiveHome) -> None:
        live.policy(exchange={"timeout_ms": 60_000})
        live.full_budget()
        live.rig.faults.put("create", "hang")
        words = [sys.executable, "-m", "tradekit", "cycle", *ideas(live).split()]
        with subprocess.Popen(words, env=bare(live.home), stderr=subprocess.PIPE) as process:
            give_up = time.monotonic() + 20
            while not live.rig.engine.orders and time.monotonic() < give_up:
                time.sleep(0.01)
            process.send_signal(number)
            if number != signal.SIGKILL:
                live.rig.faults.released.set()
            _, err = process.communicate(timeout=300)
        assert process.returncode in (-signal.SIGKILL, 11) and b"Traceback" not in err
        live.policy()
        give_up = time.monotonic() + 20
        while live.rig.engine.open_orders() and time.monotonic() < give_up:  # until its deadline it may rest
            live(f"cycle {ideas(live)}")
        assert live("cycle").code == 0
        assert live.rig.engine.open_orders() == [] and sent(live) == 1

    return tell


def _no_room(limit: str) -> Callable[[LiveHome], None]:
    def tell(live: LiveHome) -> None:
        words = f'ulimit {limit}; exec "{sys.executable}" -m tradekit cycle {ideas(live)}'
        done = subprocess.run(
            ["/bin/sh", "-c", words], env={**bare(live.home), "PYTHONPATH": str(SRC)}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        if done.returncode != 0:
            assert sent(live) == 0, done.stderr[-500:]
            assert "CANARY" not in done.stderr
        assert live(f"cycle {ideas(live)}").code in (0, 10)
        assert sent(live) <= 1 and live("state verify").code == 0

    return tell


def _key(ending: str, code: int) -> Callable[[LiveHome], None]:
    """The secret as it stands in a systemd credential or a variable: a line end goes, anything else is refused."""

    def tell(live: LiveHome) -> None:
        live.policy(exchange={"key_file": None})
        secret = f"{live.rig.secret}{ending}" if ending.isspace() else f"{ending}{live.rig.secret}{ending}"
        before = len(live.rig.server.requests)
        ran = live("cycle", TRADEKIT_API_KEY=live.rig.key, TRADEKIT_API_SECRET=secret)
        assert ran.code == code and "CANARY" not in ran.out + ran.err
        assert code == 0 or (ran.problems, live.requests(before)) == (["key_malformed"], [])

    return tell


CASES: Final[list[Story | LiveStory]] = [
    *(LiveStory(row, str(given), _changes_nothing(given)) for row, them in SAME.items() for given in them),
    Story(62, "env -i", _bare_status),
    Story(63, "1970 and 2038", _clock),
    LiveStory(64, "in the current folder", _traps),
    *(LiveStory(66, number.name, _ended(number)) for number in (signal.SIGHUP, signal.SIGINT)),
    *(LiveStory(67, limit, _no_room(limit)) for limit in ("-n 6", "-n 12", "-v 200000")),
    LiveStory(68, "a line end", _key("\n", 0)),
    LiveStory(68, "two line ends", _key("\n\n", 2)),
    LiveStory(68, "quotes", _key('"', 2)),
    LiveStory(68, "spaces", _key(" ", 2)),
]
