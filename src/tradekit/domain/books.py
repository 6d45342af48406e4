"""The books: what is held of each asset, what moved it there, and the newest fills, as a late one may precede them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.domain.fill import Fill
from tradekit.domain.numbers import ZERO
from tradekit.domain.position import Position


class CostMethod(StrEnum):
    """Which units a sale takes: all at their average cost, or the first, last or dearest ones bought."""

    AVERAGE = "average"
    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"


class Tally(NamedTuple):
    """Everything that ever moved one asset, in its units, since the books were opened with `start`.

    Of the quote currency `bought` is what sales brought in and `sold` what purchases took. `transfers` are deposits
    less withdrawals. `unexplained` is what was sold beyond the books: an inflow nobody recorded. `assumed` is the part
    of `start` that no record shows: it was taken from a balance.
    """

    start: Decimal = ZERO
    bought: Decimal = ZERO
    sold: Decimal = ZERO
    fees: Decimal = ZERO
    transfers: Decimal = ZERO
    unexplained: Decimal = ZERO
    assumed: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Units that must be on the account now, by these records."""
        return self.start + self.bought - self.sold - self.fees + self.transfers + self.unexplained


class Books(NamedTuple):
    """Positions in every asset but `quote`, the account's currency, and the tallies of all assets, `quote` too."""

    quote: str = ""
    method: CostMethod = CostMethod.AVERAGE
    positions: Mapping[str, Position] = {}
    tallies: Mapping[str, Tally] = {}

    @property
    def cash(self) -> Decimal:
        """Units of the quote currency."""
        tally = self.tallies.get(self.quote)
        return ZERO if tally is None else tally.total

    def quantity(self, asset: str) -> Decimal:
        """Units of an asset that are tradekit's to trade with: all of the quote currency, what is managed of others."""
        position = self.positions.get(asset)
        return self.cash if asset == self.quote else ZERO if position is None else position.quantity

    def total(self, asset: str) -> Decimal:
        """Units of any asset that must be on the account."""
        if asset == self.quote:
            return self.cash
        position = self.positions.get(asset)
        return ZERO if position is None else position.total


class Owner(StrEnum):
    """Whose trade it was: an order of tradekit, somebody else's in an asset that tradekit manages, or none of both.

    What an `OUTSIDE` trade buys tradekit never sells; what a `MANAGED` one buys only as long as it manages the asset.
    """

    TRADEKIT = "tradekit"
    MANAGED = "managed"
    OUTSIDE = "outside"


class BookedFill(NamedTuple):
    """A fill as it was booked."""

    fill: Fill
    owner: Owner


class FillKey(NamedTuple):
    """The place of a fill in the order that books are folded in."""

    time: int
    symbol: str
    trade_id: str


class RecentFills(NamedTuple):
    """The books `before` the newest fills, and those fills in their order: a late one is folded in at its place.

    Fills up to `until` are inside `before`, the listed ones too. `out_of_order` says that one of those came after
    `before` was made: quantities and cash are right, costs want a fold from the journal. Fills at or before
    `forgotten` (milliseconds) may have been booked without being listed any more.
    """

    before: Books = Books()
    until: FillKey = FillKey(0, "", "")
    fills: tuple[BookedFill, ...] = ()
    forgotten: int = 0
    out_of_order: bool = False


def key_of(fill: Fill) -> FillKey:
    """Time first; symbol and trade id decide between fills of one millisecond."""
    return FillKey(fill.time, fill.symbol, fill.trade_id)
