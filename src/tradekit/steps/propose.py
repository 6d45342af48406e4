"""Propose: exits first, then purges, then what external programs, the rules and the dust desk ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.decide.dust import find_dust, top_ups
from tradekit.decide.exits import find_exits, raised_peaks, sellable_exits
from tradekit.decide.purge import propose_purges
from tradekit.decide.rules import propose
from tradekit.decide.triggers import find_triggers, minutes_needed
from tradekit.decide.universe import assign_tiers, eligible
from tradekit.domain.decision import Refused
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.market import Snapshot
from tradekit.domain.proposal import Proposal
from tradekit.domain.signal import Trigger
from tradekit.domain.universe import TierMemory
from tradekit.steps.desk import Desk
from tradekit.steps.purge import plan_purges

_FRESH_MS: Final = 180_000


class Wishes(NamedTuple):
    """What this cycle would like to do, before anyone judged it.

    `repeated` are ids of external proposals that were carried out before; `changed` those that came again with other
    content. `closes` are the last trades of symbols whose candles were read.
    """

    proposals: tuple[Proposal, ...]
    repeated: tuple[str, ...]
    changed: tuple[Refused, ...]
    triggers: tuple[Trigger, ...]
    tiers: Mapping[str, TierMemory]
    peaks: Mapping[str, Decimal]
    problems: tuple[Problem, ...]
    closes: Mapping[str, Decimal]


def gather_wishes(desk: Desk, snapshot: Snapshot, external: Sequence[Proposal]) -> Wishes:
    """Proposals of the exits, the rules and the outside. Without price history only the rules fall silent."""
    policy, state = desk.policy, desk.state
    tiers = assign_tiers(policy.universe, snapshot.markets, snapshot.quotes, state.tiers)
    exits = find_exits(policy.exits, state.positions, snapshot.quotes, state.stamp.quote, snapshot.time)
    exits = sellable_exits(exits, snapshot)
    plan_purges(desk, snapshot, tiers)
    leaving = {proposal.symbol for proposal in exits}
    purges = (p for p in propose_purges(policy, desk.state, snapshot, snapshot.time) if p.symbol not in leaving)
    rows = find_dust(policy, desk.state, snapshot, tiers, snapshot.time)
    dust = top_ups(rows, state.stamp.quote, snapshot.time)
    triggers, closes, problems = _look_for_triggers(desk, tiers, snapshot.time)
    consumed = _consumed(desk, external)
    fresh = tuple(proposal for proposal in external if proposal.id not in consumed)
    return Wishes(
        proposals=(*exits, *purges, *fresh, *propose(policy.rules, triggers, snapshot.time), *dust),
        repeated=tuple(p.id for p in external if consumed.get(p.id) == p.digest),
        changed=tuple(
            Refused(p, "proposal_changed", "id") for p in external if consumed.get(p.id, p.digest) != p.digest
        ),
        triggers=triggers,
        tiers=tiers,
        peaks=raised_peaks(state.positions, snapshot.quotes, state.stamp.quote),
        problems=problems,
        closes=closes,
    )


class _Seen(NamedTuple):
    triggers: tuple[Trigger, ...] = ()
    closes: Mapping[str, Decimal] = {}
    problems: tuple[Problem, ...] = ()


def _look_for_triggers(desk: Desk, tiers: Mapping[str, TierMemory], now: int) -> _Seen:
    minutes = minutes_needed(desk.policy.triggers)
    if not (desk.policy.rules.enabled and minutes):
        return _Seen()
    try:
        candles = desk.exchange.candles(eligible(tiers), minutes)
    except Unreachable as silent:
        told = "; ".join(problem.message for problem in silent.problems)
        fix = "the built-in rules propose nothing until it is back"
        return _Seen(problems=(Problem("no_price_history", told, fix),))
    fresh = {symbol: series[-1] for symbol, series in candles.items() if series and series[-1].time > now - _FRESH_MS}
    closes = {symbol: candle.close for symbol, candle in fresh.items() if candle.close > 0}
    return _Seen(find_triggers(desk.policy.triggers, candles), closes)


def _consumed(desk: Desk, external: Sequence[Proposal]) -> Mapping[str, str]:
    """The digests under which these ids were carried out before, however long ago."""
    recent = {p.id: desk.state.consumed[p.id] for p in external if p.id in desk.state.consumed}
    unseen = [p.id for p in external if p.id not in recent]
    if not unseen or not desk.state.consumed_older:
        return recent
    return {**desk.index.proposals(unseen), **recent}
