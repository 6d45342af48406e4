"""One approval being worked: the next attempt, and what becomes of an order that rests.

Pure. No attempt is made before the one before it is settled to the last fill, so the sum of all never passes what was
approved.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from tradekit.decide.manner import Manner, Times, manner_of
from tradekit.decide.pricing import behind_bp, limit_price
from tradekit.decide.promotion import Gate, gates, taking_price
from tradekit.decide.sizing import Attempt, size_order
from tradekit.domain.decision import Approved
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Market, Quote, Snapshot
from tradekit.domain.numbers import ZERO, total
from tradekit.domain.order import Closed, FinalWord, Order, OrderIntent, TimeInForce, Unplaceable
from tradekit.domain.outcome import RejectCode
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side, Urgency
from tradekit.domain.purge import TakerUse
from tradekit.domain.state import State
from tradekit.domain.times import MINUTE_MS

_SHORTEST_MS: Final = 3000
_TAKING_MS: Final = 4000


class Ending(StrEnum):
    """Why nothing more is tried in this run."""

    FILLED = "filled"
    ATTEMPTS = "attempts_used"
    REPRICES = "reprices_used"
    TIME = "no_time_left"
    TOO_SMALL = "rest_too_small"
    UNPLACEABLE = "unplaceable"
    REJECTED = "rejected"
    UNANSWERED = "unanswered"
    UNSETTLED = "unsettled"
    NO_QUOTE = "no_quote"
    HALTED = "halted"
    NO_ROOM = "no_room"
    TAKEN = "taken"
    RESTS = "rests"
    STOPPED = "stopped"


class Job(NamedTuple):
    """An approval with the orders `sent` under it, of which `settled` are accounted for. `lives` counts times to live,
    `moves` the orders that were sent only because the touch moved or the exchange said that one would cross. `gates`
    say why it was promoted or not.
    """

    approved: Approved
    manner: Manner
    sent: tuple[ClientOrderId, ...] = ()
    lives: int = 0
    moves: int = 0
    cushion: int = 0
    settled: int = 0
    ending: Ending | None = None
    gates: tuple[Gate, ...] = ()
    unplaceable: Unplaceable | None = None

    @property
    def symbol(self) -> str:
        """The market."""
        return self.approved.proposal.symbol

    def orders(self, state: State) -> tuple[Order, ...]:
        """Its orders, oldest first."""
        return tuple(state.orders[id] for id in self.sent if id in state.orders)

    def current(self, state: State) -> Order | None:
        """Its last order as long as that isn't settled."""
        order = state.orders.get(self.sent[-1]) if self.sent else None
        return None if order is None or isinstance(order.state, Closed) else order

    def filled(self, state: State) -> Decimal:
        """Base units that all its orders traded."""
        return total(order.filled for order in self.orders(state))


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


def amount_left(state: State, job: Job) -> Decimal:
    """Base units that the approval still allows, and for a sale what is still held."""
    left = job.approved.amount - job.filled(state)
    if job.approved.proposal.side is Side.SELL:
        position = state.positions.get(job.approved.proposal.base)
        left = min(left, ZERO if position is None else position.quantity)
    return max(left, ZERO)


def after_settled(job: Job, state: State) -> Job:
    """The job once its last order is settled: a cushion after a rejection, the end after a certain failure."""
    order = state.orders.get(job.sent[-1]) if len(job.sent) > job.settled else None
    if order is None or not isinstance(order.state, Closed):
        return job
    job = job._replace(settled=len(job.sent))
    if order.state.word is FinalWord.REJECTED:
        if order.state.detail == RejectCode.POST_ONLY_WOULD_CROSS:
            return job._replace(cushion=job.cushion + 1, moves=job.moves + 1, lives=max(job.lives - 1, 0))
        return job._replace(ending=Ending.REJECTED)
    if order.state.word is FinalWord.NOT_PLACED:
        return job._replace(ending=Ending.UNANSWERED)
    if order.intent.time_in_force is TimeInForce.IOC:
        return job._replace(ending=Ending.TAKEN if order.intent.is_promoted else Ending.ATTEMPTS)
    return job._replace(cushion=0)


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
    if left <= 0 and job.sent:
        return job._replace(ending=Ending.FILLED), None
    ending = _why_not(policy, job, times)
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


