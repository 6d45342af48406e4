"""The next attempt under an approval: a maker, an immediate order where all gates let it pass, or none and why.

No attempt is made before the one before it is settled to the last fill, so the sum of all never passes what was
approved.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradekit.decide.job import Ending, Job
from tradekit.decide.manner import Times, manner_of
from tradekit.decide.pricing import limit_price
from tradekit.decide.promotion import gates, taking_price
from tradekit.decide.sizing import Attempt, size_order, smallest_sale, without_stub
from tradekit.domain.decision import Approved
from tradekit.domain.market import Market, Quote, Snapshot
from tradekit.domain.numbers import total
from tradekit.domain.order import OrderIntent, Unplaceable
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Urgency
from tradekit.domain.purge import TakerUse
from tradekit.domain.state import State

SHORTEST_MS: Final = 3000
_TAKING_MS: Final = 4000
_NEVER: Final = 2**62
_LATE_MS: Final = 35_000
"""How far beyond the earliest beginning of the next cycle a sale rests that it is to take up: cron may be late."""


def first_attempt(
    policy: Policy, state: State, snapshot: Snapshot, approved: Approved, times: Times
) -> tuple[Job, OrderIntent | None]:
    """The first order under an approval, or the job with the reason why there is none."""
    job = Job(approved, manner_of(policy, state, approved.proposal))
    market, quote = snapshot.markets[job.symbol], snapshot.quotes[job.symbol]
    return next_attempt(policy, state, job, market, quote, times, approved.amount)


def next_attempt(
    policy: Policy, state: State, job: Job, market: Market, quote: Quote, times: Times, left: Decimal
) -> tuple[Job, OrderIntent | None]:
    """The job with one more order to send of at most `left` base units, or with its ending.

    A maker first; where lives or time are used up, an immediate order if all gates let it pass.
    """
    ending = why_no_maker(policy, job, times)
    if times.now >= _expiry(job):
        return job._replace(ending=Ending.TIME), None
    if ending is None and job.manner.taker is not TakerUse.NOW:
        return _sized(policy, state, job, market, quote, times, left)
    if job.approved.proposal.urgency is Urgency.AT_ONCE:
        return job._replace(ending=ending), None
    verdicts = gates(policy, state, job.approved, job.manner, job.lives, market, quote, left, times.now)
    job = job._replace(gates=verdicts)
    if ending is Ending.REPRICES or not all(gate.passes for gate in verdicts):
        if ending is None:  # a person wants to take now and may not: it rests instead
            return _sized(policy, state, job, market, quote, times, left)
        return job._replace(ending=ending), None
    return _sized(policy, state, job, market, quote, times, left, takes=True)


def _sized(
    policy: Policy,
    state: State,
    job: Job,
    market: Market,
    quote: Quote,
    times: Times,
    left: Decimal,
    *,
    takes: bool = False,
) -> tuple[Job, OrderIntent | None]:
    approved = job.approved
    cushion = min(job.cushion, policy.execution.max_cushion_ticks)
    priced = (
        taking_price(policy, state, approved, market)
        if takes
        else limit_price(policy, approved, quote, market, cushion)
    )
    position = state.positions.get(approved.proposal.base)
    if job.sent and not approved.proposal.opens and position is not None:
        # more may be held now than when it was approved, and the rest has to stay sellable
        left = without_stub(left, position.quantity, smallest_sale(market, quote.bid), market.amount_step)
    spent = total(order.cost for order in job.orders(state))
    attempt = Attempt(
        number=job.before + len(job.sent) + 1,
        amount=left,
        value=approved.amount * approved.decision_price - spent,
        created=times.now,
        deadline=min(times.now + job.manner.ttl_ms, _expiry(job)) if takes else life_until(job, times),
    )
    sized = size_order(state.identity, approved, market, quote, priced, attempt)
    if isinstance(sized, Unplaceable):
        ending = Ending.TOO_SMALL if job.sent else Ending.UNPLACEABLE
        return job._replace(ending=ending, unplaceable=sized), None
    return job._replace(sent=(*job.sent, sized.client_order_id), lives=job.lives + 1), sized


def why_no_maker(policy: Policy, job: Job, times: Times) -> Ending | None:
    """Why no further maker is sent; a stop is sent once, whatever the time."""
    if job.approved.proposal.urgency is Urgency.AT_ONCE:
        return Ending.ATTEMPTS if job.sent else None
    if job.manner.max_attempts and job.lives >= job.manner.max_attempts:
        return Ending.ATTEMPTS
    if job.moves > policy.execution.max_reprices:
        return Ending.REPRICES
    if job.sent and times.now >= times.until:
        return Ending.TIME
    return None if life_until(job, times) - times.now >= min(SHORTEST_MS, job.manner.ttl_ms) else Ending.TIME


def life_until(job: Job, times: Times) -> int:
    """When a maker that is sent now has to be canceled. An opening order never outlives the run; a sale may rest. None
    outlives its proposal.
    """
    return min(_end_of_life(job, times), _expiry(job))


def _expiry(job: Job) -> int:
    expires = job.approved.proposal.expires
    return _NEVER if expires is None else expires


def _end_of_life(job: Job, times: Times) -> int:
    manner, end = job.manner, times.now + job.manner.ttl_ms
    if job.approved.proposal.urgency is Urgency.AT_ONCE:
        return end
    if manner.taker is not TakerUse.NEVER:
        return min(end, times.until - _TAKING_MS)
    if end <= times.until or manner.rests_long:
        return end
    if not manner.rests:
        return times.until
    return max(times.until, times.next_cycle + (_LATE_MS if manner.goes_on else 0))
