"""Books that are being written: fills, adoptions and transfers are entered one after another, then read out as `Books`.

The one place where a trade becomes units, cost and result, for a live run and for a million fills of a file alike.
Quantities and cash are exact. The cost that a sale removes is rounded once, to 18 decimals, half even. Costs follow the
method of the books; see https://en.wikipedia.org/wiki/FIFO_and_LIFO_accounting for what the words mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from tradekit.decide.lots import add_lot, share_of, take_from_lots
from tradekit.domain.books import Books, CostMethod, Owner, Tally
from tradekit.domain.fill import Fill
from tradekit.domain.numbers import ZERO
from tradekit.domain.position import Lot, Position
from tradekit.domain.proposal import Side

_NEW_POSITION: Final = 3
_OUTSIDE: Final = Owner.OUTSIDE  # looking a member up costs more than comparing it
_MANAGED: Final = Owner.MANAGED


class Entry:
    """The page of one asset: its position and its tally, open for writing."""

    __slots__ = (
        "adopted", "asset", "assumed", "bought", "cost", "fees", "lots", "opened", "outside", "peak", "quantity",
        "realized", "sold", "start", "transfers", "unexplained",
    )  # fmt: skip

    def __init__(self, position: Position, tally: Tally) -> None:
        (self.asset, self.quantity, self.cost, self.outside, self.adopted, self.opened, self.peak, self.realized) = (
            position[:8]
        )
        self.lots: list[Lot] = list(position.lots)
        (self.start, self.bought, self.sold, self.fees, self.transfers, self.unexplained, self.assumed) = tally

    def position(self) -> Position:
        """The position as it stands."""
        return Position(
            self.asset, self.quantity, self.cost, self.outside, self.adopted, self.opened, self.peak, self.realized,
            tuple(self.lots),
        )  # fmt: skip

    def tally(self) -> Tally:
        """The tally as it stands."""
        return Tally(self.start, self.bought, self.sold, self.fees, self.transfers, self.unexplained, self.assumed)


class Ledger:
    """Begins with `books`. Only assets that are touched are copied."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._quote = books.quote
        self._keeps_lots = books.method is not CostMethod.AVERAGE
        self._entries: dict[str, Entry] = {}
        self._cash = self.entry(books.quote)

    def books(self) -> Books:
        """All that was entered so far. The quote currency has a tally and no position."""
        positions, tallies = dict(self._books.positions), dict(self._books.tallies)
        for asset, entry in self._entries.items():
            tallies[asset] = entry.tally()
            if asset != self._quote:
                positions[asset] = entry.position()
        return self._books._replace(positions=positions, tallies=tallies)

    def entry(self, asset: str) -> Entry:
        """The page of an asset."""
        found = self._entries.get(asset)
        if found is None:
            position, tally = self._books.positions.get(asset), self._books.tallies.get(asset)
            found = self._entries[asset] = Entry(position or Position(asset), tally or Tally())
            if self._keeps_lots and found.quantity and not found.lots:
                found.lots = [Lot(found.quantity, found.cost, found.opened)]
        return found

    def enter(self, fill: Fill, owner: Owner) -> None:
        """Books a fill. The caller sees to it that a fill is booked once."""
        fees = [(fee.asset, fee.amount) for fee in fill.fees]
        pages = (self.entry(fill.base), self.entry(fill.quote))
        self.trade(*pages, fill.side is Side.BUY, fill.amount, fill.cost, fees, fill.time, owner)

    def trade(
        self,
        page: Entry,
        counter: Entry,
        buys: bool,
        amount: Decimal,
        cost: Decimal,
        fees: Iterable[tuple[str, Decimal]],
        time: int,
        owner: Owner,
    ) -> None:
        """Books `amount` units of `page` for `cost` units of `counter`, and what was paid for it in any asset.

        A purchase in another currency than the account's costs what those units had cost; a sale into one makes no
        result yet, the units that come in carry the cost on. An `OUTSIDE` trade sells what is outside first. What is
        sold without having had a cost in the books makes no result.
        """
        managed, in_cash = owner is not _OUTSIDE, counter is self._cash
        if buys:
            page.bought += amount
            counter.sold += cost
            if not in_cash:
                cost = self._take(counter, cost, outside_first=not managed)
            if managed:
                self._buy(page, amount, cost, fees, time, owner)
                return
            if page is not self._cash:
                page.outside += amount
        else:
            page.sold += amount
            counter.bought += cost
            held = page.quantity
            removed = ZERO if page is self._cash else self._take(page, amount, not managed)
            if in_cash:
                whole = managed and amount <= held
                page.realized += (cost if whole else share_of(cost, held - page.quantity, amount)) - removed
            elif managed:
                self._add(counter, cost, removed, time)
            else:
                counter.outside += cost
        for asset, paid in fees:
            if asset == self._quote:
                self._cash.fees += paid
                if managed:
                    page.realized -= paid
            else:
                removed = self._fee(asset, paid, time, managed)
                (page if managed else self.entry(asset)).realized -= removed

    def adopt(self, asset: str, price: Decimal, time: int) -> None:
        """All that is held outside comes in at `price` quote currency a unit."""
        page = self.entry(asset)
        units, page.outside = page.outside, ZERO
        page.adopted += units
        self._add(page, units, units * price, page.opened if page.quantity else time)

    def release(self, asset: str) -> None:
        """What was adopted and not sold since goes back outside; what tradekit bought stays."""
        page = self.entry(asset)
        units = page.adopted
        self._take(page, units)
        page.outside += units
        page.adopted = ZERO

    def transfer(self, asset: str, amount: Decimal) -> None:
        """A deposit, or a withdrawal where `amount` is negative: it makes no result."""
        page = self.entry(asset)
        page.transfers += amount
        if asset == self._quote:
            return
        if amount >= 0:
            page.outside += amount
        else:
            self._take(page, -amount, outside_first=True)

    def assume_opening(self, asset: str, start: Decimal, managed: Decimal, price: Decimal, time: int) -> None:
        """Units that were there before the first trade; what was sold beyond the books came out of them.

        Of what is left `managed` units come in at `price` quote currency a unit, the others outside.
        """
        page = self.entry(asset)
        left, page.unexplained = start - page.unexplained, ZERO
        page.start += start
        page.assumed += start
        if asset != self._quote:
            self._add(page, managed, managed * price, time)
            page.adopted += managed
            page.outside += left - managed

    def _buy(
        self, page: Entry, amount: Decimal, cost: Decimal, fees: Iterable[tuple[str, Decimal]], time: int, owner: Owner
    ) -> None:
        """A fee out of what was just bought leaves fewer units for the same cost; any other raises the cost."""
        for asset, paid in fees:
            if asset == self._quote:
                self._cash.fees += paid
                cost += paid
            elif asset == page.asset:
                page.fees += paid
                amount -= paid
            else:
                cost += self._fee(asset, paid, time, managed=True)
        if amount > ZERO:
            self._add(page, amount, cost, time)
            if owner is _MANAGED:
                page.adopted += amount
        else:
            page.realized -= self._take(page, -amount) + cost

    def _fee(self, asset: str, paid: Decimal, time: int, managed: bool) -> Decimal:
        """Takes a fee in another asset, or books a rebate where it is negative. What the units had cost."""
        page = self.entry(asset)
        page.fees += paid
        if paid >= ZERO:
            return self._take(page, paid, outside_first=not managed)
        if managed:
            self._add(page, -paid, ZERO, time)
        else:
            page.outside -= paid
        return ZERO

    def _add(self, page: Entry, amount: Decimal, cost: Decimal, time: int) -> None:
        if page.quantity < amount and page.quantity * _NEW_POSITION < amount:  # what was left over has no past
            page.opened = time
            page.peak = ZERO
        page.quantity += amount
        page.cost += cost
        if self._keeps_lots and amount:
            add_lot(page.lots, Lot(amount, cost, time))

    def _take(self, page: Entry, amount: Decimal, outside_first: bool = False) -> Decimal:
        """Takes managed units out, and the rest, or first, out of what is held outside. The cost that goes with them.

        What is in neither is unexplained: an inflow nobody recorded.
        """
        left = amount
        if outside_first and page.outside:
            units = min(left, page.outside)
            page.outside -= units
            left -= units
        cost = ZERO
        if left >= page.quantity:
            cost = page.cost
            left -= page.quantity
            page.quantity = page.cost = page.adopted = ZERO
            page.lots.clear()
        elif left:
            cost = (
                take_from_lots(page.lots, left, self._books.method)
                if self._keeps_lots
                else share_of(page.cost, left, page.quantity)
            )
            page.quantity -= left
            page.cost -= cost
            left = ZERO
            if page.adopted > page.quantity:  # noqa: PLR1730 - a comparison is cheaper, a million times
                page.adopted = page.quantity
        if left:
            units = min(left, page.outside)
            page.outside -= units
            page.unexplained += left - units
        return cost
