"""Points in time on the command line: `--since 7d`, `--since 2026-11-20`, `--since 2026-11-20T08:30`, always UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

import typer

from tradekit.domain.times import DAY_MS, HOUR_MS, MINUTE_MS, WEEK_MS

_AGO: Final = re.compile(r"([0-9]{1,5})([mhdw])", re.ASCII)
_MS: Final = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS, "w": WEEK_MS}
_FORMS: Final = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


class Since(NamedTuple):
    """A point in time in milliseconds: itself, or so long before the exchange's now."""

    ms: int
    is_ago: bool

    def at(self, now: int) -> int:
        """Milliseconds since 1970."""
        return max(now - self.ms, 0) if self.is_ago else self.ms


def parse_since(text: str) -> Since:
    """Raises `typer.BadParameter` for anything but a duration or a date."""
    ago = _AGO.fullmatch(text)
    if ago:
        return Since(int(ago[1]) * _MS[ago[2]], is_ago=True)
    for form in _FORMS:
        try:
            moment = datetime.strptime(text.removesuffix("Z"), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        if moment.year >= 2009:
            return Since(int(moment.timestamp() * 1000), is_ago=False)
    raise typer.BadParameter(f"{text[:40]!r} is no time: write 90m, 36h, 7d, 2w or 2026-11-20T08:30 (UTC)")


SinceOption = Annotated[
    Since | None,
    typer.Option(
        "--since",
        metavar="WHEN",
        parser=parse_since,
        help="Only what was traded since: 36h, 7d, or a date in UTC.",
        show_default=False,
    ),
]
