"""`tradekit purge`: sells holdings off by hand; what one run can't finish is left to the cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet, Wait, whole
from tradekit.domain.purge import TakerUse

if TYPE_CHECKING:
    from decimal import Decimal

    from tradekit.domain.purge import PurgeTerms

Assets = Annotated[list[str] | None, typer.Argument(metavar="ASSET...", help="What to sell off.", show_default=False)]
Ttl = Annotated[
    int | None,
    typer.Option(
        "--ttl",
        metavar="SECONDS",
        parser=whole(1, 86400),
        help="Life of an attempt, 1 to 86400.",
        show_default="purge.ttl_seconds",
    ),
]
Slice = Annotated[
    str | None,
    typer.Option(
        "--slice",
        metavar="NOTIONAL",
        help="Most that is sold of one asset in a run.",
        show_default="purge.slice_notional",
    ),
]
AllIneligible = Annotated[
    bool, typer.Option("--all-ineligible", help="Also every managed asset that is in no tier any more.")
]
Taker = Annotated[
    TakerUse | None,
    typer.Option(
        "--taker", help="When it may cross the spread, within its price bound.", show_default="the [taker] policy"
    ),
]
Rest = Annotated[bool, typer.Option("--rest", help="Let an order rest for its whole life, beyond this run.")]
Stop = Annotated[bool, typer.Option("--stop", help="End the plans of these assets instead.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="purge")(purge)


def purge(
    assets: Assets = None,
    ttl: Ttl = None,
    slice_notional: Slice = None,
    all_ineligible: AllIneligible = False,
    taker: Taker = None,
    rest: Rest = False,
    stop: Stop = False,
    home: Home = None,
    policy: PolicyFile = None,
    dry_run: DryRun = False,
    wait: Wait = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Sell holdings off: orders at the touch, again and again while there is time. The cycles go on with the rest.

    Example: tradekit purge PENGU --ttl 25
    """
    from tradekit.cli.output import emit
    from tradekit.cli.purge_view import present, present_stop
    from tradekit.cli.purge_watcher import watcher_for_purge
    from tradekit.cli.signals import stopping
    from tradekit.cli.wiring import find_account, require_account, trading_desk
    from tradekit.domain.purge import PurgeTerms
    from tradekit.flows import purge as flow

    named = tuple(dict.fromkeys(asset_name(text) for text in assets or ()))
    terms = PurgeTerms(ttl, _notional(slice_notional), taker, rest)
    _refuse_contradictions(named, terms, all_ineligible=all_ineligible, stop=stop)
    account = find_account(home, policy)
    if stop:
        require_account(account)
    watcher = watcher_for_purge(quiet=quiet or as_json)
    wanted = flow.Wanted(named, all_ineligible, terms)
    with (
        stopping() as flag,
        watcher,
        trading_desk(
            account,
            watcher,
            flag,
            wait_seconds=wait,
            dry_run=dry_run,
            begins_cycle=False,
            refuse=lambda trial: flow.refuse_unknown(trial, wanted),
        ) as desk,
    ):
        flag.arm(account.policy.execution.budget_seconds)
        if stop:
            return emit(present_stop(flow.stop_purge(desk, named)), as_json=as_json, quiet=quiet)
        report = flow.purge(desk, wanted)
    return emit(present(report, account.loaded.source), as_json=as_json, quiet=quiet)


def _refuse_contradictions(named: tuple[str, ...], terms: PurgeTerms, *, all_ineligible: bool, stop: bool) -> None:
    if not named and not (all_ineligible and not stop):
        raise typer.BadParameter("name what to sell off, as in `tradekit purge PENGU`", param_hint="ASSET...")
    if stop and (all_ineligible or any(terms)):
        raise typer.BadParameter("goes with nothing but the names of assets", param_hint="--stop")


def asset_name(text: str, option: str = "ASSET...") -> str:
    """The name of an asset as exchanges write it. Raises `BadParameter`."""
    import re

    if not re.fullmatch(r"[A-Z0-9]{1,20}", text, re.ASCII):
        fix = f"write {text.upper()[:20]}" if re.fullmatch(r"[A-Za-z0-9]{1,20}", text, re.ASCII) else "write PENGU"
        raise typer.BadParameter(f"{text[:40]!r} is no asset: {fix}", param_hint=option)
    return text


def _notional(text: str | None) -> Decimal | None:
    from tradekit.domain.numbers import NotAnAmount, parse_amount

    if text is None:
        return None
    try:
        amount = parse_amount(text)
    except NotAnAmount:
        amount = None
    if amount is None or amount <= 0:
        raise typer.BadParameter(f"{text[:40]!r} is no amount above zero: write 25", param_hint="--slice")
    return amount
