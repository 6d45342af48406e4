"""`tradekit cycle` as cron and people call it: first runs, proposals, rehearsals, overlaps, signals and programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from command_line import CommandLine, Ran, bare, buy, contents, marks, python, sell

WORDS: Final = {
    "placed",
    "acknowledged",
    "unanswered",
    "rejected",
    "not_placed",
    "cancel_requested",
    "partly_filled",
    "filled",
    "final_canceled",
    "final_filled",
    "final_expired",
}
# A stop that goes off at once: every holding is worth a little less at the bid than the mid it was entered at.
STOP_NOW: Final = "[exits]\nstop_loss_pct = 0.0001\n"


def program(tradekit: CommandLine, text: str, policy: str = "", timeout: int = 10) -> None:
    """Lets the policy name a shell script as its source of proposals."""
    script = tradekit.home.parent / "propose"
    script.write_text("#!/bin/sh\n" + text)
    script.chmod(0o700)
    tradekit.policy(f'[proposals]\ncommand = ["{script}"]\ncommand_timeout_seconds = {timeout}\n{policy}')


def sold(ran: Ran) -> list[str]:
    return [o["intent"]["approved"]["proposal"]["symbol"] for o in ran.data["orders"] if o["filled"] != "0"]


def test_the_first_run_needs_nothing_and_opens_an_account(tradekit: CommandLine) -> None:
    ran = tradekit("cycle")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Cycle 1 at ")
    assert "No real money moves." in ran.out
    for path in [tradekit.home, *tradekit.home.rglob("*")]:
        assert oct(path.stat().st_mode)[-3:] == ("700" if path.is_dir() else "600"), path
    assert {path.name for path in tradekit.folder.iterdir()} >= {"state.json", "state.lock", "journal", "paper.sqlite3"}
    assert not list(tradekit.home.rglob("*.tmp"))
    status = tradekit("status --json").data
    assert (status["cycles"], status["cash"], status["unsaved_events"]) == (1, "1000", 0)


def test_a_dry_run_leaves_no_trace(tradekit: CommandLine) -> None:
    ran = tradekit(f"cycle --dry-run --json --proposals {tradekit.proposals(buy('b1'), sell('s1'))}")
    assert ran.code == 0
    assert ran.data["dry_run"] is True
    assert [intent["approved"]["proposal"]["id"] for intent in ran.data["planned"]] == ["s1", "b1"]
    assert ran.data["orders"] == []
    assert not tradekit.home.exists()
    tradekit("cycle")
    before = marks(tradekit.home)
    for _ in range(2):
        again = tradekit(f"cycle --dry-run --proposals {tradekit.home.parent / 'ideas.json'}")
        assert again.code == 0 and "would be placed" in again.out
        assert tradekit("cycle --dry-run --quiet")[1:] == ("", "")
    assert marks(tradekit.home) == before


def test_a_dry_run_shows_the_plan_that_is_then_carried_out(tradekit: CommandLine) -> None:
    tradekit("cycle")
    line = f"cycle --json --proposals {tradekit.proposals(buy('b1'), sell('s1'))}"
    planned = [(i["client_order_id"], i["amount"], i["price"]) for i in tradekit(line + " --dry-run").data["planned"]]
    placed = [o["intent"] for o in tradekit(line).data["orders"] if o["intent"]["attempt"] == 1]
    assert planned == [(i["client_order_id"], i["amount"], i["price"]) for i in placed]
    assert len(planned) == 2


def test_a_repeated_file_is_carried_out_once_and_a_changed_one_refused(tradekit: CommandLine) -> None:
    path = tradekit.proposals(buy("b1"), sell("s1"))
    first = tradekit(f"cycle --json --proposals {path}")
    assert len(first.data["orders"]) == 2
    again = tradekit(f"cycle --json --proposals {path}")
    assert (again.code, again.data["orders"], sorted(again.data["repeated"])) == (0, [], ["b1", "s1"])
    tradekit.proposals(buy("b1", notional="31"))
    changed = tradekit(f"cycle --json --proposals {path}")
    assert changed.code == 10
    assert [item["code"] for item in changed.data["decisions"]] == ["proposal_changed"]
    tradekit.proposals(buy("r1", notional="5"))
    assert tradekit(f"cycle --json --proposals {path}").code == 10
    tradekit.proposals(buy("r1", notional="5"))
    assert tradekit(f"cycle --json --proposals {path}").data["repeated"] == [], "a refused one may come again"


@pytest.mark.parametrize("form", ["array", "lines"])
def test_proposals_come_from_stdin_too(tradekit: CommandLine, form: str) -> None:
    items = [buy("b1"), sell("s1")]
    text = json.dumps(items) if form == "array" else "\n".join(json.dumps(item) for item in items)
    ran = tradekit.apart("cycle --json --proposals -", stdin=text.encode())
    assert (ran.code, ran.err) == (0, "")
    assert [o["intent"]["approved"]["proposal"]["id"] for o in ran.data["orders"]] == ["s1", "b1"]


def test_log_lines_say_one_thing_each(tradekit: CommandLine) -> None:
    """What the log says of an order is what the paper exchange did to it, in that order, and nothing is said twice."""
    tradekit.policy("[paper]\nbalances = { USDT = 1000, ZK = 20000, PENGU = 900000 }\n")
    tradekit("cycle")
    words: dict[str, list[str]] = {}
    tradekit.policy(STOP_NOW)
    runs = [tradekit("cycle --json --log-json")]
    tradekit.policy("[exits]\nstop_loss_pct = 0\n[risk]\nmin_seconds_between_trades = 0\nmax_total_at_risk_pct = 100\n")
    for number in range(8):
        path = tradekit.proposals(buy(f"b{number}"), buy(f"d{number}", "DOGE/USDT"))
        runs.append(tradekit(f"cycle --json --log-json --proposals {path}"))
    for ran in runs:
        totals: dict[str, str] = {}
        for line in ran.log:
            assert line["event"] in WORDS
            words.setdefault(line["client_order_id"], []).append(line["event"])
            if "reported_filled" in line:
                totals[line["client_order_id"]] = line["reported_filled"]
        for order in ran.data["orders"]:
            assert totals[order["intent"]["client_order_id"]] == order["filled"]
            said = words[order["intent"]["client_order_id"]]
            assert said[:2] == ["placed", "acknowledged"]
            full = order["filled"] == order["intent"]["amount"]
            assert said.count("filled") == (1 if full else 0)
            assert ("partly_filled" in said or full) == (order["filled"] != "0")
            assert said.count("placed") == said.count("acknowledged") == 1
    everything = {word for said in words.values() for word in said}
    assert everything >= {"placed", "acknowledged", "partly_filled", "filled", "cancel_requested", "final_canceled"}
    assert tradekit("cycle --json").err == ""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process holds the lock."""
    code = "import fcntl, sys; f = open(sys.argv[1], 'r+'); fcntl.flock(f, 2); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            yield
        finally:
            holder.communicate()


