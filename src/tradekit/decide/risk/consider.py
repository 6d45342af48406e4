"""From a saved look to decisions: what the rules would propose, and what is said of that and of what others propose.

The same functions as a cycle uses, in the same order, with nothing read from outside: so another policy can be tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.exits import find_exits, sellable_exits
from tradekit.decide.risk.judge import Judgement, deliberate
from tradekit.decide.risk.situation import Situation, look
from tradekit.decide.rules import propose
from tradekit.decide.universe import assign_tiers
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Proposal
from tradekit.domain.saved_look import SavedLook


class Considered(NamedTuple):
    """The situation before anything is granted, and a judgement for every proposal."""

    situation: Situation
    judgements: tuple[Judgement, ...]


def consider(
    policy: Policy, saved: SavedLook, external: Sequence[Proposal], *, equity: Decimal | None = None
) -> Considered:
    """Exits, `external` and the built-in rules, judged. `equity` stands in for what the account is worth."""
    state, snapshot = saved.state, saved.snapshot
    tiers = assign_tiers(policy.universe, snapshot.markets, snapshot.quotes, state.tiers)
    exits = find_exits(policy.exits, state.positions, snapshot.quotes, state.stamp.quote, snapshot.time)
    exits = sellable_exits(exits, snapshot)
    situation = look(
        policy,
        state._replace(tiers=tiers),
        snapshot,
        now=saved.now,
        halted=saved.halted,
        mismatched=frozenset(saved.mismatched),
        closes=saved.closes,
        equity=equity,
    )
    wishes = (*exits, *external, *propose(policy.rules, saved.triggers, snapshot.time))
    return Considered(situation, deliberate(situation, wishes))
