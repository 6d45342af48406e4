"""`tradekit status`: the books of one account, read without a lock and without asking the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradekit.cli.moments import parse_since
from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet

if TYPE_CHECKING:
    from tradekit.cli.wiring import Account

Span = Annotated[
    str | None,
    typer.Option("--refusals", metavar="SPAN", help="Count refusals by code, as in 24h or 7d.", show_default=False),
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
    save: SaveFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Show cash, positions, open orders and the last cycle's refusals.

    Example: tradekit status --refusals 7d
    """
    from tradekit.adapters.halt_file import halt_reason
    from tradekit.cli.output import emit
    from tradekit.cli.status_view import present, with_counts
    from tradekit.cli.wiring import find_account, reading_store, require_account
    from tradekit.domain.state import State
    from tradekit.flows import status as flow

    account = find_account(home, policy)
    require_account(account)
    loaded = reading_store(account).load()
    state = loaded.state or State(account.stamp)
    if loaded.tail:
        from tradekit.decide.fold import replay  # only a run that ended without saving leaves something to replay

        state = replay(state, loaded.tail)
    halt = halt_reason(account.folder) or halt_reason(account.home)
    result = present(flow.status(state, halt, len(loaded.tail)))
    if refusals is not None:
        from tradekit.adapters.store.disk import RealDisk
        from tradekit.adapters.store.refusal_count import count_refusals

        since = parse_since(refusals).at(state.time)
        result = with_counts(result, count_refusals(RealDisk(), account.folder, since), refusals)
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
