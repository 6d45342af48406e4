"""`tradekit status`: the books of one account, read without a lock and without asking the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradekit.cli.moments import Since, parse_since
from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet

if TYPE_CHECKING:
    from tradekit.cli.wiring import Account

Span = Annotated[
    str | None,
    typer.Option("--refusals", metavar="SPAN", help="Count refusals by code, as in 24h or 7d.", show_default=False),
]
Execution = Annotated[
    bool, typer.Option("--execution", help="Add what became of the orders: fills, times, costs.", show_default=False)
]
SentSince = Annotated[
    Since | None,
    typer.Option(
        "--since",
        metavar="WHEN",
        parser=parse_since,
        help="With --execution: orders sent since, as in 36h, 7d (the default), or a date in UTC.",
        show_default=False,
    ),
]
SaveFile = Annotated[
    str | None,
    typer.Option("--save", metavar="FILE", help="Save what risk-check --snapshot can judge.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="status")(status)


def status(
    home: Home = None,
    policy: PolicyFile = None,
    refusals: Span = None,
    execution: Execution = False,
    since: SentSince = None,
    save: SaveFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Show cash, positions, open orders and the last cycle's refusals.

    Example: tradekit status --execution --since 7d
    """
    from tradekit.adapters.halt_file import halt_reason
    from tradekit.cli.output import emit
    from tradekit.cli.status_view import present, with_counts
    from tradekit.cli.wiring import find_account, reading_store, require_account
    from tradekit.domain.state import State
    from tradekit.flows import status as flow

    if since is not None and not execution:
        raise typer.BadParameter("--since goes with --execution")
    span = None if refusals is None else parse_since(refusals)
    account = find_account(home, policy)
    require_account(account)
    loaded = reading_store(account).load()
    state = loaded.state or State(account.stamp)
    if loaded.tail:
        from tradekit.decide.fold import replay  # only a run that ended without saving leaves something to replay

        state = replay(state, loaded.tail)
    halt = halt_reason(account.folder) or halt_reason(account.home)
    result = present(flow.status(state, halt, len(loaded.tail)))
    if refusals is not None and span is not None:
        from tradekit.adapters.store.disk import RealDisk
        from tradekit.adapters.store.refusal_count import count_refusals

        counted = count_refusals(RealDisk(), account.folder, span.at(state.time))
        result = with_counts(result, counted, refusals)
    if execution:
        from tradekit.cli.execution_view import with_execution
        from tradekit.decide.execution_report import report_execution

        start = (since or parse_since("7d")).at(state.time)
        result = with_execution(result, report_execution(reading_store(account).history(), start, state.time))
    if save is not None:
        _save(account, save)
        result = result._replace(shown=(*result.shown, f"Saved to {save}."), data={**result.data, "saved": save})
    return emit(result, as_json=as_json, quiet=quiet)


def _save(account: Account, path: str) -> None:
    """What the next cycle would see, for `risk-check --snapshot`. The account itself stays as it is."""
    from pathlib import Path

    from tradekit.adapters.snapshot_file import save_snapshot
    from tradekit.cli.signals import stopping
    from tradekit.cli.watchers import watcher_for
    from tradekit.cli.wiring import trading_desk
    from tradekit.steps.assess import save_look

    watcher = watcher_for(json_log=False, quiet=True)
    with stopping() as stop, trading_desk(account, watcher, stop, wait_seconds=None, dry_run=True) as desk:
        saved, _ = save_look(desk)
    save_snapshot(Path(path), saved)
