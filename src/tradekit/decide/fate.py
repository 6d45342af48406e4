"""What becomes of an order that rests: it waits, is kept where a new one would stand no better, moves, or goes."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from tradekit.decide.attempts import SHORTEST_MS, life_until, why_no_maker
from tradekit.decide.job import Job
from tradekit.decide.manner import Times
from tradekit.decide.pricing import ahead_bp, behind_bp
from tradekit.domain.market import Quote
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Canceling, Order, TimeInForce
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side
from tradekit.domain.state import State
from tradekit.domain.times import MINUTE_MS

_LOWER_NEXT_TIME: Final = Decimal("1.02")
"""The smallest sale is reckoned at the order's price; the next one would be priced at a lower bid, and be larger."""
_FAR_AHEAD_BP: Final = 5
"""How much better than the touch a cycle leaves an order that it takes up. Nearer, a new one would cost more in time
than it brings; `benchmarks/execution.py` measured it.
"""


class Verdict(StrEnum):
    """What becomes of an order that rests."""

    WAIT = "wait"
    KEEP = "keep"
    MOVE = "move"
    CANCEL = "cancel"


class Fate(NamedTuple):
    """A verdict, with the reason of a cancel or the new deadline (milliseconds) of an order that is kept."""

    verdict: Verdict
    reason: str = ""
    deadline: int = 0


def fate(
    policy: Policy, state: State, job: Job, order: Order, quote: Quote | None, times: Times, *, halted: bool
) -> Fate:
    """What becomes of an order that is live and known to the exchange."""
    opens = job.approved.proposal.opens
    if halted and (opens or not policy.risk.exits_when_halted):
        return Fate(Verdict.CANCEL, "the kill switch is set")
    over = times.now >= order.deadline or not job.lives
    if isinstance(order.state, Canceling):
        return Fate(Verdict.CANCEL, order.state.reason) if over else Fate(Verdict.WAIT)
    spared = rests_on(policy, state, order)
    if spared > times.now:
        return Fate(Verdict.KEEP, deadline=spared) if over else Fate(Verdict.WAIT)
    if over:
        until = _lives_on(policy, job, order, quote, times)
        return Fate(Verdict.KEEP, deadline=until) if until else Fate(Verdict.CANCEL, "time to live is over")
    if quote is not None and _should_move(policy, job, order, quote, times):
        return Fate(Verdict.MOVE, "the touch has moved")
    return Fate(Verdict.WAIT)


def rests_on(policy: Policy, state: State, order: Order) -> int:
    """Until when a sale is left alone because what is left of it, and of the asset, could not be sold otherwise;
    0 where that isn't so. In milliseconds.
    """
    proposal, smallest = order.intent.approved.proposal, order.intent.smallest * _LOWER_NEXT_TIME
    if proposal.opens or not order.filled or not ZERO < order.remaining < smallest:
        return 0
    position = state.positions.get(proposal.base)
    if position is None or position.quantity >= smallest:
        return 0  # another order will take the rest along
    return order.intent.created + policy.execution.remainder_rest_minutes * MINUTE_MS


def _lives_on(policy: Policy, job: Job, order: Order, quote: Quote | None, times: Times) -> int:
    """The new deadline of an order that still stands at the touch or better: a new one would only lose its place in
    the queue. 0 where it has to go.
    """
    side, price = order.intent.side, order.intent.price
    if quote is None or behind_bp(side, price, quote):
        return 0
    if not job.lives and ahead_bp(side, price, quote) > _FAR_AHEAD_BP:
        return 0
    if order.intent.time_in_force is TimeInForce.IOC or why_no_maker(policy, job, times) is not None:
        return 0
    return life_until(job, times)


def _should_move(policy: Policy, job: Job, order: Order, quote: Quote, times: Times) -> bool:
    """Whether to follow the touch. A jump is waited out, and so is the end of the run, after which nobody looks."""
    execution = policy.execution
    behind = behind_bp(order.intent.side, order.intent.price, quote)
    if not behind or behind > execution.reprice_max_bp or job.moves >= execution.max_reprices:
        return False
    if times.until - times.now < SHORTEST_MS:
        return False
    worst, sells = job.approved.worst_price, order.intent.side is Side.SELL
    can_better = order.intent.price > worst if sells else order.intent.price < worst
    return can_better and order.remaining >= order.intent.smallest * _LOWER_NEXT_TIME
