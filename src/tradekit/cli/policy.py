"""`tradekit policy check|show|schema`: what the policy says, whether it is right, and what it could say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet

if TYPE_CHECKING:
    from tradekit.adapters.policy_file import LoadedPolicy


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(help="Check and show the policy.")
    group.command(name="check")(check)
    group.command(name="show")(show)
    group.command(name="schema")(schema)
    app.add_typer(group, name="policy")


def check(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Check the policy and report all problems at once.

    Example: tradekit policy check --policy policies/conservative.toml
    """
    from tradekit.cli.output import Result, emit
    from tradekit.domain.errors import ExitCode

    loaded = _load(home, policy)
    text = f"{loaded.source} is valid."
    data = {"policy": loaded.source, "digest": loaded.digest}
    return emit(Result("policy check", ExitCode.DONE, data, shown=(text,)), as_json=as_json, quiet=quiet)


def show(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Print the policy in force with every key, its unit and its help, ready to be saved as policy.toml.

    Example: tradekit policy show > policy.toml
    """
    from tradekit.adapters.policy_text import render_policy
    from tradekit.cli.output import Result, emit
    from tradekit.domain.errors import ExitCode

    loaded = _load(home, policy)
    text = render_policy(loaded.policy)
    if not as_json:
        typer.echo(text, nl=False)
    data = {"policy": loaded.source, "digest": loaded.digest, "toml": text}
    return emit(Result("policy show", ExitCode.DONE, data), as_json=as_json, quiet=quiet)


def schema(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Print the policy's JSON Schema, for editors; the same for every home and policy.

    Example: tradekit policy schema > policy.schema.json
    """
    import json

    from tradekit.cli.output import Result, emit
    from tradekit.domain.errors import ExitCode
    from tradekit.domain.policy.schema import policy_schema

    if not as_json:
        typer.echo(json.dumps(policy_schema(), indent=2))
    return emit(Result("policy schema", ExitCode.DONE, policy_schema()), as_json=as_json, quiet=quiet)


def _load(home: str | None, policy: str | None) -> LoadedPolicy:
    import os

    from tradekit.adapters.home import home_directory
    from tradekit.adapters.policy_file import load_policy, policy_source

    return load_policy(policy_source(home_directory(home, os.environ), policy, os.environ))
