"""How the books of an account look: to programs as data, to people as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradekit.cli.output import Result, Table, moment, number
from tradekit.cli.refusal_words import would_pass_words
from tradekit.decide.budget import STEPS
from tradekit.decide.execution_brief import ExecutionBrief
from tradekit.domain.account import Mode
from tradekit.domain.errors import ExitCode
from tradekit.domain.plain import tag_of, to_plain
from tradekit.flows.status import StatusReport

if TYPE_CHECKING:
    from tradekit.adapters.store.refusal_count import Counted


def present(report: StatusReport) -> Result:
    """The result of `tradekit status`."""
    stamp = report.account
    shown: list[str | Table] = [f"Account {stamp.account} ({stamp.mode}) on {stamp.exchange} in {stamp.quote}"]
    if stamp.mode is Mode.PAPER:
        markets = "recorded and synthetic" if stamp.exchange == "paper" else "live public"
        shown.append(f"Paper account on {markets} markets. No real money moves.")
    if report.cycles:
        shown.append(
            f"{report.cycles} cycle{'s' if report.cycles > 1 else ''}, the last event at {moment(report.time)}"
        )
    else:
        shown.append("No cycle has finished yet.")
    if report.halt is not None:
        shown.append(f"HALTED: {report.halt}. `tradekit resume` ends it.")
    if report.time:  # the account was opened: its books say what it has
        shown.append(_sums(report))
    if report.execution.orders:
        shown.append(_execution(report.execution))
    if report.governor.step:
        shown.append(f"Cycles ask for more time than there is, so purges have {STEPS[report.governor.step]}.")
    shown += [f"HELD {hold.symbol or 'all symbols'}: {hold.text}. `tradekit resume` lifts it." for hold in report.holds]
    shown += [
        table
        for table in (
            _positions(report),
            _purges(report),
            _orders(report),
            _conversions(report),
            _foreign(report),
            _refusals(report),
        )
        if table.rows
    ]
    brief = "" if report.halt is None else f"HALTED: {report.halt}"
    return Result("status", ExitCode.DONE, to_plain(StatusReport, report), shown=tuple(shown), brief=brief)


def _sums(report: StatusReport) -> str:
    """What only a cycle can tell is left out before the first one."""
    cash, realized = f"Cash {number(report.cash, 2)} {report.account.quote}", f"realized {number(report.realized, 2)}"
    if not report.cycles:
        return f"{cash}, {realized}"
    equity, unrealized = number(report.equity, 2), number(report.unrealized, 2)
    return f"{cash}, equity {equity} at the last cycle, {realized}, unrealized {unrealized}"


def _execution(brief: ExecutionBrief) -> str:
    count = f"{brief.orders} orders" if brief.orders > 1 else "order"
    cost = (
        "" if brief.shortfall_bp is None else f"; {number(brief.shortfall_bp, 1)} bp against the decision, before fees"
    )
    refused = f", {brief.rejected} refused by the exchange" if brief.rejected else ""
    lost = f", {brief.not_placed} never placed" if brief.not_placed else ""
    fates = f"{brief.filled} filled, {brief.partly} in part, {brief.unfilled} not{refused}{lost}"
    return f"Newest {count}: {fates}{cost}"


def _positions(report: StatusReport) -> Table:
    rows = tuple(
        (p.asset, number(p.quantity), number(p.average), number(p.cost, 2), number(p.realized, 2), number(p.outside))
        for p in report.positions
    )
    return Table("Positions", ("asset", "quantity", "average", "cost", "realized", "not managed"), rows)


def _purges(report: StatusReport) -> Table:
    held = {position.asset: position.quantity for position in report.positions}
    rows = tuple(
        (
            plan.asset,
            moment(plan.started),
            number(plan.decision_price),
            number(plan.sold),
            number(plan.average),
            number(held.get(plan.asset)),
            str(plan.orders),
            str(plan.failures),
        )
        for plan in report.purges
    )
    columns = ("asset", "since", "decided at", "sold", "average", "left", "orders", "failures")
    return Table("Being sold off", columns, rows)


def _orders(report: StatusReport) -> Table:
    rows = tuple(
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
    return Table("Unfinished orders", ("symbol", "side", "amount", "price", "state", "filled"), rows)


def _conversions(report: StatusReport) -> Table:
    rows = tuple(
        (
            item.intent.offer.asset,
            number(item.intent.offer.amount),
            number(item.intent.offer.promised),
            item.intent.offer.quote_id,
            tag_of(type(item.state)),
        )
        for item in report.conversions
    )
    return Table("Unfinished conversions", ("asset", "amount", "promised", "quote", "state"), rows)


def _foreign(report: StatusReport) -> Table:
    rows = tuple((o.symbol, str(o.side), number(o.amount), number(o.price), o.exchange_id) for o in report.foreign)
    return Table("Open orders of others", ("symbol", "side", "amount", "price", "order"), rows)


def _refusals(report: StatusReport) -> Table:
    rows = tuple(
        (
            r.symbol,
            str(r.side),
            r.proposal_id,
            f"{r.code} ({r.rule})",
            number(r.actual, 4),
            number(r.limit, 4),
            r.unit,
            would_pass_words(r.would_pass),
        )
        for r in report.refusals
    )
    count = sum(report.refused.values())
    title = "Refused in the last cycle" + (f" ({len(rows)} of {count})" if count > len(rows) else "")
    return Table(title, ("symbol", "side", "id", "code", "actual", "limit", "unit", "would pass"), rows)


def with_counts(result: Result, counted: Counted, span: str) -> Result:
    """The result with what the journal says of refusals."""
    cycles = f"{counted.cycles} cycle{'' if counted.cycles == 1 else 's'}"
    rows = tuple((code, str(count)) for code, count in counted.refused.items())
    told: str | Table = Table(f"Refused in {span}, {cycles}", ("code", "proposals"), rows)
    shown = told if rows else f"Nothing was refused in {span}, {cycles}."
    return result._replace(shown=(*result.shown, shown), data={**result.data, "counted": counted._asdict()})
