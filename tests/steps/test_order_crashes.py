"""A run may die at any effect, and the next one too: the account ends where it would have ended without."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from desk import World, buy, policy, sell
from fake_exchange import FakeOrder
from fake_time import MINUTE, Crash
from tradekit.domain.errors import Unreachable
from tradekit.domain.order import Closed, FinalWord

D = Decimal
WISHES = (buy("BTC/USDT"), sell("ETH/USDT", amount="1"))


def scene(fault: str = "") -> World:
    """A purchase of 0.3 BTC that fills, and a sale of one of two ETH that fills in part and is canceled."""
    world = World(policy(account={"managed": ["ETH"]}), ETH="2")
    world.cycle()

    def trade(order: FakeOrder) -> None:
        share = None if order.symbol == "BTC/USDT" else D("0.4")
        world.clock.after(1000, lambda: world.exchange.fill(order, share))

    world.exchange.on_open = trade
    world.faults.sends = deque([fault, fault])
    world.effects.points = 0
    return world


def run_until_quiet(world: World) -> None:
    """Cycles with the same wishes again and again, as cron would; a crash or a silence ends one of them."""
    for _ in range(24):
        started = world.clock.now()
        try:
            world.cycle(*WISHES)
        except (Crash, Unreachable):
            world.clock.advance(max(started + MINUTE - world.clock.now(), 0))
    world.effects.die_at = frozenset()
    world.cycle(*WISHES)


def points_of_first_cycle(fault: str) -> int:
    world = scene(fault)
    world.cycle(*WISHES)
    return world.effects.points


def check(world: World) -> None:
    """No order twice, nothing left open, books equal to balances, and each wish carried out at most once."""
    world.audit()
    by_symbol = [intent.symbol for intent in world.exchange.sent]
    assert by_symbol.count("BTC/USDT") <= 1
    assert by_symbol.count("ETH/USDT") <= 1
    state = world.state
    assert all(isinstance(order.state, Closed) for order in state.orders.values())
    for order in state.orders.values():
        placed = any(o.client_id == order.id for o in world.exchange.orders)
        assert isinstance(order.state, Closed)
        assert placed == (order.state.word is not FinalWord.NOT_PLACED)


@pytest.mark.parametrize("fault", ["", "reply_lost", "lost", "late:4000"])
def test_a_crash_at_any_effect(fault: str) -> None:
    points = points_of_first_cycle(fault)
    assert points > 25
    for point in range(1, points + 1):
        world = scene(fault)
        world.effects.die_at = frozenset({point})
        run_until_quiet(world)
        check(world)


def test_a_crash_at_any_two_effects() -> None:
    points = points_of_first_cycle("")
    for first in range(1, points + 1):
        for second in range(first + 1, first + 24, 2 if first % 2 else 3):
            world = scene()
            world.effects.die_at = frozenset({first, second})
            run_until_quiet(world)
            check(world)


def test_without_a_crash_the_scene_ends_as_told() -> None:
    world = scene()
    run_until_quiet(world)
    check(world)
    assert world.state.positions["BTC"].quantity == D("0.3")
    assert world.state.positions["ETH"].quantity == D("1.6")


def test_no_crash_makes_more_of_the_wishes_than_there_is_in_them() -> None:
    points = points_of_first_cycle("")
    for point in range(1, points + 1):
        world = scene()
        world.effects.die_at = frozenset({point})
        run_until_quiet(world)
        assert world.exchange.totals.get("BTC", 0) in (0, D("0.3"))
        assert world.exchange.totals["ETH"] in (2, D("1.6"))


def test_orders_that_rest_when_a_run_dies_are_canceled_by_the_next_one_first() -> None:
    world = World()
    world.cycle()
    world.effects.points = 0
    world.effects.die_at = frozenset({12})  # while the order waits
    with pytest.raises(Crash):
        world.cycle(buy("BTC/USDT"))
    assert world.exchange.open()
    world.clock.advance(MINUTE)
    before = len(world.effects.log)
    world.cycle()
    kinds = [entry.partition(" ")[0] for entry in world.effects.log[before:]]
    assert kinds.index("cancel") < kinds.index("snapshot")
    world.audit()
