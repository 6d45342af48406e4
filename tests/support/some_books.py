"""Books for a test, in one line: what they hold is their opening balance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tradekit.domain.books import Books, CostMethod, Tally
from tradekit.domain.numbers import ZERO
from tradekit.domain.position import Position


def books_of(
    cash: Decimal, positions: Mapping[str, Position] | Iterable[Position] = (), method: CostMethod = CostMethod.AVERAGE
) -> Books:
    """USDT books with this cash and these positions."""
    held = positions.values() if isinstance(positions, Mapping) else positions
    by_asset = {position.asset: position for position in held}
    tallies = {asset: Tally(start=position.total) for asset, position in by_asset.items()}
    return Books("USDT", method, by_asset, {"USDT": Tally(start=cash), **tallies})


def unexplained(books: Books, asset: str) -> Decimal:
    """Units sold beyond the books."""
    return books.tallies[asset].unexplained if asset in books.tallies else ZERO
