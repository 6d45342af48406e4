"""The last nets under the protocol: an id goes out once, a wrong event never becomes durable, no old fill is booked."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk import World, buy
from fake_time import MINUTE
from tradekit.domain.event import OrderAcknowledged
from tradekit.domain.order import IllegalMove
from tradekit.steps.place import place

D = Decimal


def test_an_id_that_was_sent_before_is_never_sent_again() -> None:
    world = World()
    world.cycle(buy("BTC/USDT"))
    (intent,) = world.exchange.sent
    records = len(world.store.records)
    with pytest.raises(AssertionError, match="sent once"):
        place(world.desk(), [intent])
    assert (len(world.exchange.sent), len(world.store.records)) == (1, records)


def test_the_same_id_twice_in_one_batch_is_not_sent_at_all() -> None:
    world = World()
    world.store.halted = True
    world.cycle()
    world.store.halted = False
    wish = buy("BTC/USDT")
    with pytest.raises(AssertionError, match="sent once"):
        world.cycle(wish, wish)
    assert not world.exchange.sent


def test_an_event_that_cannot_be_folded_never_becomes_durable() -> None:
    """Otherwise no later run could read past it, and no stop would ever fire again."""
    world = World()
    world.cycle(buy("BTC/USDT"))
    id, records = world.exchange.sent[0].client_order_id, len(world.store.records)
    with pytest.raises(IllegalMove):
        world.desk().record(OrderAcknowledged(id, "x1"))
    assert len(world.store.records) == records
    assert world.cycle().exit_code == 0


def test_fills_older_than_was_asked_for_are_not_booked_again() -> None:
    """Their ids are no longer remembered: an exchange that lists more than it was asked for must not move the books."""
    world = World()
    world.fills_at_once()
    world.faults.too_old_fills = True
    for number in range(3):
        world.cycle(buy("BTC/USDT", id=str(number)))
        world.clock.advance(90 * MINUTE)
    assert world.state.positions["BTC"].quantity == D("0.9")
    world.audit()


def test_fills_that_name_only_the_exchanges_id_find_their_order() -> None:
    world = World()
    world.fills_at_once()
    world.faults.fills_without_our_id = True
    world.cycle(buy("BTC/USDT"))
    assert world.order("buy-BTC").filled == D("0.3")
    world.audit()
