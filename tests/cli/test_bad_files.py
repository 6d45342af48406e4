"""Damage to the account's own files: every command refuses, names the file, changes nothing and never starts afresh."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from command_line import CommandLine, bare, contents, sell

Damage = Callable[[Path], object]


def flip(path: Path, at: float) -> None:
    """One bit of a file."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def last_line(path: Path) -> bytes:
    return path.read_bytes().splitlines(keepends=True)[-1]


def without_line(path: Path, number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:number] + lines[number + 1 :]))


def newer(path: Path) -> None:
    """A state of the next version, whole and with a right checksum."""
    covered = path.read_bytes()[len('{"checksum":"') + 64 + 2 :].replace(b'"schema_version":1', b'"schema_version":2')
    path.write_bytes(b'{"checksum":"' + hashlib.sha256(covered).hexdigest().encode() + b'",' + covered)


def elsewhere(path: Path) -> None:
    """The file is a link to itself under another name."""
    other = path.with_name("other")
    path.rename(other)
    path.symlink_to(other)


STATE: Final = "state.json"
JOURNAL: Final = "journal/000001.jsonl"

DAMAGES: Final[dict[str, tuple[Damage, str, str]]] = {
    "state empty": (lambda f: (f / STATE).write_bytes(b""), "state_damaged", STATE),
    "state cut at the start": (lambda f: os.truncate(f / STATE, 10), "state_damaged", STATE),
    "state cut in the middle": (lambda f: os.truncate(f / STATE, 700), "state_damaged", STATE),
    "state cut by one": (lambda f: os.truncate(f / STATE, (f / STATE).stat().st_size - 1), "state_damaged", STATE),
    "bit in the checksum": (lambda f: flip(f / STATE, 0.005), "state_damaged", STATE),
    "bit in the state": (lambda f: flip(f / STATE, 0.7), "state_damaged", STATE),
    "NULs after the state": (lambda f: append(f / STATE, b"\0" * 512), "state_damaged", STATE),
    "state of NULs": (lambda f: (f / STATE).write_bytes(b"\0" * 4096), "state_damaged", STATE),
    "state is JSON": (lambda f: (f / STATE).write_bytes(b"{}"), "state_damaged", STATE),
    "state newer": (lambda f: newer(f / STATE), "state_newer", STATE),
    "state gone": (lambda f: (f / STATE).unlink(), "state_missing", STATE),
    "state a link": (lambda f: elsewhere(f / STATE), "disk_error", STATE),
    "journal empty": (lambda f: (f / JOURNAL).write_bytes(b""), "journal_shorter journal_damaged", JOURNAL),
    "journal gone": (lambda f: (f / JOURNAL).unlink(), "journal_missing", JOURNAL),
    "journal cut": (lambda f: os.truncate(f / JOURNAL, (f / JOURNAL).stat().st_size - 200), "journal_shorter", JOURNAL),
    "bit in the last record": (lambda f: flip(f / JOURNAL, 0.9999), "journal_damaged", JOURNAL),
    "record twice": (lambda f: append(f / JOURNAL, last_line(f / JOURNAL)), "journal_damaged", JOURNAL),
}

# What only the state's own place in the journal doesn't see: a look at every byte does.
DEEP: Final[dict[str, tuple[Damage, str, str]]] = {
    "bit in the middle": (lambda f: flip(f / JOURNAL, 0.5), "journal_damaged", JOURNAL),
    "record missing": (lambda f: without_line(f / JOURNAL, 2), "journal_damaged", JOURNAL),
}


@pytest.fixture
def account(tradekit: CommandLine) -> CommandLine:
    """An account that has traded."""
    for number in range(2):
        assert tradekit(f"cycle --proposals {tradekit.proposals(sell(f's{number}'))}").code == 0
    return tradekit


