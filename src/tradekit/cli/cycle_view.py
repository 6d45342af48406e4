"""How a cycle's report looks: to programs as data, to people as a few lines and tables, to cron as one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tradekit.cli.output import Result, Table, moment, number
from tradekit.cli.refusal_words import would_pass_words
from tradekit.domain.decision import Approved, Decision, Refused
from tradekit.domain.errors import Problem
from tradekit.domain.market import Source
from tradekit.domain.order import Closed, Order
from tradekit.domain.plain import tag_of, to_plain
from tradekit.domain.proposal import Notional
from tradekit.flows.cycle import CycleReport

if TYPE_CHECKING:
    from tradekit.cli.live_desk import Traffic

_MOST_TOLD: Final = 3


def present(report: CycleReport, policy_source: str, skipped: int, traffic: Traffic | None = None) -> Result:
    """The result of `tradekit cycle`. `skipped` runs before it found the lock held; `traffic` is that of a live run."""
    told = to_plain(CycleReport, report._replace(problems=()))
    data = {"policy": policy_source, "skipped_runs": skipped, **told}
    del data["exit_code"], data["problems"]  # they stand beside the data
    problems = report.problems
    if skipped >= 3:
        problems = (*problems, Problem("runs_skipped", f"{skipped} runs before this one found the lock held"))
    if traffic is not None:
        data["requests"], problems = traffic.requests, (*problems, *traffic.notes)
    tables = [table for table in (decision_table(report.decisions), _orders(report)) if table.rows]
    shown: tuple[str | Table, ...] = (_headline(report), *_notes(report), *tables, _money(report))
    return Result("cycle", report.exit_code, data, problems, shown, _brief(report))


def order_word(order: Order) -> str:
    """The state of an order in one word; a closed one by its last word."""
    return str(order.state.word) if isinstance(order.state, Closed) else tag_of(type(order.state))


def source_note(source: Source) -> str:
    """What to say of markets that are not live; nothing for live ones."""
    return {
        Source.LIVE: "",
        Source.PUBLIC: "Paper account on live public markets. No real money moves.",
        Source.RECORDED: "Paper account on recorded markets, stitched end to start. No real money moves.",
        Source.SYNTHETIC: (
            "Paper account: BTC/USDT is a real recording stitched end to start, all other markets are synthetic. "
            "No real money moves."
        ),
    }[source]


def _headline(report: CycleReport) -> str:
    kind = "Dry run" if report.dry_run else f"Cycle {report.cycle}"
    took = (report.finished - report.started) / 1000
    return f"{kind} at {moment(report.started)}, {took:.1f} s"


def _notes(report: CycleReport) -> list[str]:
    notes = [source_note(report.source)] if source_note(report.source) else []
    if report.halted:
        notes.append("HALTED: nothing is opened. `tradekit resume` ends it.")
    if report.repeated:
        notes.append(f"Used before, not again: {', '.join(report.repeated)}")
    if not report.decisions and not report.repeated:
        notes.append("Nothing was proposed.")
    return notes


def decision_table(decisions: tuple[Decision, ...]) -> Table:
    """One row for each decision, with the reason and what would pass."""
    rows = []
    for decision in decisions:
        p = decision.proposal
        size = f"{number(p.size.value, 6)} {p.symbol.partition('/')[2] if isinstance(p.size, Notional) else p.base}"
        rows.append((p.symbol, str(p.side), size, str(p.origin), p.reason, *_verdict(decision)))
    return Table(
        "Decisions", ("symbol", "side", "asked", "from", "reason", "decision", "why", "would pass"), tuple(rows)
    )


def _verdict(decision: Decision) -> tuple[str, str, str]:
    match decision:
        case Approved(clamped_from=None):
            return "approved", "", ""
        case Approved(amount=amount, binding_rule=rule):
            return "clamped", f"to {number(amount)} by {rule}", ""
        case Refused(_, code, rule, limit, actual, unit, would_pass):
            figures = "" if limit is None else f": {number(actual, 4)}, limit {number(limit, 4)} {unit}"
            return "refused", f"{code} ({rule}){figures}", would_pass_words(would_pass)


def _orders(report: CycleReport) -> Table:
    if report.dry_run:
        planned = tuple((i.symbol, str(i.side), number(i.amount), number(i.price)) for i in report.planned)
        return Table("Orders that would be placed", ("symbol", "side", "amount", "price"), planned)
    return order_table(report.orders)


def order_table(orders: tuple[Order, ...]) -> Table:
    """One row for each order of a run."""
    rows = tuple(
        (
            order.intent.symbol,
            str(order.intent.side),
            number(order.intent.amount),
            number(order.intent.price),
            order_word(order),
            number(order.filled),
            number(order.average),
            order.state.detail if isinstance(order.state, Closed) else "",
        )
        for order in orders
    )
    columns = ("symbol", "side", "amount", "price", "state", "filled", "average", "detail")
    return Table("Orders", columns, rows)


def _money(report: CycleReport) -> str:
    equity = report.equity
    return f"Cash {number(equity.cash, 2)}, equity {number(equity.total, 2)}, at risk {number(equity.at_risk, 2)}"


def _brief(report: CycleReport) -> str:
    """One line when an order was placed, traded or ended; nothing otherwise, also where one only rests on."""
    orders = [order for order in report.orders if order.id in report.changed]
    if not orders and not report.settled.resolved:
        return ""
    parts = [
        f"{o.intent.side} {o.intent.symbol} {order_word(o)} {number(o.filled)}/{number(o.intent.amount)}"
        for o in orders
    ]
    if report.settled.resolved:
        parts.append(f"{len(report.settled.resolved)} older orders settled")
    refused = [item for item in report.decisions if isinstance(item, Refused)]
    parts += [f"refused {item.proposal.side} {item.proposal.symbol} {item.code}" for item in refused[:_MOST_TOLD]]
    if len(refused) > _MOST_TOLD:
        parts.append(f"{len(refused) - _MOST_TOLD} more refused")
    return f"cycle {report.cycle}: " + "; ".join(parts)
