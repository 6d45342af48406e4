"""Assess: everything from the first look to the decisions, before anything is sent. What a cycle begins with, and all
that a check of the risk does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.decide.proof import ProofRow, stops_opens, unexplained
from tradekit.decide.risk.judge import Judgement, deliberate
from tradekit.decide.risk.situation import Situation, look
from tradekit.domain.decision import Decision
from tradekit.domain.errors import Problem
from tradekit.domain.market import Snapshot
from tradekit.domain.proposal import Proposal
from tradekit.domain.saved_look import SavedLook, risk_view
from tradekit.domain.universe import TierMemory
from tradekit.steps.desk import Desk
from tradekit.steps.make_way import make_way
from tradekit.steps.propose import Wishes, gather_wishes
from tradekit.steps.settle import Settled, settle
from tradekit.steps.snapshot import open_account, prove_balances, take_snapshot

_MOST_WATCHED: Final = 50
_NO_CLOSES: Final[Mapping[str, Decimal]] = {}


class Wanted(NamedTuple):
    """What comes from outside into one cycle: proposals, and problems in getting them (they cost opens only)."""

    proposals: tuple[Proposal, ...] = ()
    problems: tuple[Problem, ...] = ()

    def joined(self, more: Wanted) -> Wanted:
        """Both together; of two proposals with one id the first is taken."""
        taken = {proposal.id for proposal in self.proposals}
        fresh = tuple(proposal for proposal in more.proposals if proposal.id not in taken)
        return Wanted((*self.proposals, *fresh), (*self.problems, *more.problems))


class Assessment(NamedTuple):
    """What was found, wished for and decided. `problems` are those of getting proposals."""

    settled: Settled
    snapshot: Snapshot
    differences: tuple[ProofRow, ...]
    wishes: Wishes
    situation: Situation
    judgements: tuple[Judgement, ...]
    problems: tuple[Problem, ...]

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """One for every proposal that is not a repeated one."""
        return (*self.wishes.changed, *(judgement.decision for judgement in self.judgements))


def assess(desk: Desk, given: Wanted, ask: Callable[[], Wanted]) -> Assessment:
    """Settles, looks, gathers proposals (`ask` for more once older orders are settled) and judges them.

    Raises `Unreachable` when settling or the snapshot fails, `NeedsHuman` for the store.
    """
    open_account(desk)
    settled = settle(desk).settled
    wanted = given.joined(ask())
    symbols = {proposal.symbol for proposal in wanted.proposals}
    snapshot = take_snapshot(desk, symbols)
    differences = unexplained(prove_balances(desk, snapshot))
    wishes = gather_wishes(desk, snapshot, wanted.proposals)
    if make_way(desk, snapshot, wishes.tiers, wishes.proposals):
        snapshot = take_snapshot(desk, symbols)
        differences = unexplained(prove_balances(desk, snapshot))
    situation = situation_of(desk, snapshot, differences, wishes.tiers, wishes.closes, _watched(wishes.proposals))
    judgements = deliberate(situation, wishes.proposals)
    problems = (*wanted.problems, *wishes.problems)
    return Assessment(settled, snapshot, differences, wishes, situation, judgements, problems)


def situation_of(
    desk: Desk,
    snapshot: Snapshot,
    differences: Sequence[ProofRow],
    tiers: Mapping[str, TierMemory],
    closes: Mapping[str, Decimal] = _NO_CLOSES,
    watched: Iterable[str] = (),
) -> Situation:
    """What the rules look at, before anything is granted."""
    return look(
        desk.policy,
        desk.state._replace(tiers=tiers),
        snapshot,
        now=desk.clock.now(),
        halted=desk.store.is_halted(),
        mismatched=mismatched(differences, desk.state.stamp.quote),
        closes=closes,
        watched=watched,
    )


def save_look(desk: Desk, wanted: Iterable[str] = ()) -> tuple[SavedLook, tuple[ProofRow, ...]]:
    """Settles and looks as `assess` does, and judges nothing. `wanted` are symbols to ask for by name. Raises alike."""
    open_account(desk)
    settle(desk)
    snapshot = take_snapshot(desk, wanted)
    differences = unexplained(prove_balances(desk, snapshot))
    wishes = gather_wishes(desk, snapshot, ())
    saved = SavedLook(
        now=desk.clock.now(),
        state=risk_view(desk.state),
        snapshot=snapshot,
        halted=desk.store.is_halted(),
        mismatched=tuple(sorted(mismatched(differences, desk.state.stamp.quote))),
        closes=wishes.closes,
        triggers=wishes.triggers,
    )
    return saved, differences


def mismatched(differences: Sequence[ProofRow], quote: str) -> frozenset[str]:
    """Assets in which nothing is opened: more cash than the books say is no reason to stop, all else is."""
    return frozenset(row.asset for row in differences if stops_opens(row, quote))


def _watched(proposals: Sequence[Proposal]) -> tuple[str, ...]:
    """Prices of what is to be bought are remembered, so that a jump is seen the next time."""
    return tuple(sorted({proposal.base for proposal in proposals if proposal.opens})[:_MOST_WATCHED])
