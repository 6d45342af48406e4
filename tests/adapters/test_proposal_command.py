"""The user's program may do what it likes: it costs its own proposals, never the run."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from tradekit.adapters.proposal_command import PASSED_ON, run_proposal_command
from tradekit.domain.errors import Problem

GOOD = '{"id": "a1", "symbol": "BTC/USDT", "side": "buy", "notional": "20"}'


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", program)


def failed(argv: tuple[str, ...], timeout_seconds: float = 30) -> Problem:
    result = run_proposal_command(argv, timeout_seconds)
    assert result.proposals == ()
    assert result.problem is not None
    assert result.problem.code == "proposal_command_failed"
    assert result.problem.message.startswith("proposal command ")
    assert result.problem.message.isprintable()
    return result.problem


def test_what_it_prints_is_proposed() -> None:
    result = run_proposal_command(("printf", "%s\\n", GOOD), 30)
    assert result.problem is None
    assert [proposal.id for proposal in result.proposals] == ["a1"]


def test_silence_is_no_proposal_and_no_problem() -> None:
    assert run_proposal_command(("true",), 30) == ((), None)


def test_arguments_never_meet_a_shell(tmp_path: Path) -> None:
    result = run_proposal_command(("printf", "%s", f"$(touch {tmp_path}/made); {GOOD}"), 30)
    assert result.problem is not None
    assert list(tmp_path.iterdir()) == []


def test_it_sees_five_variables_an_empty_stdin_and_no_open_files() -> None:
    secret = {"TRADEKIT_API_KEY": "canary", "TRADEKIT_API_SECRET": "canary", "AWS_SECRET": "canary", "PYTHONPATH": "/x"}
    kept = {"PATH": os.environ["PATH"], "HOME": "/h", "LANG": "C.UTF-8", "TZ": "UTC", "TMPDIR": "/t"}
    assert set(kept) == set(PASSED_ON)
    inherited = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    program = (
        "import os, sys, json; seen = dict(os.environ); seen.pop('LC_CTYPE', None)\n"
        f"try: os.fstat({inherited}); leaked = True\n"
        "except OSError: leaked = False\n"
        "facts = [sys.stdin.read(), seen, leaked, os.getsid(0) == os.getpid()]\n"
        f"raise SystemExit(0 if facts == json.loads({json.dumps(['', kept, False, True])!r}) else str(facts))"
    )
    assert run_proposal_command(python(program), 30, {**secret, **kept}) == ((), None)
    os.close(inherited)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ((), "'(none)' could not be started"),
        (("",), "could not be started"),
        (("/no/such/program",), "'/no/such/program' could not be started"),
        (("/",), "could not be started"),
        (("a\0b",), "could not be started"),
        (("sh\x1b[2J",), r"'sh\x1b[2J' could not be started"),
        (("false",), "'false' ended with exit code 1"),
        (("sh", "-c", f"echo '{GOOD}'; exit 7"), "ended with exit code 7"),
        (("sh", "-c", "echo first >&2; printf 'no \\033[2Jquotes' >&2; exit 1"), "exit code 1: no ?[2Jquotes"),
        (("sh", "-c", "kill -9 $$"), "was killed by signal 9"),
        (("echo", "hello"), "line 1 column 1: not JSON"),
        (("printf", "\\377"), "line 1: not UTF-8"),
        (("printf", "\\000"), "has a NUL byte"),
        (("printf", GOOD.replace("buy", "hold")), "line 1: side is 'hold'"),
        (("printf", "%s\\n", "{", "{", "{"), "(and 2 more problems)"),
        (("sh", "-c", f"yes '{GOOD}'"), "printed more than 1048576 bytes"),
    ],
)
def test_what_costs_it_its_proposals(argv: tuple[str, ...], words: str) -> None:
    assert words in failed(argv).message


def test_a_flood_on_stderr_neither_blocks_nor_fills_the_memory() -> None:
    program = f"import sys; sys.stderr.write('x' * 5_000_000); print('{GOOD}')"
    assert len(run_proposal_command(python(program), 30).proposals) == 1


def test_at_the_timeout_the_whole_group_is_killed(tmp_path: Path) -> None:
    # Both sleepers hold the writing end; its reader sees the end only when both of them are dead.
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    start = time.monotonic()
    problem = failed(("sh", "-c", f"exec 3>{tmp_path}/held; echo on >&3; sleep 60 & sleep 60"), timeout_seconds=0.5)
    assert problem.message == "proposal command 'sh' did not end within 0.5 seconds"
    os.set_blocking(held, True)
    assert os.read(held, 100) == b"on\n"
    assert os.read(held, 100) == b""
    assert time.monotonic() - start < 10
    os.close(held)


@pytest.mark.parametrize(
    "program", ["exec 3>{held}; echo on >&3; sleep 60 & sleep 60", "exec 3>{held} >&- 2>&-; echo on >&3; sleep 60"]
)
def test_a_run_that_has_to_end_does_not_wait_for_it_and_leaves_nothing_behind(tmp_path: Path, program: str) -> None:
    os.mkfifo(tmp_path / "held")
    held = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    looks = iter([False, False, False])
    result = run_proposal_command(
        ("sh", "-c", program.format(held=tmp_path / "held")), 60, must_stop=lambda: next(looks, True)
    )
    assert result.proposals == ()
    assert result.problem is not None
    assert result.problem.message == "proposal command 'sh' was ended: the run was asked to end"
    os.set_blocking(held, True)
    assert os.read(held, 100) == b"on\n"
    assert os.read(held, 100) == b"", "a sleeper still holds the other end"
    os.close(held)
