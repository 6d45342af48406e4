"""From a fill to the books: base units at average cost, fees in whatever asset they were paid.

Quantities and cash are exact. The cost that a sale removes is rounded once, to 18 decimals, half even.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from tradekit.domain.fill import Fill
from tradekit.domain.money import Money
from tradekit.domain.numbers import COST_PLACES, ZERO
from tradekit.domain.position import Position
from tradekit.domain.proposal import Side

_QUANTUM = Decimal(1).scaleb(-COST_PLACES)
_NEW_POSITION = 20


class Books(NamedTuple):
    """Cash in the account's quote currency, and what is held of every other asset."""

    cash: Decimal
    positions: Mapping[str, Position]


class _Removed(NamedTuple):
    position: Position
    cost: Decimal


def book_fill(books: Books, fill: Fill) -> Books:
    """The books after a fill. The caller sees to it that a fill is booked once."""
    position = _of(books, fill.base)
    if fill.side is Side.BUY:
        bought = _add(position, fill.amount, fill.cost, fill.time)
        books = _with(books._replace(cash=books.cash - fill.cost), bought)
    else:
        removed = _remove(position, fill.amount)
        sold = removed.position._replace(realized=removed.position.realized + fill.cost - removed.cost)
        books = _with(books._replace(cash=books.cash + fill.cost), sold)
    for fee in fill.fees:
        books = _book_fee(books, fill, fee)
    return books


def book_outside_fill(books: Books, fill: Fill) -> Books:
    """The books after a trade that tradekit did not make: what it buys isn't managed, a sale takes that part first."""
    position = _of(books, fill.base)
    if fill.side is Side.BUY:
        position = position._replace(outside=position.outside + fill.amount)
        books = _with(books._replace(cash=books.cash - fill.cost), position)
    else:
        removed = _remove(position, fill.amount, outside_first=True)
        managed = position.quantity - removed.position.quantity
        proceeds = (fill.cost * managed / fill.amount).quantize(_QUANTUM, ROUND_HALF_EVEN)
        sold = removed.position._replace(realized=position.realized + proceeds - removed.cost)
        books = _with(books._replace(cash=books.cash + fill.cost), sold)
    for fee in fill.fees:
        if fee.asset == fill.quote:
            books = books._replace(cash=books.cash - fee.amount)
            continue
        payer = _of(books, fee.asset)
        if fee.amount < 0:
            books = _with(books, payer._replace(outside=payer.outside - fee.amount))
        else:
            paid = _remove(payer, fee.amount, outside_first=True)
            books = _with(books, paid.position._replace(realized=payer.realized - paid.cost))
    return books


def _book_fee(books: Books, fill: Fill, fee: Money) -> Books:
    """A fee in quote raises the cost of a buy or lowers the gain of a sale; any other is paid by its own position.

    So a fee out of what was just bought leaves fewer units for the same cost.
    """
    if fee.asset == fill.quote:
        books = books._replace(cash=books.cash - fee.amount)
        return _with(books, _charge(_of(books, fill.base), fill.side, fee.amount))
    payer = _of(books, fee.asset)
    if fee.amount < 0:
        return _with(books, _add(payer, -fee.amount, ZERO, fill.time))
    removed = _remove(payer, fee.amount)
    books = _with(books, removed.position)
    return _with(books, _charge(_of(books, fill.base), fill.side, removed.cost))


def _charge(position: Position, side: Side, cost: Decimal) -> Position:
    if side is Side.BUY and position.quantity > 0:
        return position._replace(cost=position.cost + cost)
    return position._replace(realized=position.realized - cost)


def _add(position: Position, amount: Decimal, cost: Decimal, time: int) -> Position:
    if position.quantity * _NEW_POSITION < amount:  # what was left over is no position that has a past
        position = position._replace(opened=time, peak=ZERO)
    return position._replace(quantity=position.quantity + amount, cost=position.cost + cost)


def _remove(position: Position, amount: Decimal, *, outside_first: bool = False) -> _Removed:
    """Takes managed units out at average cost, and the rest, or first, out of what is held outside.

    What is in neither is `unexplained`.
    """
    kept_back = min(amount, position.outside) if outside_first else ZERO
    managed = min(amount - kept_back, position.quantity)
    outside = min(amount - managed, position.outside)
    if managed == position.quantity:
        cost = position.cost
    else:
        cost = (position.cost * managed / position.quantity).quantize(_QUANTUM, ROUND_HALF_EVEN)
    left = position._replace(
        quantity=position.quantity - managed,
        cost=position.cost - cost,
        outside=position.outside - outside,
        unexplained=position.unexplained + amount - managed - outside,
    )
    return _Removed(left, cost)


def _of(books: Books, asset: str) -> Position:
    return books.positions.get(asset) or Position(asset)


def _with(books: Books, position: Position) -> Books:
    return books._replace(positions={**books.positions, position.asset: position})
