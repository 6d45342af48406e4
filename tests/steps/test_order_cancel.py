"""Canceling: retried with the policy's pauses, looked into instead of believed, never said of what traded."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from desk import World, buy, policy, sell
from fake_exchange import FakeOrder
from fake_time import MINUTE
from tradekit.domain.errors import ExitCode, Unreachable
from tradekit.domain.event import CancelRequested, CycleFinished, OrderFinal
from tradekit.domain.order import Canceling, Closed, FinalWord
from tradekit.domain.outcome import ReportedStatus

D = Decimal
BTC = buy("BTC/USDT")  # 0.3 BTC at 99.96: one tick inside a spread of ten
TTL = 12_000


def test_an_unfilled_order_is_canceled_when_its_time_is_over() -> None:
    world = World()
    report = world.cycle(BTC)
    assert (report.finished - report.started, report.exit_code) == (TTL, ExitCode.DONE)
    assert [event.word for event in world.events(OrderFinal)] == [FinalWord.CANCELED]
    world.audit()


@pytest.mark.parametrize(
    ("failures", "pauses"),
    [(1, 250), (2, 250 + 500), (3, 250 + 500 + 1000)],
)
def test_a_cancel_without_an_answer_is_tried_again_after_the_policys_pauses(failures: int, pauses: int) -> None:
    world = World()
    world.faults.cancels = deque(["unanswered"] * failures)
    report = world.cycle(BTC)
    assert report.finished - report.started == TTL + pauses
    assert len(world.events(CancelRequested)) == failures + 1
    world.audit()


def test_the_pauses_are_the_policys() -> None:
    world = World(policy(execution={"cancel_backoff_ms": [100]}))
    world.faults.cancels = deque(["unanswered"] * 2)
    report = world.cycle(BTC)
    assert report.finished - report.started == TTL + 100
    assert world.effects.log.count("cancel") == 2 + 1  # the settling at the end asks once more, and gets through


def test_a_cancel_that_never_gets_through_is_told_and_goes_on_in_the_next_run() -> None:
    world = World()
    world.faults.cancels = deque(["unanswered"] * 8)  # 4 in the work, 4 in the settling after it
    report = world.cycle(BTC)
    assert [problem.code for problem in report.problems] == ["cancel_unanswered"]
    assert report.exit_code is ExitCode.PARTLY_DONE
    assert isinstance(world.order("buy-BTC").state, Canceling)
    # 0.3 BTC x 99.96 still count
    assert world.cycle().settled.canceled == (world.order("buy-BTC").id,)
    world.audit()


def test_an_order_whose_cancel_is_open_still_counts_in_the_caps() -> None:
    world = World(policy(risk={"max_asset_pct": 5}))
    world.faults.cancels = deque(["unanswered"] * 12)
    world.cycle(BTC)
    report = world.cycle(buy("BTC/USDT", id="more", notional="40"))
    # 5 % of 1000 are 50, less 0.3 x 99.96 = 29.988: 20.012 are 0.200 BTC at 100
    assert [getattr(decision, "amount", None) for decision in report.decisions] == [D("0.200")]


def test_a_canceled_order_whose_answer_was_lost_is_canceled_once() -> None:
    world = World()
    world.faults.cancels.append("answer_lost")
    report = world.cycle(BTC)
    assert report.finished - report.started == TTL
    assert world.effects.log.count("cancel") == 1
    world.audit()


def test_a_fill_between_the_cancel_and_its_answer_is_a_fill() -> None:
    world = World()
    world.faults.cancels.append("filled_first")
    world.cycle(BTC)
    assert [event.word for event in world.events(OrderFinal)] == [FinalWord.FILLED]
    assert world.state.positions["BTC"].quantity == D("0.3")
    world.audit()


def test_a_partial_fill_before_the_cancel_is_booked() -> None:
    world = World()
    world.faults.cancels.append("partly_first")
    world.cycle(BTC)
    order = world.order("buy-BTC")
    assert isinstance(order.state, Closed)
    assert (order.state.word, order.filled) == (FinalWord.CANCELED, D("0.15"))
    # 0.15 x 99.96 = 14.994, and 10 bp of fee: 14.994 + 0.014994
    assert world.state.positions["BTC"].cost == D("15.008994")
    world.audit()


@pytest.mark.parametrize("lag", [3_000, 40_000, 200_000])
def test_an_order_is_not_closed_before_its_fills_are_listed(lag: int) -> None:
    world = World(policy(risk={"max_asset_pct": 5}))
    world.faults.trades_lag_ms = lag
    world.faults.cancels.append("partly_first")
    world.cycle(BTC)
    listed = world.exchange.trades[0][0]
    while world.clock.now() < listed:
        assert not isinstance(world.order("buy-BTC").state, Closed)
        report = world.cycle(buy("ETH/USDT", id=f"e{world.clock.now()}", notional="60"))
        assert report.equity.at_risk >= D("0.15") * D("99.96")
    world.cycle()
    assert isinstance(world.order("buy-BTC").state, Closed)
    assert world.order("buy-BTC").filled == D("0.15")


def test_filled_without_a_figure_waits_for_the_whole_amount() -> None:
    world = World()
    world.fills_at_once()
    world.faults.reports_without_filled = True
    world.faults.trades_lag_ms = 90_000
    world.cycle(BTC)
    assert not isinstance(world.order("buy-BTC").state, Closed)
    for _ in range(3):
        world.cycle()
    assert world.order("buy-BTC").filled == D("0.3")
    world.audit()


def test_a_status_that_nobody_understands_is_not_final() -> None:
    world = World()

    def confuse(order: FakeOrder) -> None:
        order.status = ReportedStatus.UNCLEAR

    world.exchange.on_open = confuse
    world.cycle(BTC)
    assert world.order("buy-BTC").is_live


def test_a_sale_waits_for_the_older_sale_to_be_settled() -> None:
    world = World(policy(account={"managed": ["BTC"]}), BTC="1")
    world.faults.cancels = deque(["unanswered"] * 12)
    world.cycle(sell("BTC/USDT", amount="0.4"))
    report = world.cycle(sell("BTC/USDT", amount="0.4", id="second"))
    assert [getattr(decision, "code", "") for decision in report.decisions] == ["sale_working"]
    report = world.cycle(sell("BTC/USDT", amount="0.4", id="second"))
    assert report.exit_code is ExitCode.DONE
    world.audit()


def test_halt_between_decision_and_send_stops_opens_and_not_sales() -> None:
    world = World(policy(account={"managed": ["ETH"]}), ETH="2")
    world.cycle()

    def halt() -> None:
        world.store.halted = True

    world.exchange.latency_ms = 100
    world.cycle()
    decided: list[bool] = []
    ask = world.store.is_halted

    def halted_after_the_first_question() -> bool:
        decided.append(True)
        return len(decided) > 1

    world.store.is_halted = halted_after_the_first_question  # type: ignore[method-assign]
    report = world.cycle(BTC, sell("ETH/USDT", amount="1"))
    world.store.is_halted = ask  # type: ignore[method-assign]
    assert [intent.symbol for intent in world.exchange.sent] == ["ETH/USDT"]
    assert [problem.code for problem in report.problems] == ["halted"]
    assert report.exit_code is ExitCode.PARTLY_DONE
    assert "buy-BTC" not in world.state.consumed
    halt()
    assert world.cycle(BTC).exit_code is ExitCode.ALL_REFUSED


def test_halt_after_the_decision_stops_sales_too_where_the_policy_says_so() -> None:
    world = World(policy(account={"managed": ["ETH"]}, risk={"exits_when_halted": False}), ETH="2")
    world.cycle()
    answers = iter([False, True, True])
    world.store.is_halted = lambda: next(answers)  # type: ignore[method-assign]
    world.cycle(sell("ETH/USDT", amount="1"))
    assert not world.exchange.sent


def test_halt_does_not_stop_cancels() -> None:
    world = World()
    world.faults.cancels = deque(["unanswered"] * 8)
    world.cycle(BTC)
    world.store.halted = True
    world.cycle()
    world.audit()


def test_a_signal_while_orders_wait_cancels_them_and_ends() -> None:
    world = World()
    world.clock.stop_at = world.clock.now() + 5000
    report = world.cycle(BTC)
    assert report.finished - report.started == 5000
    assert report.exit_code is ExitCode.PARTLY_DONE
    assert len(world.events(CycleFinished)) == 1
    world.audit()


def test_a_signal_before_the_send_sends_nothing() -> None:
    world = World(policy(account={"managed": ["ETH"]}), ETH="2")
    world.exchange.latency_ms = 100
    world.clock.stop_at = world.clock.now() + 150  # while the snapshot is read
    report = world.cycle(BTC, sell("ETH/USDT", amount="1"))
    assert not world.exchange.sent
    assert report.exit_code is ExitCode.PARTLY_DONE


def test_no_order_waits_past_the_budget() -> None:
    world = World(policy(execution={"budget_seconds": 10}))
    report = world.cycle(BTC)
    assert report.finished - report.started == 7000  # 10 s less 3 s for canceling and settling
    world.audit()


@pytest.mark.parametrize("read", range(1, 13))
def test_silence_at_any_read_leaves_a_state_from_which_the_next_cycle_goes_on(read: int) -> None:
    world = World()
    world.exchange.on_open = lambda order: world.clock.after(3000, lambda: world.exchange.fill(order, D("0.1")))
    world.faults.silent_reads = frozenset({read})
    try:
        world.cycle(BTC)
    except Unreachable:
        world.clock.advance(MINUTE)
    assert not world.exchange.open()  # one look that failed is no reason to leave an order open
    world.faults.silent_reads = frozenset()
    for _ in range(3):
        world.cycle(BTC)
    assert world.state.positions["BTC"].quantity == D("0.1")
    assert len(world.exchange.orders) == 1
    world.audit()


@pytest.mark.parametrize("silent", ["lookup", "fills"])
def test_an_exchange_that_answers_no_question_is_asked_to_cancel_all_the_same(silent: str) -> None:
    world = World()

    def fill_a_part_and_fall_silent(order: FakeOrder) -> None:
        world.exchange.fill(order, D("0.1"))
        world.faults.silent = frozenset({silent})

    world.exchange.on_open = fill_a_part_and_fall_silent
    report = world.cycle(BTC)
    assert report.exit_code is ExitCode.UNREACHABLE
    assert not world.exchange.open()
    with pytest.raises(Unreachable):
        world.cycle()
    world.faults.silent = frozenset()
    world.cycle()
    assert world.order("buy-BTC").filled == D("0.1")
    world.audit()


def test_an_order_left_by_a_dead_run_is_canceled_first_also_when_it_cannot_be_looked_up() -> None:
    world = World()
    world.faults.cancels = deque(["unanswered"] * 8)
    world.cycle(BTC)
    world.faults.silent = frozenset({"lookup"})
    with pytest.raises(Unreachable):
        world.cycle()
    assert not world.exchange.open()
