"""Tiers: floors exactly at their bounds, and a memory that counts cycles in one direction."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradekit.decide.universe import assign_tiers, eligible, tier_of
from tradekit.domain.market import Market, Quote
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import UniversePolicy
from tradekit.domain.universe import Tier, TierMemory

D = Decimal
T1, T2, T3, NONE = Tier.T1, Tier.T2, Tier.T3, Tier.NONE
SYMBOL = "PENGU/USDT"


def policy(**keys: object) -> UniversePolicy:
    return read_policy({"universe": keys}, "test").universe


def market(symbol: str = SYMBOL, *, active: bool = True) -> Market:
    base, _, quote = symbol.partition("/")
    return Market(symbol, base, quote, D("0.01"), D("0.01"), D(0), D(0), D("0.006"), D("0.012"), active)


def quote(
    volume: str = "20000000", bid: str = "100", ask: str = "100", bid_amount: str = "9", ask_amount: str = "9"
) -> Quote:
    return Quote(SYMBOL, 0, D(bid), D(ask), D(bid_amount), D(ask_amount), D(volume))


LOOKS = {T1: quote(), T2: quote(volume="5000000"), T3: quote(volume="2000000"), NONE: quote(volume="1")}


def settled(tier: Tier) -> TierMemory:
    return TierMemory(tier, tier, 0)


def first_look(seen: Quote, **keys: object) -> Tier:
    return tier_of(assign_tiers(policy(**keys), {SYMBOL: market()}, {SYMBOL: seen}, {}), SYMBOL)


def history(start: Tier, *looks: Tier | None, **keys: object) -> list[TierMemory]:
    """The memory after each cycle; None is a cycle without a quote."""
    memory = {SYMBOL: settled(start)}
    out = []
    for look in looks:
        quotes = {} if look is None else {SYMBOL: LOOKS[look]}
        memory = assign_tiers(policy(**keys), {SYMBOL: market()}, quotes, memory)
        out.append(memory[SYMBOL])
    return out


@pytest.mark.parametrize(
    ("seen", "tier"),
    [
        # volume: 10 million, 5 million and 2 million are enough, one less is not
        (quote(volume="10000000"), T1),
        (quote(volume="9999999.99"), T2),
        (quote(volume="5000000"), T2),
        (quote(volume="4999999.99"), T3),
        (quote(volume="2000000"), T3),
        (quote(volume="1999999.99"), NONE),
        # spread: (100.1 - 99.9) / 100 = 20 bp; one hundredth more is 20.2 bp at a mid of 100.001
        (quote(bid="99.9", ask="100.1"), T1),
        (quote(bid="99.9", ask="100.102"), T2),
        # (100.175 - 99.825) / 100 = 35 bp, (100.3 - 99.7) / 100 = 60 bp
        (quote(bid="99.825", ask="100.175"), T2),
        (quote(bid="99.825", ask="100.177"), T3),
        (quote(bid="99.7", ask="100.3"), T3),
        (quote(bid="99.7", ask="100.302"), NONE),
        # depth is the thinner side: 100 x 5 = 500, 100 x 2 = 200, 100 x 0.5 = 50
        (quote(bid_amount="5", ask_amount="1000"), T1),
        (quote(bid_amount="1000", ask_amount="4.99"), T2),
        (quote(bid_amount="2"), T2),
        (quote(bid_amount="1.99"), T3),
        (quote(ask_amount="0.5"), T3),
        (quote(ask_amount="0.49"), NONE),
        # an empty side of the book
        (quote(bid="0"), NONE),
        (quote(ask="0"), NONE),
    ],
)
def test_a_coin_is_in_the_first_tier_whose_three_floors_it_meets(seen: Quote, tier: Tier) -> None:
    assert first_look(seen) is tier


@pytest.mark.parametrize(
    ("key", "value", "seen", "tier"),
    [
        ("tier1_min_volume_notional", 20_000_001, quote(), T2),
        ("tier2_min_volume_notional", 6_000_000, quote(volume="5000000"), T3),
        ("tier3_min_volume_notional", 3_000_000, quote(volume="2000000"), NONE),
        ("tier1_max_spread_bp", 19, quote(bid="99.9", ask="100.1"), T2),
        ("tier2_max_spread_bp", 34, quote(bid="99.825", ask="100.175"), T3),
        ("tier3_max_spread_bp", 59, quote(bid="99.7", ask="100.3"), NONE),
        ("tier1_min_depth_notional", 901, quote(), T2),
        ("tier2_min_depth_notional", 201, quote(bid_amount="2"), T3),
        ("tier3_min_depth_notional", 51, quote(bid_amount="0.5"), NONE),
        ("exclude", ["PENGU"], quote(), NONE),
    ],
)
def test_each_policy_key_moves_a_coin(key: str, value: object, seen: Quote, tier: Tier) -> None:
    assert first_look(seen) is not tier
    assert first_look(seen, **{key: value}) is tier


def test_zero_depth_and_an_empty_book_do_not_pass_a_floor_of_zero_by_a_division() -> None:
    assert first_look(quote(bid="0", ask="0"), tier3_min_depth_notional=0) is NONE


@pytest.mark.parametrize(
    ("start", "looks", "expected"),
    [
        # down after the fifth cycle in a row (demote_after_cycles 5), not after the fourth
        (T1, [T2] * 4, TierMemory(T1, T2, 4)),
        (T1, [T2] * 5, settled(T2)),
        # up after the third (promote_after_cycles 3)
        (T3, [T1] * 2, TierMemory(T3, T1, 2)),
        (T3, [T1] * 3, settled(T1)),
        (NONE, [T3] * 3, settled(T3)),
        # worse is worse, whichever tier it looks like; it goes where it looked last
        (T1, [T2, T3, NONE, T2, T3], settled(T3)),
        (T1, [T2, T3], TierMemory(T1, T3, 2)),
        (T3, [T1, T2, T2], settled(T2)),
        # one cycle that looks like the tier in force starts the count anew
        (T1, [T2, T2, T2, T2, T1], settled(T1)),
        (T1, [T2, T2, T2, T2, T1, T2], TierMemory(T1, T2, 1)),
        # a turn of direction starts at one
        (T2, [T3, T3, T1], TierMemory(T2, T1, 1)),
        (T2, [T1, T1, T3], TierMemory(T2, T3, 1)),
        (T2, [T1, T1, T3, T1], TierMemory(T2, T1, 1)),
        # a missing quote neither counts nor resets
        (T1, [T2, None, T2, None, T2, T2], TierMemory(T1, T2, 4)),
        (T1, [T2, None, T2, None, T2, T2, T2], settled(T2)),
    ],
)
def test_a_coin_moves_only_after_enough_cycles_in_one_direction(
    start: Tier, looks: list[Tier | None], expected: TierMemory
) -> None:
    assert history(start, *looks)[-1] == expected


def test_one_cycle_is_enough_where_the_policy_says_so() -> None:
    assert history(T2, T1, promote_after_cycles=1) == [settled(T1)]
    assert history(T2, T3, demote_after_cycles=1) == [settled(T3)]


def test_a_coin_without_a_quote_keeps_its_memory_and_one_never_seen_gets_none() -> None:
    before = TierMemory(T1, T3, 4)
    markets = {SYMBOL: market(), "NEW/USDT": market("NEW/USDT")}
    assert assign_tiers(policy(), markets, {}, {SYMBOL: before}) == {SYMBOL: before}


def test_a_crossed_book_proves_nothing() -> None:
    crossed = {SYMBOL: quote(bid="101", ask="100")}
    before = TierMemory(T2, T1, 2)
    assert assign_tiers(policy(), {SYMBOL: market()}, crossed, {SYMBOL: before}) == {SYMBOL: before}
    assert assign_tiers(policy(), {SYMBOL: market()}, crossed, {}) == {}


@pytest.mark.parametrize("empty", [quote(bid="0"), quote(ask="0")])
def test_an_empty_side_of_the_book_counts_as_worse(empty: Quote) -> None:
    after = assign_tiers(policy(), {SYMBOL: market()}, {SYMBOL: empty}, {SYMBOL: settled(T1)})
    assert after == {SYMBOL: TierMemory(T1, NONE, 1)}


@pytest.mark.parametrize(("active", "excluded"), [(False, []), (True, ["PENGU"])])
def test_inactive_and_excluded_coins_are_out_at_once_and_come_back_with_patience(
    active: bool, excluded: list[str]
) -> None:
    for quotes in ({}, {SYMBOL: LOOKS[T1]}):
        out = assign_tiers(policy(exclude=excluded), {SYMBOL: market(active=active)}, quotes, {SYMBOL: settled(T1)})
        assert out == {SYMBOL: settled(NONE)}
    back = assign_tiers(policy(), {SYMBOL: market()}, {SYMBOL: LOOKS[T1]}, {SYMBOL: settled(NONE)})
    assert back == {SYMBOL: TierMemory(NONE, T1, 1)}


def test_an_exclusion_names_the_asset_and_not_a_part_of_its_name() -> None:
    assert first_look(LOOKS[T1], exclude=["PEN", "USDT", "PENGUIN"]) is T1


def test_a_symbol_that_is_no_longer_a_market_is_forgotten() -> None:
    assert assign_tiers(policy(), {}, {SYMBOL: LOOKS[T1]}, {SYMBOL: settled(T1)}) == {}


def test_eligible_lists_the_most_liquid_first_and_goes_by_the_tier_in_force() -> None:
    memory = {
        "Z/USDT": settled(T1),
        "A/USDT": settled(T3),
        "C/USDT": TierMemory(T2, NONE, 4),
        "B/USDT": settled(T2),
        "X/USDT": TierMemory(NONE, T1, 2),
    }
    assert eligible(memory) == ("Z/USDT", "B/USDT", "C/USDT", "A/USDT")
    assert tier_of(memory, "C/USDT") is T2
    assert tier_of(memory, "Q/USDT") is NONE


tiers = st.sampled_from([T1, T2, T3, NONE])


@given(start=tiers, looks=st.lists(st.none() | tiers, max_size=25), up=st.integers(1, 6), down=st.integers(1, 6))
def test_a_move_is_always_earned(start: Tier, looks: list[Tier | None], up: int, down: int) -> None:
    order = [T1, T2, T3, NONE]
    before = settled(start)
    streak = 0
    for look, after in zip(
        looks, history(start, *looks, promote_after_cycles=up, demote_after_cycles=down), strict=True
    ):
        fall = 0 if look is None else order.index(look) - order.index(before.tier)
        if look is not None:
            same = fall * streak > 0
            streak = 0 if fall == 0 else (streak if same else 0) + (1 if fall > 0 else -1)
        if streak >= down or -streak >= up:
            assert after == settled(look or before.tier)
            streak = 0
        else:
            assert (after.tier, after.cycles) == (before.tier, abs(streak))
        before = after


@given(looks=st.dictionaries(st.sampled_from("ABCDEFG"), tiers), seed=st.integers())
def test_the_order_of_the_mappings_never_matters(looks: dict[str, Tier], seed: int) -> None:
    def shuffled(items: list[str]) -> list[str]:
        return Random(seed).sample(items, len(items))

    names = [f"{name}/USDT" for name in looks]
    quotes = {f"{name}/USDT": LOOKS[look] for name, look in looks.items()}
    memory = {name: TierMemory(T2, T3, 4) for name in names}
    plain_order = assign_tiers(policy(), {name: market(name) for name in names}, quotes, memory)
    other_order = assign_tiers(
        policy(),
        {name: market(name) for name in shuffled(names)},
        {name: quotes[name] for name in reversed(names)},
        {name: memory[name] for name in shuffled(names)},
    )
    assert list(plain_order.items()) == list(other_order.items())
    assert eligible(plain_order) == eligible(dict(reversed(list(plain_order.items()))))
