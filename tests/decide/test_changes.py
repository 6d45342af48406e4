"""Old books beside new ones: every difference has its reason, and no reason is told where nothing differs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from some_books import books_of
from tradekit.decide.changes import PositionChange, compare
from tradekit.decide.rebuild import OpeningLot
from tradekit.domain.books import Books, CostMethod, Tally
from tradekit.domain.position import Lot, Position

D = Decimal
ETH = Position("ETH", D(2), D(100), D(1))
OLD = books_of(D(1000), [ETH])
TALLY = OLD.tallies["ETH"]


def with_eth(tally: Tally = TALLY, **position: Decimal) -> Books:
    """The old books with another page for ETH."""
    return OLD._replace(
        positions={"ETH": ETH._replace(**position)},  # type: ignore[arg-type]
        tallies={**OLD.tallies, "ETH": tally},
    )


def change(new: Books, *lots: OpeningLot, old: Books = OLD) -> PositionChange:
    found = {item.asset: item for item in compare(old, new, lots)}
    assert all(item.reasons == () for asset, item in found.items() if asset != "ETH")
    return found["ETH"]


def test_the_same_books_have_no_reasons() -> None:
    assert change(OLD).reasons == ()
    assert change(with_eth()) == PositionChange("ETH", ETH, ETH, D(3), D(3), ())


@pytest.mark.parametrize(
    ("tally", "reason"),
    [
        (TALLY._replace(bought=D("0.5")), "bought 0.5 more"),
        (TALLY._replace(sold=D("0.5")), "sold 0.5 more"),
        (TALLY._replace(fees=D("-0.5")), "fees 0.5 less"),
        (TALLY._replace(transfers=D(4)), "transfers 4 more"),
        (TALLY._replace(unexplained=D(1)), "unexplained 1 more"),
        (TALLY._replace(start=D(2)), "opened with 2, not 3"),
    ],
)
def test_each_figure_that_moved_is_a_reason(tally: Tally, reason: str) -> None:
    assert change(with_eth(tally, outside=D(1))).reasons == (reason,)


def test_several_reasons_stand_together() -> None:
    tally = TALLY._replace(start=D(2), bought=D(3), sold=D(2))
    assert change(with_eth(tally)).reasons == ("opened with 2, not 3", "bought 3 more", "sold 2 more")


def test_an_opening_lot_says_so_and_at_what_price() -> None:
    tally = TALLY._replace(start=D(5), assumed=D(5))
    new = with_eth(tally, quantity=D(4))
    assert change(new, OpeningLot("ETH", D(5), D("49.5"))).reasons == (
        "opening lot of 5 taken from the balance, valued at 49.5",
    )
    assert change(new, OpeningLot("ETH", D(5), D(0))).reasons == ("opening lot of 5 taken from the balance",)


def test_units_that_change_hands_are_told() -> None:
    assert change(with_eth(quantity=D("0.5"), outside=D("2.5"))).reasons == ("1.5 units are not managed",)
    assert change(with_eth(quantity=D(3), outside=D(0))).reasons == ("1 units are managed",)


def test_another_cost_alone_is_another_order_of_trades() -> None:
    assert change(with_eth(cost=D(90))).reasons == ("trades in another order: a late one is at its place now",)
    assert change(with_eth(realized=D(9))).reasons == ("trades in another order: a late one is at its place now",)


def test_or_another_method() -> None:
    new = with_eth(cost=D(90))._replace(method=CostMethod.FIFO)
    assert change(new).reasons == ("kept by fifo, not average",)


def test_lots_that_were_not_kept_before_are_a_change_of_method() -> None:
    new = with_eth(lots=(Lot(D(2), D(100), 0),))._replace(method=CostMethod.FIFO)  # type: ignore[arg-type]
    assert change(new).reasons == ("kept by fifo, not average",)


def test_an_asset_of_one_side_only_is_there_with_its_totals() -> None:
    gone = compare(OLD, books_of(D(1000)), ())
    assert [(c.asset, c.old_total, c.new_total) for c in gone] == [("ETH", D(3), D(0)), ("USDT", D(1000), D(1000))]
    assert gone[0].reasons == ("opened with 0, not 3",)


def test_cash_has_reasons_too() -> None:
    new = OLD._replace(tallies={**OLD.tallies, "USDT": Tally(start=D(900), assumed=D(900))})
    [eth, cash] = compare(OLD, new, [OpeningLot("USDT", D(900), D(0))])
    assert (eth.reasons, cash.reasons) == ((), ("opening lot of 900 taken from the balance",))
