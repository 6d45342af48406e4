"""Which units a sale takes, what they had cost, and whose they are: every number worked out by hand beside it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from some_books import books_of, unexplained
from tradekit.decide.ledger import Ledger
from tradekit.decide.lots import MOST_LOTS, add_lot, share_of, take_from_lots
from tradekit.domain.books import Books, CostMethod, Owner
from tradekit.domain.numbers import total
from tradekit.domain.position import Lot, Position

D = Decimal
AVERAGE, FIFO, LIFO, HIFO = CostMethod.AVERAGE, CostMethod.FIFO, CostMethod.LIFO, CostMethod.HIFO


class Trade(NamedTuple):
    """A trade in a few letters."""

    buys: bool
    amount: str
    cost: str
    fees: tuple[tuple[str, str], ...] = ()
    symbol: str = "ETH/USDT"
    owner: Owner = Owner.TRADEKIT


def bought(amount: str, cost: str, *fees: tuple[str, str], symbol: str = "ETH/USDT") -> Trade:
    return Trade(True, amount, cost, fees, symbol)


def sold(amount: str, cost: str, *fees: tuple[str, str], symbol: str = "ETH/USDT") -> Trade:
    return Trade(False, amount, cost, fees, symbol)


def enter(ledger: Ledger, trades: Sequence[Trade]) -> Ledger:
    for time, (buys, amount, cost, fees, symbol, owner) in enumerate(trades, start=1):
        base, _, quote = symbol.partition("/")
        paid = [(asset, D(number)) for asset, number in fees]
        ledger.trade(ledger.entry(base), ledger.entry(quote), buys, D(amount), D(cost), paid, time, owner)
    return ledger


def after(method: CostMethod, *trades: Trade) -> Books:
    return enter(Ledger(books_of(D(10_000), method=method)), trades).books()


# 1 for 100, 1 for 300, 1 for 200
THREE = (bought("1", "100"), bought("1", "300"), bought("1", "200"))
CHEAPER = bought("2", "100")  # 50 a unit

TABLE = [
    # name, trades after the three, method, quantity left, cost left, realised
    ("one unit, average", [sold("1", "250")], AVERAGE, "2", "400", "50"),  # 600 / 3 = 200
    ("one unit, first in", [sold("1", "250")], FIFO, "2", "500", "150"),  # the one for 100
    ("one unit, last in", [sold("1", "250")], LIFO, "2", "400", "50"),  # the one for 200
    ("one unit, dearest", [sold("1", "250")], HIFO, "2", "300", "-50"),  # the one for 300
    ("one and a half, average", [sold("1.5", "300")], AVERAGE, "1.5", "300", "0"),
    ("one and a half, first in", [sold("1.5", "300")], FIFO, "1.5", "350", "50"),  # 100 + half of 300
    ("one and a half, last in", [sold("1.5", "300")], LIFO, "1.5", "250", "-50"),  # 200 + half of 300
    ("one and a half, dearest", [sold("1.5", "300")], HIFO, "1.5", "200", "-100"),  # 300 + half of 200
    ("a part of a lot twice, first in", [sold("0.5", "50"), sold("0.5", "50")], FIFO, "2", "500", "0"),
    ("a part of a lot twice, dearest", [sold("0.5", "150"), sold("0.5", "150")], HIFO, "2", "300", "0"),
    ("a cheaper one after a sale, last in", [sold("1", "200"), CHEAPER, sold("1", "60")], LIFO, "3", "450", "10"),
    ("a cheaper one after a sale, dearest", [sold("1", "300"), CHEAPER, sold("2", "400")], HIFO, "2", "100", "100"),
    *(("all of it", [sold("3", "700")], method, "0", "0", "100") for method in CostMethod),
    # the fee in base is paid out of the lots after the sale: 0.1 of the next one
    ("fee in base, first in", [sold("1", "250", ("ETH", "0.1"))], FIFO, "1.9", "470", "120"),  # 0.1 of the 300
    ("fee in base, last in", [sold("1", "250", ("ETH", "0.1"))], LIFO, "1.9", "370", "20"),
    ("fee in base, dearest", [sold("1", "250", ("ETH", "0.1"))], HIFO, "1.9", "280", "-70"),  # 0.1 of the 200
    ("fee in base, average", [sold("1", "250", ("ETH", "0.1"))], AVERAGE, "1.9", "380", "30"),
    # bought with a fee in base: fewer units for the same money, 110 each, and dearer than the first
    ("bought with a fee in base, dearest", [bought("1", "290", ("ETH", "0.03")), sold("1", "300")], HIFO, "2.97",
     "590", "0"),
    # 290 for 0.97 is 298.97 a unit: the one for 300 goes first
    # a rebate in base is a lot that cost nothing
    ("a rebate in base, first in", [bought("1", "100", ("ETH", "-0.5")), sold("3", "700")], FIFO, "1.5", "100", "100"),
    ("a rebate in base, last in", [bought("1", "100", ("ETH", "-0.5")), sold("1.5", "120")], LIFO, "3", "600", "20"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("trades", "method", "quantity", "cost", "realized"), [row[1:] for row in TABLE], ids=[str(row[0]) for row in TABLE]
)
def test_what_a_sale_takes(trades: list[Trade], method: CostMethod, quantity: str, cost: str, realized: str) -> None:
    books = after(method, *THREE, *trades)
    position = books.positions["ETH"]
    assert (position.quantity, position.cost, position.realized) == (D(quantity), D(cost), D(realized))
    if method is AVERAGE:
        assert position.lots == ()
    else:
        assert total(lot.quantity for lot in position.lots) == position.quantity
        assert total(lot.cost for lot in position.lots) == position.cost


def test_of_two_lots_at_one_price_the_older_goes_first() -> None:
    books = after(HIFO, bought("1", "100"), bought("2", "200"), sold("1", "100"))
    assert [(lot.quantity, lot.time) for lot in books.positions["ETH"].lots] == [(D(2), 2)]


def test_lots_that_are_too_many_become_fewer_and_lose_nothing() -> None:
    lots: list[Lot] = []
    for number in range(1, MOST_LOTS + 4):
        add_lot(lots, Lot(D(number), D(2 * number), number))
    assert len(lots) == MOST_LOTS
    assert lots[0] == Lot(D(1 + 2 + 3 + 4), D(20), 1)
    assert total(lot.quantity for lot in lots) == total(D(number) for number in range(1, MOST_LOTS + 4))


LOTS = st.lists(
    st.builds(
        Lot,
        st.integers(1, 10**9).map(lambda n: D(n).scaleb(-6)),
        st.integers(0, 10**9).map(lambda n: D(n).scaleb(-4)),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=6,
)


@given(LOTS, st.fractions(0, 1), st.sampled_from([FIFO, LIFO, HIFO]))
def test_what_is_taken_and_what_is_left_are_all_there_was(lots: list[Lot], share: object, method: CostMethod) -> None:
    from fractions import Fraction

    assert isinstance(share, Fraction)
    units, money = total(lot.quantity for lot in lots), total(lot.cost for lot in lots)
    amount = (units * share.numerator / share.denominator).quantize(D("1e-6"))
    amount = min(amount, units)
    cost = take_from_lots(lots, amount, method)
    assert total(lot.quantity for lot in lots) == units - amount
    assert total(lot.cost for lot in lots) == money - cost
    assert all(lot.quantity > 0 and lot.cost >= 0 for lot in lots)


def test_a_share_is_rounded_once_half_even() -> None:
    assert share_of(D(10), D(1), D(3)) == D("3.333333333333333333")
    assert share_of(D("0.000000000000000001"), D(1), D(2)) == 0  # half of the last digit goes to the even one
    assert share_of(D("0.000000000000000003"), D(1), D(2)) == D("0.000000000000000002")


# one asset pays for another

ETH_FOR_BTC = bought("10", "0.5", symbol="ETH/BTC")


@pytest.mark.parametrize(
    ("method", "eth_cost", "btc_cost"),
    [(AVERAGE, "25", "75"), (FIFO, "20", "80"), (LIFO, "30", "70"), (HIFO, "30", "70")],
)
def test_a_purchase_with_another_asset_costs_what_that_had_cost(
    method: CostMethod, eth_cost: str, btc_cost: str
) -> None:
    """2 BTC for 40 and 60: half a BTC had cost 25 on average, 20 of the first, 30 of the last and dearest."""
    two = (bought("1", "40", symbol="BTC/USDT"), bought("1", "60", symbol="BTC/USDT"))
    books = after(method, *two, ETH_FOR_BTC)
    eth, btc = books.positions["ETH"], books.positions["BTC"]
    assert (eth.quantity, eth.cost, btc.quantity, btc.cost) == (D(10), D(eth_cost), D("1.5"), D(btc_cost))
    assert btc.realized == eth.realized == 0
    assert books.cash == 10_000 - 100


@pytest.mark.parametrize("method", list(CostMethod))
def test_the_way_there_and_back_makes_its_result_only_at_the_end(method: CostMethod) -> None:
    """1 BTC for 100 buys 20 ETH; 20 ETH make 1.5 BTC again; those are sold for 180: a gain of 80."""
    way = (
        bought("1", "100", symbol="BTC/USDT"),
        bought("20", "1", symbol="ETH/BTC"),
        sold("20", "1.5", symbol="ETH/BTC"),
        sold("1.5", "180", symbol="BTC/USDT"),
    )
    books = after(method, *way)
    assert {a: (p.quantity, p.cost, p.realized) for a, p in books.positions.items()} == {
        "BTC": (D(0), D(0), D(80)),
        "ETH": (D(0), D(0), D(0)),
    }


def test_a_fee_in_the_asset_that_pays_comes_on_top_at_its_cost() -> None:
    books = after(AVERAGE, bought("1", "100", symbol="BTC/USDT"), ETH_FOR_BTC._replace(fees=(("BTC", "0.01"),)))
    assert books.positions["ETH"].cost == 50 + 1
    assert books.positions["BTC"].quantity == D("0.49")
    assert books.tallies["BTC"].fees == D("0.01")


def test_what_was_never_in_the_books_pays_without_a_cost_and_is_told() -> None:
    books = after(AVERAGE, ETH_FOR_BTC)
    assert books.positions["ETH"].cost == 0
    assert (books.positions["BTC"].total, unexplained(books, "BTC")) == (D(0), D("0.5"))


# what is taken in, let go, sent and received


def start(method: CostMethod = AVERAGE, **position: str) -> Ledger:
    """3 ETH outside, unless said otherwise."""
    held = {name: D(number) for name, number in position.items()} or {"outside": D(3)}
    return Ledger(books_of(D(10_000), [Position("ETH", **held)], method))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", list(CostMethod))
def test_an_adopted_asset_that_leaves_goes_back_outside_and_what_was_bought_stays(method: CostMethod) -> None:
    ledger = start(method)
    ledger.adopt("ETH", D(50), 5)
    assert ledger.books().positions["ETH"][:5] == ("ETH", D(3), D(150), D(0), D(3))
    enter(ledger, [bought("1", "90")])
    ledger.release("ETH")
    position = ledger.books().positions["ETH"]
    assert (position.quantity, position.outside, position.adopted) == (D(1), D(3), D(0))
    assert ledger.books().tallies["ETH"].total == 4
    # 240 for 4 on average; the first three in are the adopted ones; last in first out and dearest take the bought one
    assert position.cost == {AVERAGE: D(60), FIFO: D(90), LIFO: D(50), HIFO: D(50)}[method]


def test_what_was_sold_of_the_adopted_does_not_come_back() -> None:
    ledger = start()
    ledger.adopt("ETH", D(50), 5)
    enter(ledger, [bought("1", "50"), sold("2", "120")])  # 4, of which 2 are left
    assert ledger.books().positions["ETH"].adopted == 2
    ledger.release("ETH")
    position = ledger.books().positions["ETH"]
    assert (position.quantity, position.outside, position.cost) == (D(0), D(2), D(0))


def test_what_is_managed_by_the_policy_is_let_go_and_what_tradekit_bought_is_not() -> None:
    ledger = enter(start(), [Trade(True, "2", "100", owner=Owner.MANAGED), bought("1", "50")])
    ledger.release("ETH")
    position = ledger.books().positions["ETH"]
    assert (position.quantity, position.outside) == (D(1), D(5))


def test_a_release_before_any_adoption_changes_nothing() -> None:
    ledger = enter(start(), [bought("1", "50")])
    before = ledger.books()
    ledger.release("ETH")
    assert ledger.books() == before


@pytest.mark.parametrize(
    ("amount", "quantity", "outside", "cost", "beyond"),
    [
        ("2", "1", "5", "50", "0"),  # a deposit is not for tradekit to sell
        ("-2", "1", "1", "50", "0"),  # a withdrawal takes what is outside first
        ("-3.5", "0.5", "0", "25", "0"),  # and then of the position, at its cost
        ("-4", "0", "0", "0", "0"),
        ("-5", "0", "0", "0", "1"),  # more than there was: an inflow nobody recorded
    ],
)
def test_a_transfer_makes_no_result(amount: str, quantity: str, outside: str, cost: str, beyond: str) -> None:
    ledger = start(quantity="1", cost="50", outside="3")
    ledger.transfer("ETH", D(amount))
    books = ledger.books()
    position = books.positions["ETH"]
    assert (position.quantity, position.outside, position.cost) == (D(quantity), D(outside), D(cost))
    assert (position.realized, books.tallies["ETH"].transfers, unexplained(books, "ETH")) == (
        D(0),
        D(amount),
        D(beyond),
    )
    assert books.tallies["ETH"].total == position.total
    assert books.cash == 10_000


def test_a_transfer_of_cash_is_cash_and_no_position() -> None:
    ledger = start()
    ledger.transfer("USDT", D("-250.5"))
    assert ledger.books().cash == D("9749.5")
    assert "USDT" not in ledger.books().positions


@pytest.mark.parametrize("method", list(CostMethod))
def test_an_opening_lot_explains_what_was_sold_beyond_the_books(method: CostMethod) -> None:
    """2 were there before: 1.5 of them were sold at no known cost; 0.5 are left, at 40 a unit."""
    ledger = enter(start(method, outside="0"), [sold("1.5", "90")])
    assert unexplained(ledger.books(), "ETH") == D("1.5")
    ledger.assume_opening("ETH", D(2), D("0.5"), D(40), 9)
    books = ledger.books()
    position, tally = books.positions["ETH"], books.tallies["ETH"]
    assert (position.quantity, position.cost, position.adopted, position.outside) == (D("0.5"), D(20), D("0.5"), D(0))
    assert (tally.assumed, tally.unexplained, tally.total) == (D(2), D(0), D("0.5"))
    assert position.realized == 0  # what had no cost makes no result


def test_an_opening_lot_that_is_not_managed_stays_outside() -> None:
    ledger = start(outside="0")
    ledger.assume_opening("ETH", D(2), D(0), D(40), 9)
    position = ledger.books().positions["ETH"]
    assert (position.quantity, position.outside, position.cost) == (D(0), D(2), D(0))


def test_books_that_change_their_method_begin_with_one_lot() -> None:
    ledger = enter(start(FIFO, quantity="2", cost="100"), [bought("1", "80"), sold("1", "60")])
    position = ledger.books().positions["ETH"]
    assert position.realized == 10  # 60 less half of the 100
    assert [(lot.quantity, lot.cost) for lot in position.lots] == [(D(1), D(50)), (D(1), D(80))]
