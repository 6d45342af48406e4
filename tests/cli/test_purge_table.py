"""The table that a purge draws tells of its own sales, not of others in the same symbol."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from rich.console import Console

from desk import World, policy, sell
from fake_exchange import FakeOrder
from tradekit.cli.purge_watcher import PurgeTable, drawn
from tradekit.domain.event import Record
from tradekit.domain.order import Order
from tradekit.domain.state import State
from tradekit.flows.purge import Wanted, purge


class Drawn:
    """Implements `Watcher`; keeps what the table showed."""

    def __init__(self) -> None:
        self.table, self.shown = PurgeTable(), ""

    def recorded(self, record: Record, before: State, after: State) -> None:
        self.table.recorded(record, before, after)
        self._look()

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        self.table.waiting(orders, now, until)
        self._look()

    def _look(self) -> None:
        paper = Console(file=StringIO(), width=120)
        paper.print(drawn(self.table._rows))
        assert isinstance(paper.file, StringIO)
        self.shown += paper.file.getvalue()


def test_a_sale_of_somebody_else_is_not_shown_as_sold_by_the_purge() -> None:
    at = World(
        policy(
            account={"managed": ["BTC", "ETH"]},
            execution={"sales_rest": True, "ttl_tier1_seconds": 600, "budget_seconds": 20},
        ),
        BTC="1",
        ETH="1",
    )
    at.cycle(sell("BTC/USDT", amount="0.4"))
    (order,) = at.exchange.open()
    at.clock.advance(-8000)  # before its deadline
    at.clock.after(5000, lambda: at.exchange.fill(order))

    def soon(order: FakeOrder) -> None:
        if order.symbol == "ETH/USDT":
            at.clock.after(8000, lambda: at.exchange.fill(order))

    at.exchange.on_open = soon
    watcher = Drawn()
    desk = at.desk()
    desk.watcher = watcher
    purge(desk, Wanted(("BTC", "ETH")))
    assert "1 at 50" in watcher.shown
    assert "0.4 at" not in watcher.shown
