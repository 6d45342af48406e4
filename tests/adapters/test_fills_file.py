"""A file of fills is read exactly, trade by trade, or it is refused with the line that is wrong."""

from __future__ import annotations

import gzip
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fills_files import TIME, line, trade, write
from tradekit.adapters import fills_source
from tradekit.adapters.fills_fields import Row
from tradekit.adapters.fills_file import read_trades
from tradekit.adapters.safe_text import safe
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.fill import BrokenTrade, TradeRow

ROW = TradeRow("BTC/USD", "t1", "o1", True, Decimal(2), Decimal(100), (("USD", Decimal("0.1")),), TIME + 1)


def refusal(path: str) -> Problem:
    with pytest.raises(BadInput) as caught:
        list(read_trades(path))
    (problem,) = caught.value.problems
    assert problem.message.isprintable()
    assert problem.message.startswith(safe(path) + ": ")
    assert problem.fix
    return problem


def only(folder: Path, *lines: str | bytes) -> Row:
    """The row of one trade, which is the same when the close look at a line after it is needed."""
    (row,) = read_trades(write(folder, *lines))
    strange = line(2, fees=[{"cost": "1", "currency": "USD"}, {"cost": "2", "currency": "USD"}])
    assert list(read_trades(write(folder, *lines, strange)))[:1] == [row]
    return row


NO_FEES: tuple[tuple[str, Decimal], ...] = ()
A_FEE = {"cost": "0.2", "currency": "USD"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"id": 77}, {"trade_id": "77"}),
        ({"id": 2**80}, {"trade_id": str(2**80)}),
        ({"id": "é 1"}, {"trade_id": "é 1"}),
        ({"order": 5}, {"order_id": "5"}),
        ({"order": None}, {"order_id": None}),
        ({"order": ""}, {"order_id": None}),
        ({"order": ...}, {"order_id": None}),
        ({"side": "sell"}, {"buys": False}),
        ({"symbol": "BTC-USD"}, {"symbol": "BTC/USD"}),
        ({"symbol": "1000SATS/USD"}, {"symbol": "1000SATS/USD"}),
        ({"cost": ...}, {"cost": Decimal(100)}),
        ({"cost": None, "price": "0.000000000000000003"}, {"cost": Decimal("0.000000000000000006"), "fees": NO_FEES}),
        ({"price": ...}, {}),
        ({"price": None}, {}),
        ({"amount": ...}, {}),
        ({"amount": None, "price": "3"}, {"amount": Decimal("33.333333333333333333")}),
        ({"cost": "99.1"}, {"cost": Decimal("99.1")}),
        ({"cost": "101"}, {"cost": Decimal(101)}),
        ({"fee": ..., "fees": ...}, {"fees": NO_FEES}),
        ({"fee": None, "fees": None}, {"fees": NO_FEES}),
        ({"fee": {}, "fees": []}, {"fees": NO_FEES}),
        ({"fee": {"cost": None, "currency": None}, "fees": []}, {"fees": NO_FEES}),
        ({"fee": {"cost": 0, "currency": None}, "fees": []}, {"fees": NO_FEES}),
        ({"fee": {"cost": "0.0", "currency": "USD"}, "fees": []}, {"fees": NO_FEES}),
        ({"fee": A_FEE, "fees": []}, {"fees": (("USD", Decimal("0.2")),)}),
        ({"fee": A_FEE, "fees": None}, {"fees": (("USD", Decimal("0.2")),)}),
        ({"fee": A_FEE}, {}),
        ({"fee": A_FEE, "fees": [A_FEE, A_FEE]}, {"fees": (("USD", Decimal("0.2")),) * 2}),
        ({"fees": [{"cost": "7", "currency": "BNB"}]}, {"fees": (("BNB", Decimal(7)),)}),
        ({"fees": [{"cost": "2", "currency": "BTC"}]}, {"fees": (("BTC", Decimal(2)),)}),
        ({"fees": [{"cost": "-0.5", "currency": "USD"}]}, {"fees": (("USD", Decimal("-0.5")),)}),
        ({"strange": [1, {"deep": "\u0000"}], "info": None}, {}),
    ],
)
def test_forms_of_a_trade(tmp_path: Path, changes: dict[str, Any], expected: dict[str, Any]) -> None:
    if expected.get("fees") == NO_FEES and "price" in changes:
        changes = {**changes, "fees": [], "fee": None}
    assert only(tmp_path, line(**changes)) == ROW._replace(**expected)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ('"0.1"', "0.1"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1e-7", "0.0000001"),
        ('"1E-7"', "0.0000001"),
        ('"1.5e+3"', "1500"),
        ("12", "12"),
        ('"007.50"', "7.5"),
        ('"5."', "5"),
        ('".5"', "0.5"),
        ("999999999999999.999999999999999999", "999999999999999.999999999999999999"),
        ("1e-18", "0.000000000000000001"),
        ("1.0000000000000000000000000000", "1"),
        ("1.2345678901234567e-05", "0.000012345678901235"),
        ('"0.1234567890123456785"', "0.123456789012345678"),
        ('"0.1234567890123456775"', "0.123456789012345678"),
    ],
)
def test_a_number_is_what_its_digits_say(tmp_path: Path, written: str, number: str) -> None:
    text = line(amount=7, price=..., cost=8, fee=..., fees=[{"cost": 9, "currency": "BNB"}])
    for digit in ("9", "8", "7"):
        text = text.replace(f": {digit},", f": {written},")
    row = only(tmp_path, text)
    assert isinstance(row, TradeRow)
    assert row.amount == row.cost == row.fees[0][1] == Decimal(number)
    with_price = line(amount=1, price=7, cost=..., fee=..., fees=...).replace('"price": 7', f'"price": {written}')
    row = only(tmp_path, with_price)
    assert isinstance(row, TradeRow)
    assert row.cost == Decimal(number)


