"""`tradekit risk-check`: what would be decided now, why, and what would change it. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet
from tradekit.domain.errors import BadInput, Problem

if TYPE_CHECKING:
    from decimal import Decimal

    from tradekit.adapters.policy_file import LoadedPolicy
    from tradekit.domain.proposal import Proposal
    from tradekit.domain.saved_look import SavedLook
    from tradekit.flows.risk_check import Trial

ProposalsFile = Annotated[
    str | None,
    typer.Option("--proposals", metavar="FILE", help="Judge these too; - reads stdin.", show_default=False),
]
Symbol = Annotated[
    str | None,
    typer.Option(
        "--symbol",
        metavar="SYMBOL",
        help="Only this one, as in BTC/USDT; if nothing is proposed for it, a buy of rules.order_notional.",
        show_default=False,
    ),
]
Explain = Annotated[bool, typer.Option("--explain", help="Show every rule of every proposal.")]
WhatIf = Annotated[
    list[str] | None,
    typer.Option(
        "--what-if",
        metavar="KEY=VALUE",
        help="Judge again with this policy key (or equity) changed; may be repeated.",
        show_default=False,
    ),
]
SnapshotFile = Annotated[
    str | None,
    typer.Option(
        "--snapshot", metavar="FILE", help="Judge what `status --save` wrote, without the exchange.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="risk-check")(risk_check)


def risk_check(
    home: Home = None,
    policy: PolicyFile = None,
    proposals: ProposalsFile = None,
    symbol: Symbol = None,
    explain: Explain = False,
    what_if: WhatIf = None,
    snapshot: SnapshotFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Judge proposals (and what the rules would propose) without sending anything; say why, and what would pass.

    Without proposals it also shows the room under each cap and in each symbol.

    Example: tradekit risk-check --proposals ideas.json --explain
    """
    from tradekit.cli.output import emit
    from tradekit.cli.risk_view import present
    from tradekit.flows import risk_check as flow

    asked: tuple[Proposal, ...] = ()
    if proposals is not None:
        from tradekit.adapters.proposals_file import load_proposals

        asked = load_proposals(proposals)
    saved, loaded, problems = _look(home, policy, snapshot, asked, symbol)
    report = flow.risk_check(loaded.policy, saved, asked, symbol, _trial(loaded, what_if or []))
    result = present(report, loaded.source, problems, explain=explain, with_room=proposals is None)
    return emit(result, as_json=as_json, quiet=quiet)


def _look(
    home: str | None, policy: str | None, snapshot: str | None, asked: tuple[Proposal, ...], symbol: str | None
) -> tuple[SavedLook, LoadedPolicy, tuple[Problem, ...]]:
    """What there is to judge: from the file, or as the next cycle would see it."""
    if snapshot is not None:
        import os
        from pathlib import Path

        from tradekit.adapters.home import home_directory
        from tradekit.adapters.policy_file import load_policy, policy_source
        from tradekit.adapters.snapshot_file import load_snapshot

        loaded = load_policy(policy_source(home_directory(home, os.environ), policy, os.environ))
        return load_snapshot(Path(snapshot)), loaded, ()
    from tradekit.cli.signals import stopping
    from tradekit.cli.watchers import watcher_for
    from tradekit.cli.wiring import find_account, trading_desk
    from tradekit.flows.risk_check import look_for_check
    from tradekit.steps.troubles import describe_rest

    account = find_account(home, policy)
    watcher = watcher_for(json_log=False, quiet=True)
    with stopping() as stop, trading_desk(account, watcher, stop, wait_seconds=None, dry_run=True) as desk:
        saved, differences = look_for_check(desk, asked, symbol)
    quote = saved.state.stamp.quote
    return saved, account.loaded, tuple(describe_rest(row, quote) for row in differences if row.doubtful)


def _trial(loaded: LoadedPolicy, what_if: list[str]) -> Trial | None:
    if not what_if:
        return None
    from tradekit.adapters.policy_file import change_policy
    from tradekit.flows.risk_check import Trial

    changes, equity = [], None
    for text in what_if:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not key:
            message = f"--what-if {text}: is not of the form KEY=VALUE"
            raise BadInput(Problem("usage", message, "as in --what-if risk.max_asset_pct=8 or --what-if equity=500"))
        if key == "equity":
            equity = _equity(value)
        else:
            changes.append((key, value))
    return Trial(change_policy(loaded, changes), equity, tuple(what_if))


def _equity(value: str) -> Decimal:
    from tradekit.domain.numbers import NotAnAmount, parse_amount

    try:
        return parse_amount(value)
    except NotAnAmount:
        message = f"--what-if equity={value}: is not a plain decimal number"
        raise BadInput(Problem("usage", message, "as in --what-if equity=500")) from None
