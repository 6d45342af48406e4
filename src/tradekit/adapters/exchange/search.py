"""A batch of orders that are looked for: each under its own ids first, then all of them in lists that they share.

A list that was read before an order was asked for proves nothing about it: the order may have entered it since. So no
list of past orders or trades is read for a batch before all of it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from tradekit.adapters.exchange.lists import Lists
from tradekit.adapters.exchange.lookup import ask_for, search_for
from tradekit.adapters.exchange.pool import Pool
from tradekit.adapters.exchange.reads import read_open
from tradekit.adapters.exchange.trades import Names
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Order
from tradekit.domain.outcome import LookupAnswer, NotFound, OrderReport


class Search:
    """One for each batch. Its tasks don't raise for the exchange, but for `open_orders`, which may fail."""

    def __init__(self, pool: Pool, names: Names, orders: Sequence[Order], now: int) -> None:
        self._lists = Lists(orders, now)
        self._pool = pool
        self._names = names

    def open_orders(self) -> Callable[[], list[OrderReport]]:
        """A task that lists all open orders of the account."""
        return self._pool.private(partial(read_open, lists=self._lists))

    def run(self, orders: Sequence[Order]) -> dict[ClientOrderId, LookupAnswer]:
        """What became of each of these orders of the batch."""
        return self.finish(orders, self._pool.run(self.by_ids(orders)))

    def by_ids(self, orders: Sequence[Order]) -> list[Callable[[], LookupAnswer]]:
        """A task for each order that asks for it under its own ids; `finish` wants what they said."""
        return [self._pool.private(partial(ask_for, order=order, lists=self._lists)) for order in orders]

    def finish(self, orders: Sequence[Order], told: Sequence[LookupAnswer]) -> dict[ClientOrderId, LookupAnswer]:
        """What became of each order: what `by_ids` told, and of those that it didn't find what the lists say."""
        answers = dict(zip((order.id for order in orders), told, strict=True))
        missing = [order for order in orders if not isinstance(answers[order.id], OrderReport)]
        search = partial(search_for, lists=self._lists, names=self._names)
        listed = self._pool.run([self._pool.private(partial(search, order=order)) for order in missing])
        for order, answer in zip(missing, listed, strict=True):
            if isinstance(answer, OrderReport) or isinstance(answers[order.id], NotFound):
                answers[order.id] = answer
        return answers