def check(tradekit: CommandLine, commands: tuple[str, ...], problem: str, file: str) -> None:
    before = contents(tradekit.home)
    way_out = "install that version again" if problem == "state_newer" else "tradekit state"
    for command in commands:
        ran = tradekit(command)
        assert (ran.code, ran.out, ran.problems) == (12, "", ran.problems[:1]), command
        assert ran.problems[0] in problem.split(), command
        assert (file in ran.err and ran.err.count("\n") == 1 and way_out in ran.err) or problem == "disk_error"
        assert "Traceback" not in ran.err and ran.err.strip().isprintable()
        assert tradekit(f"{command} --json").problems == ran.problems
        assert contents(tradekit.home) == before, command


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_refused_by_every_command(account: CommandLine, damage: str) -> None:
    hurt, problem, file = DAMAGES[damage]
    hurt(account.folder)
    check(account, ("cycle", "cycle --dry-run", "status", "state verify"), problem, file)


@pytest.mark.parametrize("damage", DEEP)
def test_damage_in_the_past_is_found_by_verify(account: CommandLine, damage: str) -> None:
    hurt, problem, file = DEEP[damage]
    hurt(account.folder)
    before = contents(account.home)
    ran = account("state verify")
    assert (ran.code, ran.out) == (12, "") and file in ran.err
    assert ran.problems[0] in (problem, "journal_shorter")
    assert contents(account.home) == before


def test_a_torn_last_record_is_cut_and_the_run_goes_on(account: CommandLine) -> None:
    path = account.folder / JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines(keepends=True)[-1][:37])
    verified = account("state verify --json")
    assert (verified.code, verified.data["unfinished_bytes"]) == (0, 37)
    assert path.read_bytes() != whole, "a reader cuts nothing"
    assert account("cycle").code == 0
    assert path.read_bytes().startswith(whole)
    assert account("state verify --json").data["unfinished_bytes"] == 0


def test_a_state_of_another_account_is_refused(account: CommandLine) -> None:
    account.folder.parent.rename(account.home / "other")
    account.policy('[account]\nname = "other"\n')
    before = contents(account.home)
    for command in ("cycle", "cycle --dry-run", "status", "state verify"):
        ran = account(command)
        assert (ran.code, ran.problems) == (12, ["state_of_other_account"])
    assert "belongs to main (paper) on paper in USDT, not to other" in ran.err
    assert contents(account.home) == before


@pytest.mark.parametrize("damage", [b"", b"not a database at all", None])
def test_a_damaged_paper_ledger_is_refused(account: CommandLine, damage: bytes | None) -> None:
    path = account.folder / "paper.sqlite3"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    before = contents(account.home)
    ran = account("cycle")
    assert ran.code == 12
    assert ran.problems == ["paper_ledger_missing" if damage is None else "paper_ledger_damaged"]
    assert "paper.sqlite3" in ran.err
    assert contents(account.home) == before


@pytest.mark.parametrize("mode", [0o755, 0o777, 0o710])
def test_a_folder_that_others_may_enter_is_refused(account: CommandLine, mode: int) -> None:
    account.folder.chmod(mode)
    ran = account("cycle")
    assert (ran.code, ran.problems) == (12, ["home_insecure"])
    assert "chmod 700" in ran.err
    account.folder.chmod(0o700)
    assert account("cycle").code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_refused(account: CommandLine) -> None:
    os.chown(account.folder, 12345, 12345)
    before = contents(account.home)
    assert account("cycle").problems == ["home_not_ours"]
    assert contents(account.home) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(account: CommandLine) -> None:
    account.folder.chmod(0o500)
    try:
        ran = account(f"cycle --proposals {account.proposals(sell('s9'))}")
        assert (ran.code, ran.problems) == (12, ["home_unwritable"])
    finally:
        account.folder.chmod(0o700)


@pytest.mark.parametrize("limit", [0, 6000, 47_000])
def test_a_disk_that_takes_nothing_more_ends_the_run_before_a_send(account: CommandLine, limit: int) -> None:
    """The kernel refuses to let any file grow beyond the limit."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2);"
        "from tradekit.cli.main import run; sys.exit(run(sys.argv[2:]))"
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    line = ["cycle", "--proposals", str(account.proposals(sell("s9")))]
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, str(limit), *line],  # -B: a cut .pyc would outlive the test
        env=bare(account.home),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 12, done
    assert "Traceback" not in done.stderr and done.stderr.startswith("tradekit: ")
    after = account(f"cycle --json --proposals {account.home.parent / 'ideas.json'}")
    assert (after.code, after.data["differences"]) == (0, [])
    assert account("state verify").code == 0
