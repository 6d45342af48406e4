"""What `policy check --equity` says: where no order fits and which key to move how far, and keys that never bind."""

from __future__ import annotations

from decimal import Decimal

from tradekit.cli.output import Result, Table, number
from tradekit.decide.feasibility import DeadZone, Feasibility, check_feasibility
from tradekit.domain.errors import ExitCode, Problem
from tradekit.domain.numbers import plain
from tradekit.domain.plain import to_plain
from tradekit.domain.policy.sections import Policy


def with_feasibility(result: Result, policy: Policy, equity: Decimal) -> Result:
    """The result with what was found. A dead zone is a problem and exit 2; a key that never binds is only told."""
    found = check_feasibility(policy, equity)
    quote = policy.account.quote
    rows = tuple((where, number(largest, 2), number(found.smallest, 2), key) for where, largest, key in found.room)
    columns = ("where", "largest", "smallest", "bound by")
    title = f"First order of an account of {plain(equity)} {quote}"
    shown: list[str | Table] = [Table(title, columns, rows), *_useless(found)]
    problems = tuple(_problem(zone, quote) for zone in found.dead_zones)
    return result._replace(
        exit_code=ExitCode.BAD_INPUT if problems else ExitCode.DONE,
        data={**result.data, "feasibility": to_plain(Feasibility, found)},
        problems=problems,
        shown=(*result.shown, *shown),
    )


def _useless(found: Feasibility) -> list[str]:
    return [f"{item.key} never binds, {item.by} always does before it: {item.why}." for item in found.shadowed]


def _problem(zone: DeadZone, quote: str) -> Problem:
    message = (
        f"{zone.where}: {zone.key} allows {number(zone.largest, 2)} {quote}, "
        f"and {zone.smallest_key} asks for {number(zone.smallest, 2)}: no order fits"
    )
    ways = [] if zone.needed is None else [f"{zone.key} = {plain(zone.needed)}"]
    if zone.largest > 0:
        ways.append(f"{zone.smallest_key} = {number(zone.largest, 2)}")
    if zone.from_equity is not None:
        ways.append(f"an equity of {plain(zone.from_equity)} {quote}")
    return Problem("policy_dead_zone", message, " or ".join(ways))
