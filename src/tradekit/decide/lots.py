"""Lots: what is left of each purchase, and which of them a sale takes."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from tradekit.domain.books import CostMethod
from tradekit.domain.numbers import COST_PLACES, ZERO
from tradekit.domain.position import Lot

MOST_LOTS: Final = 500
_QUANTUM: Final = Decimal(1).scaleb(-COST_PLACES)


def share_of(cost: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """The cost of a part of some units, rounded once, to 18 decimals, half even."""
    return (cost * part / whole).quantize(_QUANTUM, ROUND_HALF_EVEN)


def add_lot(lots: list[Lot], lot: Lot) -> None:
    """One more purchase. Of more than `MOST_LOTS` the two oldest become one: books stay small."""
    lots.append(lot)
    if len(lots) > MOST_LOTS:
        first, second = lots[:2]
        lots[:2] = [Lot(first.quantity + second.quantity, first.cost + second.cost, first.time)]


def take_from_lots(lots: list[Lot], amount: Decimal, method: CostMethod) -> Decimal:
    """Takes units, at most as many as the lots have, and tells what they had cost."""
    cost = ZERO
    while amount:
        place = _next(lots, method)
        lot = lots[place]
        if lot.quantity <= amount:
            part = lot.cost
            amount -= lot.quantity
            del lots[place]
        else:
            part = share_of(lot.cost, amount, lot.quantity)
            lots[place] = lot._replace(quantity=lot.quantity - amount, cost=lot.cost - part)
            amount = ZERO
        cost += part
    return cost


def _next(lots: list[Lot], method: CostMethod) -> int:
    match method:
        case CostMethod.LIFO:
            return -1
        case CostMethod.HIFO:
            return max(range(len(lots)), key=lambda place: (lots[place].cost / lots[place].quantity, -place))
        case _:
            return 0
