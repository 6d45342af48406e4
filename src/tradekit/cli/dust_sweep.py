"""`tradekit dust-sweep`: shows what is too small to be sold, and does what is worth doing about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet, Wait

if TYPE_CHECKING:
    from tradekit.cli.output import Result, Table
    from tradekit.decide.conversion import ConversionResult
    from tradekit.decide.dust import DustChoice, DustRow
    from tradekit.flows.dust_sweep import DustReport

Assets = Annotated[
    list[str] | None,
    typer.Option("--asset", metavar="ASSET", help="Only this one; may be repeated.", show_default=False),
]
_CAUSES: Final = {
    "held_before": "was there before",
    "left_by_a_sale": "left by a sale",
    "bought_in_part": "a purchase filled in part",
    "price_fell": "worth less than when it was bought",
    "no_market": "nobody trades it here any more",
}
_FATES: Final = {
    "converted": "converted",
    "open": "its end is open: the next run looks",
    "refused": "refused",
    "failed": "came to nothing",
    "not_accepted": "was never taken",
    "forgotten": "was taken and never told of again: look at the balances",
}
_DOES: Final = {
    "top_up": "buy what is missing, and sell",
    "convert": "converted by the exchange",
    "ride": "goes with the next sale",
    "write_off": "written off",
    "wait": "waits",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="dust-sweep")(dust_sweep)


def dust_sweep(
    asset: Assets = None,
    home: Home = None,
    policy: PolicyFile = None,
    dry_run: DryRun = False,
    wait: Wait = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Show holdings that are too small to be sold, with what each choice costs; do what saves money.

    Where `dust.actions` names convert, the exchange is asked for its offers, also in a dry run: asking binds nobody.

    Example: tradekit dust-sweep --dry-run
    """
    from tradekit.cli.output import emit
    from tradekit.cli.purge import asset_name
    from tradekit.cli.signals import stopping
    from tradekit.cli.watchers import watcher_for
    from tradekit.cli.wiring import find_account, trading_desk
    from tradekit.flows import dust_sweep as flow

    named = tuple(dict.fromkeys(asset_name(text, "--asset") for text in asset or ()))
    account = find_account(home, policy)
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
            refuse=lambda trial: flow.refuse_unknown(trial, named),
        ) as desk,
    ):
        stop.arm(account.policy.execution.budget_seconds)
        report = flow.dust_sweep(desk, named)
    return emit(_present(report, named, account.loaded.source), as_json=as_json, quiet=quiet)


def _present(report: DustReport, named: tuple[str, ...], policy_source: str) -> Result:
    from tradekit.cli.cycle_view import decision_table, order_table, source_note
    from tradekit.cli.output import Result, moment
    from tradekit.domain.plain import to_plain
    from tradekit.flows.dust_sweep import DustReport

    data = {"policy": policy_source, **to_plain(DustReport, report._replace(problems=()))}
    del data["exit_code"], data["problems"]
    kind = "Dry run of a dust sweep" if report.dry_run else "Dust sweep"
    shown: list[str | Table] = [f"{kind} at {moment(report.started)}"]
    if source_note(report.source):
        shown.append(source_note(report.source))
    if not report.rows:
        shown.append(_no_dust(named))
    tables = (
        _rows(report.rows),
        _choices(report.rows),
        _conversions(report.conversions),
        decision_table(report.decisions),
        order_table(report.orders),
    )
    shown += [table for table in tables if table.rows]
    return Result("dust-sweep", report.exit_code, data, report.problems, tuple(shown), _brief(report))


def _no_dust(named: tuple[str, ...]) -> str:
    if not named:
        return "No dust: everything that is held can be sold."
    return f"{' and '.join(named)} {'is' if len(named) == 1 else 'are'} no dust."


def _rows(rows: tuple[DustRow, ...]) -> Table:
    from tradekit.cli.output import Table, number

    cells = tuple(
        (
            row.asset,
            number(row.quantity),
            number(row.worth, 4),
            number(row.smallest),
            f"{row.age_ms / 3_600_000:.1f} h",
            _CAUSES[row.cause],
            _DOES[row.chosen],
        )
        for row in rows
    )
    return Table("Dust", ("asset", "quantity", "worth", "smallest sale", "age", "cause", "then"), cells)


def _choices(rows: tuple[DustRow, ...]) -> Table:
    from tradekit.cli.output import Table, number

    def cost(row: DustRow, choice: DustChoice) -> str:
        unknown = choice.action == "convert" and row.offer is None  # nobody was asked
        return "-" if unknown else number(choice.cost, 4)

    cells = tuple(
        (row.asset, str(choice.action), cost(row, choice), number(choice.frees, 4), choice.why_not or "possible")
        for row in rows
        for choice in row.choices
    )
    return Table("Choices", ("asset", "choice", "costs", "frees", "verdict"), cells)


def _conversions(results: tuple[ConversionResult, ...]) -> Table:
    from tradekit.cli.output import Table, number

    cells = tuple(
        (item.asset, number(item.amount), number(item.promised, 8), number(item.received, 8), _FATES[item.fate])
        for item in results
    )
    return Table("Conversions", ("asset", "amount", "promised", "received", "then"), cells)


def _brief(report: DustReport) -> str:
    """One line when something was done."""
    parts = [f"wrote off {row.asset}" for row in report.rows if row.chosen == "write_off"]
    parts += [f"converted {c.amount:f} {c.asset}" for c in report.conversions if c.fate == "converted"]
    parts += [f"{o.intent.side} {o.filled:f} {o.intent.approved.proposal.base}" for o in report.orders if o.filled]
    return "dust-sweep: " + "; ".join(parts) if parts else ""