def test_bom_crlf_and_blank_lines_are_no_matter(tmp_path: Path) -> None:
    written = [line(2), "", " \t", line(1), "\r", line(3) + "\r"]
    (tmp_path / "fills.jsonl").write_bytes(b"\xef\xbb\xbf" + "\n".join(written).encode())
    rows = list(read_trades(str(tmp_path / "fills.jsonl")))
    assert rows == [ROW._replace(trade_id=f"t{n}", order_id=f"o{n}", time=TIME + n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("{", "fills_syntax", "not a trade: Input data was truncated"),
        (line()[:-9], "fills_syntax", "not a trade"),
        (line() + line(), "fills_syntax", "trailing characters"),
        ("[" + line() + "]", "fills_syntax", "a list of trades, not one"),
        ("5", "fills_syntax", "Expected `object`, got `int`"),
        ("null", "fills_syntax", "Expected `object`, got `null`"),
        ('"\x1b[31m"', "fills_syntax", "not a trade"),
        (line(amount=1).replace('"amount": 1', '"amount": NaN'), "fills_syntax", "malformed"),
        (line(amount=1).replace('"amount": 1', '"amount": Infinity'), "fills_syntax", "malformed"),
        (line(amount=1).replace('"amount": 1', '"amount": 01'), "fills_syntax", "malformed"),
        (line(amount=1).replace('"amount": 1', '"amount": ' + "9" * 5000), "fills_syntax", "out of range"),
        (line(amount=1).replace('"amount": 1', '"amount": 1e' + "9" * 50), "fills_syntax", "beyond all bounds"),
        (line(info=1).replace(": 1}", ": " + "[" * 9000 + "]" * 9000 + "}"), "fills_syntax", "nested too deeply"),
        (line(id="\ud800"), "fills_syntax", "not a trade"),
        (line(id="\ud800A"), "fills_syntax", "not a trade"),
        (b'{"id": "\xff"}', "fills_syntax", "not UTF-8"),
        (line() + "\x00", "fills_syntax", "malformed"),
        (line(info="x" * 65536), "fills_syntax", "longer than 65536 bytes"),
        ("[" + ",".join([line()] * 400) + "]", "fills_syntax", "a list of trades, not one"),
        ("{}", "fills_missing_field", "id is missing"),
        (line(id=...), "fills_missing_field", "id is missing"),
        (line(id=None), "fills_missing_field", "id is missing"),
        (line(id=""), "fills_missing_field", "id is missing"),
        (line(timestamp=...), "fills_missing_field", "timestamp is missing"),
        (line(symbol=None), "fills_missing_field", "symbol is missing"),
        (line(side=...), "fills_missing_field", "side is missing"),
        (line(amount=..., price=...), "fills_missing_field", "amount is missing"),
        (line(amount=..., cost=None), "fills_missing_field", "amount is missing"),
        (line(cost=..., price=...), "fills_missing_field", "price is missing"),
        (line(id=1.5), "fills_bad_value", "id is the number '1.5'"),
        (line(id=-1), "fills_bad_value", "id is the number '-1'"),
        (line(id=True), "fills_bad_value", "id is true or false"),
        (line(id=[1]), "fills_bad_value", "id is a list"),
        (line(id="x" * 129), "fills_bad_value", "id has 129 characters, more than 128"),
        (line(order={"a": 1}), "fills_bad_value", "order is an object"),
        (line(timestamp="1700000000000"), "fills_bad_value", "timestamp is the text '1700000000000'"),
        (line(timestamp=1700000000000.5), "fills_bad_value", "not whole milliseconds"),
        (line(timestamp=True), "fills_bad_value", "not whole milliseconds"),
        (line(timestamp=1700000000), "fills_bad_value", "timestamp is 1700000000: seconds, not milliseconds"),
        (line(timestamp=1700000000000000), "fills_bad_value", "microseconds, not milliseconds"),
        (line(timestamp=1700000000000000000), "fills_bad_value", "nanoseconds, not milliseconds"),
        (line(timestamp=1230767999999), "fills_bad_value", "before 2009"),
        (line(timestamp=0), "fills_bad_value", "before 2009"),
        (line(timestamp=4102444800001), "fills_bad_value", "after 2099"),
        (line(symbol="btc/usd"), "fills_bad_value", "symbol is 'btc/usd'"),
        (line(symbol="BTCUSD"), "fills_bad_value", "symbol is 'BTCUSD'"),
        (line(symbol="BTC/USD "), "fills_bad_value", "symbol is 'BTC/USD '"),
        (line(symbol="BTC/USD:USD"), "fills_bad_value", "a derivative; only spot trades are booked"),
        (line(symbol="BTC/BTC"), "fills_bad_value", "the same asset twice"),
        (line(symbol="В/USD"), "fills_bad_value", "symbol is '\\u0412/USD'"),
        (line(symbol="A" * 21 + "/USD"), "fills_bad_value", "symbol is"),
        (line(symbol="BTC\x1b[2J"), "fills_bad_value", r"symbol is 'BTC\x1b[2J'"),
        (line(symbol=5), "fills_bad_value", "symbol is the number '5', not a text"),
        (line(side="BUY"), "fills_bad_value", "side is 'BUY'"),
        (line(side="Buy"), "fills_bad_value", "side is 'Buy'"),
        (line(side="buy "), "fills_bad_value", "side is 'buy '"),
        (line(side="long"), "fills_bad_value", "side is 'long'"),
        (line(side="Buу"), "fills_bad_value", "side is 'Bu\\u0443'"),
        (line(side=True), "fills_bad_value", "side is true or false, not a text"),
        (line(amount="NaN"), "fills_bad_value", "amount is 'NaN'"),
        (line(price="Infinity"), "fills_bad_value", "price is 'Infinity'"),
        (line(cost="-inf"), "fills_bad_value", "cost is '-inf'"),
        (line(amount="sNaN"), "fills_bad_value", "amount is 'sNaN'"),
        (line(amount=" 2"), "fills_bad_value", "amount is ' 2'"),
        (line(amount="2 "), "fills_bad_value", "amount is '2 '"),
        (line(amount="2\t"), "fills_bad_value", r"amount is '2\t'"),
        (line(amount="+2"), "fills_bad_value", "amount is '+2'"),
        (line(amount="1_000"), "fills_bad_value", "amount is '1_000'"),
        (line(amount="1,5"), "fills_bad_value", "amount is '1,5'"),
        (line(amount="２"), "fills_bad_value", r"amount is '\uff12'"),
        (line(amount="1.2.3"), "fills_bad_value", "amount is '1.2.3'"),
        (line(amount="."), "fills_bad_value", "amount is '.'"),
        (line(amount="0x1"), "fills_bad_value", "amount is '0x1'"),
        (line(amount=""), "fills_bad_value", "amount is ''"),
        (line(amount=True), "fills_bad_value", "amount is true or false, not a number"),
        (line(amount={"a": 1}), "fills_bad_value", "amount is an object, not a number"),
        (line(amount="1e400"), "fills_bad_value", "amount is '1E+400', not between 1e-18 and 1e15"),
        (line(amount="1e99999"), "fills_bad_value", "amount is '1e99999'"),
        (line(amount="1e-19"), "fills_bad_value", "amount is '1E-19', not between"),
        (line(price=10**15), "fills_bad_value", "price is '1000000000000000', not between"),
        (line(cost="1" * 81), "fills_bad_value", "cost is '1111"),
        (line(cost=..., price="1e14", amount="1e14"), "fills_bad_value", "cost is left out, and amount x price is"),
        (line(amount=..., price="1e-18", cost="1"), "fills_bad_value", "amount is '1000000000000000000.0"),
        (line(fee=0.1, fees=[]), "fills_bad_value", "fee is the number '0.1', not an object"),
        (line(fees={"cost": 1}), "fills_bad_value", "fees is an object, not a list"),
        (line(fees=["x"]), "fills_bad_value", "fees is the text 'x', not an object"),
        (line(fees=[{"cost": "x", "currency": "USD"}]), "fills_bad_value", "fees.cost is 'x'"),
        (line(fees=[{"cost": 1, "currency": "usd"}]), "fills_bad_value", "fees.currency is 'usd'"),
        (line(fees=[{"cost": 1, "currency": 5}]), "fills_bad_value", "fees.currency is the number '5'"),
    ],
)
def test_lines_that_refuse_the_file(tmp_path: Path, text: str | bytes, code: str, words: str) -> None:
    for packed in (False, True):
        problem = refusal(write(tmp_path, line(1), "", line(3), text, line(4), packed=packed))
        assert (problem.code, words) == (code, words if words in problem.message else problem.message)
        assert f": line 4: {words.split(' ', maxsplit=1)[0]}"[:9] in problem.message


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amount": 0}, "amount is 0"),
        ({"amount": "-2"}, "amount is -2"),
        ({"amount": -2.5, "price": ...}, "amount is -2.5"),
        ({"price": "0.0"}, "price is 0"),
        ({"price": "-50"}, "price is -50"),
        ({"price": 0, "amount": ...}, "price is 0"),
        ({"price": 0, "cost": ...}, "price is 0"),
        ({"cost": "0"}, "cost is 0"),
        ({"cost": -100}, "cost is -100"),
        ({"cost": "0", "amount": ...}, "cost is 0"),
        ({"cost": "101.01"}, "cost is 101.01, and amount x price is 100"),
        ({"cost": "98.99"}, "cost is 98.99, and amount x price is 100"),
        ({"cost": "1e14"}, "cost is 100000000000000, and amount x price is 100"),
        ({"fees": [{"cost": "1", "currency": None}]}, "a fee of 1 has no currency"),
        ({"fees": [{"cost": 1e-7}]}, "a fee of 0.0000001 has no currency"),
        (
            {"fees": [A_FEE, {"cost": "100.1", "currency": "USD"}]},
            "a fee of 100.1 USD is larger than the cost, 100 USD",
        ),
        ({"fee": {"cost": "2.1", "currency": "BTC"}, "fees": []}, "a fee of 2.1 BTC is larger than the amount, 2 BTC"),
        ({"fees": [{"cost": -101, "currency": "USD"}]}, "a fee of -101 USD is larger than the cost, 100 USD"),
    ],
)
def test_trades_that_make_no_sense_are_told_at_their_place(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    rows = list(read_trades(write(tmp_path, line(1), line(2, **changes), line(3))))
    assert rows[1] == BrokenTrade("BTC/USD", "t2", TIME + 2, why)
    assert [row.trade_id for row in rows] == ["t1", "t2", "t3"]
    assert isinstance(rows[0], TradeRow)
    assert list(read_trades(write(tmp_path, line(3), line(2, **changes), line(1)), run_rows=1)) == rows


def test_the_last_of_two_equal_keys_counts(tmp_path: Path) -> None:
    """As most JSON readers have it; to look for them would cost more than all the rest."""
    twice = line().replace('"amount": "2"', '"amount": "1000", "amount": "2"')
    assert only(tmp_path, twice) == ROW


@pytest.mark.parametrize("written", [b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_a_file_without_a_trade_is_refused(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "fills.jsonl").write_bytes(written)
    assert refusal(str(tmp_path / "fills.jsonl")).code == "fills_empty"


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "circle").symlink_to("circle")
    for path, code in {
        str(tmp_path): "file_not_regular",
        str(tmp_path / "pipe"): "file_not_regular",
        "/dev/zero": "file_not_regular",
        str(tmp_path / "gone\x1b[2J"): "file_missing",
        str(tmp_path / "pipe/below"): "file_missing",
        str(tmp_path / "circle"): "file_unreadable",
        str(tmp_path / "nul\0byte"): "file_unreadable",
    }.items():
        problem = refusal(path)
        assert problem.code == code
        assert "stdin" not in problem.fix
    with pytest.raises(BadInput, match="--from is empty"):
        next(read_trades(""))


def test_all_trades_in_one_document_are_refused_with_a_hint(tmp_path: Path) -> None:
    for indent in (None, 2):
        (tmp_path / "all.json").write_text(json.dumps([trade(1), trade(2)], indent=indent))
        problem = refusal(str(tmp_path / "all.json"))
        assert problem.message.endswith("all.json: line 1: a list of trades, not one")
        assert "jq -c '.[]'" in problem.fix


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_a_packed_file_that_is_cut_short_or_damaged_is_refused(tmp_path: Path, order: tuple[int, ...]) -> None:
    file = tmp_path / "fills.jsonl"
    whole = gzip.compress("".join(line(number) + "\n" for number in order).encode())
    for cut in range(2, len(whole)):
        file.write_bytes(whole[:cut])
        assert refusal(str(file)).code == "fills_damaged"
    for place in (3, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        assert refusal(str(file)).code in ("fills_damaged", "fills_syntax")
    file.write_bytes(whole + b"garbage")
    assert refusal(str(file)).code == "fills_damaged"
    file.write_bytes(whole + gzip.compress(line(4).encode()))
    assert len(list(read_trades(str(file)))) == 4


def test_limits_of_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(10 * 1024**3)
    assert refusal(str(huge)).code == "file_too_large"
    lines = [line(number) for number in range(9)]
    monkeypatch.setattr(fills_source, "MAX_LINES", 9)
    assert len(list(read_trades(write(tmp_path, *lines, packed=True)))) == 9
    for order in (1, -1):
        assert refusal(write(tmp_path, *lines[::order], line(10), packed=True)).code == "fills_too_many"
    monkeypatch.setattr(fills_source, "MAX_BYTES", 2000)
    for order in (1, -1):
        assert refusal(write(tmp_path, *lines[::order], packed=True)).code == "file_too_large"


def test_a_bomb_of_zeros_ends_at_the_first_block(tmp_path: Path) -> None:
    path = write(tmp_path, b"\0" * 50_000_000, packed=True)
    assert os.stat(path).st_size < 300_000
    assert refusal(path).message.endswith("line 1: longer than 65536 bytes")


def test_a_line_may_be_as_long_as_the_limit(tmp_path: Path) -> None:
    spare = 65536 - len(line(info=""))
    lines = [line(1, info="x" * spare), line(2, info="x" * spare), line(3)]
    assert [len(text) for text in lines[:2]] == [65536, 65536]
    for block in (1, 4096, 65536):
        assert len(list(read_trades(write(tmp_path, *lines), block=block))) == 3
    assert refusal(write(tmp_path, lines[2], line(1, info="x" * (spare + 1)))).code == "fills_syntax"
