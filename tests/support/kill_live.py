"""Live accounts on the local exchange server, whose runs are to be killed: one that buys, one that sells, one purge."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from kill_homes import Case, Run, carry_out, proposals
from kill_table import Scenario
from kill_world import Habits, World, world_of
from live_home import LiveHome
from rig import Rig

POLICY: Final[Mapping[str, Mapping[str, Any]]] = {
    "rules": {"enabled": False},
    "exchange": {"timeout_ms": 30_000},
    "execution": {"poll_ms": 1000, **{f"ttl_tier{n}_seconds": 2 for n in (1, 2, 3)}},
}
BUSY_MARKET: Final[Habits] = {
    "ETH": ((500, "move", "2500.40", "2500.50"),),  # away from a purchase, which follows
    "SOL": ((300, "fill", "0.4"), (1300, "fill", "1")),
    "DOGE": ((700, "fill", "0.3"),),  # the rest waits in vain
}


def _home(folder: Path, name: str, exchange: str, **changes: Mapping[str, Any]) -> tuple[Path, str]:
    """A new home whose exchange lies beside it, and the currency there."""
    with Rig(exchange, folder) as rig:
        rig.engine.touches[rig.symbol("ETH")].bid_amount = Decimal("0.7")
        place = folder / name
        place.mkdir()
        home = LiveHome(rig, place, **{**POLICY, **changes}).home
        World.of(rig, BUSY_MARKET).save(world_of(home))
        return home, rig.quote


def buying(folder: Path, exchange: str = "binance") -> Scenario:
    """The first cycle of an account: two purchases, of which one follows the market and one fills in parts."""
    home, quote = _home(folder, f"buying-{exchange}", exchange)
    wishes = proposals(
        folder / f"buying-{exchange}.json",
        {"id": "a", "symbol": f"ETH/{quote}", "side": "buy", "notional": "60"},
        {"id": "b", "symbol": f"SOL/{quote}", "side": "buy", "notional": "60"},
    )
    return Scenario(f"{exchange}: a cycle that buys", home, ("cycle", "--json", "--proposals", str(wishes)), live=True)


def selling(folder: Path, exchange: str = "binance") -> Scenario:
    """A cycle in which stop losses take what is bid for, while a purchase rests and is canceled."""
    stop = {"exits": {"stop_loss_pct": "0.0001"}}
    home, quote = _home(folder, f"selling-{exchange}", exchange, **stop)
    carry_out([Case(home, home, [Run(("reconcile-fills", "--json")), Run(("cycle", "--dry-run"))])])
    wishes = proposals(
        folder / f"selling-{exchange}.json",
        {"id": "d", "symbol": f"BTC/{quote}", "side": "buy", "notional": "60"},
    )
    return Scenario(f"{exchange}: a cycle that sells", home, ("cycle", "--json", "--proposals", str(wishes)), live=True)


def purging(folder: Path, exchange: str = "binance") -> Scenario:
    """A purge of two assets, as a maker."""
    home, _ = _home(folder, f"purging-{exchange}", exchange, purge={"max_attempts": 2})
    carry_out([Case(home, home, [Run(("cycle", "--json"))])])
    return Scenario(f"{exchange}: a purge", home, ("purge", "SOL", "DOGE", "--ttl", "2", "--json"), live=True)
