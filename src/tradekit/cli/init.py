"""`tradekit init`: makes the home and writes a commented policy into it. Asks nothing, overwrites nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from tradekit.cli.options import AsJson, DryRun, Home, Quiet

Values = Annotated[
    str | None,
    typer.Option("--policy", metavar="FILE", help="Policy to take the values from.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="init")(init)


def init(
    home: Home = None,
    policy: Values = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Write a commented policy.toml with every key into the home, if there is none yet.

    Example: tradekit init
    """
    import os
    from pathlib import Path

    from tradekit.adapters.home import home_directory
    from tradekit.adapters.policy_file import load_policy
    from tradekit.adapters.policy_text import render_policy
    from tradekit.adapters.store.account_store import disk_errors, open_folder
    from tradekit.adapters.store.disk import RealDisk
    from tradekit.cli.output import Result, emit
    from tradekit.domain.errors import ExitCode

    folder = home_directory(home, os.environ)
    path = folder / "policy.toml"
    values = load_policy(None if policy is None else Path(policy)).policy
    with disk_errors(folder):
        fresh = RealDisk().size(path) is None
        if fresh and not dry_run:
            open_folder(RealDisk(), folder)
            RealDisk().replace(path, render_policy(values).encode())
    verb = "Would write" if dry_run else "Wrote"
    text = f"{verb} {path}" if fresh else f"{path} is there already; nothing was changed."
    steps = (
        "Next: 1. read and change policy.toml, then `tradekit policy check`",
        "      2. `tradekit cycle --dry-run`, then `tradekit cycle`",
        "      3. put `tradekit cycle --quiet` into cron, and look at `tradekit status`",
    )
    data = {"policy": str(path), "written": fresh and not dry_run}
    result = Result("init", ExitCode.DONE, data, shown=(text, *steps), brief=text if fresh else "")
    return emit(result, as_json=as_json, quiet=quiet)
