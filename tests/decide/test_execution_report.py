"""What became of orders, read from events written down by hand, with every figure worked out."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from tradekit.decide.execution import OrderStory, read_orders
from tradekit.decide.execution_report import ExecutionSum, report_execution
from tradekit.domain.books import BookedFill, Books, Owner
from tradekit.domain.decision import Approved
from tradekit.domain.event import (
    BooksRebuilt,
    CancelRequested,
    CycleFinished,
    Event,
    FillBooked,
    FilledPart,
    OrderAcknowledged,
    OrderAdopted,
    OrderFinal,
    OrderIntended,
    OrderNotPlaced,
    OrderRejected,
    Record,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.money import Money
from tradekit.domain.numbers import ZERO, divide
from tradekit.domain.order import FinalWord, OrderIntent, Place, TimeInForce
from tradekit.domain.outcome import RejectCode
from tradekit.domain.proposal import Amount, Origin, Proposal, Side
from tradekit.domain.times import DAY_MS
from tradekit.domain.universe import Tier, TierMemory

D = Decimal
T0 = 20_000 * DAY_MS + 3_600_000


def intended(name: str, at: int = 0, side: Side = Side.SELL, **more: Any) -> OrderIntended:
    """An order of 10 X, decided at a mid of 2 and priced on the same quote, with 25 s to live."""
    amount, mid = D(more.pop("amount", "10")), D(more.pop("mid", "2"))
    origin, symbol = more.pop("origin", Origin.RULE), more.pop("symbol", "X/USDT")
    proposal = Proposal(f"p-{name}", symbol, side, Amount(amount), D(1), "test", origin)
    approved = Approved(proposal, amount, D("2"), D("1"))
    more = {"place": Place.TOUCH, "time_in_force": TimeInForce.PO, "attempt": 1, "price": D("2.01"), **more}
    ttl = more.pop("ttl", 25_000)
    times = {"created": T0 + at, "deadline": T0 + at + ttl}
    return OrderIntended(
        OrderIntent(approved=approved, client_order_id=ClientOrderId(name), amount=amount, mid=mid, **times, **more)
    )


def filled(name: str | None, at: int, amount: str, price: str, fee: str = "0", **more: Any) -> FillBooked:
    """A fill of an order, in X/USDT unless told otherwise."""
    trade, asset = more.pop("trade", f"t{at}"), more.pop("fee_asset", "USDT")
    symbol, side = more.pop("symbol", "X/USDT"), more.pop("side", Side.SELL)
    client_id = None if name is None else ClientOrderId(name)
    cost = D(amount) * D(price)
    fees = (Money(D(fee), asset),) if D(fee) else ()
    exchange_id = more.pop("exchange_id", "e")
    numbers = (D(amount), D(price), cost, fees, T0 + at, more.pop("maker", True))
    return FillBooked(Fill(symbol, trade, exchange_id, client_id, side, *numbers))


def ended(name: str, word: FinalWord, reported: str = "0") -> OrderFinal:
    return OrderFinal(ClientOrderId(name), word, D(reported))


def cycled(**tiers: Tier) -> CycleFinished:
    memory = {f"{base}/USDT": TierMemory(tier, tier, 0) for base, tier in tiers.items()}
    return CycleFinished(T0, 1000, D(1000), {}, memory, (), (), 0, 0)


def journal(*steps: tuple[int, Event]) -> list[Record]:
    return [Record(seq, T0 + at, event) for seq, (at, event) in enumerate(steps, 1)]


def story(records: Sequence[Record], name: str = "a") -> OrderStory:
    return next(order for order in read_orders(records, 0) if order.id == name)


PARTLY = journal(
    (0, intended("a")),
    (300, OrderAcknowledged(ClientOrderId("a"), "e")),
    (9000, filled("a", 8000, "4", "2.01", "0.0482")),
    (25_100, CancelRequested(ClientOrderId("a"), "time to live is over")),
    (25_400, ended("a", FinalWord.CANCELED, "4")),
    (26_000, intended("b", 26_000, amount="6", mid="1.98", attempt=2, place=Place.INSIDE)),
    (31_000, filled("b", 30_000, "6", "1.99", "0.0716")),
    (31_000, ended("b", FinalWord.FILLED, "6")),
    (32_000, cycled(X=Tier.T3)),
)


def test_one_order_that_filled_in_part_and_one_that_filled() -> None:
    first, second = read_orders(PARTLY, 0)
    assert (first.ending, first.filled, first.cost, first.maker_cost, first.fees) == (
        "canceled", D(4), D("8.04"), D("8.04"), D("0.0482"),
    )  # fmt: skip
    # a cancel that is settled later ends the life when it was asked for
    assert (first.first_fill_ms, first.last_fill_ms, first.lived_ms, first.is_full) == (8000, 8000, 25_100, False)
    # 4 X at 2 are 8; 8.04 less fees came in
    assert (first.shortfall, first.shortfall_bp) == (D("0.0082"), D("10.25"))
    # the mid fell from 2 to 1.98 while 6 X waited
    assert first.drift_bp == 100
    assert (second.lived_ms, second.first_fill_ms, second.drift_bp, second.is_full) == (4000, 4000, None, True)
    assert second.shortfall == D("12") - D("11.94") + D("0.0716")
    assert (first.tier, second.tier, second.attempt, second.place) == (Tier.T3, Tier.T3, 2, Place.INSIDE)


def test_the_sums_of_both() -> None:
    report = report_execution(PARTLY, 0, T0 + 32_000)
    assert report.total == ExecutionSum(
        orders=2,
        filled=1,
        partly=1,
        turnover=D("19.98"),
        maker_share=D(1),
        fees=D("0.1198"),
        shortfall=D("0.1398"),
        shortfall_bp=D("69.9"),
        first_fill_ms=4000,
        full_fill_ms=4000,
        drifted=1,
        drift_bp=D(100),
        waiting=D("0.12"),
    )
    assert [(day.start, day.sum) for day in report.days] == [(20_000 * DAY_MS, report.total)]
    assert [(item.ttl_ms, item.sum.orders) for item in report.ttls] == [(25_000, 2)]
    touch, inside = sorted(report.rates, key=lambda rate: rate.place, reverse=True)
    assert (touch.place, touch.orders, touch.observed_ms) == (Place.TOUCH, 1, 25_100)
    assert touch.full == (D(0), D(0), D(0), D(0), None, None)
    assert touch.first == (D(0), *[D(1)] * 5)
    assert (inside.tier, inside.place, inside.full) == (Tier.T3, Place.INSIDE, (D(1),) * 6)


def test_a_buy_loses_by_paying_more_and_by_waiting_for_a_rise() -> None:
    records = journal(
        (0, intended("a", side=Side.BUY)),
        (5000, filled("a", 5000, "4", "2.01", "0.01", side=Side.BUY)),
        (25_000, ended("a", FinalWord.CANCELED, "4")),
        (30_000, intended("b", 30_000, side=Side.BUY, mid="2.02")),
    )
    assert (story(records).shortfall, story(records).drift_bp) == (D("0.05"), D(100))


@pytest.mark.parametrize(
    ("fee", "asset", "valued", "others"),
    [
        ("0.02", "USDT", "0.02", ()),
        ("0.01", "X", "0.02", ()),
        ("0.5", "BNB", "0", ("BNB",)),
        ("-0.02", "USDT", "-0.02", ()),
    ],
)  # fmt: skip
def test_fees_count_where_they_have_a_price(fee: str, asset: str, valued: str, others: tuple[str, ...]) -> None:
    records = journal((0, intended("a")), (1, filled("a", 1, "10", "2", fee, fee_asset=asset)))
    assert (story(records).fees, story(records).other_fees) == (D(valued), others)
    assert story(records).shortfall == D(valued)


def test_a_fill_counts_once_and_finds_its_order_by_the_exchanges_name() -> None:
    nameless = filled(None, 4000, "3", "2", trade="t1", exchange_id="e7")
    records = journal(
        (0, intended("a")),
        (300, OrderAcknowledged(ClientOrderId("a"), "e7")),
        (5000, nameless),
        (6000, nameless),
        (7000, BooksRebuilt("journal", Books(), (BookedFill(nameless.fill, Owner.TRADEKIT),), 0, {})),
        (8000, filled(None, 4500, "9", "2", exchange_id="e8")),
        (9000, filled("a", 3000, "2", "2", trade="t2")),
    )
    # a fill that is listed late was earlier all the same
    found = story(records)
    assert (found.filled, found.first_fill_ms, found.last_fill_ms, found.ending) == (D(5), 3000, 4000, "open")
    assert found.lived_ms == 9000


def test_what_never_rested_tells_nothing_of_fill_rates() -> None:
    records = journal(
        (0, intended("rejected")),
        (1, OrderRejected(ClientOrderId("rejected"), RejectCode.POST_ONLY_WOULD_CROSS, "")),
        (2, intended("lost")),
        (3, OrderNotPlaced(ClientOrderId("lost"))),
        (4, intended("taken", time_in_force=TimeInForce.IOC, place=Place.TAKER)),
        (5, filled("taken", 5, "10", "1.99", "0.2", maker=False)),
        (5, ended("taken", FinalWord.FILLED, "10")),
        (6, intended("waits", 6)),
        (7, OrderAdopted(intended("adopted", origin=Origin.ADOPTED).intent, "e9", FilledPart(D(2), D(4)))),
        (8, filled("adopted", 8, "1", "1")),
        (1006, cycled()),
    )
    report = report_execution(records, 0, T0 + 1006)
    total = report.total
    assert (total.orders, total.rejected, total.not_placed, total.filled, total.open) == (5, 1, 1, 1, 2)
    assert (total.maker_share, total.shortfall) == (divide(D(1), D("20.9")), D("0.3"))
    assert total.turnover == D("20.9")
    assert [(rate.orders, rate.observed_ms) for rate in report.rates] == [(1, 1000)]
    assert story(records, "adopted").shortfall is None
    assert story(records, "taken").maker_cost == ZERO


def test_the_market_is_blamed_for_ten_minutes_and_only_by_the_same_symbol() -> None:
    def later(at: int, **more: Any) -> Decimal | None:
        records = journal(
            (0, intended("a")),
            (25_000, ended("a", FinalWord.CANCELED)),
            (at, intended("b", at, mid="1.9", **more)),
            (at + 1, intended("c", at + 1, mid="1.8")),
        )
        return story(records).drift_bp

    assert later(26_000) == 500
    assert later(626_000) is None
    assert later(26_000, symbol="Y/USDT") == 1000


def test_only_orders_sent_since_are_told_and_each_on_its_day() -> None:
    records = journal(
        (0, intended("a")),
        (25_000, ended("a", FinalWord.CANCELED)),
        (DAY_MS, intended("b", DAY_MS, ttl=12_000)),
        (DAY_MS + 1, filled("a", 20_000, "1", "2")),
        (DAY_MS + 9, ended("b", FinalWord.EXPIRED)),
    )
    assert [order.id for order in read_orders(records, T0 + 1)] == ["b"]
    report = report_execution(records, 0, T0)
    assert [(day.start - 20_000 * DAY_MS, day.sum.orders) for day in report.days] == [(0, 1), (DAY_MS, 1)]
    assert [(item.ttl_ms, item.sum.unfilled, item.sum.partly) for item in report.ttls] == [
        (15_000, 1, 0),
        (25_000, 0, 1),
    ]


def test_an_empty_journal() -> None:
    report = report_execution([], 0, 0)
    assert (report.total, report.days, report.orders) == (ExecutionSum(), (), ())


def test_a_tier_that_a_cycle_takes_away_is_taken_from_its_orders_too() -> None:
    gone = cycled()._replace(gone=("X/USDT",))
    records = journal(
        (0, cycled(X=Tier.T1)),
        (1, intended("a", 1)),
        (2, cycled()),
        (3, intended("b", 3)),
        (4, gone),
        (5, intended("c", 5)),
    )
    assert [order.tier for order in read_orders(records, 0)] == [Tier.T1, Tier.NONE, Tier.NONE]
