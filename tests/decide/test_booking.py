"""Booking: fills in base units at average cost, fees in any asset, all of it by hand beside the numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from some_books import books_of, unexplained
from tradekit.decide.ledger import Ledger
from tradekit.domain.books import Books, Owner
from tradekit.domain.fill import Fill
from tradekit.domain.money import Money
from tradekit.domain.numbers import total
from tradekit.domain.position import Position
from tradekit.domain.proposal import Side

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def fill(side: Side, amount: str, price: str, *fees: tuple[str, str], time: int = 7) -> Fill:
    cost = D(amount) * D(price)
    paid = tuple(Money(D(number), asset) for number, asset in fees)
    return Fill("ETH/USDT", f"t{time}", "x1", None, side, D(amount), D(price), cost, paid, time)


def books(cash: str = "1000", **held: tuple[str, str, str]) -> Books:
    """Per asset: quantity, cost and what is held outside."""
    positions = {a: Position(a, D(q), D(c), D(o), opened=1 if D(q) else 0) for a, (q, c, o) in held.items()}
    return books_of(D(cash), positions)


def after(start: Books, *fills: Fill) -> Books:
    for one in fills:
        ledger = Ledger(start)
        ledger.enter(one, Owner.TRADEKIT)
        start = ledger.books()
    return start


TABLE = [
    # name, before, fills, cash, quantity, cost, realised
    ("a purchase", books(), [fill(BUY, "2", "50")], "900", "2", "100", "0"),
    ("in two parts", books(), [fill(BUY, "0.5", "50"), fill(BUY, "1.5", "52")], "897", "2", "103", "0"),
    ("fee in quote", books(), [fill(BUY, "2", "50", ("0.1", "USDT"))], "899.9", "2", "100.1", "0"),
    ("fee in base", books(), [fill(BUY, "2", "50", ("0.002", "ETH"))], "900", "1.998", "100", "0"),
    ("rebate in quote", books(), [fill(BUY, "2", "50", ("-0.1", "USDT"))], "900.1", "2", "99.9", "0"),
    ("rebate in base", books(), [fill(BUY, "2", "50", ("-0.002", "ETH"))], "900", "2.002", "100", "0"),
    ("two fees", books(), [fill(BUY, "2", "50", ("0.1", "USDT"), ("0.002", "ETH"))], "899.9", "1.998", "100.1", "0"),
    # average 50: half of the cost goes, 60 come in
    ("half sold", books(ETH=("2", "100", "0")), [fill(SELL, "1", "60")], "1060", "1", "50", "10"),
    ("all sold", books(ETH=("2", "100", "0")), [fill(SELL, "2", "60")], "1120", "0", "0", "20"),
    ("sold at a loss", books(ETH=("2", "100", "0")), [fill(SELL, "2", "45")], "1090", "0", "0", "-10"),
    ("sale, fee in quote", books(ETH=("2", "100", "0")), [fill(SELL, "1", "60", ("0.06", "USDT"))], "1059.94", "1",
     "50", "9.94"),
    ("sale, rebate", books(ETH=("2", "100", "0")), [fill(SELL, "1", "60", ("-0.06", "USDT"))], "1060.06", "1", "50",
     "10.06"),
    # the fee is paid out of the rest, which cost 50 a unit: 0.01 x 50 = 0.5 less is gained
    ("sale, fee in base", books(ETH=("2", "100", "0")), [fill(SELL, "1", "60", ("0.01", "ETH"))], "1060", "0.99",
     "49.5", "9.5"),
    # 3 units for 10: one third is 3.333333333333333333 to 18 decimals, and the rest stays exact
    ("a cost without an end", books(ETH=("3", "10", "0")), [fill(SELL, "1", "4")], "1004", "2",
     "6.666666666666666667", "0.666666666666666667"),
    ("and all of it", books(ETH=("3", "10", "0")), [fill(SELL, "1", "4"), fill(SELL, "2", "4")], "1012", "0", "0",
     "2"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "fills", "cash", "quantity", "cost", "realized"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE]
)
def test_the_books_after(before: Books, fills: list[Fill], cash: str, quantity: str, cost: str, realized: str) -> None:
    found = after(before, *fills)
    position = found.positions["ETH"]
    assert found.cash == D(cash)
    assert (position.quantity, position.cost, position.realized) == (D(quantity), D(cost), D(realized))
    assert (position.outside, unexplained(found, "ETH")) == (D(0), D(0))
    assert found.tallies["ETH"].total == position.total


def test_a_fee_in_a_third_asset_is_paid_by_its_own_position_at_its_cost() -> None:
    # 0.1 of 2 BNB that cost 600: 30 of cost go from them to the ETH
    found = after(books(BNB=("2", "600", "1")), fill(BUY, "2", "50", ("0.1", "BNB")))
    assert found.positions["BNB"][1:4] == (D("1.9"), D(570), D(1))
    assert (found.cash, found.positions["ETH"].cost) == (D(900), D(130))


def test_a_fee_in_a_third_asset_on_a_sale_lowers_the_gain() -> None:
    found = after(books(BNB=("2", "600", "0"), ETH=("2", "100", "0")), fill(SELL, "2", "60", ("0.1", "BNB")))
    assert found.positions["ETH"].realized == D("-10")  # 120 - 100 - 30


def test_a_fee_in_an_asset_held_outside_costs_nothing_that_is_known() -> None:
    found = after(books(BNB=("0", "0", "1")), fill(BUY, "2", "50", ("0.1", "BNB")))
    assert (found.positions["BNB"].outside, found.positions["ETH"].cost) == (D("0.9"), D(100))


def test_a_rebate_in_a_third_asset_is_a_gift() -> None:
    found = after(books(), fill(BUY, "2", "50", ("-0.1", "BNB")))
    assert (found.positions["BNB"].quantity, found.positions["BNB"].cost) == (D("0.1"), D(0))


@pytest.mark.parametrize(
    ("sold", "quantity", "outside", "inflow", "realized"),
    [
        ("2", "0", "1", "0", "20"),
        # 120 came in for the two units that had a cost, the rest makes no result that anybody knows
        ("2.5", "0", "0.5", "0", "20"),
        ("3", "0", "0", "0", "20"),
        ("5", "0", "0", "2", "20"),
    ],
)
def test_a_sale_beyond_the_position(sold: str, quantity: str, outside: str, inflow: str, realized: str) -> None:
    sale = after(books(ETH=("2", "100", "1")), fill(SELL, sold, "60"))
    found = sale.positions["ETH"]
    assert (found.quantity, found.outside, unexplained(sale, "ETH")) == (D(quantity), D(outside), D(inflow))
    assert (found.cost, found.realized) == (D(0), D(realized))


def test_a_position_begins_anew_after_it_was_sold() -> None:
    found = after(books(), fill(BUY, "1", "50", time=5), fill(SELL, "1", "60", time=6), fill(BUY, "2", "40", time=9))
    position = found.positions["ETH"]
    assert (position.opened, position.quantity, position.average, position.realized) == (
        9, D(2), D(40), D(10),
    )  # fmt: skip


def test_an_add_does_not_change_since_when_it_is_held() -> None:
    found = after(books(), fill(BUY, "1", "50", time=5), fill(BUY, "1", "40", time=9))
    assert (found.positions["ETH"].opened, found.positions["ETH"].average) == (5, D(45))


def test_a_fee_in_base_that_eats_all_leaves_nothing_and_its_cost_is_a_loss() -> None:
    position = after(books(), fill(BUY, "1", "50", ("1", "ETH"))).positions["ETH"]
    assert (position.total, position.cost, position.realized) == (D(0), D(0), D(-50))


amounts = st.decimals("0.00000001", "1000", places=8)
fee = st.tuples(st.decimals("-0.01", "0.01", places=8).map(str), st.sampled_from(["ETH", "USDT", "BNB"]))
fills = st.builds(
    lambda side, amount, price, fees: fill(side, str(amount), str(price), *fees),
    st.sampled_from(list(Side)), amounts, amounts, st.lists(fee, max_size=3),
)  # fmt: skip


@given(st.lists(fills, max_size=12))
def test_units_and_cash_are_exact(made: list[Fill]) -> None:
    found = after(books(ETH=("5", "100", "1"), BNB=("1", "300", "0")), *made)

    def paid(asset: str) -> Decimal:
        return total(money.amount for one in made for money in one.fees if money.asset == asset)

    bought = total(one.amount if one.side is BUY else -one.amount for one in made)
    spent = total(one.cost if one.side is BUY else -one.cost for one in made)
    assert found.cash == 1000 - spent - paid("USDT")
    eth, bnb = found.positions["ETH"], found.positions["BNB"]
    assert eth.total - unexplained(found, "ETH") == 6 + bought - paid("ETH")
    assert bnb.total - unexplained(found, "BNB") == 1 - paid("BNB")
    assert min(eth.quantity, eth.outside, unexplained(found, "ETH"), bnb.quantity) >= 0


@given(st.lists(fills, max_size=12))
def test_what_was_gained_is_what_cash_and_cost_say(made: list[Fill]) -> None:
    """Cash moved + cost still in the books = cost before + realised: not a hair is lost, whatever was rounded.

    Sales beyond what has a cost are left out: their proceeds are no result that anybody knows.
    """
    found = books(ETH=("0.005", "100", "0"), BNB=("0.001", "300", "0"))
    for one in made:
        left = found.positions["ETH"].quantity
        if one.side is BUY or left:
            amount = one.amount if one.side is BUY else min(one.amount, left)
            found = after(found, one._replace(amount=amount, cost=amount * one.price))
    cost = total(position.cost for position in found.positions.values())
    realized = total(position.realized for position in found.positions.values())
    assert found.cash + cost == 1000 + 400 + realized
