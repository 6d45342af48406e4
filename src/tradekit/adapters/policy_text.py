"""A policy as a TOML file with every key written out and explained.

Must never write a value that `load_policy` would read as another one.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from tradekit.domain.numbers import plain
from tradekit.domain.policy.check import show_value
from tradekit.domain.policy.keys import AMOUNTS, BOOL, COUNTS, LISTS, TABLE, TEXTS, Key, keys_of
from tradekit.domain.policy.sections import SECTIONS, Policy

_WIDTH: Final = 118
_FRACTION: Final = "0 to 1"
_HEADER: Final = """\
# A tradekit policy with every key written out. A key that is left out has its default.
# pct is percent of equity, bp a hundredth of a percent, quote the currency of the account.
# `tradekit policy check` reads this file and names everything that is wrong with it."""


def render_policy(policy: Policy) -> str:
    """`policy` as commented TOML, section by section; reading it back gives the same values."""
    parts = [_HEADER]
    for name, section in SECTIONS.items():
        values = getattr(policy, name)
        parts.append(f"[{name}]\n{_comment((section.__doc__ or '').strip())}")
        for key in keys_of(section):
            field = key.path.partition(".")[2]
            parts.append(f"{_comment(_explain(key))}\n{field} = {show_value(getattr(values, field))}")
    return "\n\n".join(parts) + "\n"


def _explain(key: Key) -> str:
    return "; ".join([key.help[:1].upper() + key.help[1:], *_bounds(key)])


def _bounds(key: Key) -> Iterator[str]:
    each = "each " if key.kind in (TEXTS, COUNTS, AMOUNTS, LISTS) else ""
    if key.kind is BOOL:
        yield key.kind.name
    if key.unit and key.unit != _FRACTION:
        yield f"in {key.unit}"
    if key.low is not None and key.high is not None:
        yield f"{each}{plain(key.low)} to {plain(key.high)}"
    elif key.low is not None:
        yield f"{each}at least {plain(key.low)}"
    if key.choices:
        yield " or ".join(show_value(choice) for choice in key.choices)
    if key.pattern:
        yield f"{each}matching {key.pattern}"
    default, live = key.default_for("paper"), key.default_for("live")
    if key.live_required:
        yield "has to be written in live mode"
    if key.kind not in (AMOUNTS, LISTS, TABLE):
        yield f"default {show_value(default)}" + (f", in live mode {show_value(live)}" if default != live else "")


def _comment(text: str) -> str:
    return textwrap.fill(
        text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    )
