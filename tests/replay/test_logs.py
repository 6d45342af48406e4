"""Readers of recordings: what is displayed at a moment, what was traded, and the grid that a file's numbers lie on."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from replay import order_log, quote_log
from replay.shelf import from_folder
from replay.tape import EVERY, Column, Grid, Tape

from tradekit.adapters.paper.tape import Book, Level, Print, TapeEvent
from tradekit.domain.proposal import Side

ORDERS = """ts_ms,kind,side,price,qty,order_id
1000,A,a,10.5,2,1
1000,A,a,10.5,0.25,2
1000,A,b,10.4,1,3
2000,X,a,10.5,1.5,1
2000,C,a,10.5,0.25,2
3000,X,a,10.5,0.5,1
"""
QUOTES = """ts_us,kind,side,price,qty
5000900,Q,b,100.0,3
5000900,Q,a,100.2,4
5001000,L,b,100.0,3
5001000,L,a,100.2,4
5001000,L,a,100.3,9
5002000,T,b,100.2,1
5002100,T,b,100.2,2
5002900,T,b,100.2,2
5003000,Q,a,100.3,9
5004000,Q,a,100.1,7
5005000,L,a,100.1,5
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_an_order_log_shows_levels_and_prints(tmp_path: Path) -> None:
    tape, _ = order_log.read_tape(written(tmp_path, "x.csv.gz", ORDERS))
    assert tape.grid == Grid(Decimal("0.1"), Decimal("0.25"))
    assert tape.events[-5:] == (
        Print(2000, Side.BUY, 105, 6),
        Level(2000, Side.SELL, 105, 3),
        Level(2000, Side.SELL, 105, 2),
        Print(3000, Side.BUY, 105, 2),
        Level(3000, Side.SELL, 105, 0),
    )
    assert tape.book(1000).asks == {}
    assert tape.book(2000).asks == {105: 9}
    assert (tape.book(3000).asks, tape.book(3001).asks, tape.book(3001).bids) == ({105: 2}, {}, {104: 4})


def test_a_quote_log_has_its_queue_from_levels_and_its_touch_from_quotes(tmp_path: Path) -> None:
    tape = quote_log.read_tape(written(tmp_path, "x.csv.gz", QUOTES))
    assert tape.grid == Grid(Decimal("0.1"), Decimal(1))
    # times count from the first row in whole milliseconds; trades of one of them are one print
    assert tape.start == 5000
    assert list(tape.printed(0, 9999)) == [Print(5001, Side.BUY, 1002, 3), Print(5002, Side.BUY, 1002, 2)]
    assert tape.book(5001).asks == {1002: 4, 1003: 9}
    assert tape.book(5003).asks == {1003: 9}, "the best ask went up: what was better is gone"
    assert tape.book(5004).asks == {1001: 7, 1002: 4, 1003: 9}
    assert tape.met_by(Side.SELL, 5004).asks == {1002: 4, 1003: 9}, "no queue before a level row told of it"
    assert tape.met_by(Side.BUY, 5004).asks == {1001: 7, 1002: 4, 1003: 9}
    assert tape.book(5006).asks[1001] == 5
    assert all(event.price != 1002 or event.amount for event in tape.events), "a quote moves no queue"


def test_a_book_does_not_depend_on_where_it_is_kept() -> None:
    events: list[TapeEvent] = [Level(time, Side.BUY, 100 + time % 7, time % 5) for time in range(3 * EVERY)]
    tape, book = Tape(Grid(Decimal(1), Decimal(1)), events), Book()
    for event in events:
        assert tape.book(event.time).bids == book.bids
        book.apply(event)


def test_what_matters_to_an_order_is_in_the_order_of_the_tape() -> None:
    events: list[TapeEvent] = [
        Level(1, Side.SELL, 10, 5),
        Print(1, Side.BUY, 10, 2),
        Level(1, Side.SELL, 10, 3),
        Level(1, Side.SELL, 11, 3),
        Print(1, Side.SELL, 9, 1),
        Print(1, Side.BUY, 10, 3),
        Level(2, Side.SELL, 10, 0),
    ]
    tape = Tape(Grid(Decimal(1), Decimal(1)), events)
    assert list(tape.matters_to(Side.SELL, 10, 1, 2)) == [events[0], events[1], events[2], events[5]]


@pytest.mark.parametrize(
    ("texts", "unit", "expected", "counts"),
    [
        (["236.47", "236.5", "236"], None, "0.01", [23647, 23650, 23600]),
        (["76321", "76400"], None, "1", [76321, 76400]),
        (["0.5", "1.25"], None, "0.25", [2, 5]),
        (["0", "0.002"], None, "0.002", [0, 1]),
        (["0.5", "1"], Decimal("0.01"), "0.01", [50, 100]),
    ],
)
def test_the_grid_is_what_divides_all_numbers(
    texts: list[str], unit: Decimal | None, expected: str, counts: list[int]
) -> None:
    column = Column(texts, unit)
    assert (column.unit, column.counts) == (Decimal(expected), counts)


@pytest.mark.parametrize(("text", "unit"), [("1e5", None), ("x", None), ("0.015", Decimal("0.01"))])
def test_a_number_off_the_grid_is_an_error(text: str, unit: Decimal | None) -> None:
    with pytest.raises(ValueError, match=r"."):
        Column(["1", text], unit)


def test_a_folder_is_read_by_first_lines_and_names_are_made_of_file_names(tmp_path: Path) -> None:
    written(tmp_path, "bitstamp_btcusd_20150501_l3.csv.gz", ORDERS)
    written(tmp_path, "binance_ethusdt_20240808_l2.csv.gz", QUOTES)
    written(tmp_path, "trades.csv.gz", "time,price\n1,2\n")
    written(tmp_path, "empty_l3.csv.gz", ORDERS.splitlines(keepends=True)[0])
    quotes, orders = from_folder(tmp_path)
    assert (quotes.names, quotes.fifo) == (("binance2024", "binance_eth"), None)
    assert orders.names == ("bitstamp2015", "bitstamp_btc")
    assert orders.fifo is not None
