"""The options that every command shares, declared once."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Final

import typer

_WHOLE: Final = re.compile("[0-9]{1,9}", re.ASCII)
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_LONGEST_WAIT: Final = 3600


def whole(least: int, most: int) -> Callable[[object], int]:
    """Reads a whole number in plain digits. Python would also take `1_000` and digits of other scripts."""

    def read(value: object) -> int:
        text = str(value)
        if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
            raise typer.BadParameter(f"{text[:40]!r} is no whole number from {least} to {most}")
        return int(text)

    return read


def _seconds(value: object) -> float:
    text = str(value)
    if not _SECONDS.fullmatch(text) or float(text) > _LONGEST_WAIT:
        raise typer.BadParameter(f"{text[:40]!r} is no number of seconds from 0 to {_LONGEST_WAIT}")
    return float(text)


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
        parser=_seconds,
        help="Wait for another run to end, 0 to 3600 (65 on a terminal, else 0).",
        show_default=False,
    ),
]
