"""The quick way through a fills file finds what a close look at each line finds, or leaves the lines to it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fills_files import TIME, line, write
from tradekit.adapters import fills_fields
from tradekit.adapters.fills_fields import Row, read_trade
from tradekit.adapters.fills_file import read_trades
from tradekit.adapters.fills_plain import plain_rows
from tradekit.domain.fill import TradeRow

BNB = {"cost": "7", "currency": "BNB"}
ONES = "0." + "1" * 30

# What the quick way must not take for what it looks like.
TRAPS: list[dict[str, Any]] = [
    {"amount": "0_2"},
    {"amount": " 2"},
    {"amount": "2 "},
    {"amount": "+2"},
    {"amount": "２"},
    {"amount": "2", "price": "5e1"},
    {"amount": "-2", "cost": "-100"},
    {"amount": -2, "price": 50, "cost": -100},
    {"amount": -2, "price": -50, "cost": 100},
    {"amount": 0, "price": 50, "cost": ...},
    {"amount": 0, "price": 50, "cost": ..., "fee": None, "fees": []},
    {"amount": "0", "cost": "0", "fee": None, "fees": []},
    {"amount": "0", "fee": None, "fees": []},
    {"price": "0.0", "cost": "0", "fee": None, "fees": []},
    {"price": 0, "fee": None, "fees": []},
    {"cost": "0", "fee": None, "fees": []},
    {"amount": "2e0", "price": "+5e1"},
    {"amount": "2e0", "price": "50", "cost": "1e0,2"},
    {"amount": "2e12345", "price": "50"},
    {"amount": "2e16", "price": "50", "cost": "100e16"},
    {"fees": [{"cost": "-1e2", "currency": "USD"}]},
    {"fees": [{"cost": "-101", "currency": "USD"}]},
    {"fees": [{"cost": "-2.1", "currency": "BTC"}]},
    {"fees": [{"cost": "-0.0", "currency": "BTC"}]},
    {"amount": ONES, "price": "1", "cost": ONES[:20]},
    {"amount": 1.2345678901234567e-05, "price": 1, "cost": 1.2345678901234567e-05},
    {"amount": "1" * 16, "price": "1", "cost": "1" * 16},
    {"amount": "0" * 90 + "2"},
    {"amount": "1e-20", "price": "1e-5", "cost": ...},
    {"amount": "10000000000", "price": "1000000", "cost": ...},
    {"cost": "101.01"},
    {"cost": "98.99"},
    {"symbol": "BTC/BTC"},
    {"id": 2**80},
    {"id": "x" * 129},
    {"order": ""},
    {"fees": [BNB, BNB]},
    {"fees": [{"cost": 1, "currency": "usd"}]},
    {"fees": [{"cost": 1, "currency": None}]},
    {"fees": [{"cost": "2.1", "currency": "BTC"}]},
    {"fees": [{"cost": "101", "currency": "USD"}]},
    {"fees": [{"cost": -101, "currency": "USD"}]},
    {"fees": [{"cost": "-0.5", "currency": "USD"}]},
    {"fees": [{"cost": 0, "currency": None}], "fee": BNB},
    {"fees": [{"cost": None, "currency": "usd"}], "fee": BNB},
    {"timestamp": TIME // 1000},
    {"timestamp": float(TIME)},
    {"side": "Buy"},
]

MONEY = st.sampled_from(["0", "0.001", "-0.001", 1, "12345678901234567.5", 0.1, None, "x"])
ASSETS = st.sampled_from(["USD", "BTC", "BNB", None, "usd"])
FEE = st.fixed_dictionaries({"cost": MONEY, "currency": ASSETS})
ODD: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from([1, 2, "1", "", None, True, "x" * 129]),
    "timestamp": st.sampled_from([TIME, 1, "1", None, 2.5]),
    "symbol": st.sampled_from(["BTC-USD", "ETH/BTC", "BTC/USD:USD", "btc/usd", 1, None]),
    "side": st.sampled_from(["sell", "BUY", None]),
    "amount": st.sampled_from([2, 2.5, "-2", "0", None, " 2", "1e0", "2.", "1_0", "1e99", "0." + "1" * 30, True, ...]),
    "price": st.sampled_from([50, 50.001, "-50", "0", None, "+50", "1e-7", "1" * 90, "0" * 90 + "50", ...]),
    "cost": st.sampled_from([100, 100.5, "99", "98.9", "0", None, "1e2", "100.000000000000000000000", "NaN", ...]),
    "order": st.sampled_from([1, None, "", [], "x" * 129, ...]),
    "fee": st.none() | FEE | st.sampled_from([..., 1, {}]),
    "fees": st.none() | st.lists(FEE, max_size=2) | st.sampled_from([..., 1, [None]]),
}
CHANGES = st.lists(
    st.sampled_from(sorted(ODD)).flatmap(lambda field: st.tuples(st.just(field), ODD[field])), max_size=3
).map(dict)


@given(st.lists(CHANGES, min_size=1, max_size=4))
@settings(max_examples=400, deadline=None)
@example([{"fee": BNB, "fees": []}, {"fee": {"cost": 0, "currency": "USD"}, "fees": []}])
def test_many_trades_at_once_are_read_as_each_of_them_alone(changes: list[dict[str, Any]]) -> None:
    """The quick way finds the same rows as the close look, or leaves them to it."""
    lines = [line(number, **change).encode() for number, change in enumerate(changes)]
    quickly = plain_rows(lines)
    if quickly is not None:
        assert quickly == [read_trade(text) for text in lines]
    elif all(change == {} for change in changes):
        pytest.fail("most trades are read quickly")


@pytest.mark.parametrize("changes", TRAPS)
def test_no_trap_is_read_quickly_and_wrong(changes: dict[str, Any]) -> None:
    trap, good = line(1, **changes).encode(), line(2).encode()
    for lines in ([trap], [trap, trap], [good, trap], [trap, good, good]):
        quickly = plain_rows(lines)
        assert quickly is None or quickly == [read_trade(text) for text in lines]


def test_sizes_that_cancel_out_are_not_small() -> None:
    fees = [[{"cost": cost, "currency": "BNB"}] for cost in ("1e15", "-1e15")]
    assert plain_rows([line(number, fees=fee).encode() for number, fee in enumerate(fees)]) is None


def test_trades_with_and_without_fees_are_read_quickly_together() -> None:
    fees: list[dict[str, Any]] = [
        {},
        {"fee": None, "fees": []},
        {"fee": {"cost": "0.3", "currency": "BTC"}, "fees": []},
        {"fee": {"cost": None, "currency": "usd"}, "fees": None},
        {"fee": BNB, "fees": [{"cost": None}]},
        {"fee": BNB, "fees": [{"cost": "0", "currency": "USD"}]},
    ]
    lines = [line(number, **change).encode() for number, change in enumerate(fees)]
    assert plain_rows(lines) == [read_trade(text) for text in lines]
    as_numbers = [text.replace(b'"0.1"', b"0.1").replace(b'"0.3"', b"3e-1").replace(b'"0"', b"0") for text in lines]
    assert plain_rows(as_numbers) == plain_rows(lines)


@pytest.mark.parametrize(("field", "values"), [("order", (5, None)), ("order", (5, "a")), ("id", ("a", 5))])
def test_columns_of_several_kinds_keep_them_apart(field: str, values: tuple[Any, ...]) -> None:
    lines = [line(number, **{field: value}).encode() for number, value in enumerate(values)]
    quickly = plain_rows(lines)
    assert quickly is None or quickly == [read_trade(text) for text in lines]


def test_the_close_look_is_taken_at_strange_blocks_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line(number) for number in range(1000)]
    looked_at: list[bytes] = []

    def noted(text: bytes) -> Row:
        looked_at.append(text)
        return read_trade(text)

    monkeypatch.setattr(fills_fields, "read_trade", noted)
    assert len(list(read_trades(write(tmp_path, *lines)))) == 1000
    assert looked_at == []
    assert len(list(read_trades(write(tmp_path, *lines, line(1000, fees=[BNB, BNB]))))) == 1001
    assert 0 < len(looked_at) <= 16


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"amount": 2, "price": 50.0, "cost": 1e2, "fee": None, "fees": [{"cost": 1e-7, "currency": "USD"}]},
        {"amount": "0.000000000000000001", "price": "1", "cost": ..., "fees": [], "fee": BNB},
        {"amount": "123456789.123456789012345678", "price": "1", "cost": "123456789.12345678", "order": None},
        {"fee": None, "fees": []},
        {"fee": {"cost": None, "currency": None}, "fees": None},
        {"fees": [{"cost": 0, "currency": "USD"}]},
        {"fees": [{"cost": "0.0", "currency": "USD"}]},
        {"fees": [{"cost": "0.002", "currency": "BTC"}]},
        {"fees": [{"cost": "-0.002", "currency": "USD"}]},
        {"fees": [{"cost": -1e-05, "currency": "BNB"}]},
        {
            "amount": "2e-05",
            "price": "5E1",
            "cost": "1.0e-3",
            "fee": None,
            "fees": [{"cost": "-1e-6", "currency": "USD"}],
        },
        {"id": 5, "order": 6, "symbol": "BTC-USD", "side": "sell", "cost": "100.4"},
    ],
)
def test_what_most_trades_are_like_is_read_quickly(changes: dict[str, Any]) -> None:
    lines = [(line(number, **changes) + end).encode() for number, end in enumerate(["", "\r"])]
    assert plain_rows(lines) == [read_trade(text) for text in lines]


DECIMALS = st.decimals("0.000000000000000001", "999999", places=8).filter(bool)


@given(st.lists(st.tuples(DECIMALS, DECIMALS, st.booleans()), min_size=1, max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_bot_writes_is_read_back_exactly(tmp_path: Path, figures: list[tuple[Decimal, Decimal, bool]]) -> None:
    lines = []
    for number, (amount, price, as_text) in enumerate(figures):
        text = line(number, amount="AMOUNT", price="PRICE", cost=..., fee=..., fees=...)
        for word, value in (("AMOUNT", amount), ("PRICE", price)):
            text = text.replace(f'"{word}"', f'"{value}"' if as_text else str(value))
        lines.append(text)
    rows = list(read_trades(write(tmp_path, *lines)))
    assert [(row.amount, row.cost) for row in rows if isinstance(row, TradeRow)] == [
        (amount, amount * price) for amount, price, _ in figures
    ]
