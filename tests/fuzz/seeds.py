"""Good files to begin with: those of a real account, and those of the docs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from command_line import run_in
from fills_files import line
from tradekit.adapters.policy_file import BUILT_IN_POLICY
from tradekit.adapters.store.snapshot import _COVERED_FROM

ROOT: Final = Path(__file__).parents[2]
FEES: Final = '{"cost": 0.1, "currency": "USD"}'


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Files that the target reads, or nearly."""
    return _made()[target]


@cache
def _made() -> dict[str, tuple[bytes, ...]]:
    ideas = (ROOT / "docs" / "examples" / "first-day.json").read_bytes()
    with TemporaryDirectory() as folder:
        home, look = Path(folder) / "home", Path(folder) / "look.json"
        run_in(home, "cycle", "--proposals", str(ROOT / "docs" / "examples" / "first-day.json"))
        run_in(home, "status", "--save", str(look))
        account = home / "main" / "paper"
        state = (account / "state.json").read_bytes()
        lines = (account / "journal" / "000001.jsonl").read_bytes().splitlines(keepends=True)
        saved = look.read_bytes()
    policies = tuple(path.read_bytes() for path in sorted((ROOT / "policies").glob("*.toml")))
    trades = "\n".join([line(1), line(2, fee=..., fees=[]), line(3, fee=0.5)])
    return {
        "policy": (b'[account]\nname = "a"\n[risk]\nmax_asset_pct = 5\n', *policies, BUILT_IN_POLICY.encode()),
        "proposals": (ideas, b'{"id": "a", "symbol": "A/B", "side": "buy", "notional": "1", "expires": 1723161600000}'),
        "fills": (trades.encode(), line().encode()),
        "snapshot": (saved,),
        "state": (state[_COVERED_FROM:],),
        "journal": tuple(lines[1:]),
    }
