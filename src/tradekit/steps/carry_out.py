"""Carry out: from decisions to orders that were worked and settled. A dry run only says what would be sent first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tradekit.decide.attempts import first_attempt
from tradekit.decide.budget import times_of
from tradekit.decide.job import Job, taken_up
from tradekit.decide.manner import manner_of
from tradekit.decide.pricing import worst_price
from tradekit.decide.risk.situation import Situation
from tradekit.domain.decision import Approved, Decision
from tradekit.domain.errors import Problem
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.state import State
from tradekit.steps.desk import Desk
from tradekit.steps.settle import settle_again, unfinished
from tradekit.steps.troubles import refused_by_exchange
from tradekit.steps.work import work


class CarriedOut(NamedTuple):
    """`planned` are the first orders of the approvals, `jobs` what became of all of them. `waited_ms` is the time that
    was spent waiting for the market.
    """

    planned: tuple[OrderIntent, ...]
    jobs: tuple[Job, ...]
    problems: tuple[Problem, ...] = ()
    waited_ms: int = 0

    def orders(self, state: State) -> tuple[Order, ...]:
        """All orders, approval by approval."""
        return tuple(order for job in self.jobs for order in job.orders(state))


def carry_out(
    desk: Desk, at: Situation, decisions: Iterable[Decision], started: int, resting: Iterable[Order] = ()
) -> CarriedOut:
    """Works the approved ones in the budget of a run that `started` then (milliseconds), and settles again.

    `resting` orders of earlier runs are worked on where they stand. Raises `NeedsHuman` for the store.
    """
    approved = [decision for decision in decisions if isinstance(decision, Approved)]
    times = times_of(desk.policy, started, desk.clock.now())
    plans = [first_attempt(desk.policy, at.state, at.snapshot, item, times) for item in approved]
    planned = tuple(intent for _, intent in plans if intent is not None)
    if desk.dry_run:
        return CarriedOut(planned, tuple(job for job, _ in plans))
    jobs = [Job(item, manner_of(desk.policy, at.state, item.proposal)) for item in approved]
    jobs += (_taken_up(desk, at, order) for order in resting)
    worked = work(desk, at, jobs, times.until, times.next_cycle)
    idle = not (jobs or unfinished(desk.state) or desk.clock.must_stop())
    again = () if idle else settle_again(desk)  # an idle run asks the exchange nothing twice
    problems = (*worked.problems, *again)
    done = CarriedOut(planned, worked.jobs, problems, worked.waited_ms)
    return done._replace(problems=(*problems, *refused_by_exchange(done.orders(desk.state))))


def _taken_up(desk: Desk, at: Situation, order: Order) -> Job:
    proposal = order.intent.approved.proposal
    worst = worst_price(desk.policy, proposal, at.snapshot, at.state.tiers)
    manner = manner_of(desk.policy, at.state, proposal)
    return taken_up(order, manner, at.snapshot.quotes[proposal.symbol].mid, worst)