def fate(
    policy: Policy, state: State, job: Job, order: Order, quote: Quote | None, times: Times, *, halted: bool
) -> Fate:
    """What becomes of an order that is live and known to the exchange."""
    opens = job.approved.proposal.opens
    if opens and halted:
        return Fate(Verdict.CANCEL, "the kill switch is set")
    over = times.now >= order.deadline
    if order.is_canceling:
        return Fate(Verdict.CANCEL, order.state.reason) if over else Fate(Verdict.WAIT)  # type: ignore[union-attr]
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
    proposal = order.intent.approved.proposal
    if proposal.opens or not order.filled or not ZERO < order.remaining < order.intent.smallest:
        return 0
    position = state.positions.get(proposal.base)
    if position is None or position.quantity >= order.intent.smallest:
        return 0  # another order will take the rest along
    return order.intent.created + policy.execution.remainder_rest_minutes * MINUTE_MS


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
    spent = total(order.cost for order in job.orders(state))
    attempt = Attempt(
        number=len(job.sent) + 1,
        amount=left,
        value=approved.amount * approved.decision_price - spent,
        created=times.now,
        deadline=times.now + job.manner.ttl_ms if takes else _deadline(job, times),
    )
    sized = size_order(state.identity, approved, market, quote, priced, attempt)
    if isinstance(sized, Unplaceable):
        ending = Ending.TOO_SMALL if job.sent else Ending.UNPLACEABLE
        return job._replace(ending=ending, unplaceable=sized), None
    return job._replace(sent=(*job.sent, sized.client_order_id), lives=job.lives + 1), sized


def _why_not(policy: Policy, job: Job, times: Times) -> Ending | None:
    """Why no further maker is sent; a stop is sent once, whatever the time."""
    if job.approved.proposal.urgency is Urgency.AT_ONCE:
        return Ending.ATTEMPTS if job.sent else None
    if job.manner.max_attempts and job.lives >= job.manner.max_attempts:
        return Ending.ATTEMPTS
    if job.moves > policy.execution.max_reprices:
        return Ending.REPRICES
    return None if _deadline(job, times) - times.now >= min(_SHORTEST_MS, job.manner.ttl_ms) else Ending.TIME


def _deadline(job: Job, times: Times) -> int:
    """When a maker that is sent now has to be canceled. An opening order never outlives the run; a sale may rest."""
    manner, end = job.manner, times.now + job.manner.ttl_ms
    if job.approved.proposal.urgency is Urgency.AT_ONCE:
        return end
    if manner.taker is not TakerUse.NEVER:
        return min(end, times.until - _TAKING_MS)
    if end <= times.until or manner.rests_long:
        return end
    return max(times.until, min(end, times.next_cycle)) if manner.rests else times.until


def _lives_on(policy: Policy, job: Job, order: Order, quote: Quote | None, times: Times) -> int:
    """The new deadline of an order that still stands at the touch or better: a new one would only lose its place in
    the queue. 0 where it has to go.
    """
    if quote is None or behind_bp(order.intent.side, order.intent.price, quote):
        return 0
    if order.intent.time_in_force is TimeInForce.IOC or _why_not(policy, job, times) is not None:
        return 0
    return _deadline(job, times)


def _should_move(policy: Policy, job: Job, order: Order, quote: Quote, times: Times) -> bool:
    """Whether to follow the touch. A jump is waited out, and so is the time that a new order couldn't use."""
    execution = policy.execution
    behind = behind_bp(order.intent.side, order.intent.price, quote)
    if not behind or behind > execution.reprice_max_bp or job.moves >= execution.max_reprices:
        return False
    if _deadline(job, times) - times.now < _SHORTEST_MS:
        return False
    worst, sells = job.approved.worst_price, order.intent.side is Side.SELL
    can_better = order.intent.price > worst if sells else order.intent.price < worst
    return can_better and order.remaining >= order.intent.smallest
