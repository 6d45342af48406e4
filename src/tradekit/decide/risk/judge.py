"""The judge: proposals in a fixed order, each against every rule, each approval using up room that the next one sees.

The order: sales before opens, stops before other sales and our own exits before sales that others ask for, because
one sale of an asset goes out in a cycle and nobody may take a stop's place. Then the higher confidence first, external
proposals before our own, then by id. So the result does not depend on the order in which proposals arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tradekit.decide.pricing import worst_price
from tradekit.decide.risk.open_rules import CAPS, GATES, minimum, sellable_at_stop
from tradekit.decide.risk.reduce_rules import REDUCE_RULES, amount_to_sell
from tradekit.decide.risk.situation import Ask, Breach, Situation
from tradekit.decide.universe import tier_of
from tradekit.domain.decision import Approved, Decision, Refused
from tradekit.domain.numbers import floor_to
from tradekit.domain.proposal import Amount, Origin, Proposal, Urgency


def judge(at: Situation, proposals: Iterable[Proposal]) -> tuple[Decision, ...]:
    """A decision for every proposal, in the order they were judged."""
    decisions: list[Decision] = []
    for proposal in sorted(proposals, key=_precedence):
        decision = _judge_open(at, proposal) if proposal.opens else _judge_sale(at, proposal)
        if isinstance(decision, Approved):
            at = _granted(at, decision)
        decisions.append(decision)
    return tuple(decisions)


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


def _granted(at: Situation, decision: Approved) -> Situation:
    proposal = decision.proposal
    exposure = at.exposure
    if proposal.opens:
        exposure = exposure.with_grant(proposal.base, decision.amount * decision.decision_price)
    return at._replace(exposure=exposure, grants=(*at.grants, proposal))


def _judge_sale(at: Situation, proposal: Proposal) -> Decision:
    for rule in REDUCE_RULES:
        breach = rule(at, proposal)
        if breach is not None:
            return Refused(proposal, *breach)
    amount = amount_to_sell(at, proposal)
    asked = proposal.size.value if isinstance(proposal.size, Amount) else None
    return Approved(
        proposal,
        amount,
        decision_price=at.snapshot.quotes[proposal.symbol].mid,
        worst_price=worst_price(at.policy, proposal, at.snapshot, at.state.tiers),
        clamped_from=asked if asked is not None and asked != amount else None,
        binding_rule="position" if asked is not None and asked != amount else None,
    )


def _judge_open(at: Situation, proposal: Proposal) -> Decision:
    ask = Ask(proposal, _notional(at, proposal), tier_of(at.state.tiers, proposal.symbol))
    for gate in GATES:
        breach = gate(at, ask)
        if breach is not None:
            return Refused(proposal, *breach)
    return _fit(at, ask)


def _notional(at: Situation, proposal: Proposal) -> Decimal:
    quote = at.snapshot.quotes.get(proposal.symbol)
    if isinstance(proposal.size, Amount):
        return proposal.size.value * quote.mid if quote else Decimal(0)
    return proposal.size.value


def _fit(at: Situation, ask: Ask) -> Decision:
    """The size that fits under every cap, or the cap with the least room as the reason why none does."""
    caps = [rule(at, ask) for rule in CAPS]
    tightest = min(caps, key=lambda cap: cap.room)
    market, mid = at.snapshot.markets[ask.proposal.symbol], at.snapshot.quotes[ask.proposal.symbol].mid
    granted = min(ask.notional, tightest.room)
    over_cap = ask.notional > tightest.room
    breach = Breach(tightest.code, tightest.rule, tightest.limit, tightest.used + ask.notional, at.state.stamp.quote)
    if over_cap and (not at.policy.risk.clamp_to_caps or minimum(at, ask._replace(notional=granted)) is not None):
        return Refused(ask.proposal, *breach)
    amount = floor_to(granted / mid, market.amount_step)
    floor = sellable_at_stop(at, ask)
    if amount > 0 and amount * mid < floor:
        quote = at.state.stamp.quote
        return Refused(ask.proposal, "below_min_notional", "market.min_notional", floor, amount * mid, quote)
    if amount < market.min_amount or amount <= 0:
        return Refused(
            ask.proposal, "below_exchange_minimum", "market.min_amount", market.min_amount, amount, market.base
        )
    return Approved(
        ask.proposal,
        amount,
        decision_price=mid,
        worst_price=worst_price(at.policy, ask.proposal, at.snapshot, at.state.tiers),
        clamped_from=floor_to(ask.notional / mid, market.amount_step) if over_cap else None,
        binding_rule=tightest.rule if over_cap else None,
    )
