"""An order as a simulated exchange knows it, with its past: a look-up that lags tells of it as it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import ZERO
from tradekit.domain.outcome import OrderReport, ReportedStatus
from tradekit.domain.proposal import Side


@dataclass
class VenueOrder:
    """An order as the exchange knows it. `past` holds (time, filled, status) from its placement on."""

    number: int
    client_id: ClientOrderId | None
    symbol: str
    side: Side
    price: Decimal
    amount: Decimal
    placed: int
    filled: Decimal = ZERO
    status: ReportedStatus = ReportedStatus.OPEN
    past: list[tuple[int, Decimal, ReportedStatus]] = field(default_factory=list)

    @property
    def exchange_id(self) -> str:
        """The exchange's own name for it."""
        return f"x{self.number}"

    @property
    def is_open(self) -> bool:
        """Whether it can still trade."""
        return self.status is ReportedStatus.OPEN

    @property
    def remaining(self) -> Decimal:
        """Base units that are not traded yet."""
        return self.amount - self.filled

    def report(self, at: int) -> OrderReport | None:
        """What was known of it at a time; None when it wasn't there yet."""
        known = [entry for entry in self.past if entry[0] <= at]
        if not known:
            return None
        _, filled, status = known[-1]
        names = (self.client_id, self.exchange_id, self.symbol, self.side, status)
        return OrderReport(*names, self.price, self.amount, filled, self.placed)
