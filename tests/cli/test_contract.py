"""What scripts rely on: options, help, the JSON document, exit codes, and what goes to stdout and stderr."""

from __future__ import annotations

import fcntl
import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from command_line import CommandLine, buy, marks, sell
from commands import COMMANDS, called
from tradekit.adapters.paper.exchange import PaperExchange
from tradekit.cli.output import STATUS
from tradekit.domain.errors import ExitCode, Problem, Unreachable
from tradekit.domain.market import Snapshot
from tradekit.flows import status as status_flow

READERS: Final = [name for name, options in COMMANDS.items() if "--dry-run" not in options]
KEYS: Final = {"schema", "command", "status", "exit_code", "data", "problems"}
CODES: Final = {
    0: "done",
    1: "bug",
    2: "bad_input",
    10: "refused",
    11: "partly_done",
    12: "needs_human",
    13: "unreachable",
    75: "busy",
}
REPOSITORY: Final = Path(__file__).parents[2]


def listed(text: str) -> list[str]:
    """The command names in a help text."""
    _, _, below = text.partition("\nCommands:\n")
    return [line.split()[0] for line in below.splitlines() if line.startswith("  ") and line[2] != " "]


def sections(text: str) -> set[str]:
    return {word for line in text.splitlines() if line.startswith("  --") for word in line.split()[:1]}


def check_document(tradekit: CommandLine, command: str, code: int) -> None:
    ran = tradekit(f"{called(command)} --json")
    assert ran.out.count("\n") == 1 and ran.out.endswith("\n")
    assert set(ran.document) == KEYS
    assert ran.document["schema"] == 1
    assert ran.document["command"].split() == command.split()
    assert ran.document["exit_code"] == ran.code == code
    assert ran.document["status"] == CODES[code]
    for problem in ran.document["problems"]:
        assert set(problem) == {"code", "message", "fix"}
        assert problem["code"] and problem["message"]
    assert ran.err == ""
    if command != "policy schema":  # its bounds are JSON numbers, as JSON Schema wants them
        assert not any(type(leaf) is float for leaf in _leaves(ran.document))


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value]


def test_the_table_holds_every_command(tradekit: CommandLine) -> None:
    found = []
    for name in listed(tradekit("--help").out):
        below = listed(tradekit(f"{name} --help").out)
        found += [f"{name} {sub}" for sub in below] or [name]
    assert sorted(found) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(tradekit: CommandLine, command: str) -> None:
    ran = tradekit(f"{command} --help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: tradekit {command}")
    assert sections(ran.out) == COMMANDS[command]
    assert all(len(line) <= 80 for line in ran.out.splitlines())


