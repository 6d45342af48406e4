"""An approval while it is worked: the orders that were sent under it, and why nothing more is tried."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.decide.manner import Manner
from tradekit.decide.promotion import Gate
from tradekit.domain.decision import Approved
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import ZERO, total
from tradekit.domain.order import Closed, FinalWord, Order, TimeInForce, Unplaceable
from tradekit.domain.outcome import RejectCode
from tradekit.domain.proposal import Side
from tradekit.domain.state import State


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
    say why it was promoted or not. `before` are the attempts of earlier runs, where an order of theirs was taken up.
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
    before: int = 0

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


def taken_up(order: Order, manner: Manner, mid: Decimal, worst_price: Decimal) -> Job:
    """The job that goes on with an order of an earlier run, for what the order was for and decided anew at `mid`. Its
    life in this run has yet to begin.
    """
    approved = order.intent.approved._replace(amount=order.intent.amount, decision_price=mid, worst_price=worst_price)
    return Job(approved, manner, sent=(order.id,), before=order.intent.attempt - 1)


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
