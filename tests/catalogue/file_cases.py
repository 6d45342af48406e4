"""Rows 27 to 40: the account's own files. Damage is refused by every command, names the file, and is never mended."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cases import LiveStory, Refusal, Story
from command_line import CommandLine, bare, sell
from live_home import LiveHome

Damage = Callable[[Path], object]
STATE: Final = "state.json"
JOURNAL: Final = "journal/000001.jsonl"
COMMANDS: Final = ("cycle", "cycle --dry-run", "status", "state verify")
OTHERS: Final = ("purge ZK", "reconcile-fills", "risk-check", "dust-sweep")


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


def version(path: Path, number: str) -> None:
    """A state of another version, whole and with a right checksum."""
    covered = path.read_bytes()[len('{"checksum":"') + 64 + 2 :]
    sealed(path, covered.replace(b'"schema_version":1', f'"schema_version":{number}'.encode()))


def sealed(path: Path, covered: bytes) -> None:
    """A state file under a checksum that fits, whatever stands in it."""
    path.write_bytes(b'{"checksum":"' + hashlib.sha256(covered).hexdigest().encode() + b'",' + covered)


def folder_at(path: Path) -> None:
    path.unlink()
    path.mkdir()


def elsewhere(path: Path) -> None:
    """The file is a link to itself under another name."""
    other = path.with_name("other")
    path.rename(other)
    path.symlink_to(other)


SHALLOW: Final[list[tuple[int, str, Damage, str, str]]] = [
    (27, "state empty", lambda f: (f / STATE).write_bytes(b""), "state_damaged", STATE),
    (27, "journal empty", lambda f: (f / JOURNAL).write_bytes(b""), "journal_shorter journal_damaged", JOURNAL),
    (28, "state cut at the start", lambda f: os.truncate(f / STATE, 10), "state_damaged", STATE),
    (28, "state cut in the middle", lambda f: os.truncate(f / STATE, 700), "state_damaged", STATE),
    (28, "state cut by one", lambda f: os.truncate(f / STATE, (f / STATE).stat().st_size - 1), "state_damaged", STATE),
    (28, "journal cut", lambda f: os.truncate(f / JOURNAL, (f / JOURNAL).stat().st_size - 200), "journal_shorter", ""),
    (29, "bit in the checksum", lambda f: flip(f / STATE, 0.005), "state_damaged", STATE),
    (29, "bit in the state", lambda f: flip(f / STATE, 0.7), "state_damaged", STATE),
    (29, "bit in the last record", lambda f: flip(f / JOURNAL, 0.9999), "journal_damaged", JOURNAL),
    (30, "NULs after the state", lambda f: append(f / STATE, b"\0" * 512), "state_damaged", STATE),
    (30, "state of NULs", lambda f: (f / STATE).write_bytes(b"\0" * 4096), "state_damaged", STATE),
    (29, "state is JSON", lambda f: (f / STATE).write_bytes(b"{}"), "state_damaged", STATE),
    (29, "state is no JSON, and sealed", lambda f: sealed(f / STATE, b"nonsense"), "state_damaged", STATE),
    (29, "state is deep, and sealed", lambda f: sealed(f / STATE, b'"a":' + b"[" * 100_000), "state_damaged", STATE),
    (33, "state newer", lambda f: version(f / STATE, "2"), "state_newer", STATE),
    (34, "state older than any", lambda f: version(f / STATE, "0"), "state_newer", STATE),
    (34, "state of version true", lambda f: version(f / STATE, "true"), "state_newer", STATE),
    (36, "state gone", lambda f: (f / STATE).unlink(), "state_missing", STATE),
    (36, "journal gone", lambda f: (f / JOURNAL).unlink(), "journal_missing", JOURNAL),
    (10, "state a link", lambda f: elsewhere(f / STATE), "disk_error", STATE),
    (37, "record twice", lambda f: append(f / JOURNAL, last_line(f / JOURNAL)), "journal_damaged", JOURNAL),
    (9, "state a folder", lambda f: folder_at(f / STATE), "disk_error", "main/paper"),
]  # fmt: skip
# What the state's own place in the journal doesn't see: a look at every byte does.
DEEP: Final[list[tuple[int, str, Damage, str, str]]] = [
    (32, "bit in the middle", lambda f: flip(f / JOURNAL, 0.5), "journal_damaged", JOURNAL),
    (37, "record missing", lambda f: without_line(f / JOURNAL, 2), "journal_shorter journal_damaged", JOURNAL),
    (32, "header is deep", lambda f: append_front(f / JOURNAL, b"[" * 100_000 + b"\n"), "journal_damaged", JOURNAL),
]


def append_front(path: Path, data: bytes) -> None:
    path.write_bytes(data + path.read_bytes())


def _hurt(row: int, name: str, damage: Damage, problem: str, word: str, command: str) -> Refusal:
    def put(tradekit: CommandLine) -> str:
        damage(tradekit.folder)
        return command

    way_out = {"state_newer": "install that version again", "disk_error": ""}.get(problem, "tradekit state")
    return Refusal(row, f"{name}: {command}", put, problem, f"{word} & {way_out}", 12)


def _of_another(tradekit: CommandLine) -> str:
    tradekit.folder.parent.rename(tradekit.home / "other")
    tradekit.policy('[account]\nname = "other"\n')
    return "cycle"


def _ledger(data: bytes | None) -> Callable[[CommandLine], str]:
    def put(tradekit: CommandLine) -> str:
        path = tradekit.folder / "paper.sqlite3"
        path.unlink() if data is None else path.write_bytes(data)
        return "cycle"

    return put


def _mode(bits: int) -> Callable[[CommandLine], str]:
    def put(tradekit: CommandLine) -> str:
        tradekit.folder.chmod(bits)
        return "cycle"

    return put


def _owner(tradekit: CommandLine) -> str:
    os.chown(tradekit.folder, 12345, 12345)
    return "cycle"


def _torn(tradekit: CommandLine) -> None:
    path = tradekit.folder / JOURNAL
    whole = path.read_bytes()
    append(path, last_line(path)[:37])
    verified = tradekit("state verify --json")
    assert (verified.code, verified.data["unfinished_bytes"]) == (0, 37)
    assert path.read_bytes() != whole, "a reader cuts nothing"
    assert tradekit("cycle").code == 0
    assert path.read_bytes().startswith(whole)
    assert tradekit("state verify --json").data["unfinished_bytes"] == 0


def _no_room(limit: int) -> Callable[[CommandLine], None]:
    def tell(tradekit: CommandLine) -> None:
        """The kernel refuses to let any file grow beyond the limit."""
        code = (
            "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2);"
            "from tradekit.cli.main import run; sys.exit(run(sys.argv[2:]))"
        )
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
        line = ["cycle", "--proposals", str(tradekit.proposals(sell("s9")))]
        done = subprocess.run(
            [sys.executable, "-B", "-c", code, str(limit), *line],  # -B: a cut .pyc would outlive the test
            env=bare(tradekit.home),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 12, done
        assert "Traceback" not in done.stderr and done.stderr.startswith("tradekit: ")
        after = tradekit(f"cycle --json --proposals {tradekit.home.parent / 'ideas.json'}")
        assert (after.code, after.data["differences"]) == (0, [])
        assert tradekit("state verify").code == 0

    return tell


def _old_backup(live: LiveHome) -> None:
    """The account's folder of before the order comes back; the exchange has gone on, and the order was filled."""
    backup = live.home.parent / "backup"
    shutil.copytree(live.home / "main", backup)
    ideas = live.proposals({"id": "a", "symbol": live.rig.symbol(), "side": "buy", "notional": "30"})
    live(f"cycle {ideas}")
    (order,) = live.rig.engine.orders
    order.status = "open"
    live.rig.engine.fill(order)
    shutil.rmtree(live.home / "main")
    shutil.copytree(backup, live.home / "main")
    ran = live(f"cycle --json {ideas}")
    assert (ran.code, "held" in ran.problems) == (12, True), (
        "a trade of an order of ours that this journal doesn't know"
    )
    assert live.requests().count("create") == 1


