"""The balance proof: what is left unexplained to the last digit, what it is worth, and what could explain it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from books_world import BooksWorld
from desk import buy, market
from some_books import books_of
from tradekit.decide.proof import ProofRow, flow_of, prove, stops_opens, unexplained
from tradekit.domain.account import Balance, Mode, Stamp
from tradekit.domain.books import Books, Tally
from tradekit.domain.hold import Hold, HoldCode
from tradekit.domain.market import Quote, Snapshot
from tradekit.domain.order import Closing, FinalWord, Order, Unknown
from tradekit.domain.position import Position
from tradekit.domain.state import State

D = Decimal
STAMP = Stamp("fake", "main", Mode.PAPER, "USDT", "")
BOOKS = books_of(D(1000), [Position("BTC", D("0.3"), D(30), D("0.1")), Position("ETH", D(2), D(100))])
TOLERANCE = D("0.01")


def quote(asset: str, bid: str) -> Quote:
    return Quote(f"{asset}/USDT", 0, D(bid), D(bid) + 1, D(1), D(1), D(1))


def proof(state: State | None = None, *, books: Books = BOOKS, **balances: str) -> dict[str, ProofRow]:
    """The rows against these balances; BTC is worth 100 at the bid, ETH and XRP have no quote."""
    found = {asset: Balance(asset, D(total), D(total)) for asset, total in balances.items()}
    snapshot = Snapshot(0, {"BTC/USDT": market("BTC/USDT")}, {"BTC/USDT": quote("BTC", "100")}, found)
    rows = prove((state or State(STAMP))._replace(books=books), found, snapshot, TOLERANCE)
    assert [row.asset for row in rows] == sorted(row.asset for row in rows)
    return {row.asset: row for row in rows}


def test_books_that_agree_leave_nothing() -> None:
    rows = proof(USDT="1000", BTC="0.4", ETH="2")
    assert unexplained(rows.values()) == ()
    assert not any(row.doubtful or row.causes for row in rows.values())


@pytest.mark.parametrize(
    ("asset", "balance", "rest", "worth", "doubtful", "stops"),
    [
        ("BTC", "0.4001", "0.0001", "0.01", False, False),  # worth the tolerance, not more
        ("BTC", "0.400100000000000001", "0.000100000000000001", "0.0100000000000001", True, True),
        ("BTC", "0.3999", "-0.0001", "-0.01", False, False),
        ("BTC", "0.3998", "-0.0002", "-0.02", True, True),
        ("BTC", "0", "-0.4", "-40", True, True),
        ("ETH", "2.000000000000000001", "0.000000000000000001", None, True, True),  # without a quote nobody knows
        ("USDT", "1000.01", "0.01", "0.01", False, False),
        ("USDT", "1000.02", "0.02", "0.02", True, False),  # more cash stops nothing
        ("USDT", "999.98", "-0.02", "-0.02", True, True),
        ("XRP", "5", "5", None, True, True),  # nothing of it is in the books
    ],
)
def test_a_rest_is_shown_valued_and_judged(
    asset: str, balance: str, rest: str, worth: str | None, doubtful: bool, stops: bool
) -> None:
    balances = {"USDT": "1000", "BTC": "0.4", "ETH": "2"} | {asset: balance}
    row = proof(None, books=BOOKS, **balances)[asset]
    assert (row.rest, row.exchange) == (D(rest), D(balance))
    assert row.worth == (None if worth is None else D(worth))
    assert (row.doubtful, stops_opens(row, "USDT")) == (doubtful, stops)
    assert flow_of(row, by_hand=True)[:2] == (asset, D(rest))


def test_an_asset_without_a_balance_is_at_zero() -> None:
    assert proof(USDT="1000", BTC="0.4")["ETH"].rest == -2


def test_the_tally_adds_up_beside_the_balance() -> None:
    tally = Tally(D(5), D(3), D(2), D("0.1"), D(1), D("0.2"))
    books = BOOKS._replace(tallies={**BOOKS.tallies, "ETH": tally})
    row = proof(books=books, USDT="1000", BTC="0.4", ETH="2")["ETH"]
    assert (row.tally, row.tally.total) == (tally, D("7.1"))


# causes


def order(world: BooksWorld) -> Order:
    return world.order("buy-BTC")


@pytest.fixture(scope="module")
def an_order() -> Order:
    world = BooksWorld()
    world.cycle(buy("BTC/USDT"))
    return order(world)


def test_an_order_with_fills_to_come_is_the_likeliest_cause(an_order: Order) -> None:
    late = an_order._replace(state=Closing(0, FinalWord.FILLED, D("0.3")))
    row = proof(State(STAMP, orders={late.id: late}), USDT="970", BTC="0.7", ETH="2")
    assert row["BTC"].causes[0] == f"order {late.id} has fills that the exchange has not listed yet"
    assert row["USDT"].causes[0] == row["BTC"].causes[0]


def test_an_unanswered_order_comes_before_a_transfer(an_order: Order) -> None:
    unknown = an_order._replace(state=Unknown(0, "timeout"))
    rows = proof(State(STAMP, orders={unknown.id: unknown}), USDT="1000", BTC="0.7", ETH="3")
    assert rows["BTC"].causes[0] == f"nobody knows yet what became of order {unknown.id}"
    assert not any("order" in cause for cause in rows["ETH"].causes)


def test_a_quarantined_trade_is_named_for_its_assets_only() -> None:
    hold = Hold(HoldCode.FILL_QUARANTINED, "BTC/USDT", "7", 0, "trade 7 is odd")
    rows = proof(State(STAMP, holds=(hold,)), USDT="1000", BTC="0.7", ETH="3")
    assert rows["BTC"].causes[0] == "trade 7 is odd"
    assert "trade 7 is odd" not in rows["ETH"].causes


@pytest.mark.parametrize(
    ("balance", "cause"),
    [
        ("2.01", "interest, a staking reward or a rebate"),  # less than a hundredth
        ("3", "a deposit or an airdrop"),
        ("1", "a withdrawal or a transfer"),
    ],
)
def test_what_nothing_in_the_books_explains_came_from_outside(balance: str, cause: str) -> None:
    causes = proof(USDT="1000", BTC="0.4", ETH=balance)["ETH"].causes
    assert causes[0] == cause
    assert causes[-1] == "a trade in a market that is not watched, or a conversion"


def test_less_of_an_asset_that_pays_fees_may_be_a_fee() -> None:
    books = BOOKS._replace(tallies={**BOOKS.tallies, "ETH": Tally(start=D("2.1"), fees=D("0.1"))})
    assert proof(books=books, USDT="1000", BTC="0.4", ETH="1.9")["ETH"].causes[0] == (
        "a fee was taken in it that the exchange did not tell"
    )
