"""What every implementation of the port promises: the fake that all other tests stand on, and the real classes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from desk import market
from fake_exchange import FakeExchange
from fake_time import Effects, FakeClock
from rig import WIRED, Rig
from tradekit.domain.fill import Fill
from tradekit.domain.market import Quote
from tradekit.domain.order import Canceling, Open, Order, OrderIntent, Unknown
from tradekit.domain.outcome import (
    Acknowledged,
    CancelAccepted,
    LookupAnswer,
    NotFound,
    NotOpen,
    OrderReport,
    RejectCode,
    Rejected,
    ReportedStatus,
)
from tradekit.domain.ports import Exchange

D = Decimal


class Stage:
    """One exchange with the price of ETH at 2500, and a way to let somebody trade with our resting order."""

    def __init__(self, exchange: Exchange, rig: Rig, fill: Callable[[OrderIntent, Decimal], object]) -> None:
        self.exchange = exchange
        self.rig = rig
        self.fill = fill

    def place(self, intent: OrderIntent) -> Order:
        outcome = self.exchange.place([intent])[intent.client_order_id]
        assert isinstance(outcome, Acknowledged)
        return Order(intent, Open(self.rig.time.now()), outcome.exchange_id)

    def look(self, order: Order) -> LookupAnswer:
        return self.exchange.lookup([order])[order.id]


@pytest.fixture(params=["fake", *WIRED])
def stage(request: pytest.FixtureRequest, rig_of: Any, tmp_path: Path) -> Stage:
    if request.param != "fake":
        rig: Rig = rig_of(request.param)
        return Stage(rig.exchange, rig, lambda intent, amount: rig.engine.fill(rig.held(intent)[0], amount))
    rig = rig_of("binance")
    clock, symbol = FakeClock(), rig.symbol()
    clock._now = rig.time.now()
    fake = FakeExchange(
        clock,
        Effects(),
        {symbol: market(symbol, price_tick=D("0.01"), amount_step=D("0.0001"), min_amount=D("0.001"))},
        {"USDT": D(10_000), "ETH": D(2)},
    )
    fake.book[symbol] = Quote(symbol, clock.now(), D(2500), D("2500.1"), D(100), D(100), D(10**7))
    return Stage(fake, rig, lambda intent, amount: fake.fill(fake.by_id(intent.client_order_id), amount))


def test_a_resting_order_is_open_in_every_answer(stage: Stage) -> None:
    order = stage.place(stage.rig.intent())
    review = stage.exchange.review([order], {stage.rig.symbol(): 0}, with_balances=True)
    for report in (stage.look(order), review.answers[order.id], *review.open_orders):
        assert isinstance(report, OrderReport)
        assert (report.client_order_id, report.exchange_id) == (order.id, order.exchange_id)
        assert (report.status, report.filled, report.amount) == (ReportedStatus.OPEN, D(0), D("0.01"))
    assert review.fills == []
    quote = review.balances[stage.rig.quote]
    assert (quote.total, quote.total - quote.free) == (D(10_000), D("24.99"))


def test_a_part_and_then_the_rest(stage: Stage) -> None:
    order = stage.place(stage.rig.intent())
    stage.fill(order.intent, D("0.004"))
    report = stage.look(order)
    assert isinstance(report, OrderReport) and (report.status, report.filled) == (ReportedStatus.OPEN, D("0.004"))
    stage.fill(order.intent, D("0.006"))
    report = stage.look(order)
    assert isinstance(report, OrderReport) and (report.status, report.filled) == (ReportedStatus.FILLED, D("0.01"))
    fills = [t for t in stage.exchange.fills_since({stage.rig.symbol(): 0}) if isinstance(t, Fill)]
    assert sorted(fill.amount for fill in fills) == [D("0.004"), D("0.006")]
    assert {fill.client_order_id for fill in fills} == {order.id}
    assert stage.exchange.snapshot(()).balances["ETH"].total == D("2.01")


def test_a_cancel_ends_an_order_once(stage: Stage) -> None:
    order = stage.place(stage.rig.intent())
    stage.fill(order.intent, D("0.004"))
    assert isinstance(stage.exchange.cancel([order])[order.id], CancelAccepted)
    report = stage.look(order.move(Canceling(0, "test")))
    assert isinstance(report, OrderReport) and (report.status, report.filled) == (ReportedStatus.CANCELED, D("0.004"))
    assert isinstance(stage.exchange.cancel([order])[order.id], NotOpen)
    assert stage.exchange.review([], {}).open_orders == []


def test_an_order_that_was_never_sent_is_not_found(stage: Stage) -> None:
    order = Order(stage.rig.intent(), Unknown(0, "never sent"))
    assert isinstance(stage.look(order), NotFound)
    assert isinstance(stage.exchange.cancel([order])[order.id], NotOpen)
    assert stage.exchange.not_found_horizon_ms > 0


def test_funds_are_refused_for_what_they_are(stage: Stage) -> None:
    intent = stage.rig.intent(amount="100")
    outcome = stage.exchange.place([intent])[intent.client_order_id]
    assert isinstance(outcome, Rejected) and outcome.code is RejectCode.INSUFFICIENT_FUNDS


def test_nothing_asked_is_nothing_answered(stage: Stage) -> None:
    assert stage.exchange.place([]) == stage.exchange.cancel([]) == stage.exchange.lookup([]) == {}
    assert list(stage.exchange.fills_since({})) == []
    assert stage.rig.symbol() in stage.exchange.symbols()