def _locked(tradekit: CommandLine) -> None:
    with open(tradekit.folder / "state.lock", "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for command in ("cycle", "purge ZK", "dust-sweep", "reconcile-fills", "state restore"):
            assert (tradekit(command).code, tradekit(f"{command} --json").problems) == (75, ["busy"])
    (tradekit.folder / "state.lock").write_text("no process\n")
    assert tradekit("cycle --json").code == 0, "what stands in the lock file means nothing"


def _odd_names(tradekit: CommandLine) -> None:
    """Files that nobody of us wrote, with names that look nearly like ours."""
    tradekit("cycle")
    for name in ("state-\u00b2-1.json", "state--1.json", "state-1-.json", "state-x-y.json"):
        (tradekit.folder / "generations").joinpath(name).write_text(json.dumps(name))
    for name in ("\u00b2\u00b2\u00b2\u00b2\u00b2\u00b2.jsonl", "00001a.jsonl"):
        (tradekit.folder / "journal").joinpath(name).write_text("")
    for command in ("cycle", "state history", "state verify", "status"):
        assert tradekit(command).code == 0, command


CASES: Final[list[Refusal | Story | LiveStory]] = [
    *(_hurt(*damage, command) for damage in SHALLOW for command in COMMANDS),
    *(_hurt(*damage, OTHERS[number % len(OTHERS)]) for number, damage in enumerate(SHALLOW)),
    *(_hurt(*damage, "state verify") for damage in DEEP),
    Story(31, "a torn last line is cut, and the run goes on", _torn),
    Story(37, "names that look like ours", _odd_names),
    Refusal(35, "state of another account", _of_another, "state_of_other_account", "not to other", 12),
    Refusal(36, "paper ledger gone", _ledger(None), "paper_ledger_missing", "paper.sqlite3", 12),
    Refusal(27, "paper ledger empty", _ledger(b""), "paper_ledger_damaged", "paper.sqlite3", 12),
    Refusal(29, "paper ledger of nonsense", _ledger(b"not a database"), "paper_ledger_damaged", "paper.sqlite3", 12),
    *(
        Refusal(39, f"open to others {bits:o}", _mode(bits), "home_insecure", "chmod 700", 12)
        for bits in (0o755, 0o777, 0o710)
    ),
    *([Refusal(39, "of another user", _owner, "home_not_ours", "another user", 12)] if os.geteuid() == 0 else []),
    *(Story(38, f"no file grows beyond {limit}", _no_room(limit)) for limit in (0, 6000, 47_000)),
    Story(38, "the lock is held, or full of nonsense", _locked),
    LiveStory(40, "a backup of before the order", _old_backup),
]
