"""Faults that a hostile review found, each once more as a scene of the real cycle."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from desk import World, buy, policy, sell
from tradekit.domain.errors import BadInput
from tradekit.domain.event import CancelRequested
from tradekit.domain.order import Closed, FinalWord, Order
from tradekit.domain.policy.check import read_policy
from tradekit.domain.proposal import Side

MINUTE = 60_000
MANAGED = policy(account={"managed": ["BTC"]})


def word_of(order: Order) -> FinalWord | None:
    return order.state.word if isinstance(order.state, Closed) else None


def test_what_dust_once_was_worth_says_nothing_of_a_new_purchase() -> None:
    world = World(policy(account={"managed": ["BTC"]}, exits={"trailing_stop_pct": 10}), BTC="0.0007")
    world.exchange.set_quote("BTC/USDT", "199.9", "200.1")  # the peak of the dust
    world.cycle()
    world.exchange.set_quote("BTC/USDT", "99.95", "100.05")
    world.fills_at_once()
    world.cycle(buy("BTC/USDT"))
    assert world.state.positions["BTC"].peak < 101
    world.cycle()
    assert [str(intent.side) for intent in world.exchange.sent] == ["buy"]


def test_an_order_that_the_exchange_forgot_does_not_block_the_stop_for_ever() -> None:
    world = World(MANAGED, BTC="1")
    world.cycle()
    world.faults.cancels = deque(["unanswered"] * 8)
    world.cycle(sell("BTC/USDT", amount="0.4"))
    world.exchange.orders.clear()  # purged after a day
    world.exchange.set_quote("BTC/USDT", "50", "50.1")
    world.clock.advance(24 * 60 * MINUTE)
    report = world.cycle()
    assert word_of(world.order("sell-BTC")) is FinalWord.CANCELED
    assert [str(intent.side) for intent in report.planned] == ["sell"]


def test_an_order_that_nobody_can_cancel_is_told_in_every_cycle() -> None:
    world = World()
    world.cycle()
    world.faults.cancels = deque(["unanswered"] * 40)
    first = world.cycle(buy("BTC/USDT"))
    second = world.cycle()
    for report in (first, second):
        assert "cancel_unanswered" in {problem.code for problem in report.problems}
        assert report.exit_code == 11


def test_a_halt_cancels_the_opening_orders_that_rest() -> None:
    world = World()
    world.cycle()
    world.clock.after(2_000, lambda: setattr(world.store, "halted", True))
    report = world.cycle(buy("BTC/USDT"))
    assert word_of(world.order("buy-BTC")) is FinalWord.CANCELED
    assert report.finished - report.started < 6_000  # its time to live is 12 s


def test_cash_alone_that_differs_is_looked_into() -> None:
    world = World()
    world.cycle()
    world.fills_at_once()
    world.cycle(buy("BTC/USDT"))
    world.exchange.trade_elsewhere("BTC/USDT", Side.BUY, "0.1", "100")
    world.exchange.trade_elsewhere("BTC/USDT", Side.SELL, "0.1", "90")  # a round trip: 1 lost, no coin moved
    assert not world.cycle().differences


def test_a_slow_program_may_not_eat_the_time_of_the_stops() -> None:
    raw = {"proposals": {"command": ["x"], "command_timeout_seconds": 30}, "execution": {"budget_seconds": 50}}
    with pytest.raises(BadInput, match="command_timeout_seconds is above half"):
        read_policy(raw, "policy.toml")
    read_policy({**raw, "execution": {"budget_seconds": 60}}, "policy.toml")


def test_an_order_that_a_halt_could_not_cancel_is_told_at_once() -> None:
    world = World()
    world.cycle()
    world.faults.cancels = deque(["unanswered"] * 40)
    world.clock.after(2_000, lambda: setattr(world.store, "halted", True))
    report = world.cycle(buy("BTC/USDT"))
    assert "cancel_unanswered" in {problem.code for problem in report.problems}
    assert {event.reason for event in world.events(CancelRequested)} >= {"the kill switch is set"}
    assert report.exit_code == 11


def test_an_opening_lot_in_a_wide_book_is_no_loss() -> None:
    world = World(MANAGED, BTC="3")
    world.exchange.set_quote("BTC/USDT", "100", "130")
    report = world.cycle()
    assert world.state.positions["BTC"].average == Decimal(100)
    assert not report.decisions


def test_an_opening_lot_without_a_sound_quote_waits_outside() -> None:
    world = World(MANAGED, BTC="3")
    world.exchange.set_quote("BTC/USDT", "100", "60")  # crossed
    world.cycle()
    assert world.state.positions["BTC"].outside == 3
    world.exchange.set_quote("BTC/USDT", "99.95", "100.05")
    world.cycle()
    assert (world.state.positions["BTC"].quantity, world.state.positions["BTC"].average) == (Decimal(3), Decimal(100))
