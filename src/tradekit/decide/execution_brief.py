"""One line's worth of what became of the newest orders, from the state alone: no journal is read for it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.numbers import divide, total
from tradekit.domain.order import Closed, FinalWord, Order
from tradekit.domain.proposal import Origin, Side


class ExecutionBrief(NamedTuple):
    """Counts of the closed orders that a state remembers: those that lived by how much of them filled, those that the
    exchange `rejected`, and those that never got there (`not_placed`). `orders` is the sum. `shortfall_bp` is against
    the decision prices, weighted by worth, before fees; None where nothing filled.
    """

    orders: int
    filled: int
    partly: int
    unfilled: int
    rejected: int
    not_placed: int
    shortfall_bp: Decimal | None


def brief_execution(orders: Iterable[Order]) -> ExecutionBrief:
    """The counts over `orders`; those that are not closed, and those that were adopted, are left out."""
    closed = [order for order in orders if isinstance(order.state, Closed) and not _is_adopted(order)]
    lived = [order for order in closed if not _never_lived(order)]
    words = [order.state.word for order in closed if isinstance(order.state, Closed)]
    lost = total(_apart(order) for order in lived)
    worth = total(order.filled * order.intent.approved.decision_price for order in lived)
    return ExecutionBrief(
        orders=len(closed),
        filled=sum(1 for order in lived if order.filled >= order.intent.amount),
        partly=sum(1 for order in lived if 0 < order.filled < order.intent.amount),
        unfilled=sum(1 for order in lived if not order.filled),
        rejected=words.count(FinalWord.REJECTED),
        not_placed=words.count(FinalWord.NOT_PLACED),
        shortfall_bp=divide(lost * 10_000, worth) if worth else None,
    )


def _apart(order: Order) -> Decimal:
    apart = order.cost - order.filled * order.intent.approved.decision_price
    return apart if order.intent.side is Side.BUY else -apart


def _is_adopted(order: Order) -> bool:
    return order.intent.approved.proposal.origin is Origin.ADOPTED


def _never_lived(order: Order) -> bool:
    return isinstance(order.state, Closed) and order.state.word in (FinalWord.REJECTED, FinalWord.NOT_PLACED)
