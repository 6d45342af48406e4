"""In what manner an approval is worked: how long an attempt lives, how many there are, whether it may take or rest."""

from __future__ import annotations

from typing import NamedTuple

from tradekit.decide.pricing import ttl_seconds
from tradekit.decide.universe import tier_of
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Origin, Proposal
from tradekit.domain.purge import PurgeTerms, TakerUse
from tradekit.domain.state import State
from tradekit.domain.times import MINUTE_MS


class Times(NamedTuple):
    """Of one run, in milliseconds: `now`, `until` when it may wait, and when the `next_cycle` may begin."""

    now: int
    until: int
    next_cycle: int


class Manner(NamedTuple):
    """`max_attempts` 0 is as many as fit. `by_hand`: a person chose `taker`, which stands in for the policy's switch.

    `rests` lets a sale outlast the run: not at all, until the next cycle, or (`rests_long`) its whole life. One that
    `goes_on` outlasts the beginning of the next cycle too, which takes it up where it stands.
    """

    ttl_ms: int
    max_attempts: int
    taker: TakerUse
    by_hand: bool = False
    rests: bool = False
    rests_long: bool = False
    goes_on: bool = False


def manner_of(policy: Policy, state: State, proposal: Proposal) -> Manner:
    """The manner that the policy, or a person who started the purge, wants for a proposal."""
    execution = policy.execution
    taker = TakerUse.LAST if policy.taker.enabled else TakerUse.NEVER
    rests = execution.sales_rest and not proposal.opens
    if proposal.origin is not Origin.PURGE:
        ttl_ms = 1000 * ttl_seconds(policy, tier_of(state.tiers, proposal.symbol))
        return Manner(ttl_ms, execution.max_attempts, taker, rests=rests)
    plan = state.purges.get(proposal.base)
    terms = PurgeTerms() if plan is None else plan.terms
    ttl = terms.ttl_seconds or purge_ttl_seconds(policy, state)
    patience = policy.purge.taker_after_minutes * MINUTE_MS
    if patience and plan is not None and state.time - plan.started >= patience:
        taker = TakerUse.LAST
    return Manner(
        1000 * ttl,
        policy.purge.max_attempts,
        terms.taker or taker,
        by_hand=terms.taker is not None,
        rests=rests or terms.rests,
        rests_long=terms.rests,
        goes_on=rests and not terms.rests,
    )


def purge_ttl_seconds(policy: Policy, state: State) -> int:
    """The policy's, or less where the budget governor asks for it."""
    ttl = policy.purge.ttl_seconds
    return min(ttl, policy.governor.purge_ttl_seconds) if state.governor.step else ttl
