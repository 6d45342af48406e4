"""Exits: each exactly at its threshold and just short of it, their precedence, and what they refuse to sell on."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradekit.decide.exits import find_exits, raised_peaks
from tradekit.domain.market import Quote
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import ExitsPolicy
from tradekit.domain.position import Position
from tradekit.domain.proposal import Amount, Origin, Proposal, Side, Urgency

D = Decimal
HOUR = 3_600_000
NOW = 1_700_000_000_000
OFF = {"stop_loss_pct": 0, "take_profit_pct": 0, "trailing_stop_pct": 0, "max_hold_hours": 0}
STOP = {"stop_loss_pct": 10}
TAKE = {"take_profit_pct": 12}
TRAIL = {"trailing_stop_pct": 5}
HOLD = {"max_hold_hours": 72}


def only(**keys: object) -> ExitsPolicy:
    """A policy with all exits off but these."""
    return read_policy({"exits": OFF | keys}, "test").exits


def held(
    quantity: str = "10", cost: str = "1000", *, peak: str = "0", opened: int = NOW - HOUR, asset: str = "ZK"
) -> Position:
    """10 units at an average of 100, bought an hour ago, unless said otherwise."""
    return Position(asset, D(quantity), D(cost), opened=opened, peak=D(peak))


def quote(bid: str, ask: str = "1000000") -> Quote:
    return Quote("", NOW, D(bid), D(ask), D(1), D(1), D(1))


def exits(policy: ExitsPolicy, position: Position, seen: Quote) -> list[str]:
    found = find_exits(policy, {"ZK": position}, {"ZK/USDT": seen}, "USDT", NOW)
    return [proposal.id.split("-")[1] for proposal in found]


@pytest.mark.parametrize(
    ("keys", "position", "bid", "expected"),
    [
        # stop loss of 10 %: average 100, so at 90 and below
        (STOP, held(), "90", ["stop_loss"]),
        (STOP, held(), "90.0001", []),
        (STOP, held(), "5", ["stop_loss"]),
        # 3 units for 10: the average 3.333... has no end, yet the stop is at 10 x 0.9 / 3 = 3 exactly
        (STOP, held("3", "10"), "3", ["stop_loss"]),
        (STOP, held("3", "10"), "3.000000000000000001", []),
        # the decimals of a percentage count: 12.5 % under 100 is 87.5
        ({"stop_loss_pct": "12.5"}, held(), "87.5", ["stop_loss"]),
        ({"stop_loss_pct": "12.5"}, held(), "87.51", []),
        # take profit of 12 %: at 112 and above
        (TAKE, held(), "112", ["take_profit"]),
        (TAKE, held(), "111.9999", []),
        # 3 units for 10: 10 x 1.12 / 3 = 3.7333..., so 3.7334 takes and 3.7333 doesn't
        (TAKE, held("3", "10"), "3.7334", ["take_profit"]),
        (TAKE, held("3", "10"), "3.7333", []),
        # trailing stop of 5 % under a peak of 200: at 190 and below
        (TRAIL, held(peak="200"), "190", ["trailing_stop"]),
        (TRAIL, held(peak="200"), "190.0001", []),
        (TRAIL, held(peak="200"), "210", []),  # a new peak
        (TRAIL, held(peak="0"), "50", []),  # the first quote is its own peak
        # 72 hours
        (HOLD, held(opened=NOW - 72 * HOUR), "100", ["max_hold"]),
        (HOLD, held(opened=NOW - 72 * HOUR + 1), "100", []),
        (HOLD, held(opened=NOW + HOUR), "100", []),  # a clock that went back
        (HOLD, held(opened=0), "100", []),  # when it was opened is not known
        # an unknown cost stops nothing and takes nothing, but the others go on
        (STOP | TAKE, held(cost="0"), "1", []),
        (STOP | TAKE | TRAIL, held(cost="0", peak="200"), "190", ["trailing_stop"]),
        (STOP | TAKE | HOLD, held(cost="0", opened=1), "100", ["max_hold"]),
        # nothing held, nothing sold
        (STOP | TAKE | TRAIL | HOLD, held(quantity="0", cost="0", peak="200", opened=1), "1", []),
        # a bid of zero is no bid; a crossed book is a broken reading
        (STOP | TRAIL | HOLD, held(peak="200", opened=1), "0", []),
    ],
)
def test_exits_at_their_thresholds(keys: dict[str, object], position: Position, bid: str, expected: list[str]) -> None:
    assert exits(only(**keys), position, quote(bid)) == expected


def test_a_crossed_book_sells_nothing_but_an_empty_ask_side_does_not_hinder() -> None:
    assert exits(only(**STOP), held(), quote("80", ask="79")) == []
    assert exits(only(**STOP), held(), quote("80", ask="80")) == ["stop_loss"]
    assert exits(only(**STOP), held(), quote("80", ask="0")) == ["stop_loss"]


def test_one_exit_per_asset_in_order_of_precedence() -> None:
    everything = {"stop_loss_pct": 10, "trailing_stop_pct": 5, "take_profit_pct": 12, "max_hold_hours": 1}
    old = held(peak="200", opened=NOW - HOUR)
    assert exits(only(**everything), old, quote("90")) == ["stop_loss"]
    assert exits(only(**everything), old, quote("112")) == ["trailing_stop"]
    assert exits(only(**everything), old, quote("191")) == ["take_profit"]
    assert exits(only(**everything), old._replace(peak=D(0)), quote("100")) == ["max_hold"]
    assert exits(only(), old, quote("1")) == []  # all switched off


@pytest.mark.parametrize(
    ("keys", "position", "bid", "name", "urgency", "reason"),
    [
        # 0.0131 / 0.0146 - 1 = -0.10274
        (STOP, held("1000", "14.6"), "0.0131", "stop_loss", Urgency.AT_ONCE,
         "bid 0.0131 is 10.27 % under the average cost 0.0146"),
        # 10 / 3 = 3.33333333 to 8 digits; 2.5 is 25 % under it
        (STOP, held("3", "10"), "2.5", "stop_loss", Urgency.AT_ONCE,
         "bid 2.5 is 25 % under the average cost 3.3333333"),
        (TRAIL, held(peak="200"), "180", "trailing_stop", Urgency.AT_ONCE,
         "bid 180 is 10 % under the highest bid while held 200"),
        (TAKE, held(), "115.5", "take_profit", Urgency.MAKER, "bid 115.5 is 15.5 % above the average cost 100"),
        (HOLD, held(opened=NOW - 73 * HOUR - HOUR // 2), "100", "max_hold", Urgency.MAKER,
         "held for 73.5 h, and 72 h is the longest"),
        # a cost so small that the average rounds to zero at 18 decimals is no reason to fail
        (TAKE, held("1000000", "0.000000000000000001"), "1", "take_profit", Urgency.MAKER,
         "bid 1 is 99999999999999999999999900 % above the average cost 0.000000000000000000000001"),
    ],
)  # fmt: skip
def test_an_exit_in_full(
    keys: dict[str, object], position: Position, bid: str, name: str, urgency: Urgency, reason: str
) -> None:
    assert find_exits(only(**keys), {"ZK": position}, {"ZK/USDT": quote(bid)}, "USDT", NOW) == (
        Proposal(
            id=f"exit-{name}-ZK-{NOW}",
            symbol="ZK/USDT",
            side=Side.SELL,
            size=Amount(position.quantity),
            confidence=D(1),
            reason=reason,
            origin=Origin.EXIT,
            urgency=urgency,
            expires=None,
        ),
    )


def test_what_is_held_outside_is_not_sold() -> None:
    position = held()._replace(outside=D(90))
    (proposal,) = find_exits(only(**STOP), {"ZK": position}, {"ZK/USDT": quote("80")}, "USDT", NOW)
    assert proposal.size == Amount(D(10))


def test_an_asset_without_a_quote_in_this_currency_has_no_exit() -> None:
    policy = only(stop_loss_pct=10, trailing_stop_pct=5, max_hold_hours=1)
    position = {"ZK": held(peak="200", opened=1)}
    for quotes in ({}, {"ZK/EUR": quote("1")}, {"ZKP/USDT": quote("1")}):
        assert find_exits(policy, position, quotes, "USDT", NOW) == ()


def test_peaks_rise_with_the_bid_and_never_fall() -> None:
    positions = {
        "UP": held(peak="100"),
        "DOWN": held(peak="100"),
        "NEW": held(peak="0"),
        "QUIET": held(peak="70"),
        "CROSSED": held(peak="100"),
        "GONE": held(quantity="0", cost="0", peak="100"),
    }
    bids = {"UP": "101", "DOWN": "99", "NEW": "5", "GONE": "500"}
    quotes = {f"{asset}/USDT": quote(bid) for asset, bid in bids.items()} | {"CROSSED/USDT": quote("500", ask="100")}
    assert raised_peaks(positions, quotes, "USDT") == {
        "CROSSED": D(100),
        "DOWN": D(100),
        "NEW": D(5),
        "QUIET": D(70),
        "UP": D(101),
    }


bids_drawn = st.none() | st.integers(0, 500).map(str)


@given(first=st.integers(0, 500), bids=st.lists(bids_drawn, max_size=15))
def test_a_peak_is_the_highest_bid_seen(first: int, bids: list[str | None]) -> None:
    position = held(peak=str(first))
    for bid in bids:
        quotes = {} if bid is None else {"ZK/USDT": quote(bid)}
        peak = raised_peaks({"ZK": position}, quotes, "USDT")["ZK"]
        assert peak >= position.peak
        position = position._replace(peak=peak)
    assert position.peak == max([first, *(int(bid) for bid in bids if bid is not None)])


@given(bids=st.dictionaries(st.sampled_from("ABCDEFG"), st.integers(0, 300).map(str)), seed=st.integers())
def test_the_order_of_the_mappings_never_matters(bids: dict[str, str], seed: int) -> None:
    policy = only(stop_loss_pct=10, trailing_stop_pct=20, take_profit_pct=12, max_hold_hours=48)
    positions = {asset: held(peak="150", opened=NOW - 48 * HOUR, asset=asset) for asset in "ABCDEFG"}
    quotes = {f"{asset}/USDT": quote(bid) for asset, bid in bids.items()}
    mixed = {asset: positions[asset] for asset in Random(seed).sample("ABCDEFG", 7)}
    backwards = dict(reversed(list(quotes.items())))
    found = find_exits(policy, positions, quotes, "USDT", NOW)
    assert found == find_exits(policy, mixed, backwards, "USDT", NOW)
    assert [proposal.base for proposal in found] == sorted(asset for asset, bid in bids.items() if bid != "0")
    peaks = raised_peaks(positions, quotes, "USDT")
    assert list(peaks.items()) == list(raised_peaks(mixed, backwards, "USDT").items())
