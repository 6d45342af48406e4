"""How a purge's report looks: what was sold, at what price against the decision, what is left and why."""

from __future__ import annotations

from typing import Final

from tradekit.cli.cycle_view import decision_table, order_word, source_note
from tradekit.cli.output import Result, Table, moment, number
from tradekit.decide.job import Ending, Job
from tradekit.decide.purge_result import PurgeRow
from tradekit.domain.decision import Refused
from tradekit.domain.order import Order
from tradekit.domain.plain import to_plain
from tradekit.domain.purge import PurgeEnd
from tradekit.flows.purge import PurgeReport, StopReport

_ENDED: Final = {
    PurgeEnd.SOLD: "sold off",
    PurgeEnd.TOO_SMALL: "the rest is too small to be sold",
    PurgeEnd.NOT_WANTED: "no longer wanted",
    PurgeEnd.STOPPED: "stopped",
}
_WHY: Final = {
    None: "the cycles go on",
    Ending.FILLED: "the next slice goes with the next cycle",
    Ending.ATTEMPTS: "nobody came: the cycles go on",
    Ending.REPRICES: "the market kept moving: the cycles go on",
    Ending.TIME: "time is over: the cycles go on",
    Ending.TOO_SMALL: "the rest of this slice goes with the next cycle",
    Ending.UNPLACEABLE: "too small for the exchange",
    Ending.REJECTED: "refused by the exchange: the cycles try again",
    Ending.UNANSWERED: "no answer: the next run looks first",
    Ending.UNSETTLED: "not settled: the next run looks first",
    Ending.NO_QUOTE: "no price: the cycles go on",
    Ending.HALTED: "halted",
    Ending.NO_ROOM: "no room",
    Ending.TAKEN: "taken as far as the price bound reached: the cycles go on",
    Ending.RESTS: "an order rests: the cycles go on",
    Ending.STOPPED: "a signal ended the run: the cycles go on",
}


def present(report: PurgeReport, policy_source: str) -> Result:
    """The result of `tradekit purge`."""
    told = to_plain(PurgeReport, report._replace(problems=()))
    data = {"policy": policy_source, **told}
    del data["exit_code"], data["problems"]
    took = (report.finished - report.started) / 1000
    kind = "Dry run of a purge" if report.dry_run else "Purge"
    shown: list[str | Table] = [f"{kind} at {moment(report.started)}, {took:.1f} s"]
    if source_note(report.source):
        shown.append(source_note(report.source))
    if report.halted:
        shown.append("HALTED: the kill switch is set; sales go on only where the policy says so.")
    refused = tuple(decision for decision in report.decisions if isinstance(decision, Refused))
    planned = tuple((i.symbol, number(i.amount), number(i.price), str(i.place)) for i in report.planned)
    tables = (
        Table("Orders that would be placed first", ("symbol", "amount", "price", "place"), planned)
        if report.dry_run
        else _orders(report),
        decision_table(refused),
        _rows(report),
        _gates(report.jobs),
    )
    shown += [table for table in tables if table.rows]
    return Result("purge", report.exit_code, data, report.problems, tuple(shown), _brief(report))


def present_stop(report: StopReport) -> Result:
    """The result of `tradekit purge --stop`."""
    told = f"No longer sold off: {', '.join(report.ended)}." if report.ended else ""
    data = {"dry_run": report.dry_run, "ended": list(report.ended)}
    return Result("purge", report.exit_code, data, report.problems, (told,) if told else (), told)


def _rows(report: PurgeReport) -> Table:
    jobs = {job.approved.proposal.base: job for job in report.jobs}
    rows = tuple(
        (
            row.asset,
            number(row.sold),
            number(row.average),
            number(row.decision_price),
            number(row.shortfall_bp, 1),
            ", ".join(f"{number(fee.amount, 6)} {fee.asset}" for fee in row.fees) or "-",
            number(row.left),
            number(row.left_notional, 2),
            f"{number(row.progress_pct, 1)} %",
            _then(row, jobs.get(row.asset), report.resting, dry_run=report.dry_run),
        )
        for row in report.rows
    )
    columns = ("asset", "sold", "average", "decided at", "cost bp", "fees", "left", "worth", "done", "then")
    return Table("Sold off", columns, rows)


def _then(row: PurgeRow, job: Job | None, resting: tuple[str, ...], *, dry_run: bool) -> str:
    if row.ended is not None:
        return _ENDED[row.ended]
    if dry_run and row.asset in resting:
        return "an order rests: it would be taken back and placed anew"
    if dry_run:
        return "would begin" if job is not None and job.ending is None else ""
    return _WHY[job.ending] if job is not None else "refused for now"


def _orders(report: PurgeReport) -> Table:
    rows = tuple(
        (
            f"{(order.intent.created - report.started) / 1000:.1f} s",
            order.intent.symbol,
            str(order.intent.place),
            number(order.intent.price),
            number(order.intent.amount),
            number(order.filled),
            number(order.average),
            order_word(order),
        )
        for order in sorted(report.orders, key=_created)
    )
    columns = ("at", "symbol", "place", "price", "amount", "filled", "average", "state")
    return Table("Orders", columns, rows)


def _created(order: Order) -> tuple[int, str]:
    return order.intent.created, order.intent.symbol


def _gates(jobs: tuple[Job, ...]) -> Table:
    """Why an order was not promoted, where it might have been."""
    rows = tuple(
        (job.symbol, gate.key, "yes" if gate.passes else "no", number(gate.actual, 4), number(gate.limit, 4), gate.unit)
        for job in jobs
        if any(gate.key == "taker.enabled" and gate.passes for gate in job.gates)
        for gate in job.gates
    )
    return Table("Taking", ("symbol", "gate", "passes", "actual", "limit", "unit"), rows)


def _brief(report: PurgeReport) -> str:
    """What was sold, and the orders that sold nothing."""
    parts = [
        f"sold {number(row.sold)} {row.asset} ({number(row.progress_pct, 1)} %)" for row in report.rows if row.sold
    ]
    parts += [f"{o.intent.symbol} {order_word(o)} 0/{number(o.intent.amount)}" for o in report.orders if not o.filled]
    return "purge: " + "; ".join(parts) if parts else ""
