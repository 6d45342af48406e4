"""The exact queue against the conservative one, on orders written down by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from replay.attempt import conservative, first_fill, full_fill
from replay.fifo import Fifo
from replay.order_log import OrderRow, displayed
from replay.reference import place
from replay.tape import Grid, Tape

from tradekit.adapters.paper.tape import Book
from tradekit.domain.proposal import Side

GRID = Grid(Decimal(1), Decimal(1))
_WORDS = {"add": "A", "cancel": "C", "trade": "X"}


def log(*lines: str) -> list[OrderRow]:
    """`"3 add ask x 5 @ 10"`: at 3 ms order x of 5 lots joins the asks at 10."""
    rows = []
    for line in lines:
        time, word, side, order, lots, _, price = line.split()
        where = Side.SELL if side == "ask" else Side.BUY
        rows.append(OrderRow(int(time), _WORDS[word], where, int(price), int(lots), order))
    return rows


BEFORE = ("0 add bid b 9 @ 8", "0 add ask x 5 @ 10", "0 add ask y 3 @ 10", "0 add ask z 9 @ 12")

LATER = "4 add ask l 4 @ 10"


@pytest.mark.parametrize(
    ("name", "events", "exact", "careful"),
    [
        ("nobody comes", [], [], []),
        ("a trade ahead", ["5 trade ask x 5 @ 10"], [], []),
        ("all ahead trade", ["5 trade ask x 5 @ 10", "6 trade ask y 3 @ 10"], [], []),
        ("a later one trades", [LATER, "5 trade ask l 4 @ 10"], [(5, 4)], []),
        ("one ahead leaves", ["3 cancel ask x 5 @ 10", LATER, "5 trade ask l 4 @ 10"], [(5, 4)], [(5, 1)]),
        ("a price beyond ours", ["5 trade ask z 2 @ 12", "6 trade ask z 7 @ 12"], [(5, 2), (6, 4)], [(5, 2), (6, 4)]),
        ("a better price", ["3 add ask l 9 @ 9", "5 trade ask l 9 @ 9"], [], []),
        ("the moment it arrives", ["2 trade ask z 9 @ 12"], [(2, 6)], [(2, 6)]),
        ("after the end", ["20 trade ask z 9 @ 12"], [], []),
        ("the other side", ["5 trade bid b 9 @ 8"], [], []),
    ],
)  # fmt: skip
def test_what_fills_a_sell_of_six_at_ten(
    name: str, events: list[str], exact: list[tuple[int, int]], careful: list[tuple[int, int]]
) -> None:
    rows = log(*BEFORE, *events)
    tape = Tape(GRID, displayed(rows))
    assert list(Fifo(rows).fills(Side.SELL, 10, 6, 2, 20)) == exact
    assert conservative(tape, tape.book(2), Side.SELL, 10, 6, 2, 20) == careful


def test_a_buy_is_the_mirror_image() -> None:
    rows = log("0 add bid x 5 @ 10", "3 add bid l 4 @ 10", "5 trade bid l 4 @ 10", "6 trade bid m 4 @ 9")
    assert list(Fifo(rows).fills(Side.BUY, 10, 6, 2, 20)) == [(5, 4), (6, 2)]


def test_an_order_that_would_cross_is_rejected_by_the_careful_queue() -> None:
    tape = Tape(GRID, displayed(log(*BEFORE)))
    assert conservative(tape, tape.book(2), Side.SELL, 8, 6, 2, 20) is None


_order = st.tuples(st.integers(0, 9), st.sampled_from(["A", "C", "X"]), st.integers(9, 12), st.integers(1, 5))


@given(st.lists(_order, max_size=40), st.integers(9, 12), st.integers(1, 8))
def test_the_careful_queue_is_never_ahead_of_the_exact_one(
    steps: list[tuple[int, str, int, int]], price: int, lots: int
) -> None:
    rows, alive = [], dict[int, tuple[int, int]]()
    for number, (_, kind, level, amount) in enumerate(steps):
        if kind == "A":
            alive[number] = (level, amount)
            rows.append(OrderRow(number, "A", Side.SELL, level, amount, str(number)))
        elif alive:
            # a taker takes the best price and of it the oldest; a cancel hits any order
            order = min(alive, key=lambda key: (alive[key][0], key)) if kind == "X" else max(alive)
            where, left = alive.pop(order)
            gone = min(left, amount) if kind == "X" else left
            if left > gone:
                alive[order] = (where, left - gone)
            rows.append(OrderRow(number, kind, Side.SELL, where, gone, str(order)))
    start, end = len(steps) // 2, len(steps) + 1
    tape = Tape(GRID, displayed(rows))
    exact = list(Fifo(rows).fills(Side.SELL, price, lots, start, end))
    careful = conservative(tape, tape.book(start), Side.SELL, price, lots, start, end) or []
    for moment in range(start, end):
        done = [sum(amount for time, amount in fills if time <= moment) for fills in (careful, exact)]
        assert done[0] <= done[1] <= lots


def test_first_and_full_fill() -> None:
    assert (first_fill([]), full_fill([], 5)) == (None, None)
    assert (first_fill([(3, 2), (9, 3)]), full_fill([(3, 2), (9, 3)], 5)) == (3, 9)
    assert full_fill([(3, 2)], 5) is None


@pytest.mark.parametrize(
    ("word", "sell", "buy"),
    [("+0", 20_000, 19_990), ("+2", 20_002, 19_988), ("-1", 19_999, 19_991), ("mid", 19_995, 19_995),
     ("+5bp", 20_010, 19_980)],
)  # fmt: skip
def test_places(word: str, sell: int, buy: int) -> None:
    book = Book({19_990: 1}, {20_000: 1})
    assert (place(book, Side.SELL, word), place(book, Side.BUY, word)) == (sell, buy)
    narrow = Book({19_999: 1}, {20_000: 1})
    assert (place(narrow, Side.SELL, word) is None) == (word in ("-1", "mid"))