@pytest.mark.parametrize("command", COMMANDS)
def test_the_example_in_the_help_works(tradekit: CommandLine, command: str) -> None:
    tradekit("cycle --quiet")
    tradekit.proposals(buy("a1"))
    shutil.copytree(REPOSITORY / "policies", "policies")
    lines = [line.strip() for line in tradekit(f"{command} --help").out.splitlines()]
    (example,) = [line.removeprefix("Example: tradekit ") for line in lines if line.startswith("Example: ")]
    assert example.startswith(command)
    words, _, _ = example.partition(" > ")
    assert tradekit(words).code == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_one_document_on_an_account(tradekit: CommandLine, command: str) -> None:
    tradekit("cycle --quiet")
    check_document(tradekit, command, 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_one_document_without_an_account(tradekit: CommandLine, command: str) -> None:
    needs_one = command in ("status", "state verify", "state history", "state restore")
    check_document(tradekit, command, 12 if needs_one else 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_one_document_for_wrong_options_and_policies(tradekit: CommandLine, command: str) -> None:
    ran = tradekit(f"{command} --no-such-option --json")
    assert (ran.code, ran.problems, ran.document["data"]) == (2, ["usage"], None)
    assert f"`tradekit {command} --help`" in ran.document["problems"][0]["fix"]
    tradekit.policy("[risk]\nmax_asset_pc = 5\n")
    wrong = tradekit(f"{called(command)} --json")
    if command in ("init", "policy schema", "halt"):
        assert wrong.code == 0
    elif command == "doctor":  # a failed check, beside all others
        assert (wrong.code, wrong.problems) == (2, ["check_failed"])
    else:
        assert (wrong.code, wrong.problems) == (2, ["policy_unknown_key"])


@pytest.mark.parametrize("line", ["", "state", "policy", "nosuch", "--nosuch", "cycle extra", "cycle --wait nan"])
def test_wrong_command_lines_are_one_line_and_exit_2(tradekit: CommandLine, line: str) -> None:
    ran = tradekit(line)
    assert (ran.code, ran.out, ran.problems) == (2, "", ["usage"])
    assert ran.err.count("\n") == 1
    assert "--help`" in ran.err


def test_version(tradekit: CommandLine) -> None:
    ran = tradekit("--version")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("tradekit 0.")


def test_the_words_of_the_exit_codes() -> None:
    assert {int(code): word for code, word in STATUS.items()} == CODES
    assert {int(code) for code in ExitCode} == set(CODES)


def test_exit_10_when_everything_was_refused_or_halted(tradekit: CommandLine) -> None:
    ran = tradekit(f"cycle --proposals {tradekit.proposals(buy('a1', notional='5'))} --json")
    assert (ran.code, ran.document["status"]) == (10, "refused")
    (refused,) = ran.data["decisions"]
    assert (refused["type"], refused["code"], refused["rule"]) == (
        "refused",
        "below_min_notional",
        "risk.min_order_notional",
    )
    assert (refused["limit"], refused["actual"]) == ("15", "5")
    tradekit("halt")
    assert tradekit("cycle").code == 10


def test_exit_12_for_books_that_do_not_match(tradekit: CommandLine) -> None:
    tradekit("cycle")
    (tradekit.folder / "paper.sqlite3").unlink()
    assert tradekit("cycle").code == 12


def test_exit_13_when_the_exchange_is_silent(tradekit: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(exchange: PaperExchange, symbols: object) -> Snapshot:
        raise Unreachable(Problem("unreachable", "the exchange did not answer"))

    monkeypatch.setattr(PaperExchange, "snapshot", silent)
    check_document(tradekit, "cycle", 13)


def test_exit_1_names_the_place_of_a_bug_and_keeps_its_text_to_itself(
    tradekit: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("key \x1b[2J SECRET")

    tradekit("cycle")
    monkeypatch.setattr(status_flow, "status", broken)
    ran = tradekit("status")
    assert (ran.code, ran.out, ran.problems) == (1, "", ["bug"])
    assert ran.err.count("\n") == 1
    assert "RuntimeError at test_contract.py:" in ran.err
    assert "SECRET" not in ran.err and "Traceback" not in ran.err
    check_document(tradekit, "status", 1)
    monkeypatch.setenv("TRADEKIT_DEBUG", "1")
    with pytest.raises(RuntimeError):
        tradekit("status")


@pytest.mark.parametrize(("fault", "code"), [(KeyboardInterrupt, 11), (EOFError, 1), (BrokenPipeError, 0)])
def test_faults_that_python_or_typer_would_treat_in_a_way_of_their_own(
    tradekit: CommandLine, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException], code: int
) -> None:
    def broken(*_: object) -> None:
        raise fault

    tradekit("cycle")
    monkeypatch.setattr(status_flow, "status", broken)
    monkeypatch.setattr("tradekit.cli.main.silence", lambda stream: None)
    ran = tradekit("status")
    assert (ran.code, ran.out) == (code, "")
    assert "Traceback" not in ran.err


def test_exit_75_when_another_run_holds_the_lock(tradekit: CommandLine) -> None:
    tradekit("cycle")
    with open(tradekit.folder / "state.lock", "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        check_document(tradekit, "cycle", 75)
        check_document(tradekit, "state restore", 75)
        for command in (*READERS, "halt", "resume", "init"):
            assert tradekit(command).code == 0
        assert tradekit("cycle --dry-run").code == 0
    assert tradekit("cycle").code == 0


@pytest.mark.parametrize("command", READERS)
def test_readers_change_no_byte(tradekit: CommandLine, command: str) -> None:
    tradekit("cycle")
    before = marks(tradekit.home)
    assert tradekit(command).code == 0
    assert marks(tradekit.home) == before
    other = tradekit.beside("other")
    other(command)
    assert not other.home.exists()


def test_results_go_to_stdout_and_problems_to_stderr(tradekit: CommandLine) -> None:
    tradekit.policy('[proposals]\ncommand = ["false"]\n')
    ran = tradekit("cycle")
    assert ran.code == 11
    assert ran.out.startswith("Cycle 1 at ")
    assert ran.err.startswith("tradekit: proposal_command_failed: ") and ran.err.count("\n") == 1
    quiet = tradekit("cycle --quiet")
    assert (quiet.out, quiet.problems) == ("", ["proposal_command_failed"])


def test_quiet_is_silent_until_something_was_done(tradekit: CommandLine) -> None:
    for command in COMMANDS:
        if command not in (
            "halt",
            "resume",
            "init",
            "state restore",
            "policy show",
            "policy schema",
            "doctor",
            "purge",
        ):
            tradekit("cycle")
            assert tradekit(f"{called(command)} --quiet")[1:] == ("", "")
    assert tradekit("resume --quiet").out == ""
    for doing in ("halt", "resume", "init", "state restore"):
        ran = tradekit(f"{doing} --quiet")
        assert ran.out.count("\n") == 1 and ran.err == ""
    assert tradekit("init --quiet").out == ""
    for command in (called("purge"), "purge ZK"):
        ran = tradekit(f"{command} --quiet")
        assert ran.out.startswith("purge: ") and ran.out.count("\n") == 1 and ran.err == ""
    ran = tradekit(f"cycle --quiet --proposals {tradekit.proposals(buy('a1'), sell('s1'))}")
    assert ran.out.count("\n") == 1 and ran.err == ""
    assert "buy ETH/USDT" in ran.out and "sell ZK/USDT" in ran.out


def test_dry_runs_say_what_would_be_done_and_change_nothing(tradekit: CommandLine) -> None:
    tradekit("cycle")
    for command, word in (("halt", "Would halt"), ("init", "Would write"), ("state restore", "The state is whole")):
        before = marks(tradekit.home)
        ran = tradekit(f"{command} --dry-run")
        assert ran.code == 0 and ran.out.startswith(word)
        assert marks(tradekit.home) == before
    tradekit("halt")
    before = marks(tradekit.home)
    assert tradekit("resume --dry-run").out.startswith("Would resume")
    assert json.loads(tradekit("resume --dry-run --json").out)["data"]["resumed"] == [str(tradekit.folder)]
    assert marks(tradekit.home) == before