def test_overlapping_runs_are_skipped_counted_and_told(tradekit: CommandLine) -> None:
    tradekit("cycle")
    before = contents(tradekit.home)
    with held(tradekit.folder / "state.lock"):
        skipped = [tradekit("cycle") for _ in range(4)]
    assert [ran.code for ran in skipped] == [75] * 4
    assert [ran.problems for ran in skipped] == [["busy"]] * 2 + [["busy", "runs_skipped"]] * 2
    assert all(ran.out == "" for ran in skipped)
    assert {k: v for k, v in contents(tradekit.home).items() if "skipped" not in k} == before
    ran = tradekit("cycle --json")
    assert (ran.code, ran.data["skipped_runs"], ran.problems) == (0, 4, ["runs_skipped"])
    assert tradekit("cycle --json").data["skipped_runs"] == 0


def test_wait_gets_the_lock_when_it_is_given_back(tradekit: CommandLine) -> None:
    tradekit("cycle")
    with held(tradekit.folder / "state.lock"):
        assert tradekit("cycle --wait 0.1").code == 75
        waiting = subprocess.Popen(
            python("cycle", "--wait", "50"), env=bare(tradekit.home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        )
    out, _ = waiting.communicate(timeout=300)
    assert waiting.returncode == 0 and out.startswith(b"Cycle 2 ")


def test_a_wait_on_a_terminal_is_told_and_ends_with_a_signal(tradekit: CommandLine) -> None:
    tradekit("cycle")
    screen, terminal = os.openpty()
    with held(tradekit.folder / "state.lock"):
        waiting = subprocess.Popen(
            python("cycle", "--wait", "3600"), env=bare(tradekit.home), stdin=subprocess.DEVNULL, stderr=terminal
        )
        said = os.read(screen, 1000).decode()
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(timeout=300) == 75, "not 11, by the alarm of a run that hangs"
    assert said == "tradekit: another run is at work on account main: waiting for at most 3600 s\r\n"
    assert os.read(screen, 1000).decode().startswith("tradekit: busy: another run holds ")
    os.close(terminal)
    os.close(screen)


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_a_signal_ends_the_run_and_leaves_all_in_order(tradekit: CommandLine, name: str) -> None:
    """The proposal program sends the signal, so it always comes in the middle of the cycle. It would run for long."""
    program(tradekit, f"kill -{name} $PPID\nsleep 60\n")
    ran = tradekit.apart(f"cycle --json --proposals {tradekit.proposals(buy('b1'))}")
    assert (ran.code, ran.problems) == (11, ["proposal_command_failed", "interrupted"])
    assert [d["type"] for d in ran.data["decisions"]] == ["approved"]
    assert ran.data["orders"] == [], "nothing is placed once the signal has come"
    assert tradekit("state verify").code == 0
    tradekit.policy("# paper\n")
    after = tradekit("cycle --json")
    assert (after.code, after.data["cycle"], after.data["differences"]) == (0, 2, [])


def test_a_good_program_proposes(tradekit: CommandLine) -> None:
    program(tradekit, f"echo '{json.dumps(buy('b1'))}'\n")
    ran = tradekit(f"cycle --json --proposals {tradekit.proposals(sell('s1'))}")
    assert [o["intent"]["approved"]["proposal"]["id"] for o in ran.data["orders"]] == ["s1", "b1"]
    assert (ran.code, ran.problems) == (0, [])
    assert tradekit("cycle --json").data["repeated"] == ["b1"]


def test_under_one_id_the_file_counts_and_not_the_program(tradekit: CommandLine) -> None:
    program(tradekit, f"echo '{json.dumps(buy('x1'))}'\n")
    ran = tradekit(f"cycle --json --proposals {tradekit.proposals(sell('x1'))}")
    assert [d["proposal"]["side"] for d in ran.data["decisions"]] == ["sell"]
    again = tradekit("cycle --json")
    assert [d["code"] for d in again.data["decisions"]] == ["proposal_changed"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("exit 3\n", "exit code 3"),
        ("echo nonsense\n", "not JSON"),
        ("sleep 60\n", "did not end within 1 seconds"),
        ("kill -9 $$\n", "signal 9"),
        (f"echo '{json.dumps(buy('b1', notional='1e9'))}'\n", "notional"),
    ],
)
def test_a_bad_program_costs_its_opens_only(tradekit: CommandLine, text: str, words: str) -> None:
    tradekit("cycle")
    program(tradekit, text, STOP_NOW, timeout=1)
    ran = tradekit("cycle --json")
    assert (ran.code, ran.problems) == (11, ["proposal_command_failed"])
    assert words in ran.document["problems"][0]["message"]
    assert sold(ran), "the stops went out all the same"
    assert ran.data["cycle"] == 2


