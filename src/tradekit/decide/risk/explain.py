"""What every rule saw of one proposal, in the order they are asked. Reads what the judge read; decides nothing."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.decide.risk.judge import Judgement, key_of, shrinks, unit_of
from tradekit.decide.risk.permission_rules import EXPIRED
from tradekit.decide.risk.rule import Kind, Reading, Rule, Sense
from tradekit.decide.risk.rulebook import OPEN_RULES, REDUCE_RULES
from tradekit.decide.risk.situation import Ask, Situation
from tradekit.domain.decision import Decision, Refused


class Verdict(StrEnum):
    """What one rule says on its own."""

    PASSES = "ok"
    SHRINKS = "shrinks"
    REFUSES = "REFUSES"
    UNREAD = "not read"


class Row(NamedTuple):
    """One rule: its figures in `unit`, and its verdict. `decides` marks the rule that the decision names."""

    rule: str
    code: str
    key: str
    unit: str
    sense: Sense
    limit: Decimal | None
    held: Decimal | None
    pending: Decimal | None
    asked: Decimal | None
    after: Decimal | None
    verdict: Verdict
    decides: bool


class Explanation(NamedTuple):
    """A decision with what every rule says of it."""

    decision: Decision
    rows: tuple[Row, ...]


def explain(judgement: Judgement) -> Explanation:
    """Every rule's row. After one that finds no market or no price, the others can't be read."""
    decision, at, ask = judgement
    rows: list[Row] = []
    blocked = False
    for rule in OPEN_RULES if ask.proposal.opens else REDUCE_RULES:
        if blocked:
            rows.append(_row(at, ask, rule, Reading(False), Verdict.UNREAD, decision))
            continue
        reading = rule.read(at, ask)
        verdict = _verdict(at, ask, rule, reading)
        blocked = rule.blocks and verdict is Verdict.REFUSES
        rows.append(_row(at, ask, rule, reading, verdict, decision))
    return Explanation(decision, tuple(rows))


def _verdict(at: Situation, ask: Ask, rule: Rule, reading: Reading) -> Verdict:
    if reading.passes:
        return Verdict.PASSES
    if rule.kind is Kind.CAP and shrinks(at, ask, reading.room):
        return Verdict.SHRINKS
    return Verdict.REFUSES


def _row(at: Situation, ask: Ask, rule: Rule, reading: Reading, verdict: Verdict, decision: Decision) -> Row:
    key = key_of(rule, reading)
    if isinstance(decision, Refused):
        decides = rule.code == decision.code
    else:
        decides = verdict is Verdict.SHRINKS and key == decision.binding_rule
    figures = reading[1:6] if rule is not EXPIRED else (None,) * 5  # a moment says nothing beside amounts
    return Row(rule.name, rule.code, key, unit_of(rule, reading, at, ask), rule.sense, *figures, verdict, decides)
