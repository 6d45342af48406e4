"""What is ours and what isn't: trades made elsewhere, before and beside tradekit, through the real cycle."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from desk import World, buy, policy
from event_stories import restored
from tradekit.domain.decision import Refused
from tradekit.domain.proposal import Side

MINUTE = 60_000


def test_trades_from_before_the_books_are_in_the_opening_balance_already() -> None:
    world = World(BTC="1")
    world.exchange.trade_elsewhere("BTC/USDT", Side.BUY, "1", "60")  # by hand, last year
    world.clock.advance(400 * 24 * 60 * MINUTE)
    world.cycle()
    world.fills_at_once()
    world.cycle(buy("BTC/USDT"))  # 0.3 BTC; its fills are the first that are asked for
    report = world.cycle()
    assert not report.differences
    assert world.state.positions["BTC"].total == world.exchange.totals["BTC"]
    assert world.state.positions["BTC"].quantity == world.order("buy-BTC").filled


def test_a_purchase_by_hand_is_not_managed_and_no_stop_sells_it() -> None:
    world = World(BTC="1")
    world.cycle()
    world.exchange.trade_elsewhere("BTC/USDT", Side.BUY, "0.5", "100")
    world.cycle()
    assert world.state.positions["BTC"].quantity == 0
    assert world.state.positions["BTC"].outside == Decimal("1.5")
    world.exchange.set_quote("BTC/USDT", "80", "80.1")  # 20 % under: the default stop is 10 %
    world.cycle()
    assert not world.exchange.sent


def test_a_sale_by_hand_takes_what_is_not_managed_first() -> None:
    world = World(BTC="1")
    world.cycle()
    world.fills_at_once()
    world.cycle(buy("BTC/USDT"))
    bought = world.state.positions["BTC"].quantity
    world.exchange.trade_elsewhere("BTC/USDT", Side.SELL, "1.1", "100")  # 1 outside, 0.1 of ours
    report = world.cycle()
    assert not report.differences
    position = world.state.positions["BTC"]
    assert (position.outside, position.quantity) == (Decimal(0), bought - Decimal("0.1"))


def test_nothing_is_bought_back_in_the_cycle_that_sells_it() -> None:
    world = World(policy(account={"managed": ["BTC"]}), BTC="1")
    world.cycle()
    world.exchange.set_quote("BTC/USDT", "80", "80.1")
    report = world.cycle(buy("BTC/USDT"))
    assert [str(intent.side) for intent in report.planned] == ["sell"]
    refused = [decision for decision in report.decisions if isinstance(decision, Refused)]
    assert [(decision.code, decision.actual) for decision in refused] == [("sale_working", Decimal(1))]


def test_more_cash_than_the_books_say_stops_no_opening_but_less_does() -> None:
    for change, codes in (("0.02", []), ("-0.02", ["books_mismatch"]), ("-0.01", [])):
        world = World()
        world.cycle()
        world.exchange.totals["USDT"] += Decimal(change)
        report = world.cycle(buy("BTC/USDT"))
        assert [d.code for d in report.decisions if isinstance(d, Refused)] == codes
        assert [difference.asset for difference in report.differences] == ["USDT"]


def test_older_books_make_orders_forget_the_fills_that_come_again() -> None:
    world = World()
    world.cycle()
    old = world.state
    world.exchange.on_open = lambda order: world.exchange.fill(order, Decimal("0.1"))
    world.faults.cancels = deque(["unanswered"] * 8)
    world.cycle(buy("BTC/USDT"))
    assert world.order("buy-BTC").filled == Decimal("0.1")
    desk = world.desk()
    desk.record(restored(old, "older"))
    desk.save()
    assert world.desk().state.orders[world.order("buy-BTC").id].filled == 0
    world.faults.cancels = deque(["unanswered"] * 8)
    report = world.cycle()
    assert world.order("buy-BTC").filled == Decimal("0.1")
    assert not report.differences
