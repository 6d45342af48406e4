"""The paper exchange through its port: outcomes, money, latency and races, on a market written down by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

import pytest
from tests.paper.hand_feed import LATENCY, HandFeed, as_order, asked, bought, intent, setup, sold

from tradekit.adapters.paper.setup import FeeAsset, PaperSetup
from tradekit.adapters.paper.tape import TapeEvent
from tradekit.adapters.paper.world import BEGINNING, PaperWorld
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.money import Money
from tradekit.domain.order import OrderIntent
from tradekit.domain.outcome import (
    Acknowledged,
    CancelAccepted,
    NotFound,
    NotOpen,
    OrderReport,
    RejectCode,
    Rejected,
    ReportedStatus,
    SendOutcome,
)
from tradekit.domain.ports import Clock, Exchange

MakeWorld = Callable[..., PaperWorld]


@pytest.fixture
def world_of(tmp_path: Path) -> Iterator[MakeWorld]:
    with ExitStack() as worlds:

        def make(*events: TapeEvent, opened_with: PaperSetup | None = None, active: bool = True) -> PaperWorld:
            feed = HandFeed(events, active=active)
            return worlds.enter_context(PaperWorld.scratch(tmp_path / "none", opened_with or setup(), feed=feed))

        yield make


def send(world: PaperWorld, order: OrderIntent) -> SendOutcome:
    return world.exchange.place([order])[order.client_order_id]


def report(world: PaperWorld, order: OrderIntent) -> OrderReport:
    answer = world.exchange.lookup([as_order(order)])[order.client_order_id]
    assert isinstance(answer, OrderReport)
    return answer


def held(world: PaperWorld, asset: str) -> tuple[str, str]:
    balance = world.exchange.snapshot([]).balances[asset]
    return f"{balance.free.normalize():f}", f"{balance.total.normalize():f}"


def test_it_offers_what_the_ports_ask_for(world_of: MakeWorld) -> None:
    world = world_of()
    exchange: Exchange = world.exchange
    clock: Clock = world.clock
    assert (exchange.not_found_horizon_ms, clock.now(), clock.must_stop()) == (0, BEGINNING, False)


def test_only_active_symbols_of_the_quote_are_offered(world_of: MakeWorld) -> None:
    assert world_of().exchange.symbols() == ["X/USDT", "Y/USDT"]
    assert world_of(active=False).exchange.symbols() == ["Y/USDT"]


def test_snapshot_tells_markets_quotes_and_balances(world_of: MakeWorld) -> None:
    snapshot = world_of().exchange.snapshot(["X/USDT", "NO/SUCH", "X/EUR"])
    assert list(snapshot.markets) == list(snapshot.quotes) == ["X/USDT"]
    quote, market = snapshot.quotes["X/USDT"], snapshot.markets["X/USDT"]
    assert (quote.bid, quote.ask) == (Decimal("9.90"), Decimal("10.00"))
    assert (quote.bid_amount, quote.ask_amount, quote.time) == (Decimal(20), Decimal(5), BEGINNING)
    assert (market.price_tick, market.amount_step) == (Decimal("0.01"), Decimal("0.1"))
    assert (market.maker_fee, market.taker_fee) == (Decimal("0.001"), Decimal("0.002"))
    assert {asset: b.total for asset, b in snapshot.balances.items()} == {"USDT": 1000, "X": 100}


REJECTIONS = {
    "off the tick": ("sell 5 X/USDT @ 10.005", RejectCode.BAD_PRECISION),
    "off the step": ("sell 5.05 X/USDT @ 10", RejectCode.BAD_PRECISION),
    "below the least amount": ("sell 0.1 X/USDT @ 100", RejectCode.BELOW_MINIMUM),  # 0.1 < 0.2
    "below the least notional": ("sell 0.4 X/USDT @ 12", RejectCode.BELOW_MINIMUM),  # 4.8 < 5
    "more than we hold": ("sell 100.1 X/USDT @ 10", RejectCode.INSUFFICIENT_FUNDS),
    "no room for the fee": ("buy 101.1 X/USDT @ 9.89", RejectCode.INSUFFICIENT_FUNDS),  # 999.879 + 0.999879
    "a taker's fee is larger": ("buy 100.9 X/USDT @ 9.90 IOC", RejectCode.INSUFFICIENT_FUNDS),  # 998.91 + 1.99782
    "nothing held at all": ("sell 5 Y/USDT @ 10", RejectCode.INSUFFICIENT_FUNDS),
    "unknown symbol": ("sell 5 Z/USDT @ 10", RejectCode.INVALID_ORDER),
    "another quote currency": ("sell 5 X/EUR @ 10", RejectCode.INVALID_ORDER),
    "no price": ("sell 5 X/USDT @ 0", RejectCode.INVALID_ORDER),
    "post-only at the bid": ("sell 5 X/USDT @ 9.90", RejectCode.POST_ONLY_WOULD_CROSS),
    "post-only at the ask": ("buy 5 X/USDT @ 10.00", RejectCode.POST_ONLY_WOULD_CROSS),
}


@pytest.mark.parametrize(("text", "code"), REJECTIONS.values(), ids=REJECTIONS.keys())
def test_rejections_leave_nothing_behind(world_of: MakeWorld, text: str, code: RejectCode) -> None:
    world = world_of(bought(1000, 9000, 1020), sold(1001, 9000, 900))
    order = intent(text)
    outcome = send(world, order)
    assert isinstance(outcome, Rejected)
    assert outcome.code is code
    world.clock.sleep(5000)
    assert isinstance(world.exchange.lookup([as_order(order)])[order.client_order_id], NotFound)
    assert world.exchange.fills_since({order.symbol: 0}) == []
    assert (held(world, "USDT"), held(world, "X")) == (("1000", "1000"), ("100", "100"))


def test_a_closed_market_takes_no_orders(world_of: MakeWorld) -> None:
    outcome = send(world_of(active=False), intent("sell 5 X/USDT @ 10"))
    assert isinstance(outcome, Rejected)
    assert outcome.code is RejectCode.MARKET_CLOSED


def test_exactly_enough_is_enough(world_of: MakeWorld) -> None:
    world = world_of(opened_with=setup(USDT="98.0"))
    assert isinstance(send(world, intent("buy 9.9 X/USDT @ 9.90")), Rejected)  # 98.01 + 0.09801
    world = world_of(opened_with=setup(USDT="98.10801"))
    assert isinstance(send(world, intent("buy 9.9 X/USDT @ 9.90")), Acknowledged)
    assert held(world, "USDT") == ("0", "98.10801")


def test_partial_fill_fee_and_balances(world_of: MakeWorld) -> None:
    world = world_of(bought(1000, 62, 1000), bought(2000, 100, 1000))
    order = intent("sell 5 X/USDT @ 10.00")  # 50 lots behind 50
    assert send(world, order) == Acknowledged("paper-1")
    assert (held(world, "X"), held(world, "USDT")) == (("95", "100"), ("1000", "1000"))
    world.clock.sleep(1000)
    answer = report(world, order)
    assert (answer.status, answer.filled) == (ReportedStatus.OPEN, Decimal("1.2"))  # (62 - 50) lots
    assert held(world, "X") == ("95", "98.8")
    assert held(world, "USDT") == ("1011.988", "1011.988")  # 12.00 - 10 bp
    world.clock.sleep(1000)
    assert report(world, order).status is ReportedStatus.FILLED
    first, second = world.exchange.fills_since({"X/USDT": 0})
    assert (first.amount, first.price, first.cost, first.maker) == (Decimal("1.2"), Decimal(10), Decimal(12), True)
    assert (first.time, first.client_order_id, first.exchange_id) == (
        BEGINNING + 1000,
        order.client_order_id,
        "paper-1",
    )
    assert second.fees == (Money(Decimal("0.0380"), "USDT"),)  # 3.8 at 10.00 at 10 bp
    assert world.exchange.fills_since({"X/USDT": BEGINNING + 1000}) == [first, second]
    assert world.exchange.fills_since({"X/USDT": BEGINNING + 1001}) == [second]


def test_the_place_in_the_queue_is_kept_between_calls(world_of: MakeWorld) -> None:
    world = world_of(bought(1000, 30, 1000), asked(1500, 8, 1000), bought(2000, 12, 1000))
    order = intent("sell 5 X/USDT @ 10.00")
    send(world, order)
    filled = []
    for _ in range(4):
        world.clock.sleep(600)
        filled.append(report(world, order).filled)
    assert filled == [0, 0, Decimal("0.4"), Decimal("0.4")]  # 50 - 30 = 20 ahead, then min(20, 8), then 12 - 8


def test_fees_in_what_was_received(world_of: MakeWorld) -> None:
    world = world_of(sold(1000, 9000, 980), opened_with=setup(FeeAsset.RECEIVED))
    buy, sell = intent("buy 10 X/USDT @ 9.90"), intent("sell 10 X/USDT @ 9.80 IOC")
    send(world, buy)
    assert held(world, "USDT") == ("901", "1000")  # 99 bound: the fee comes out of the X
    world.clock.sleep(1000)
    assert held(world, "X") == ("109.99", "109.99")  # 10 - 10 bp
    assert held(world, "USDT") == ("901", "901")
    send(world, sell)
    assert held(world, "USDT") == ("999.802", "999.802")  # 99 at the bid of 9.90, less 20 bp
    assert [fill.fees[0].asset for fill in world.exchange.fills_since({"X/USDT": 0})] == ["X", "USDT"]


def test_immediate_order_takes_levels_and_expires_with_the_rest(world_of: MakeWorld) -> None:
    world = world_of()
    order = intent("buy 20 X/USDT @ 10.05 IOC")
    assert isinstance(send(world, order), Acknowledged)
    answer = report(world, order)
    assert (answer.status, answer.filled) == (ReportedStatus.EXPIRED, Decimal(8))  # 5.0 at 10.00, 3.0 at 10.01
    assert held(world, "USDT") == ("919.80994", "919.80994")  # 1000 - 80.03 - 20 bp of it
    assert [(f.price, f.maker) for f in world.exchange.fills_since({"X/USDT": 0})] == [
        (Decimal("10.00"), False),
        (Decimal("10.01"), False),
    ]
    assert world.exchange.snapshot(["X/USDT"]).quotes["X/USDT"].ask == Decimal("10.10")  # what we took is gone


def test_taken_liquidity_comes_back_with_the_next_change_of_its_level(world_of: MakeWorld) -> None:
    world = world_of(asked(5000, 70, 1000))
    send(world, intent("buy 20 X/USDT @ 10.05 IOC"))
    again = intent("buy 20 X/USDT @ 10.05 IOC")
    send(world, again)
    assert report(world, again).filled == 0
    world.clock.sleep(5000)
    quote = world.exchange.snapshot(["X/USDT"]).quotes["X/USDT"]
    assert (quote.ask, quote.ask_amount) == (Decimal(10), Decimal(7))


def test_an_order_sees_the_book_before_the_first_event_at_its_arrival(world_of: MakeWorld) -> None:
    world = world_of(asked(LATENCY - 1, 0, 1000), asked(LATENCY, 0, 1001))
    order = intent("buy 5 X/USDT @ 10.05 IOC")
    send(world, order)
    # the level at 10.00 went one millisecond before the arrival, the one at 10.01 goes with it and is still seen
    assert [f.price for f in world.exchange.fills_since({"X/USDT": 0})] == [Decimal("10.01")]
    assert world.clock.now() == BEGINNING + LATENCY


def test_a_batch_costs_one_latency_and_keeps_its_order(world_of: MakeWorld) -> None:
    world = world_of(bought(1000, 90, 1000))
    first, second = intent("sell 2 X/USDT @ 10.00"), intent("sell 2 X/USDT @ 10.00")
    outcomes = world.exchange.place([first, second])
    assert list(outcomes.values()) == [Acknowledged("paper-1"), Acknowledged("paper-2")]
    assert world.clock.now() == BEGINNING + LATENCY
    world.clock.sleep(1000)
    assert [report(world, order).filled for order in (first, second)] == [2, 2]  # 90 - 50 = 40 lots
    assert world.exchange.place([]) == {}
    assert world.clock.now() == BEGINNING + LATENCY + 1000


def test_orders_of_a_batch_share_the_money(world_of: MakeWorld) -> None:
    world = world_of(opened_with=setup(X="5"))
    first, second = intent("sell 4 X/USDT @ 10"), intent("sell 4 X/USDT @ 10")
    outcomes = world.exchange.place([first, second])
    assert isinstance(outcomes[first.client_order_id], Acknowledged)
    assert isinstance(outcomes[second.client_order_id], Rejected)


def test_the_same_client_id_again_is_the_same_order(world_of: MakeWorld) -> None:
    world = world_of()
    order = intent("sell 5 X/USDT @ 10", name="once")
    changed = intent("sell 9 X/USDT @ 11", name="once")
    assert send(world, order) == send(world, changed) == send(world, order) == Acknowledged("paper-1")
    assert [o.amount for o in world.exchange.review((), {}).open_orders] == [5]
    assert held(world, "X") == ("95", "100")


def test_cancel_frees_what_was_bound(world_of: MakeWorld) -> None:
    world = world_of(bought(500, 55, 1000), bought(2000, 999, 1000))
    order = intent("sell 5 X/USDT @ 10")
    send(world, order)
    world.clock.sleep(500)
    assert world.exchange.cancel([as_order(order)]) == {order.client_order_id: CancelAccepted("paper-1")}
    world.clock.sleep(5000)
    answer = report(world, order)
    assert (answer.status, answer.filled) == (ReportedStatus.CANCELED, Decimal("0.5"))
    assert held(world, "X") == ("99.5", "99.5")
    assert world.exchange.review((), {}).open_orders == []
    assert isinstance(world.exchange.cancel([as_order(order)])[order.client_order_id], NotOpen)


@pytest.mark.parametrize(("fill_after_cancel", "wins"), [(LATENCY - 1, "fill"), (LATENCY, "cancel")])
def test_a_fill_on_the_way_of_the_cancel_wins(world_of: MakeWorld, fill_after_cancel: int, wins: str) -> None:
    world = world_of(bought(LATENCY + fill_after_cancel, 999, 1000))
    order = intent("sell 5 X/USDT @ 10")
    send(world, order)
    outcome = world.exchange.cancel([as_order(order)])[order.client_order_id]
    if wins == "fill":
        assert outcome == NotOpen("order is filled")
        assert report(world, order).filled == 5
    else:
        assert outcome == CancelAccepted("paper-1")
        assert report(world, order).filled == 0


def test_unknown_orders_are_not_found(world_of: MakeWorld) -> None:
    order = intent("sell 5 X/USDT @ 10")
    answers = world_of().exchange.lookup([as_order(order)])
    assert answers == {ClientOrderId(order.client_order_id): NotFound("no such order")}
    assert isinstance(world_of().exchange.cancel([as_order(order)])[order.client_order_id], NotOpen)


def test_open_orders_report_what_was_sent(world_of: MakeWorld) -> None:
    world = world_of()
    order = intent("buy 5 X/USDT @ 9.90")
    send(world, order)
    (answer,) = world.exchange.review((), {}).open_orders
    assert answer == OrderReport(
        order.client_order_id, "paper-1", "X/USDT", order.side, ReportedStatus.OPEN, order.price, order.amount,
        Decimal(0), BEGINNING + LATENCY,
    )  # fmt: skip


def test_a_deposit_is_a_flow(world_of: MakeWorld) -> None:
    world = world_of()
    world.deposit("USDT", Decimal("12.5"))
    world.deposit("NEW", Decimal(3))
    assert held(world, "USDT") == ("1012.5", "1012.5")
    assert world.flows() == {"USDT": Decimal("1012.5"), "X": 100, "NEW": 3} == world.totals()
