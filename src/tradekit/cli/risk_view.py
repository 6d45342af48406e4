"""How a risk check looks: decisions with what would pass, every rule as a row with a bar, and the room that is left.

Readable in 80 columns and through a pipe: nothing depends on colour, and every bar stands beside its figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from tradekit.cli.output import Result, Table, moment, number
from tradekit.cli.refusal_words import would_pass_words
from tradekit.decide.risk.explain import Explanation, Row, Verdict
from tradekit.decide.risk.rule import Sense
from tradekit.domain.decision import Approved, Decision, Nothing, Refused
from tradekit.domain.errors import Problem
from tradekit.domain.plain import to_plain
from tradekit.domain.proposal import Notional, Proposal
from tradekit.flows.risk_check import RiskCheck, View

_BAR: Final = 6
_SYMBOLS_SHOWN: Final = 12
_COLUMNS: Final = ("rule", "limit", "held", "pending", "asked", "after", "used", "verdict")


def present(
    report: RiskCheck, policy_source: str, problems: tuple[Problem, ...], *, explain: bool, with_room: bool
) -> Result:
    """The result of `tradekit risk-check`."""
    data = {"policy": policy_source, **to_plain(RiskCheck, report)}
    del data["exit_code"]
    shown: list[str | Table] = [f"Risk at {moment(report.time)}, under {policy_source}"]
    if report.halted:
        shown.append("HALTED: nothing is opened. `tradekit resume` ends it.")
    shown.append(_money(report))
    shown += _decided(report)
    if explain:
        for explanation in report.now.explanations:
            shown += ["", *_explained(explanation)]
    if with_room:
        shown += ["", *_room(report)]
    return Result("risk-check", report.exit_code, data, problems, tuple(shown))


def _money(report: RiskCheck) -> str:
    text = f"Caps are percentages of {number(report.now.equity, 2)} {report.quote}"
    if report.what_if is not None:
        text += f", with {' and '.join(report.changes)} of {number(report.what_if.equity, 2)} {report.quote}"
    return text + "."


def _decided(report: RiskCheck) -> list[str | Table]:
    if not report.now.explanations:
        return ["Nothing is proposed."]
    then = {} if report.what_if is None else {i.decision.proposal.id: i.decision for i in report.what_if.explanations}
    rows = []
    for explanation in report.now.explanations:
        proposal = explanation.decision.proposal
        row = [proposal.symbol, str(proposal.side), _size(proposal), _verdict(explanation.decision)]
        if report.what_if is not None:
            row.append(_verdict(then[proposal.id]) if proposal.id in then else "not proposed")
        elif isinstance(explanation.decision, Refused):
            row.append(would_pass_words(explanation.decision.would_pass))
        else:
            row.append("")
        rows.append(tuple(row))
    if report.what_if is not None:
        known = {explanation.decision.proposal.id for explanation in report.now.explanations}
        fresh = (decision for id, decision in then.items() if id not in known)
        rows += [
            (d.proposal.symbol, str(d.proposal.side), _size(d.proposal), "not proposed", _verdict(d)) for d in fresh
        ]
    last = "would pass" if report.what_if is None else "what if"
    return [Table("Decisions", ("symbol", "side", "asked", "now", last), tuple(rows))]


def _size(proposal: Proposal) -> str:
    unit = proposal.symbol.partition("/")[2] if isinstance(proposal.size, Notional) else proposal.base
    return f"{number(proposal.size.value, 6)} {unit}"


def _verdict(decision: Decision) -> str:
    match decision:
        case Approved(amount=amount, binding_rule=None):
            return f"approved {number(amount)}"
        case Approved(amount=amount, binding_rule=rule):
            return f"shrunk to {number(amount)} by {rule}"
        case Refused(code=code):
            return f"refused {code}"


def _explained(explanation: Explanation) -> list[str | Table]:
    decision = explanation.decision
    proposal = decision.proposal
    title = f"{proposal.symbol} {proposal.side} {_size(proposal)} ({proposal.id}): {_verdict(decision)}"
    lines: list[str | Table] = []
    if isinstance(decision, Refused):
        hopeless = isinstance(decision.would_pass, Nothing)
        lines.append(f"{'What to do' if hopeless else 'Would pass'}: {would_pass_words(decision.would_pass)}.")
        if decision.also:
            lines.append(f"Also in the way: {', '.join(decision.also)}.")
    return [title, *lines, Table("Every rule, in order", _COLUMNS, tuple(_row(row) for row in explanation.rows))]


def _row(row: Row) -> tuple[str, ...]:
    figures = (row.limit, row.held, row.pending, row.asked, row.after)
    cells = tuple("" if figure is None else number(figure, 2) for figure in figures)
    unit = f" {row.unit}" if row.limit is not None and row.unit in ("bp", "pct", "ms") else ""
    verdict = f"{row.verdict} <--" if row.decides else str(row.verdict)
    return (row.rule + unit.replace(" ", ", "), *cells, bar(row), verdict)


def bar(row: Row) -> str:
    """How much of the limit is used, in steps; a full bar with `!` beyond it. Of a wait: how much of it has passed."""
    if row.limit is None or row.after is None or row.verdict is Verdict.UNREAD:
        return ""
    if row.limit <= 0:
        return "#" * _BAR + "!" if row.verdict is not Verdict.PASSES else "." * _BAR
    share = row.after / row.limit
    filled = min(int(share * _BAR), _BAR) if share > 0 else 0
    beyond = "!" if row.verdict is not Verdict.PASSES and row.sense is Sense.AT_MOST else ""
    return "#" * filled + "." * (_BAR - filled) + beyond


def _room(report: RiskCheck) -> list[str | Table]:
    now, then = report.now, report.what_if
    caps = tuple(
        (cap.what, *(number(figure, 2) for figure in (cap.limit, cap.held, cap.pending, cap.left)), *extra)
        for cap, extra in zip(now.caps, _left_then(then, len(now.caps)), strict=False)
    )
    columns = ("cap", "limit", "held", "pending", "left")
    shown: list[str | Table] = [Table("Room under the caps", columns if then is None else (*columns, "what if"), caps)]
    rows = []
    fits_then = {} if then is None else {item.symbol: item for item in then.symbols}
    for item in now.symbols[:_SYMBOLS_SHOWN]:
        row = [item.symbol, str(item.tier), _largest(item.left, fits=item.fits), number(item.smallest, 2), item.key]
        if then is not None:
            other = fits_then.get(item.symbol)
            row.append("-" if other is None else _largest(other.left, fits=other.fits))
        rows.append(tuple(row))
    columns = ("symbol", "tier", "largest", "smallest", "bound by")
    if rows:
        shown.append(Table("Largest order by symbol", columns if then is None else (*columns, "what if"), tuple(rows)))
    if len(now.symbols) > _SYMBOLS_SHOWN:
        shown.append(f"{len(now.symbols) - _SYMBOLS_SHOWN} more symbols are in --json; --symbol shows one.")
    return shown


def _left_then(then: View | None, count: int) -> Sequence[tuple[str, ...]]:
    if then is None:
        return [()] * count
    return [(number(cap.left, 2),) for cap in then.caps] + [("-",)] * max(count - len(then.caps), 0)


def _largest(left: Decimal, *, fits: bool) -> str:
    return number(left, 2) if fits else f"none ({number(left, 2)})"
