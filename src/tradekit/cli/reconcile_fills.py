"""`tradekit reconcile-fills`: the books brought up to the exchange, and the proof that they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradekit.cli.moments import SinceOption
from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet, Wait

if TYPE_CHECKING:
    from tradekit.cli.output import Result, Table
    from tradekit.decide.proof import ProofRow
    from tradekit.flows.reconcile_fills import ReconcileReport

Symbols = Annotated[
    list[str] | None,
    typer.Option("--symbol", metavar="SYMBOL", help="Look at this symbol only; may be repeated.", show_default=False),
]
Record = Annotated[
    list[str] | None,
    typer.Option(
        "--record",
        metavar="ASSET",
        help="Book what is unexplained of ASSET as a deposit or a withdrawal; may be repeated.",
        show_default=False,
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="reconcile-fills")(reconcile_fills)


def reconcile_fills(
    since: SinceOption = None,
    symbol: Symbols = None,
    record: Record = None,
    home: Home = None,
    policy: PolicyFile = None,
    dry_run: DryRun = False,
    wait: Wait = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Book every fill that is missing, settle what is open, and prove the books against the balances.

    Example: tradekit reconcile-fills --since 7d
    """
    from tradekit.cli.output import emit
    from tradekit.cli.signals import stopping
    from tradekit.cli.watchers import watcher_for
    from tradekit.cli.wiring import find_account, trading_desk
    from tradekit.flows import reconcile_fills as flow

    account = find_account(home, policy)
    symbols = tuple(_symbol(text, account.stamp.quote) for text in symbol or ())
    wanted = flow.Wanted(symbols, record=tuple(record or ()))
    watcher = watcher_for(json_log=False, quiet=quiet)
    with (
        stopping() as stop,
        trading_desk(
            account,
            watcher,
            stop,
            wait_seconds=wait,
            dry_run=dry_run,
            begins_cycle=False,
            refuse=lambda trial: flow.refuse_unknown(trial, wanted),
        ) as desk,
    ):
        begin = None if since is None else since.at(desk.clock.now())
        report = flow.reconcile_fills(desk, wanted._replace(since=begin))
    return emit(_present(report), as_json=as_json, quiet=quiet)


def _symbol(text: str, quote: str) -> str:
    import re

    symbol = text if "/" in text else f"{text}/{quote}"
    if not re.fullmatch(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}", symbol, re.ASCII):
        raise typer.BadParameter(f"{text[:40]!r} is no symbol: write BTC/{quote}", param_hint="--symbol")
    return symbol


def _present(report: ReconcileReport) -> Result:
    from tradekit.cli.output import Result, Table, moment, number
    from tradekit.domain.plain import to_plain
    from tradekit.flows.reconcile_fills import ReconcileReport

    fills, settled = report.settled.fills, report.settled
    would = "to be " if report.dry_run else ""
    counts = [
        f"Fills {would}booked: {len(fills.fresh)} ({fills.late} late, {fills.external} not of tradekit)",
        f"known before: {fills.duplicates}",
        *([f"older than the books: {fills.counted}"] if fills.counted else []),
        *([f"orders adopted: {len(settled.adopted)}"] if settled.adopted else []),
        *([f"orders settled: {len(settled.resolved)}"] if settled.resolved else []),
        *([f"orders still open: {len(settled.open)}"] if settled.open else []),
    ]
    shown: list[str | Table] = ["; ".join(counts)]
    rows = tuple(
        (moment(f.time), f.symbol, str(f.side), number(f.amount), number(f.price), f.trade_id, str(owner))
        for f, owner in fills.fresh
    )
    if rows:
        shown.append(Table("Booked", ("time", "symbol", "side", "amount", "price", "trade", "whose"), rows))
    foreign = tuple((o.symbol, str(o.side), number(o.amount), number(o.price), o.exchange_id) for o in report.foreign)
    if foreign:
        columns = ("symbol", "side", "amount", "price", "order")
        shown.append(Table("Open orders of others: counted, never touched", columns, foreign))
    shown.append(proof_table(report.proof))
    shown += [f"{row.asset}: perhaps {'; or '.join(row.causes)}" for row in report.proof if row.rest]
    shown += [f"Held: {hold.symbol or 'all symbols'}: {hold.text}" for hold in report.holds]
    shown += [f"Recorded what was unexplained of {asset} as a transfer." for asset in report.recorded]
    done = bool(fills.fresh or settled.resolved or settled.adopted or report.recorded)
    data = to_plain(ReconcileReport, report)
    brief = f"reconcile-fills: {'; '.join(counts)}" if done else ""
    return Result("reconcile-fills", report.exit_code, data, report.problems, tuple(shown), brief)


def proof_table(proof: tuple[ProofRow, ...]) -> Table:
    """Start + bought - sold - fees + transfers = balance, for every asset; the rest is what nobody explains."""
    from tradekit.cli.output import Table, number

    rows = []
    for row in proof:
        t = row.tally
        start = f"{number(t.start)}{' (assumed)' if t.assumed else ''}"
        moved = (t.bought, t.sold, t.fees, t.transfers + t.unexplained, row.books, row.exchange, row.rest)
        verdict = "ok" if not row.rest else "DIFFERS" if row.doubtful else "within tolerance"
        rows.append((row.asset, start, *map(number, moved), verdict))
    columns = ("asset", "start", "+ bought", "- sold", "- fees", "+ other", "= books", "exchange", "rest", "")
    return Table("Balance proof", columns, tuple(rows))
