"""`tradekit status`: the books of one account, read without a lock and without asking the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet

if TYPE_CHECKING:
    from tradekit.cli.output import Result
    from tradekit.flows.status import StatusReport


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="status")(status)


def status(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Show cash, positions, open orders and the last cycle's refusals.

    Example: tradekit status --json
    """
    from tradekit.adapters.halt_file import halt_reason
    from tradekit.cli.output import emit
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
    return emit(_present(flow.status(state, halt, len(loaded.tail))), as_json=as_json, quiet=quiet)


def _present(report: StatusReport) -> Result:
    from tradekit.cli.output import Result, Table, moment, number
    from tradekit.domain.errors import ExitCode
    from tradekit.domain.plain import tag_of, to_plain
    from tradekit.flows.status import StatusReport

    stamp = report.account
    shown: list[str | Table] = [f"Account {stamp.account} ({stamp.mode}) on {stamp.exchange} in {stamp.quote}"]
    if stamp.exchange == "paper":
        shown.append("Paper account on recorded and synthetic markets. No real money moves.")
    if report.cycles:
        shown.append(
            f"{report.cycles} cycle{'s' if report.cycles > 1 else ''}, the last event at {moment(report.time)}"
        )
    else:
        shown.append("No cycle has finished yet.")
    if report.halt is not None:
        shown.append(f"HALTED: {report.halt}. `tradekit resume` ends it.")
    if report.cycles:
        shown.append(
            f"Cash {number(report.cash, 2)} {stamp.quote}, equity {number(report.equity, 2)} at the last cycle,"
            f" realized {number(report.realized, 2)}, unrealized {number(report.unrealized, 2)}"
        )
    shown += [f"HELD {hold.symbol or 'all symbols'}: {hold.text}. `tradekit resume` lifts it." for hold in report.holds]
    rows = tuple(
        (p.asset, number(p.quantity), number(p.average), number(p.cost, 2), number(p.realized, 2), number(p.outside))
        for p in report.positions
    )
    if rows:
        shown.append(Table("Positions", ("asset", "quantity", "average", "cost", "realized", "not managed"), rows))
    orders = tuple(
        (
            o.intent.symbol,
            str(o.intent.side),
            number(o.intent.amount),
            number(o.intent.price),
            tag_of(type(o.state)),
            number(o.filled),
        )
        for o in report.orders
    )
    if orders:
        shown.append(Table("Unfinished orders", ("symbol", "side", "amount", "price", "state", "filled"), orders))
    foreign = tuple((o.symbol, str(o.side), number(o.amount), number(o.price), o.exchange_id) for o in report.foreign)
    if foreign:
        shown.append(Table("Open orders of others", ("symbol", "side", "amount", "price", "order"), foreign))
    refusals = tuple(
        (r.symbol, str(r.side), r.code, r.rule, number(r.actual, 4), number(r.limit, 4), r.unit)
        for r in report.refusals
    )
    if refusals:
        columns = ("symbol", "side", "code", "rule", "actual", "limit", "unit")
        shown.append(Table("Refused in the last cycle", columns, refusals))
    brief = "" if report.halt is None else f"HALTED: {report.halt}"
    return Result("status", ExitCode.DONE, to_plain(StatusReport, report), shown=tuple(shown), brief=brief)
