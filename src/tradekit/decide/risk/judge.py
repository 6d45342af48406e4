"""The judge: proposals in a fixed order, each against every rule, each approval using up room that the next one sees.

The order: sales before opens, stops before other sales and our own exits before sales that others ask for, because
one sale of an asset goes out in a cycle and nobody may take a stop's place. Then the higher confidence first, external
proposals before our own, then by id. So the result does not depend on the order in which proposals arrive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.pricing import worst_price
from tradekit.decide.risk.rule import Kind, Reading, Rule
from tradekit.decide.risk.rulebook import CAPS, OPEN_GATES, OPEN_RULES, REDUCE_RULES
from tradekit.decide.risk.sale_rules import amount_to_sell
from tradekit.decide.risk.situation import Ask, Situation, ask_of, smallest_notional
from tradekit.domain.decision import Approved, Decision, Refused, Resize, Wait, WouldPass
from tradekit.domain.numbers import floor_to
from tradekit.domain.proposal import Amount, Origin, Proposal, Urgency


class Judgement(NamedTuple):
    """A decision with what it was taken on: the situation at its turn, and the proposal's sizes."""

    decision: Decision
    at: Situation
    ask: Ask


def judge(at: Situation, proposals: Iterable[Proposal]) -> tuple[Decision, ...]:
    """A decision for every proposal, in the order they were judged."""
    return tuple(item.decision for item in deliberate(at, proposals))


def deliberate(at: Situation, proposals: Iterable[Proposal]) -> tuple[Judgement, ...]:
    """As `judge`, with what each decision was taken on."""
    judgements: list[Judgement] = []
    for proposal in sorted(proposals, key=_precedence):
        ask = ask_of(at, proposal)
        decision = _judge_open(at, ask) if proposal.opens else _judge_sale(at, ask)
        judgements.append(Judgement(decision, at, ask))
        if isinstance(decision, Approved):
            at = _granted(at, ask, decision)
    return tuple(judgements)


def _precedence(proposal: Proposal) -> tuple[bool, bool, bool, Decimal, bool, str]:
    is_exit = proposal.origin is Origin.EXIT
    is_stop = is_exit and proposal.urgency is Urgency.AT_ONCE
    return (
        proposal.opens,
        not is_stop,
        not is_exit,
        -proposal.confidence,
        proposal.origin is not Origin.EXTERNAL,
        proposal.id,
    )


def _granted(at: Situation, ask: Ask, decision: Approved) -> Situation:
    notional = decision.amount * decision.decision_price
    if ask.proposal.opens:
        adds_count = not at.policy.risk.auto_approve_adds
        tally = at.tally.with_buy(ask.proposal, ask.tier, notional, at.now, adds_count=adds_count)
    else:
        tally = at.tally.with_sale(ask.proposal, notional)
    return at._replace(tally=tally)


def _judge_sale(at: Situation, ask: Ask) -> Decision:
    for rule in REDUCE_RULES:
        reading = rule.read(at, ask)
        if not reading.passes:
            return _refused(at, ask, rule, reading)
    amount, size = amount_to_sell(at, ask), ask.proposal.size
    asked = size.value if isinstance(size, Amount) else None
    assert ask.quote is not None
    return Approved(
        ask.proposal,
        amount,
        decision_price=ask.quote.mid,
        worst_price=worst_price(at.policy, ask.proposal, at.snapshot, at.state.tiers),
        clamped_from=asked if asked is not None and asked != amount else None,
        binding_rule="position" if asked is not None and asked != amount else None,
    )


def _judge_open(at: Situation, ask: Ask) -> Decision:
    for rule in OPEN_GATES:
        reading = rule.read(at, ask)
        if not reading.passes:
            return _refused(at, ask, rule, reading)
    return _fit(at, ask)


def _fit(at: Situation, ask: Ask) -> Decision:
    """The size that fits under every cap, or the cap with the least room as the reason why none does."""
    readings = [(rule, rule.read(at, ask)) for rule in CAPS]
    limited = [(reading.room, rule, reading) for rule, reading in readings if reading.limit is not None]
    room, rule, reading = min(limited, key=lambda item: item[0])
    over = ask.notional > room
    if over and not shrinks(at, ask, room):
        return _refused(at, ask, rule, reading)
    assert ask.market is not None and ask.quote is not None
    mid, step = ask.quote.mid, ask.market.amount_step
    return Approved(
        ask.proposal,
        floor_to(min(ask.notional, room) / mid, step),
        decision_price=mid,
        worst_price=worst_price(at.policy, ask.proposal, at.snapshot, at.state.tiers),
        clamped_from=floor_to(ask.notional / mid, step) if over else None,
        binding_rule=key_of(rule, reading) if over else None,
    )


def shrinks(at: Situation, ask: Ask, room: Decimal) -> bool:
    """Whether an order that is too large may be made as small as `room`: never under the minimum."""
    return at.policy.risk.clamp_to_caps and room >= smallest_notional(at, ask)


def stands_in_the_way(at: Situation, ask: Ask, rule: Rule) -> bool:
    """Whether this rule alone would refuse; a cap that the order can shrink under doesn't."""
    reading = rule.read(at, ask)
    return not (reading.passes or (rule.kind is Kind.CAP and shrinks(at, ask, reading.room)))


def key_of(rule: Rule, reading: Reading) -> str:
    """The policy key that binds."""
    return reading.key or rule.keys[0]


def unit_of(rule: Rule, reading: Reading, at: Situation, ask: Ask) -> str:
    """The unit of a rule's figures, with the account's currency and the asset by their names."""
    if reading.key == "market.min_amount":
        return ask.proposal.base
    return {"quote": at.state.stamp.quote}.get(rule.unit, rule.unit)


def _refused(at: Situation, ask: Ask, rule: Rule, reading: Reading) -> Refused:
    change = rule.advise(at, ask, reading)
    rules = OPEN_RULES if ask.proposal.opens else REDUCE_RULES
    left = CAPS if rule.kind is Kind.CAP else rules[rules.index(rule) + 1 :]  # those before it have passed
    return Refused(
        ask.proposal,
        rule.code,
        key_of(rule, reading),
        reading.limit,
        reading.after,
        unit_of(rule, reading, at, ask),
        change,
        _further(at, _resized(at, ask, change), rule, left, at.now + change.ms if isinstance(change, Wait) else at.now),
    )


def _further(at: Situation, ask: Ask, refusing: Rule, rules: Sequence[Rule], then: int) -> tuple[str, ...]:
    """The codes of other rules that would refuse it too, as far as they can be read, now and still at `then`."""
    found: list[str] = []
    for rule in rules if not refusing.blocks else ():
        if rule is refusing or not stands_in_the_way(at, ask, rule):
            continue
        if then == at.now or stands_in_the_way(at._replace(now=then), ask, rule):
            found.append(rule.code)
        if rule.blocks:
            break
    return tuple(found)


def _resized(at: Situation, ask: Ask, change: WouldPass) -> Ask:
    match change:
        case Resize(value):
            size = type(ask.proposal.size)(value)
            return ask_of(at, ask.proposal._replace(size=size))
        case _:
            return ask
