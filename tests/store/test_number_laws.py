"""Laws of numbers, money and client order ids."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plain_values import AMOUNTS, NUMBERS, TEXTS, UNHURRIED
from tradekit.domain.ids import client_order_id, is_ours
from tradekit.domain.money import MixedAssets, Money
from tradekit.domain.numbers import (
    ZERO,
    NotAnAmount,
    ceil_to,
    divide,
    floor_to,
    parse_amount,
    parse_signed,
    plain,
    total,
)

STEPS = st.sampled_from([Decimal(text) for text in ("1", "0.1", "0.05", "0.00000001", "0.3", "25", "1e-18")])


@UNHURRIED
@given(AMOUNTS | NUMBERS, STEPS)
def test_rounding_goes_the_way_its_name_says_by_less_than_a_step(number: Decimal, step: Decimal) -> None:
    below, above = floor_to(number, step), ceil_to(number, step)
    assert below <= number <= above
    assert above - below in (ZERO, step)
    assert number - below < step
    assert (below % step, above % step) == (ZERO, ZERO)
    assert floor_to(below, step) == below == ceil_to(below, step)


@UNHURRIED
@given(NUMBERS)
def test_plain_text_has_no_exponent_and_reads_back(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert "e" not in text.lower()
    assert not text.startswith("-0") or "." in text
    assert plain(Decimal(text)) == text
    assert text == "0" or "." not in text or text[-1] not in "0."


@UNHURRIED
@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, 10**18 - 1))
def test_every_amount_within_the_bounds_is_parsed_exactly(whole: int, places: int) -> None:
    text = f"{whole}.{places:018d}"
    assert parse_signed(text) == Decimal(text)
    if whole >= 0:
        assert parse_amount(plain(parse_amount(text))) == Decimal(text)
    else:
        with pytest.raises(NotAnAmount):
            parse_amount(text)


@UNHURRIED
@given(st.lists(NUMBERS, max_size=30))
def test_sums_are_exact_beyond_28_digits_in_any_order(numbers: list[Decimal]) -> None:
    exact = [number.quantize(Decimal("1e-18")) for number in numbers]
    scaled = sum(int(number.scaleb(18)) for number in exact)
    assert total(exact) == total(reversed(exact)) == Decimal(scaled).scaleb(-18)


def test_a_sum_and_a_product_of_the_longest_amounts_are_exact() -> None:
    longest = Decimal("999999999999999.999999999999999999")
    digits = int(longest.scaleb(18))
    assert (longest * longest).scaleb(36) == digits * digits
    assert total([longest] * 1000).scaleb(18) == digits * 1000
    assert divide(longest, Decimal(3)) == Decimal("333333333333333.333333333333333333")


@UNHURRIED
@given(NUMBERS, NUMBERS, st.sampled_from(["BTC", "USDT"]))
def test_money_adds_up_within_an_asset_and_never_across(one: Decimal, two: Decimal, asset: str) -> None:
    assert (Money(one, asset) + Money(two, asset)).amount == one + two
    assert (Money(one, asset) - Money(two, asset)).amount == one - two
    with pytest.raises(MixedAssets):
        Money(one, asset) + Money(two, "ETH")
    with pytest.raises(MixedAssets):
        Money(one, "ETH") - Money(two, asset)


@UNHURRIED
@given(TEXTS, TEXTS, st.integers(1, 1000))
def test_a_client_order_id_is_a_pure_function_of_a_legal_form(account: str, wish: str, attempt: int) -> None:
    try:
        id = client_order_id(account, wish, attempt)
    except UnicodeEncodeError:
        return  # a lone surrogate can't come out of a checked proposal
    assert (len(id), id[0]) == (18, "k")
    assert set(id) <= set("0123456789abcdefghijklmnopqrstuvwxyz")
    assert id == client_order_id(account, wish, attempt)
    assert id != client_order_id(account, wish, attempt + 1)
    assert is_ours(id)
    assert not any(is_ours(other) for other in (None, "", id[:-1], id + "0", "t-" + id, id.upper()))


def test_client_order_ids_stay_the_same_in_every_release() -> None:
    assert client_order_id("f2d07e42cf5d8af1", "p1", 1) == "kfo1lzbtv1veoktghc"


def test_an_id_with_one_changed_character_is_hardly_ever_taken_for_ours() -> None:
    taken, tried = 0, 0
    for number in range(40):
        id = client_order_id("account", str(number), 1)
        for place, other in product(range(18), "0123456789abcdefghijklmnopqrstuvwxyz"):
            if other != id[place]:
                tried += 1
                taken += is_ours(id[:place] + other + id[place + 1 :])
    assert taken / tried < 1.5 / 36
