"""`tradekit init`: makes the home and writes a commented policy into it. Asks nothing, overwrites nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradekit.cli.options import AsJson, DryRun, Home, Quiet

if TYPE_CHECKING:
    from tradekit.domain.policy.sections import Policy

Values = Annotated[
    str | None,
    typer.Option("--policy", metavar="FILE", help="Policy to take the values from.", show_default=False),
]
Exchange = Annotated[
    str | None,
    typer.Option("--exchange", metavar="ID", help="Write a live policy for this exchange.", show_default=False),
]
Quote = Annotated[
    str | None,
    typer.Option("--quote", metavar="ASSET", help="What is bought with; by default USD or USDT.", show_default=False),
]
_IN_DOLLARS: Final = ("bitstamp", "coinbase", "cryptocom", "kraken")


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="init")(init)


def init(
    home: Home = None,
    policy: Values = None,
    exchange: Exchange = None,
    quote: Quote = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Write a commented policy.toml with every key into the home, if there is none yet. Without --exchange for paper.

    Example: tradekit init --exchange coinbase
    """
    import os

    from tradekit.adapters.home import home_directory
    from tradekit.adapters.policy_file import parse_policy
    from tradekit.adapters.policy_text import render_policy
    from tradekit.adapters.store.account_store import open_folder
    from tradekit.adapters.store.disk import RealDisk
    from tradekit.adapters.store.disk_errors import disk_errors
    from tradekit.cli.output import Result, emit
    from tradekit.domain.errors import ExitCode

    folder = home_directory(home, os.environ)
    path = folder / "policy.toml"
    if exchange is None and quote is not None:
        raise typer.BadParameter("paper markets are in USDT", param_hint="--quote")
    values, steps = _paper(policy) if exchange is None else _live(policy, exchange, quote, folder)
    text = render_policy(values)
    assert parse_policy(text, str(path)) == values
    with disk_errors(folder):
        fresh = RealDisk().size(path) is None
        if fresh and not dry_run:
            open_folder(RealDisk(), folder)
            RealDisk().replace(path, text.encode())
    verb = "Would write" if dry_run else "Wrote"
    done = f"{verb} {path}" if fresh else f"{path} is there already; nothing was changed."
    data = {"policy": str(path), "written": fresh and not dry_run}
    result = Result("init", ExitCode.DONE, data, shown=(done, *steps), brief=done if fresh else "")
    return emit(result, as_json=as_json, quiet=quiet)


def _paper(policy: str | None) -> tuple[Policy, tuple[str, ...]]:
    from tradekit.adapters.policy_file import load_policy

    return load_policy(None if policy is None else Path(policy)).policy, (
        "Next: 1. read and change policy.toml, then `tradekit policy check`",
        "      2. `tradekit cycle --dry-run`, then `tradekit cycle`",
        "      3. put `tradekit cycle --quiet` into cron, and look at `tradekit status`",
    )


def _live(policy: str | None, id: str, quote: str | None, folder: Path) -> tuple[Policy, tuple[str, ...]]:
    """A policy for real money: nothing is proposed and nothing sold by itself until its owner says so."""
    from tradekit.adapters.policy_file import change_policy, load_policy
    from tradekit.domain.numbers import plain
    from tradekit.domain.policy.check import show_value

    loaded = load_policy(None if policy is None else Path(policy))
    key_file = folder / "key.toml"
    weak = _weaknesses(id)
    changes = {
        "account.mode": "live",
        "account.quote": show_value(quote or ("USD" if id in _IN_DOLLARS else "USDT")),
        "exchange.id": id,
        "exchange.key_file": show_value(str(key_file)),
        "risk.max_total_at_risk_pct": plain(loaded.policy.risk.max_total_at_risk_pct),
    }
    note = f"{id} can't promise everything. docs/live.md explains exchange.accepted_weaknesses: {', '.join(weak)}"
    return change_policy(loaded, list(changes.items())), (
        *([note] if weak else []),
        f'Next: 1. write key = "..." and secret = "..." of a key that may only trade into {key_file}, and chmod 600 it',
        "      2. read policy.toml, then `tradekit doctor`",
        "      3. `tradekit cycle --dry-run`, then `tradekit cycle`; put `tradekit cycle --quiet` into cron",
    )


def _weaknesses(id: str) -> list[str]:
    """What the exchange can't promise. Raises `BadInput` for one that ccxt doesn't have."""
    from tradekit.adapters.exchange.venues import KNOWN, venue_of

    if id in KNOWN:
        return sorted(venue_of(id, None).weak)
    from tradekit.adapters.exchange.loading import exchange_class

    return sorted(venue_of(id, exchange_class(id)()).weak)
