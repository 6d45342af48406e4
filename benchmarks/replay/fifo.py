"""The exact queue: with the orders known one by one, who stands before us is known too.

An order of ours joins behind all orders at its price. Whoever trades at that price and was not there before us came
later, and what he got would have been ours; so would what traded beyond our price. Strangers do not react to us.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from replay.order_log import OrderRow
from tradekit.domain.proposal import Side


class Fifo:
    """The rows of an order log, by price."""

    def __init__(self, rows: Sequence[OrderRow]) -> None:
        self._rows = rows
        self._times = [row.time for row in rows]
        self._at: dict[tuple[Side, int], list[int]] = {}
        self._executed: dict[Side, list[int]] = {side: [] for side in Side}
        for place, row in enumerate(rows):
            self._at.setdefault((row.side, row.price), []).append(place)
            if row.kind == "X":
                self._executed[row.side].append(place)

    def before(self, side: Side, price: int, time: int) -> frozenset[str]:
        """The orders that came to a price before the first event at or after `time`; gone ones trade no more."""
        places = self._at.get((side, price), [])
        return frozenset(self._rows[n].order for n in places[: bisect_left(places, bisect_left(self._times, time))])

    def fills(self, side: Side, price: int, lots: int, start: int, end: int) -> Iterator[tuple[int, int]]:
        """When how many lots of an order trade that arrives at `start` and is canceled at `end`."""
        ahead, left = self.before(side, price, start), lots
        low, high = bisect_left(self._times, start), bisect_left(self._times, end)
        executed = self._executed[side]
        for place in executed[bisect_left(executed, low) : bisect_left(executed, high)]:
            row = self._rows[place]
            if not left:
                return
            beyond = row.price > price if side is Side.SELL else row.price < price
            if beyond or (row.price == price and row.order not in ahead):
                traded = min(left, row.lots)
                left -= traded
                yield row.time, traded
