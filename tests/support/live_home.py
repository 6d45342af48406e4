"""A live account against one of the local servers: a home with policy and key file, and the real program in it."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

from command_line import SRC, Ran, python
from rig import Rig
from tradekit.adapters.exchange.credentials import Credentials, Secret
from tradekit.cli.live_desk import MachineTime, live_desk
from tradekit.cli.main import run
from tradekit.cli.signals import StopFlag
from tradekit.cli.watchers import Silent
from tradekit.cli.wiring import find_account, writing_store
from tradekit.domain.policy.check import show_value
from tradekit.domain.state import State
from tradekit.steps.desk import Desk

Raw = Mapping[str, Mapping[str, Any]]
EASY: Final[Raw] = {
    "account": {"mode": "live", "managed": ["ETH", "SOL", "DOGE"]},
    "universe": {f"tier{n}_min_{what}_notional": 0 for n in (1, 2, 3) for what in ("volume", "depth")},
    "risk": {
        "max_total_at_risk_pct": 100,
        "max_asset_pct": 100,
        "max_tier1_pct": 100,
        "max_tier2_pct": 100,
        "max_tier3_pct": 100,
        "quote_reserve_pct": 0,
        "max_theme_pct": {},
        "max_external_sales_pct": 0,
        "max_new_positions_per_cycle": 5,
        "max_trades_per_hour": 10_000,
        "max_trades_per_day": 10_000,
        "min_seconds_between_trades": 0,
        "min_seconds_between_symbol_trades": 0,
    },
    "guards": {"max_api_errors": 0, "max_price_jump_pct": 0},
    "cooldowns": {f"after_{what}_minutes": 0 for what in ("win", "loss", "stop")} | {"after_failure_seconds": 0},
    "losses": {f"max_{what}_pct": 0 for what in ("daily_loss", "weekly_loss", "drawdown")} | {"streak": 0},
    "execution": {f"ttl_tier{n}_seconds": 1 for n in (1, 2, 3)} | {"poll_ms": 200},
}
"""Caps wide open, so that orders flow and only the wire can stop them."""


class LiveHome:
    """`live(command)` runs the real program here, `live.apart` in a process of its own; `desk()` is a run on the rig's
    time.
    """

    def __init__(self, rig: Rig, folder: Path, **changes: Mapping[str, Any]) -> None:
        self.rig = rig
        self.home = folder / "home"
        self.home.mkdir(mode=0o700, exist_ok=True)
        self.key_file = self.home / "key.toml"
        self.key_file.touch(mode=0o600)
        self.key_file.write_text(f'key = "{rig.key}"\nsecret = """{rig.secret}"""\n')
        self.policy(**changes)

    def policy(self, **changes: Mapping[str, Any]) -> None:
        """Writes the policy: everything easy, with these changes section by section; None leaves a key out."""
        reach = {"id": self.rig.name, "sandbox": True, "base_url": self.rig.server.url, "timeout_ms": 2000}
        raw: dict[str, dict[str, Any]] = {name: dict(keys) for name, keys in EASY.items()}
        raw["exchange"] = {**reach, "key_file": str(self.key_file)}
        raw["account"]["quote"] = self.rig.quote
        for name, keys in changes.items():
            raw[name] = {k: v for k, v in {**raw.get(name, {}), **keys}.items() if v is not None}
        text = "\n".join(
            f"[{name}]\n" + "\n".join(f"{key} = {show_value(value)}" for key, value in keys.items())
            for name, keys in raw.items()
        )
        (self.home / "policy.toml").write_text(text)

    def __call__(self, command: str, **environment: str) -> Ran:
        """Runs it in this process, in an environment that holds nothing but what is given here."""
        self.full_budget()
        out, err = io.StringIO(), io.StringIO()
        given = {"TRADEKIT_HOME": str(self.home), "PATH": os.defpath} | environment
        with patch.dict(os.environ, given, clear=True), redirect_stdout(out), redirect_stderr(err):
            code = run(shlex.split(command))
        return Ran(int(code), out.getvalue(), err.getvalue())

    def apart(self, command: str, **environment: str) -> Ran:
        """Runs it as cron would, in a process of its own."""
        self.full_budget()
        done = subprocess.run(
            python(*shlex.split(command)),
            env={"PYTHONPATH": str(SRC), "TRADEKIT_HOME": str(self.home), "PATH": os.defpath} | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.home.parent,
            timeout=300,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def proposals(self, *items: Mapping[str, object]) -> str:
        """Writes a proposals file and names the option that reads it."""
        path = self.home.parent / "ideas.json"
        path.write_text(json.dumps(items))
        return f"--proposals {path}"

    def full_budget(self) -> None:
        """As after a quiet minute."""
        for path in (self.home / "exchange_cache").glob("requests-*"):
            ledger = json.loads(path.read_text())
            path.write_text(json.dumps({**ledger, "units": 10**7}))

    @contextmanager
    def desk(self, sleep: Any = None, shift: int = 0) -> Iterator[Desk]:
        """One run on the rig's own time, through the same wiring as the program's; its clock is off by `shift`."""
        account = find_account(str(self.home), str(self.home / "policy.toml"))
        credentials = Credentials(Secret(self.rig.key), Secret(self.rig.secret))
        account = account.with_key(credentials.fingerprint)
        machine = MachineTime(lambda: self.rig.time.now() + shift, sleep or self.rig.time.sleep)
        with (
            writing_store(account, 0) as store,
            live_desk(account, credentials, store, store, Silent(), StopFlag(), dry_run=False, machine=machine) as desk,
        ):
            yield desk

    def requests(self, before: int = 0) -> list[str]:
        """The kinds of requests that the server has seen since then."""
        return [kind for kind, _ in self.rig.server.requests[before:]]

    def sent_twice(self) -> dict[str, int]:
        """Client ids that the exchange has taken more than once."""
        return {id: count for id, count in self.rig.engine.accepted.items() if count != 1}


def books_of(state: State) -> dict[str, Decimal]:
    """What the books say that the exchange holds, by asset."""
    totals = {asset: state.books.total(asset) for asset in state.books.tallies}
    return {asset: amount for asset, amount in totals.items() if amount}


def wish(rig: Rig, random: Random, number: int) -> dict[str, object]:
    """A proposal out of the blue."""
    side, base = random.choice(("buy", "sell")), random.choice(("ETH", "SOL"))
    size = str(random.randint(10, 60)) if side == "buy" else str(Decimal(random.randint(10, 90)) / 1000)
    word = "notional" if side == "buy" else "amount"
    return {"id": f"w{number}", "symbol": rig.symbol(base), "side": side, word: size, "confidence": 0.9}
