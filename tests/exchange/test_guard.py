"""Texts and shapes: what is read from an answer, and what is refused, before ccxt sees it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradekit.adapters.exchange.guard import (
    BrokenAnswer,
    Holds,
    Shape,
    check_shape,
    check_unknown_shape,
    proves_emptiness,
    read_json,
)
from tradekit.adapters.exchange.numbers import exact, rounded

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3),
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "null",
        "1",
        '"x"',
        "true",
        "{",
        '{"a":',
        "<html>",
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a":1}x',
        '{"a":1,"a":2}',
        "[" * 100_000,
        '{"a":' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(BrokenAnswer):
        read_json(text)


def test_fractions_keep_their_digits() -> None:
    told = read_json('{"a": 0.100000000000000000001, "b": 1e-8, "c": 12345678901234567890, "d": "0.1"}')
    assert told == {"a": "0.100000000000000000001", "b": "1e-8", "c": 12345678901234567890, "d": "0.1"}


@given(PLAIN)
def test_reading_never_raises_anything_else(value: Any) -> None:
    text = json.dumps(value)
    for cut in range(len(text) + 1):
        try:
            told = read_json(text[:cut])
        except BrokenAnswer:
            continue
        assert isinstance(told, dict | list)


@given(PLAIN, st.sampled_from(list(Holds)), st.lists(st.sampled_from(["a", "b|c"]), max_size=2))
def test_a_shape_is_met_or_refused(value: Any, holds: Holds, needs: list[str]) -> None:
    try:
        check_shape(value, Shape((), holds, tuple(needs)))
    except BrokenAnswer:
        return
    items = [value] if holds is Holds.ONE else list(value.values()) if holds is Holds.BY_ID else value
    assert items or holds in (Holds.LIST, Holds.BY_ID)
    assert all(isinstance(item, dict) for item in items)


def test_emptiness_has_to_be_said() -> None:
    assert proves_emptiness([])
    assert proves_emptiness({"error": [], "result": {"open": {}}})
    assert proves_emptiness({"code": 0, "data": {"list": []}})
    assert not proves_emptiness({"error": [], "message": "maintenance"})
    assert not proves_emptiness({"code": 0, "data": "soon"})
    with pytest.raises(BrokenAnswer):
        check_unknown_shape({})


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15) + 1, max_value=10**15 - 1, places=18))
def test_numbers_are_exact(number: Decimal) -> None:
    assert exact(f"{number:f}", "n") == number
    assert exact(f"{number:e}", "n") == number or "e-" in f"{number:e}" or len(f"{number:e}") > 8


@pytest.mark.parametrize(
    "value",
    [
        None,
        0.1,
        True,
        "",
        " 1",
        "1_000",
        "NaN",
        "inf",
        "1e999999999",
        "1e-400",
        "0x1",
        "１２",
        "1,5",
        "9" * 16,
        "0." + "1" * 19,
    ],
)
def test_what_is_no_exact_number_is_refused(value: object) -> None:
    with pytest.raises(BrokenAnswer):
        exact(value, "n")


def test_what_was_computed_is_cut_to_18_decimals() -> None:
    assert rounded("0." + "3" * 30, "n") == Decimal("0." + "3" * 18)
    assert exact("1e-8", "n") == Decimal("0.00000001")
    assert exact("+12.500", "n") == Decimal("12.5")
