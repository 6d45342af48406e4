"""`tradekit rebuild-positions`: the books folded from zero, side by side with those in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradekit.cli.moments import Since, SinceOption
from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet, Wait

if TYPE_CHECKING:
    from tradekit.cli.output import Result
    from tradekit.cli.wiring import Account
    from tradekit.decide.changes import PositionChange
    from tradekit.decide.rebuild import History
    from tradekit.flows.rebuild_positions import RebuildReport

From = Annotated[
    str,
    typer.Option(
        "--from",
        metavar="SOURCE",
        help="journal, exchange, or a file of ccxt trades as JSON lines, plain or gzipped.",
    ),
]
Apply = Annotated[bool, typer.Option("--apply", help="Take the rebuilt books over; `state restore` takes them back.")]
_SHOWN: Final = 40


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="rebuild-positions")(rebuild_positions)


def rebuild_positions(
    source: From = "journal",
    since: SinceOption = None,
    apply: Apply = False,
    home: Home = None,
    policy: PolicyFile = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show; the default without --apply.")] = False,
    wait: Wait = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Fold the books from zero and show old and new side by side; change them only with --apply.

    Example: tradekit rebuild-positions --from exchange --apply
    """
    from tradekit.cli.output import emit
    from tradekit.cli.signals import stopping
    from tradekit.cli.watchers import watcher_for
    from tradekit.cli.wiring import find_account, reading_store, trading_desk
    from tradekit.flows import rebuild_positions as flow

    if apply and dry_run:
        raise typer.BadParameter("--apply and --dry-run contradict each other")
    kind = flow.Source(source) if source in ("journal", "exchange") else flow.Source.FILE
    if kind is flow.Source.JOURNAL and since is not None:
        raise typer.BadParameter("the journal is folded as a whole", param_hint="--since")
    if kind is flow.Source.FILE and since is not None and since.is_ago:
        raise typer.BadParameter("of a file, name a date in UTC", param_hint="--since")
    account = find_account(home, policy)
    file = _fold(account, source, since) if kind is flow.Source.FILE else None
    watcher = watcher_for(json_log=False, quiet=quiet)
    with (
        stopping() as stop,
        trading_desk(account, watcher, stop, wait_seconds=wait, dry_run=not apply, begins_cycle=False) as desk,
    ):
        begin = None if since is None else since.at(desk.clock.now())
        report = flow.rebuild_positions(desk, kind, file, begin, apply=apply)
    older = reading_store(account).generations()[-1].name if apply else None
    return emit(_present(report, older), as_json=as_json, quiet=quiet)


def _fold(account: Account, path: str, since: Since | None) -> History:
    """The history in a file: a bad one is told before anything else is touched."""
    from tradekit.adapters.fills_file import read_trades, trades_as_written
    from tradekit.cli.wiring import account_exists, reading_store
    from tradekit.decide.history import fold_file

    records = reading_store(account).history() if account_exists(account) else ()
    begin = None if since is None else since.ms
    return fold_file(
        account.policy,
        account.stamp.quote,
        lambda as_written: trades_as_written(path) if as_written else read_trades(path),
        records,
        begin,
    )


def _present(report: RebuildReport, older: str | None) -> Result:
    from tradekit.cli.output import Result, Table, moment
    from tradekit.cli.reconcile_fills import proof_table
    from tradekit.domain.plain import to_plain
    from tradekit.flows.rebuild_positions import RebuildReport

    span = f", {moment(report.first)} to {moment(report.last)}" if report.trades else ""
    shown: list[str | Table] = [f"{report.trades} trades from the {report.source}, costs by {report.method}{span}"]
    if report.duplicates:
        shown.append(f"Listed again, and counted once: {report.duplicates}")
    changed = [change for change in report.changes if change.reasons]
    rows = tuple(row for change in changed for row in _lines(change))
    if rows:
        columns = ("asset", "", "quantity", "cost", "not managed", "realized", "why")
        shown.append(Table("What differs", columns, rows))
    else:
        shown.append("The books are the same.")
    if report.openings:
        assets = ", ".join(lot.asset for lot in report.openings)
        shown.append(
            f"The trades don't reach back to the first balance of {assets}: an opening lot from the balance stands in."
        )
    if report.proof:
        shown.append(proof_table(report.proof))
    shown += [f"Not booked: {t.symbol} trade {t.trade_id} {t.why}" for t in report.broken[:_SHOWN]]
    if report.applied:
        shown.append(f"Applied. `tradekit state restore {older}` takes it back.")
    elif changed:
        shown.append("Nothing was changed. --apply takes the rebuilt books over.")
    brief = f"rebuild-positions: {len(changed)} positions changed" if report.applied else ""
    data = to_plain(RebuildReport, report) | {"older_state": older}
    return Result("rebuild-positions", report.exit_code, data, report.problems, tuple(shown), brief)


def _lines(change: PositionChange) -> list[tuple[str, ...]]:
    from tradekit.cli.output import number

    def line(asset: str, word: str, is_new: bool, why: str) -> tuple[str, ...]:
        p, total = (change.new, change.new_total) if is_new else (change.old, change.old_total)
        quantity = p.quantity if p.total or total == 0 else total
        return (asset, word, number(quantity), number(p.cost, 4), number(p.outside), number(p.realized, 4), why)

    return [line(change.asset, "old", False, ""), line("", "new", True, "; ".join(change.reasons))]
