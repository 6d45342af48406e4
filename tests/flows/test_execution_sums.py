"""The execution report against the books: whatever was filled, lost or delayed, both tell of the same trades."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from random import Random

import pytest

from desk import World, buy, policy, sell
from fake_exchange import FakeOrder
from tradekit.cli.status_view import present
from tradekit.decide.execution_brief import brief_execution
from tradekit.decide.execution_report import report_execution
from tradekit.domain.numbers import ZERO, total
from tradekit.domain.order import Closed, FinalWord
from tradekit.domain.proposal import Side
from tradekit.flows.status import status

ASSETS = ("BTC", "ETH", "SOL")


def traded(seed: int, fee_asset: str) -> World:
    """Thirty cycles of buys and sells that fill in parts, some late."""
    luck = Random(seed)
    world = World(policy(), USDT="3000", BNB="50")
    world.exchange.fee_asset = fee_asset

    def chance(order: FakeOrder) -> None:
        step = world.exchange.markets[order.symbol].amount_step
        for _ in range(luck.randint(0, 3)):
            part = order.amount * luck.randint(1, 70) / 100 // step * step
            if part:
                world.clock.after(luck.randint(1, 15_000), partial(world.exchange.fill, order, part))

    world.exchange.on_open = chance
    for number in range(30):
        world.faults.trades_lag_ms = luck.choice((0, 0, 130_000))
        side = luck.choice((buy, sell))
        world.cycle(*(side(f"{asset}/USDT", id=f"{number}-{asset}", notional="40") for asset in ASSETS))
    world.faults.trades_lag_ms = 0
    for _ in range(5):
        world.cycle()
    return world


@pytest.mark.parametrize("fee_asset", ["quote", "received", "BNB"])
@pytest.mark.parametrize("seed", range(3))
def test_sums_agree_with_the_books(seed: int, fee_asset: str) -> None:
    world = traded(seed, fee_asset)
    report = report_execution(world.store.history(), 0, world.clock.now())
    state = world.state
    tallies = state.books.tallies
    for asset in ASSETS:
        for side in Side:
            filled = total(o.filled for o in report.orders if o.side is side and o.symbol == f"{asset}/USDT")
            assert filled == (tallies[asset].bought if side is Side.BUY else tallies[asset].sold)
    assert total(o.cost for o in report.orders if o.side is Side.SELL) == tallies["USDT"].bought
    assert total(o.cost for o in report.orders if o.side is Side.BUY) == tallies["USDT"].sold
    if fee_asset == "quote":
        assert report.total.fees == tallies["USDT"].fees > 0
    assert report.total.turnover == total(day.sum.turnover for day in report.days) > 0
    assert report.total.shortfall == total(day.sum.shortfall for day in report.days)
    by_id = {story.id: story for story in report.orders}
    for order in state.orders.values():
        assert (by_id[order.id].filled, by_id[order.id].cost) == (order.filled, order.cost)
    told = report.total
    assert told.orders == told.filled + told.partly + told.unfilled + told.rejected + told.not_placed + told.open
    assert sum(rate.orders for rate in report.rates) == sum(item.sum.orders for item in report.ttls)
    assert all(order.last_fill_ms is None or order.last_fill_ms <= order.lived_ms for order in report.orders)


def test_the_line_in_status_counts_the_orders_that_the_state_remembers() -> None:
    world = traded(1, "quote")
    report = report_execution(world.store.history(), 0, world.clock.now())
    brief = brief_execution(world.state.orders.values())
    closed = {order.id for order in world.state.orders.values() if isinstance(order.state, Closed)}
    known = [story for story in report.orders if story.id in closed]
    assert (brief.orders, brief.filled) == (len(known), sum(1 for story in known if story.is_full))
    assert (brief.partly, brief.unfilled) == (
        sum(1 for story in known if 0 < story.filled < story.amount),
        sum(1 for story in known if not story.filled),
    )
    assert brief.orders == brief.filled + brief.partly + brief.unfilled + brief.rejected + brief.not_placed
    lost = total((story.shortfall or ZERO) - story.fees for story in known)
    worth = total(story.filled * story.decision_price for story in known)
    assert brief.shortfall_bp is not None
    assert abs(brief.shortfall_bp - lost / worth * 10_000) < Decimal("1e-9")


def test_orders_that_the_exchange_refused_are_in_the_sum_of_the_line_in_status() -> None:
    world = traded(0, "quote")
    words = (FinalWord.REJECTED, FinalWord.REJECTED, FinalWord.NOT_PLACED)
    unfilled = [o for o in world.state.orders.values() if isinstance(o.state, Closed) and not o.filled][:3]
    never = {o.id: o._replace(state=Closed(0, word)) for o, word in zip(unfilled, words, strict=True)}
    report = status(world.state._replace(orders={**world.state.orders, **never}), None, 0)
    brief = report.execution
    assert (brief.rejected, brief.not_placed) == (2, 1)
    assert brief.orders == brief.filled + brief.partly + brief.unfilled + 3
    (line,) = [part for part in present(report).shown if isinstance(part, str) and part.startswith("Newest ")]
    assert ", 2 refused by the exchange, 1 never placed;" in line
