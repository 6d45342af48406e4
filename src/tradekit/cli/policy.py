"""`tradekit policy check|show|schema`: what the policy says, whether it is right, and what it could say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet

if TYPE_CHECKING:
    from decimal import Decimal

    from tradekit.adapters.policy_file import LoadedPolicy

Equity = Annotated[
    str | None,
    typer.Option(
        "--equity", metavar="AMOUNT", help="Look for dead zones and useless keys at this equity.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(help="Check and show the policy.")
    group.command(name="check")(check)
    group.command(name="show")(show)
    group.command(name="schema")(schema)
    app.add_typer(group, name="policy")


def check(
    home: Home = None,
    policy: PolicyFile = None,
    equity: Equity = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Check the policy and report all problems at once; with --equity also whether any order could ever fit.

    Example: tradekit policy check --equity 1000
    """
    from tradekit.cli.output import Result, emit
    from tradekit.cli.wiring import stamp_of
    from tradekit.domain.errors import ExitCode

    loaded = _load(home, policy)
    stamp_of(loaded)
    text = f"{loaded.source} is valid."
    result = Result("policy check", ExitCode.DONE, {"policy": loaded.source, "digest": loaded.digest}, shown=(text,))
    if equity is not None:
        from tradekit.cli.feasibility_view import with_feasibility

        result = with_feasibility(result, loaded.policy, _amount(equity))
    return emit(result, as_json=as_json, quiet=quiet)


def _amount(text: str) -> Decimal:
    from tradekit.domain.errors import BadInput, Problem
    from tradekit.domain.numbers import NotAnAmount, parse_amount

    try:
        return parse_amount(text)
    except NotAnAmount:
        message = f"--equity {text}: is not a plain decimal number"
        raise BadInput(Problem("usage", message, "as in --equity 255")) from None


def show(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Print the policy in force with every key, its unit and its help, ready to be saved as policy.toml.

    Example: tradekit policy show > policy.toml
    """
    from tradekit.adapters.policy_text import render_policy
    from tradekit.cli.output import Result, emit
    from tradekit.domain.errors import ExitCode

    loaded = _load(home, policy)
    text = render_policy(loaded.policy)
    data = {"policy": loaded.source, "digest": loaded.digest, "toml": text}
    return emit(Result("policy show", ExitCode.DONE, data, text=text), as_json=as_json, quiet=quiet)


def schema(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Print the policy's JSON Schema, for editors; the same for every home and policy.

    Example: tradekit policy schema > policy.schema.json
    """
    import json

    from tradekit.cli.output import Result, emit
    from tradekit.domain.errors import ExitCode
    from tradekit.domain.policy.schema import policy_schema

    text = json.dumps(policy_schema(), indent=2) + "\n"
    return emit(Result("policy schema", ExitCode.DONE, policy_schema(), text=text), as_json=as_json, quiet=quiet)


def _load(home: str | None, policy: str | None) -> LoadedPolicy:
    import os

    from tradekit.adapters.home import home_directory
    from tradekit.adapters.policy_file import load_policy, policy_source

    return load_policy(policy_source(home_directory(home, os.environ), policy, os.environ))
