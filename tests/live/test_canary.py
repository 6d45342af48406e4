"""The key of a live account is looked for in everything that every command under every fault writes: it is nowhere."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from unittest.mock import patch

import pytest

from canary import Canary
from command_line import SRC, bare
from commands import COMMANDS, called
from live_home import LiveHome
from rig import Rig
from tradekit.flows import cycle as cycle_flow
from wire import Answer, Request

PASSPHRASE: Final = "CorrectHorse+Battery/Staple=7"
PRIVATE: Final = ("create", "cancel", "order", "open", "closed", "trades", "balance", "permissions")
QUIET: Final = ("halt", "init", "rehearse")  # a halt would end the others' work; the others read no key
LINES: Final = [called(command) for command in COMMANDS if command not in QUIET]


@pytest.fixture
def live(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LiveHome]:
    with Rig(getattr(request, "param", "binance"), tmp_path, real_time=True) as rig:
        made = LiveHome(rig, tmp_path)
        made.key_file.write_text(made.key_file.read_text() + f'password = "{PASSPHRASE}"\n')
        assert made("cycle").code == 0
        yield made


def canary_of(live: LiveHome) -> Canary:
    return Canary([live.rig.key, live.rig.secret, PASSPHRASE])


def with_answer(live: LiveHome, change: Callable[[Request], Answer | None]) -> None:
    answer = live.rig.dialect.answer
    live.rig.dialect.answer = lambda request: change(request) or answer(request)


def say_all_back(request: Request) -> Answer:
    """An error that repeats the signed address, the headers and the form, as gateways do."""
    told = f"https://{request.host}{request.path}?{request.query} {request.body} {dict(request.headers)}"
    return Answer({"code": -1100, "msg": told}, 400)


@contextmanager
def fault(live: LiveHome, word: str) -> Iterator[None]:
    rig = live.rig
    with ExitStack() as stack:
        match word:
            case "no network":
                live.policy(exchange={"base_url": "http://127.0.0.1:9"})
            case "drop" | "502" | "html":
                rig.faults.draw = lambda kind: word
            case "only private html" | "only private truncate":
                rig.faults.draw = lambda kind: word.rsplit(maxsplit=1)[-1] if kind in PRIVATE else ""
            case "says all back":
                with_answer(
                    live, lambda request: say_all_back(request) if rig.dialect.kind(request) in PRIVATE else None
                )
            case "wrong key":
                rig.dialect.key = "somebody else's"
            case "policy typo":
                path = live.home / "policy.toml"
                path.write_text(path.read_text() + f'\n[exchang]\nsecret = "{"x" * 30}"\n')
            case "broken key file":
                live.key_file.write_text(live.key_file.read_text().replace('password = "', "password = "))
            case "lock held":
                file = stack.enter_context(open(live.home / "main" / "live" / "state.lock", "r+"))
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


FAULTS: Final = (
    "ok", "no network", "drop", "502", "html", "only private html", "only private truncate", "says all back",
    "wrong key", "policy typo", "broken key file", "lock held",
)  # fmt: skip


def written(live: LiveHome, line: str) -> str:
    """What a command says, in both forms."""
    wish = {"id": f"w{time.time_ns()}", "symbol": live.rig.symbol(), "side": "buy", "notional": "30"}
    more = f" --log-json {live.proposals(wish)}" if line == "cycle" else ""
    plain, as_json = live(line + more), live(f"{line} --json")
    return "\n".join((plain.out, plain.err, as_json.out, as_json.err))


@pytest.mark.parametrize("word", FAULTS)
def test_no_command_under_any_fault_shows_the_key(live: LiveHome, word: str) -> None:
    canary = canary_of(live)
    with fault(live, word):
        for line in LINES:
            assert canary.found_in(written(live, line)) == "", line
    assert canary.found_under(live.home, but=[live.key_file]) == {}


@pytest.mark.parametrize("word", ["ok", "says all back"])
@pytest.mark.parametrize("live", ["coinbase", "kraken"], indirect=True)
def test_no_command_shows_the_key_of_another_exchange(live: LiveHome, word: str) -> None:
    test_no_command_under_any_fault_shows_the_key(live, word)


def test_commands_that_need_no_key_show_none(live: LiveHome) -> None:
    canary = canary_of(live)
    for line in ("halt", "resume", "init", "rehearse --days 1 --wishes 0"):
        ran = live(line)
        assert canary.found_in(ran.out + ran.err) == "", line
    assert canary.found_under(live.home, but=[live.key_file]) == {}


def test_a_full_disk_shows_no_key(live: LiveHome) -> None:
    """No file may grow: neither state nor caches nor temporary files."""
    canary = canary_of(live)
    for line in ("cycle", "purge ETH", "reconcile-fills", "doctor", "status --save look.json"):
        words = f'ulimit -f 0; exec "{sys.executable}" -B -m tradekit {line}'
        done = subprocess.run(
            ["/bin/sh", "-c", words], env={**bare(live.home), "PYTHONPATH": str(SRC)}, cwd=live.home.parent,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode in (0, 2, 11, 12, 13), done
        assert "Traceback" not in done.stderr and canary.found_in(done.stdout + done.stderr) == ""
    assert canary.found_under(live.home, but=[live.key_file]) == {}


def test_ps_shows_no_key(live: LiveHome) -> None:
    """While a run waits for its answer: arguments, environment, and names of threads."""
    canary = canary_of(live)
    live.rig.faults.put("balance", "hang")
    with subprocess.Popen([sys.executable, "-m", "tradekit", "cycle"], env=bare(live.home)) as process:
        give_up = time.monotonic() + 20
        while ("balance", "hang") not in live.rig.faults.seen and time.monotonic() < give_up:
            time.sleep(0.01)
        seen = [Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "environ", "comm", "status")]
        live.rig.faults.released.set()
        process.wait(30)
    assert len(seen) == 4 and [canary.found_in(part) for part in seen] == [""] * 4


def test_a_traceback_on_request_shows_no_key(live: LiveHome, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug in the middle of a live cycle")

    monkeypatch.setattr(cycle_flow, "cycle", broken)
    with pytest.raises(RuntimeError) as caught:
        live("cycle", TRADEKIT_DEBUG="1")
    assert canary_of(live).found_in("".join(traceback.format_exception(caught.value))) == ""
    assert live("cycle").problems == ["bug"]


@pytest.mark.parametrize("shown", ["as it is", "quoted", "backwards", "in base64", "in a piece"])
def test_a_planted_leak_is_found(live: LiveHome, shown: str) -> None:
    """Without the gate that foreign text passes, and in other forms: the measure sees it."""
    canary, secret = canary_of(live), PASSPHRASE
    match shown:
        case "as it is":
            with patch("tradekit.adapters.exchange.connection.redacted", lambda text, secrets: text), \
                    fault(live, "says all back"):  # fmt: skip
                assert canary.found_in(written(live, "reconcile-fills"))
            return
        case "quoted":
            from urllib.parse import quote

            text = f"https://x?p={quote(secret, safe='')}"
        case "backwards":
            text = secret[::-1]
        case "in base64":
            from base64 import b64encode

            text = b64encode(f"user:{secret}".encode()).decode()
        case _:
            text = json.dumps({"seen": secret[9:18]})
    assert canary.found_in(text)
    (live.home / "main" / "live" / "leak").write_text(text)
    assert canary.found_under(live.home, but=[live.key_file])