def test_the_program_gets_no_secret_and_no_stdin(tradekit: CommandLine) -> None:
    program(tradekit, f'env > "{tradekit.home.parent}/seen"; cat >> "{tradekit.home.parent}/seen"\n')
    os.environ["TRADEKIT_API_SECRET"] = "canary"
    try:
        assert tradekit.apart("cycle", {"TRADEKIT_API_KEY": "canary"}, stdin=b"typed").code == 0
    finally:
        del os.environ["TRADEKIT_API_SECRET"]
    seen = (tradekit.home.parent / "seen").read_text()
    assert "canary" not in seen and "typed" not in seen and "TRADEKIT" not in seen


def test_orders_that_rest_when_a_run_dies_are_settled_first(tradekit: CommandLine) -> None:
    """`kill -9` after the order was acknowledged: the log line on stderr is the moment."""
    code = (
        "import os, sys\n"
        "from tradekit.cli.main import run\n"
        "class Dies:\n"
        "    def write(self, text):\n"
        "        if 'acknowledged' in text: os.kill(os.getpid(), 9)\n"
        "    def flush(self): pass\n"
        "    def isatty(self): return False\n"
        "sys.stderr = Dies()\n"
        "run(sys.argv[1:])\n"
    )
    line = ["cycle", "--log-json", "--proposals", str(tradekit.proposals(sell("s1")))]
    done = subprocess.run(
        [sys.executable, "-c", code, *line], env=bare(tradekit.home), check=False, stdin=subprocess.DEVNULL
    )
    assert done.returncode == -9
    status = tradekit("status --json").data
    assert [o["state"]["type"] for o in status["orders"]] == ["open"] and status["unsaved_events"] > 0
    assert "Unfinished orders" in tradekit("status").out
    ran = tradekit(f"cycle --json --proposals {tradekit.home.parent / 'ideas.json'}")
    assert len(ran.data["settled"]["resolved"]) == 1
    assert (ran.data["repeated"], ran.data["orders"]) == (["s1"], [])
    assert "1 older orders settled" not in tradekit("cycle --quiet").out
