"""The options that every command shares, declared once."""

from __future__ import annotations

import math
from typing import Annotated

import typer


def _ordered(seconds: float | None) -> float | None:
    """Refuses `nan`, which passes every bound, and would wait for ever."""
    if seconds is not None and math.isnan(seconds):
        raise typer.BadParameter("nan is no number of seconds")
    return seconds


Home = Annotated[
    str | None,
    typer.Option("--home", metavar="DIR", help="Folder of all accounts (or TRADEKIT_HOME).", show_default=False),
]
PolicyFile = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="Policy to follow (or TRADEKIT_POLICY, or policy.toml in the home, or the built-in paper policy).",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print nothing when all is well, one line when something was done.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done; change and send nothing.")]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        max=3600,
        callback=_ordered,
        help="Wait for another run to end (65 on a terminal, else 0).",
        show_default=False,
    ),
]
