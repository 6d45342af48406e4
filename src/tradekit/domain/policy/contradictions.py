"""Keys of a policy that don't fit together. Each check is skipped where a key that it needs has no sound value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from tradekit.domain.policy.exchange_sections import ADDRESS_KEYS, NAME_KEYS, address_contradiction, name_contradiction

_CAPS: Final = "risk.max_theme_pct"
_THEMES: Final = "risk.themes"


class Contradiction(NamedTuple):
    """A key, what is wrong with it in words that follow its name, and what to do."""

    path: str
    what: str
    fix: str


class _Check(NamedTuple):
    """`find` is asked only where all keys that it `needs` have sound values."""

    needs: tuple[str, ...]
    find: Callable[[Mapping[str, Any]], Iterator[tuple[str, str, str]]]


def contradictions(values: Mapping[str, Any], default_caps: Mapping[str, Decimal]) -> Iterator[Contradiction]:
    """What is at odds in `values`, which lack the keys that have no sound value.

    `default_caps` are those of themes by default: they are in every policy that is written out, also in one that has
    other themes.
    """
    for lesser, greater, why in _ORDERED:
        if lesser in values and greater in values and values[lesser] > values[greater]:
            yield Contradiction(lesser, f"is above {greater}", why)
    for check in (*_CHECKS, _Check((_CAPS, _THEMES), lambda seen: _caps_of_no_theme(seen, default_caps))):
        if all(path in values for path in check.needs):
            yield from (Contradiction(*found) for found in check.find(values))


_ORDERED: Final = (
    ("execution.budget_seconds", "execution.interval_seconds", "a cycle may not use more than its interval"),
    ("universe.tier2_min_volume_notional", "universe.tier1_min_volume_notional", "a lower tier asks for less volume"),
    ("universe.tier3_min_volume_notional", "universe.tier2_min_volume_notional", "a lower tier asks for less volume"),
    ("governor.low_pct", "governor.high_pct", "purges would get their time back at once"),
    ("risk.max_asset_pct", "risk.max_total_at_risk_pct", "one asset may not exceed the whole"),
)


def _slow_program(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    path, budget = "proposals.command_timeout_seconds", "execution.budget_seconds"
    if values["proposals.command"] and 2 * values[path] > values[budget]:
        yield path, f"is above half of {budget}", "a program that hangs must leave the stops at least half of the time"


def _managed_quote(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    if values["account.quote"] in values["account.managed"]:
        yield "account.managed", "names the quote currency", "leave it out"


def _caps_of_no_theme(values: Mapping[str, Any], default_caps: Mapping[str, Decimal]) -> Iterator[tuple[str, str, str]]:
    """A cap whose theme is misspelled would cap nothing, and nobody would notice."""
    themes = values[_THEMES]
    for name, cap in values[_CAPS].items():
        if name not in themes and default_caps.get(name) != cap:
            yield f"{_CAPS}.{name}", f"is a cap for a theme that {_THEMES} doesn't have", _meant(name, themes)


def _meant(name: str, themes: Mapping[str, Any]) -> str:
    from difflib import get_close_matches  # only a misspelling pays for it

    near = get_close_matches(name, list(themes), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"add the theme to {_THEMES}, or leave the cap out"


_CHECKS: Final = (
    _Check(
        ("proposals.command", "proposals.command_timeout_seconds", "execution.budget_seconds"),
        _slow_program,
    ),
    _Check(ADDRESS_KEYS, address_contradiction),
    _Check(NAME_KEYS, name_contradiction),
    _Check(("account.quote", "account.managed"), _managed_quote),
)
