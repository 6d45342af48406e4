"""Attempt after attempt under one approval: never two at once, never more than approved, and at the touch."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from desk import World, buy, policy, sell
from execution_lab import CROSSES, crossing, undercut
from fake_exchange import FakeOrder
from fake_time import MINUTE
from tradekit.decide.job import Ending
from tradekit.domain.event import CancelRequested, OrderFinal, OrderKept
from tradekit.domain.order import FinalWord, Place, TimeInForce
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Origin, Side, Urgency
from tradekit.flows.cycle import CycleReport

D = Decimal
SALE = sell("BTC/USDT", amount="0.2")


def rules(**execution: object) -> Policy:
    return policy(
        account={"managed": ["BTC"]},
        execution={"max_attempts": 0, "max_reprices": 20, "sales_rest": False, **execution},
    )


def world(**execution: object) -> World:
    made = World(rules(**execution), BTC="1")
    made.cycle()
    return made


def prices(at: World) -> list[Decimal]:
    return [intent.price for intent in at.exchange.sent]


def ending(report: CycleReport) -> Ending | None:
    (job,) = report.jobs
    return job.ending


def test_an_order_that_stands_at_the_touch_keeps_its_place_for_life_after_life() -> None:
    at = world(max_attempts=3)
    report = at.cycle(SALE)
    assert len(at.exchange.sent) == 1
    # three lives of 12 s, then it goes
    assert [event.deadline - report.started for event in at.events(OrderKept)] == [24_000, 36_000]
    assert report.finished - report.started == 36_000
    assert [event.reason for event in at.events(CancelRequested)] == ["time to live is over"]
    at.audit()


def test_a_fill_in_a_later_life_is_booked_and_ends_the_job() -> None:
    at = world()
    at.clock.after(30_000, lambda: at.exchange.fill(at.exchange.open()[0]))
    report = at.cycle(SALE)
    assert ending(report) is Ending.FILLED
    assert report.finished - report.started == 30_000
    assert at.state.positions["BTC"].quantity == D("0.8")
    at.audit()


def test_an_order_follows_the_touch() -> None:
    at = world()
    undercut(at)  # from 99.95/100.05 to 99.85/99.95
    at.cycle(SALE)
    assert prices(at)[:2] == [D("100.04"), D("99.94")]
    assert next(event.reason for event in at.events(CancelRequested)) == "the touch has moved"
    at.audit()


def test_what_is_tried_again_is_what_is_left() -> None:
    at = world()
    at.clock.after(2500, lambda: at.exchange.fill(at.exchange.open()[0], D("0.05")))
    undercut(at)
    at.cycle(SALE)
    assert [intent.amount for intent in at.exchange.sent][:2] == [D("0.2"), D("0.15")]
    at.audit()


@pytest.mark.parametrize(("left", "sent"), [("0.050", 1), ("0.051", 2)])
def test_an_order_does_not_move_where_it_would_be_too_small_at_the_next_price(left: str, sent: int) -> None:
    at = world()
    at.clock.after(2500, lambda: at.exchange.fill(at.exchange.open()[0], D("0.2") - D(left)))
    undercut(at)  # 0.050 is worth 5.002 where it stands, 4.997 where it would go, and the exchange wants 5
    at.cycle(SALE)
    assert len(at.exchange.sent) == sent
    moved = "the touch has moved" in [event.reason for event in at.events(CancelRequested)]
    assert moved == (sent == 2)
    at.audit()


def test_an_order_never_follows_past_the_bound_of_the_decision() -> None:
    at = world(reprice_max_bp=2000)
    at.clock.after(3000, lambda: at.exchange.set_quote("BTC/USDT", "99.00", "99.10"))
    at.cycle(SALE)
    # 60 bp under the mid of 100: nothing below 99.40
    assert prices(at)[:2] == [D("100.04"), D("99.40")]
    at.audit()


def test_a_jump_is_waited_out() -> None:
    at = world(max_attempts=1)
    at.clock.after(3000, lambda: at.exchange.set_quote("BTC/USDT", "99.50", "99.60"))  # 44 bp
    at.cycle(SALE)
    assert len(prices(at)) == 1
    at.audit()


def test_a_cushion_grows_with_rejections_and_is_forgotten() -> None:
    at = world(max_attempts=1)
    crossing(at)
    at.clock.after(3000, lambda: at.exchange.set_quote("BTC/USDT", "99.85", "99.95"))
    at.cycle(SALE)
    # inside, at the touch, a tick behind it; that one is accepted, so at the next look it may go inside again
    assert prices(at) == [D("100.04"), D("100.05"), D("100.06"), D("100.04"), D("99.94")]
    places = [intent.place for intent in at.exchange.sent]
    assert places == [Place.INSIDE, Place.TOUCH, Place.BEHIND, Place.INSIDE, Place.INSIDE]
    at.audit()


def test_a_market_that_always_crosses_is_not_tried_for_ever() -> None:
    at = world(max_reprices=4)
    at.faults.sends = deque([CROSSES] * 100)
    report = at.cycle(SALE)
    assert (len(at.exchange.sent), ending(report)) == (5, Ending.REPRICES)
    assert max(prices(at)) == D("100.07")  # one inside, and three ticks of cushion
    at.audit()


def test_a_purchase_that_is_tried_again_is_held_against_the_caps_and_the_halt() -> None:
    at = World(rules(max_attempts=3))
    at.clock.after(3000, lambda: setattr(at.store, "halted", True))
    report = at.cycle(buy("BTC/USDT"))
    assert len(at.exchange.sent) == 1
    assert ending(report) in (Ending.NO_ROOM, Ending.HALTED)
    at.audit()


def test_a_purchase_never_spends_more_than_was_approved_over_all_attempts() -> None:
    at = World(rules())
    at.clock.after(2500, lambda: at.exchange.fill(at.exchange.open()[0], D("0.1")))
    at.clock.after(3000, lambda: at.exchange.set_quote("BTC/USDT", "100.15", "100.25"))
    at.fills_at_once()
    at.exchange.on_open = lambda order: (
        None if order.number == 1 else at.clock.after(1000, lambda: at.exchange.fill(order))
    )
    at.cycle(buy("BTC/USDT", notional="30"))
    assert len(at.exchange.sent) == 2
    assert D(29) < 1000 - at.exchange.totals["USDT"] < D("30.1")  # 30 and the fee
    at.audit()


def test_a_sale_rests_until_the_next_cycle_and_is_taken_back_first_there() -> None:
    at = world(sales_rest=True)
    report = at.cycle(SALE)
    assert ending(report) is Ending.RESTS
    assert len(at.exchange.open()) == 1
    (order,) = (order for order in at.state.orders.values() if order.is_live)
    assert order.deadline == report.started + MINUTE - 5000
    at.cycle()
    assert not at.exchange.open()
    at.audit()


def test_a_purchase_never_outlives_its_cycle() -> None:
    at = World(rules(sales_rest=True))
    at.cycle(buy("BTC/USDT"))
    assert not at.exchange.open()
    at.audit()


def test_a_fill_while_nobody_runs_is_booked_by_the_next_cycle() -> None:
    at = world(sales_rest=True)
    at.cycle(SALE)
    at.exchange.fill(at.exchange.open()[0])
    at.cycle()
    assert at.state.positions["BTC"].quantity == D("0.8")
    at.audit()


def test_a_remainder_that_could_not_be_sold_alone_rests_on() -> None:
    at = World(
        policy(account={"managed": ["BTC"]}, purge={"assets": ["BTC"]}, execution={"remainder_rest_minutes": 10}),
        BTC="0.2",
    )

    def nearly(order: FakeOrder) -> None:
        at.clock.after(1000, lambda: at.exchange.fill(order, order.amount - D("0.01")))

    at.exchange.on_open = nearly
    at.cycle()
    (order,) = at.exchange.open()  # 0.01 BTC are worth 1, and the exchange wants 5
    for _ in range(3):
        at.cycle()
    assert at.exchange.open() == [order]
    at.exchange.fill(order)
    at.cycle()
    assert (at.state.positions["BTC"].quantity, len(at.state.purges)) == (D(0), 0)
    assert len(at.exchange.sent) == 1
    at.audit()


def test_a_remainder_is_given_up_in_the_end() -> None:
    at = World(
        policy(account={"managed": ["BTC"]}, purge={"assets": ["BTC"]}, execution={"remainder_rest_minutes": 3}),
        BTC="0.2",
    )
    at.exchange.on_open = lambda order: at.exchange.fill(order, order.amount - D("0.01"))
    for _ in range(6):
        at.cycle()
    assert at.state.positions["BTC"].quantity == D("0.01")
    assert at.state.purges == {}
    at.audit()


@pytest.mark.parametrize("fault", ["unanswered", "answer_lost", "filled_first", "partly_first"])
def test_a_race_at_the_cancel_never_sells_anything_twice(fault: str) -> None:
    at = world()
    at.faults.cancels = deque([fault])
    undercut(at)

    def soon(order: FakeOrder) -> None:
        if order.number > 1:
            at.clock.after(5000, lambda: at.exchange.fill(order))

    at.exchange.on_open = soon
    at.cycle(SALE)
    at.cycle()
    sold = sum((trade.amount for _, trade in at.exchange.trades if trade.side is Side.SELL), D(0))
    assert sold == D("0.2")
    at.audit()


@pytest.mark.parametrize("fault", ["lost", "reply_lost", "late:5000", "late:40000"])
def test_no_order_follows_one_that_has_no_answer(fault: str) -> None:
    at = world()
    at.faults.sends.append(fault)
    undercut(at)
    at.cycle(SALE)
    assert (
        len([intent for intent in at.exchange.sent if intent.approved.proposal.id == SALE.id]) == 1 or fault != "lost"
    )
    for _ in range(20):
        at.cycle()
    sold = sum((trade.amount for _, trade in at.exchange.trades if trade.side is Side.SELL), D(0))
    assert sold <= D("0.2")
    at.audit()


def test_a_refused_order_is_not_tried_again_in_the_cycle() -> None:
    at = world()
    at.faults.sends.append("reject:insufficient_funds")
    report = at.cycle(SALE)
    assert (len(at.exchange.sent), ending(report)) == (1, Ending.REJECTED)
    at.audit()


def test_a_stop_takes_the_place_of_a_sale_that_rests() -> None:
    at = world(sales_rest=True)
    at.cycle(sell("BTC/USDT", amount="0.9"))
    assert at.exchange.open()
    at.exchange.set_quote("BTC/USDT", "89.00", "89.20")  # 10 % under the opening price of 100 and less
    at.cycle()
    stop = at.exchange.sent[-1]
    assert (stop.approved.proposal.origin, stop.time_in_force, stop.amount) == (Origin.EXIT, TimeInForce.IOC, D(1))
    assert stop.approved.proposal.urgency is Urgency.AT_ONCE
    assert at.state.positions["BTC"].quantity == 0
    at.audit()


def test_a_stop_that_must_wait_for_a_rest_is_not_judged_on_the_balance_before() -> None:
    at = world(sales_rest=True)
    at.cycle(SALE)
    at.exchange.set_quote("BTC/USDT", "89.00", "89.20")
    report = at.cycle()
    assert not report.differences
    assert at.state.positions["BTC"].quantity == 0
    at.audit()


def test_a_signal_leaves_sales_to_the_next_run_where_the_policy_says_so() -> None:
    at = world(cancel_when_stopped="opens")
    at.clock.stop_at = at.clock.now() + 5000
    at.cycle(SALE)
    assert len(at.exchange.open()) == 1
    at.clock.stop_at = None
    at.cycle()
    assert not at.exchange.open()
    assert [event.word for event in at.events(OrderFinal)] == [FinalWord.CANCELED]
    at.audit()


def test_a_signal_asks_no_cancel_of_an_order_that_has_no_answer() -> None:
    """It would count as canceled, not as never placed, and block its asset for an hour."""
    at = world()
    at.faults.sends = deque(["lost"])
    at.clock.stop_at = at.clock.now() + 5000
    report = at.cycle(SALE)
    assert ending(report) is Ending.UNANSWERED
    assert not at.events(CancelRequested)
    at.clock.stop_at = None
    for _ in range(17):  # beyond the horizon
        at.cycle()
    assert at.order("sell-BTC").is_tombstone


def test_nothing_is_tried_again_in_a_symbol_where_another_order_has_no_answer() -> None:
    at = world()
    at.faults.sends = deque(["lost", ""])
    at.clock.after(5000, lambda: at.exchange.set_quote("BTC/USDT", "100.00", "100.10"))
    at.cycle(buy("BTC/USDT", id="a"), buy("BTC/USDT", id="b"))
    assert [intent.approved.proposal.id for intent in at.exchange.sent] == ["a", "b"]


def test_a_pace_limit_counts_an_order_whose_first_attempt_was_rejected_once() -> None:
    at = World(rules(max_attempts=2))
    at.faults.sends = deque([CROSSES])
    at.cycle(buy("BTC/USDT"))
    assert len(at.exchange.sent) == 2
    assert len(at.state.openings) == 1
    at.audit()


def test_quotes_that_cannot_be_had_end_the_attempts_and_no_order_is_left() -> None:
    at = world()
    at.faults.silent = frozenset({"quotes"})
    at.cycle(SALE)
    assert len(at.exchange.sent) == 1
    at.audit()
