"""The command line as a test's own: a home, a word to run a command in it, and what it printed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import pytest

from tradekit.adapters.paper.world import LEDGER_NAME, PaperWorld
from tradekit.cli.main import run
from tradekit.cli.paper_desk import paper_setup
from tradekit.domain.policy.check import read_policy

SRC: Final = Path(__file__).parents[2] / "src"


class Ran(NamedTuple):
    """One command line that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Mapping[str, Any]:
        """The one JSON document on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def data(self) -> Any:
        """What the command says to programs."""
        return self.document["data"]

    @property
    def problems(self) -> list[str]:
        """The problem codes: of the document, or of the lines on stderr."""
        if self.out.startswith("{"):
            return [problem["code"] for problem in self.document["problems"]]
        return [line.split(": ")[1] for line in self.err.splitlines() if line.startswith("tradekit: ")]

    @property
    def log(self) -> list[Mapping[str, Any]]:
        """The JSON lines on stderr."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


class CommandLine:
    """`tradekit` in a home of its own. Commands are texts, split as a shell does, or lists of words."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    @property
    def folder(self) -> Path:
        """Where the paper account `main` lives."""
        return self.home / "main" / "paper"

    def beside(self, name: str) -> CommandLine:
        """The command line in another home."""
        return CommandLine(self.home.parent / name, self._capsys)

    def __call__(self, command: str | Sequence[str]) -> Ran:
        """Runs it in this process."""
        words = shlex.split(command) if isinstance(command, str) else list(command)
        os.environ["TRADEKIT_HOME"] = str(self.home)  # the fixture puts it back
        self._capsys.readouterr()
        code = run(words)
        return Ran(int(code), *self._capsys.readouterr())

    def apart(
        self,
        command: str,
        environment: Mapping[str, str] | None = None,
        *,
        stdin: bytes | int = subprocess.DEVNULL,
    ) -> Ran:
        """Runs it in a process of its own, in an environment that holds nothing but what is given here.

        `stdin` is what to read there, or a file descriptor.
        """
        with subprocess.Popen(
            python(*shlex.split(command)),
            stdin=stdin if isinstance(stdin, int) else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=bare(self.home) | dict(environment or {}),
            cwd=self.home.parent,
        ) as process:
            out, err = process.communicate(None if isinstance(stdin, int) else stdin, timeout=300)
        return Ran(process.returncode, out.decode(), err.decode())

    def deposit(self, asset: str, amount: str) -> None:
        """Money comes to the paper account from outside, or goes where it is negative, and nobody tells tradekit."""
        setup = paper_setup(read_policy({}, "test"))
        with PaperWorld(self.folder / LEDGER_NAME, setup, must_exist=True) as world:
            world.deposit(asset, Decimal(amount))

    def policy(self, text: str) -> Path:
        """Writes the home's policy."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.home / "policy.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def proposals(self, *items: Mapping[str, object] | str) -> Path:
        """Writes a proposals file beside the home."""
        path = self.home.parent / "ideas.json"
        path.write_text("\n".join(item if isinstance(item, str) else json.dumps(item) for item in items))
        return path


def run_in(home: Path, *words: str) -> int:
    """Runs a command in a home and throws away what it prints."""
    with (
        patch.dict(os.environ, {"TRADEKIT_HOME": str(home)}),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        return int(run(list(words)))


def python(*words: str) -> list[str]:
    """The words of a command line that starts tradekit in a new Python."""
    return [sys.executable, "-m", "tradekit", *words]


def bare(home: Path) -> dict[str, str]:
    """As little environment as a start of tradekit from the source tree needs."""
    return {"PYTHONPATH": str(SRC), "TRADEKIT_HOME": str(home), "PATH": os.defpath}


def buy(id: str, symbol: str = "ETH/USDT", notional: str = "30", **more: object) -> dict[str, object]:
    """An external proposal to buy."""
    return {"id": id, "symbol": symbol, "side": "buy", "notional": notional, **more}


def sell(id: str, symbol: str = "ZK/USDT", amount: str = "400", **more: object) -> dict[str, object]:
    """An external proposal to sell."""
    return {"id": id, "symbol": symbol, "side": "sell", "amount": amount, **more}


def contents(folder: Path) -> dict[str, str]:
    """Every file under a folder with its mode and a digest of its bytes; links by where they lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(folder))] = f"-> {path.readlink()}"
        elif path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path.relative_to(folder))] = f"{path.stat().st_mode:o} {digest}"
    return found


def marks(folder: Path) -> dict[str, object]:
    """The contents, and the times and sizes of every file and folder, the top one included."""
    paths = [folder, *sorted(folder.rglob("*"))] if folder.exists() else []
    times = {str(path): (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in paths}
    return {**times, **contents(folder)} if paths else {}
