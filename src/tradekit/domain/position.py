"""What we hold of one asset: the part that tradekit manages, at what cost, and the part that is not its business."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.numbers import ZERO, divide


class Position(NamedTuple):
    """`quantity` base units that tradekit may sell, bought for `cost` quote currency in all, fees included.

    `outside` is held on the account but not managed. `peak` is the highest bid seen while held (quote per unit).
    `unexplained` is what was sold beyond the books: an inflow nobody recorded.
    """

    asset: str
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    outside: Decimal = ZERO
    opened: int = 0
    peak: Decimal = ZERO
    realized: Decimal = ZERO
    unexplained: Decimal = ZERO

    @property
    def average(self) -> Decimal:
        """Cost per unit in quote currency, rounded to 18 decimals; zero when nothing is held."""
        return divide(self.cost, self.quantity) if self.quantity else ZERO

    @property
    def total(self) -> Decimal:
        """All units on the account: what the exchange's balance has to say."""
        return self.quantity + self.outside
