"""The exact queue: with the orders known one by one, who stands before us is known too.

An order of ours joins behind all orders at its price. Those before it are gone when they are canceled or executed; an
execution of one that came later, or beyond our price, would have been ours. Strangers do not react to us.
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

    def queue(self, side: Side, price: int, time: int) -> dict[str, int]:
        """The orders at a price before the first event at or after `time`, with what is left of each."""
        places = self._at.get((side, price), [])
        queue: dict[str, int] = {}
        for place in places[: bisect_left(places, bisect_left(self._times, time))]:
            _apply(queue, self._rows[place])
        return queue

    def fills(self, side: Side, price: int, lots: int, start: int, end: int) -> Iterator[tuple[int, int]]:
        """When how many lots of an order trade that arrives at `start` and is canceled at `end`."""
        ahead, left = self.queue(side, price, start), lots
        low, high = bisect_left(self._times, start), bisect_left(self._times, end)
        own, executed = self._at.get((side, price), []), self._executed[side]
        places = {*own[bisect_left(own, low) : bisect_left(own, high)]}
        places.update(executed[bisect_left(executed, low) : bisect_left(executed, high)])
        for row in (self._rows[place] for place in sorted(places)):
            if not left:
                return
            if row.price == price and row.order in ahead:
                _apply(ahead, row)
            elif row.kind == "X" and (row.price >= price if side is Side.SELL else row.price <= price):
                traded = min(left, row.lots)
                left -= traded
                yield row.time, traded


def _apply(queue: dict[str, int], row: OrderRow) -> None:
    if row.kind == "A":
        queue[row.order] = row.lots
        return
    queue[row.order] = queue.get(row.order, 0) - row.lots
    if queue[row.order] <= 0:
        del queue[row.order]
