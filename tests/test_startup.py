"""What a command must not even import, because cron starts it once a minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from live_home import LiveHome
from rig import Rig

SRC: Final = Path(__file__).parents[1] / "src"

NETWORK: Final = ("ccxt", "requests", "urllib3", "aiohttp", "ssl", "http.client", "asyncio")
PAPER: Final = ("sqlite3", "tradekit.adapters.paper")
TRADING: Final = ("tradekit.steps", "tradekit.flows.cycle", "tradekit.decide.risk")
BULK: Final = ("msgspec",)
DRAWING: Final = ("pydantic", "rich", "markdown_it", "pygments")

# The command line, and what it must leave alone (a package stands for everything in it).
LEFT_ALONE: Final = {
    "status": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "status --json": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "risk-check": (*NETWORK, *BULK, *DRAWING),
    "cycle": (*NETWORK, *BULK, *DRAWING),
    "reconcile-fills": (*NETWORK, *BULK, *DRAWING),
    "rebuild-positions": (*NETWORK, *BULK, *DRAWING),
    "cycle --quiet": (*NETWORK, *BULK, *DRAWING),
    "policy check": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "policy show": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "halt": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "resume": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "state verify": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "init": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "init --exchange kraken": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
    "doctor": (*NETWORK, *BULK, *PAPER, *TRADING, *DRAWING),
}

_PROBE: Final = """
import json, sys
{first}
from tradekit.cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def imported(home: Path, arguments: str, first: str = "") -> tuple[int, list[str]]:
    """The exit code of a command line, run in a Python of its own, and all modules that were there at its end."""
    environment = {"PATH": os.defpath, "PYTHONPATH": str(SRC), "TRADEKIT_HOME": str(home)}
    command = [sys.executable, "-c", _PROBE.format(first=first), *arguments.split()]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=300
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, modules


def trespassers(modules: list[str], left_alone: tuple[str, ...]) -> list[str]:
    return [m for m in modules if any(m == name or m.startswith(name + ".") for name in left_alone)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an account in it."""
    folder = tmp_path_factory.mktemp("startup") / "home"
    assert imported(folder, "cycle")[0] == 0
    return folder


@pytest.mark.parametrize("arguments", LEFT_ALONE)
def test_a_command_imports_nothing_that_it_does_not_need(home: Path, arguments: str) -> None:
    code, modules = imported(home, arguments)
    assert code in (0, 10)
    assert "tradekit.cli.main" in modules
    assert trespassers(modules, LEFT_ALONE[arguments]) == []


@pytest.mark.parametrize("name", ["binance", "coinbase", "kraken"])
def test_a_live_run_imports_one_exchange_class(tmp_path: Path, name: str) -> None:
    with Rig(name, tmp_path, real_time=True) as rig:
        live = LiveHome(rig, tmp_path)
        code, modules = imported(live.home, "cycle")
        assert code == 0
        classes = [m for m in modules if m.startswith("ccxt.") and m.count(".") == 1]
        assert [m for m in classes if m not in ("ccxt.base", "ccxt.abstract", "ccxt.static_dependencies")] == [
            f"ccxt.{name}"
        ]
        assert trespassers(modules, ("asyncio", "aiohttp", *BULK, *DRAWING)) == []
        for reader in ("status", "policy check", "state history", "resume --dry-run"):
            code, modules = imported(live.home, reader)
            assert (code, trespassers(modules, (*NETWORK, *BULK, *DRAWING))) == (0, []), reader


def test_the_measure_sees_a_needless_import(home: Path) -> None:
    _, modules = imported(home, "status", first="import sqlite3.dbapi2, http.client")
    found = trespassers(modules, LEFT_ALONE["status"])
    assert {"sqlite3", "sqlite3.dbapi2", "http.client"} <= set(found)
    assert trespassers(["richer", "rich_not"], ("rich",)) == []
