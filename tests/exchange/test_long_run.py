"""Many runs against each dialect under random faults: at the end both sets of books are the same, to the digit."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from rig import WIRED, D, Rig
from tradekit.domain.errors import Unreachable
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import total
from tradekit.domain.order import Canceling, Open, Order, Unknown
from tradekit.domain.outcome import (
    Acknowledged,
    CancelAccepted,
    NotFound,
    OrderReport,
    Rejected,
    ReportedStatus,
    Unanswered,
)
from weather import market, quiet, shake

STEPS = 60
ENDED = (ReportedStatus.FILLED, ReportedStatus.CANCELED, ReportedStatus.EXPIRED, ReportedStatus.REJECTED)
OVERLAP = 3_600_000


class Trader:
    """What tradekit does with the port, in small: journal, place, look up, cancel, book; it never sends an id twice."""

    def __init__(self, rig: Rig, random: Random) -> None:
        self.rig = rig
        self.random = random
        self.orders: dict[ClientOrderId, Order] = {}
        self.ended: dict[ClientOrderId, OrderReport] = {}
        self.refused: set[str] = set()
        self.fills: dict[tuple[str, str], Fill] = {}
        self.begin = rig.time.now()

    def step(self) -> None:
        wish = self.random.random()
        if wish < 0.5:
            self.place()
        elif wish < 0.7:
            self.cancel()
        self.look()
        self.book()

    def place(self) -> None:
        rig, random = self.rig, self.random
        intents = [
            rig.intent(
                random.choice(("ETH", "SOL")),
                random.choice(("buy", "sell")),
                *self.numbers(),
                ioc=random.random() < 0.3,
            )
            for _ in range(random.randint(1, 3))
        ]
        intents = [i._replace(price=self.near(i.symbol, random.randint(-3, 3))) for i in intents]
        for intent in intents:
            self.orders[intent.client_order_id] = Order(intent, Unknown(rig.time.now(), "intended"))
        for id, outcome in rig.exchange.place(intents).items():
            if isinstance(outcome, Acknowledged):
                self.orders[id] = self.orders[id]._replace(state=Open(rig.time.now()), exchange_id=outcome.exchange_id)
            elif isinstance(outcome, Rejected):
                assert not rig.held(self.orders[id].intent), "a refused order is there"
                self.refused.add(id)

    def numbers(self) -> tuple[str, str]:
        return "1", str(D(self.random.randint(20, 90)) / 1000)

    def near(self, symbol: str, ticks: int) -> Decimal:
        touch, listing = self.rig.engine.touches[symbol], self.rig.engine.listings[symbol]
        return touch.bid + ticks * listing.tick

    def live(self) -> list[Order]:
        return [order for id, order in self.orders.items() if id not in self.ended and id not in self.refused]

    def cancel(self) -> None:
        chosen = [order for order in self.live() if self.random.random() < 0.5]
        for id, outcome in self.rig.exchange.cancel(chosen).items():
            if isinstance(outcome, CancelAccepted):
                self.orders[id] = self.orders[id]._replace(state=Canceling(self.rig.time.now(), "test"))

    def look(self) -> None:
        for id, answer in self.rig.exchange.lookup(self.live()).items():
            if isinstance(answer, OrderReport):
                self.orders[id] = self.orders[id]._replace(exchange_id=answer.exchange_id)
                if answer.status in ENDED:
                    self.ended[id] = answer

    def book(self) -> None:
        try:
            told = self.rig.exchange.fills_since(
                {self.rig.symbol(base): max(self.rig.time.now() - OVERLAP, self.begin) for base in ("ETH", "SOL")}
            )
        except Unreachable:
            return
        for fill in told:
            known = self.fills.setdefault((fill.symbol, fill.trade_id), fill)
            assert known == fill


def next_run(rig: Rig) -> None:
    try:
        rig.reopen()
    except Unreachable as silent:
        assert silent.problems[0].code == "rate_limited"
        rig.time.sleep(12_000)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", WIRED)
def test_both_books_agree_after_many_runs_under_faults(rig_of: Any, name: str, seed: int) -> None:
    random = Random(f"{name} {seed}")
    rig: Rig = rig_of(name)
    rig.engine.totals["BNB"] = D(10)
    rig.exchange.symbols()
    opening = dict(rig.engine.totals)
    shake(rig, random)
    trader = Trader(rig, random)
    for _ in range(STEPS):
        trader.step()
        market(rig, random)
        rig.time.sleep(random.choice((200, 1000, 5000)))
        if random.random() < 0.1:
            next_run(rig)
    quiet(rig)
    trader.look()
    rig.exchange.cancel(trader.live())
    trader.look()
    trader.book()
    settle_and_compare(rig, trader, opening)


def settle_and_compare(rig: Rig, trader: Trader, opening: dict[str, Decimal]) -> None:
    assert rig.engine.accepted and all(count == 1 for count in rig.engine.accepted.values()), "an order was sent twice"
    answers = rig.exchange.lookup([trader.orders[id] for id in trader.orders if id not in trader.refused])
    held = {ClientOrderId(order.client_id): order for order in rig.engine.orders}
    for id, answer in answers.items():
        assert not isinstance(answer, Unanswered), answer
        assert isinstance(answer, NotFound) == (id not in held)
        if isinstance(answer, OrderReport):
            assert answer.filled == held[id].filled
            assert answer.status in ENDED and held[id].status != "open"
    for id, report in trader.ended.items():
        assert report.filled == held[id].filled, "an order that was called ended traded on"
    assert {int(id.strip("tT")) for _, id in trader.fills} == {trade.number for trade in rig.engine.trades}
    for fill in trader.fills.values():
        assert fill.client_order_id in trader.orders
    books = dict(opening)
    for fill in trader.fills.values():
        sign = 1 if fill.side == "buy" else -1
        for asset, change in ((fill.base, sign * fill.amount), (fill.quote, -sign * fill.cost)):
            books[asset] = books.get(asset, D(0)) + change
        for fee in fill.fees:
            books[fee.asset] = books.get(fee.asset, D(0)) - fee.amount
    truth = {asset: balance.total for asset, balance in rig.exchange.balances().items()}
    assert {asset: amount for asset, amount in books.items() if amount} == truth
    for id, order in held.items():
        assert total(f.amount for f in trader.fills.values() if f.client_order_id == id) == order.filled


def test_the_run_sees_an_order_sent_twice(rig_of: Any) -> None:
    rig: Rig = rig_of("binance")
    trader = Trader(rig, Random(1))
    opening = dict(rig.engine.totals)
    order = rig.placed(rig.intent(price="2500.10", ioc=True))
    trader.orders[order.id] = order
    trader.book()
    settle_and_compare(rig, trader, opening)
    rig.placed(order.intent)  # its id is free again, and it fills again
    trader.book()
    with pytest.raises(AssertionError, match="sent twice"):
        settle_and_compare(rig, trader, opening)
