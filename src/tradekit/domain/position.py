"""What we hold of one asset: the part that tradekit manages, at what cost, and the part that is not its business."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.numbers import ZERO, divide


class Lot(NamedTuple):
    """What is left of one purchase: base units, what they cost in quote currency, and when they came in."""

    quantity: Decimal
    cost: Decimal
    time: int


class Position(NamedTuple):
    """`quantity` base units that tradekit may sell, bought for `cost` quote currency in all, fees included.

    `adopted` of them were there before tradekit and go back if the policy no longer manages the asset. `outside` is
    held on the account but not managed. `peak` is the highest bid seen while held (quote per unit). `lots` add up to
    `quantity` and `cost`; books at average cost have none, and elsewhere none means a single one.
    """

    asset: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    outside: Decimal = ZERO
    adopted: Decimal = ZERO
    opened: int = 0
    peak: Decimal = ZERO
    realized: Decimal = ZERO
    lots: tuple[Lot, ...] = ()

    @property
    def average(self) -> Decimal:
        """Cost per unit in quote currency, rounded to 18 decimals; zero when nothing is held."""
        return divide(self.cost, self.quantity) if self.quantity else ZERO

    @property
    def total(self) -> Decimal:
        """All units on the account: what the exchange's balance has to say."""
        return self.quantity + self.outside
