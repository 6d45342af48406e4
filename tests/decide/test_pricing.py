"""Prices: at the touch, one tick inside where there is room, and never past the bound of the decision."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk import buy, market, policy, sell
from risk_desk import NOW, quote
from tradekit.decide.pricing import limit_price, ttl_seconds, worst_price
from tradekit.domain.account import Balance
from tradekit.domain.decision import Approved
from tradekit.domain.market import Snapshot
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Origin, Proposal, Side, Urgency
from tradekit.domain.universe import Tier, TierMemory

D = Decimal
BUY, SELL = buy("BTC/USDT"), sell("BTC/USDT", amount="1")
STOP = sell("BTC/USDT", amount="1", origin=Origin.EXIT, urgency=Urgency.AT_ONCE)


def snapshot(bid: str, ask: str, tick: str = "0.01") -> Snapshot:
    balances = {"USDT": Balance("USDT", D(1), D(1))}
    markets = {"BTC/USDT": market("BTC/USDT", price_tick=D(tick))}
    return Snapshot(NOW, markets, {"BTC/USDT": quote("BTC/USDT", bid, ask)}, balances)


def tiers(tier: Tier) -> dict[str, TierMemory]:
    return {"BTC/USDT": TierMemory(tier, tier, 0)}


def price(proposal: Proposal, seen: Snapshot, rules: Policy, amount: str = "1") -> Decimal:
    worst = worst_price(rules, proposal, seen, tiers(Tier.T1))
    approved = Approved(proposal, D(amount), seen.quotes["BTC/USDT"].mid, worst)
    return limit_price(rules, approved, seen.quotes["BTC/USDT"], seen.markets["BTC/USDT"]).price


@pytest.mark.parametrize(
    ("bid", "ask", "ticks", "bought", "sold"),
    [
        # a spread of one tick: join it, there is no inside
        ("100.00", "100.01", 2, "100.00", "100.01"),
        ("100.00", "100.01", 1, "100.00", "100.01"),
        # two ticks and more: one tick inside
        ("100.00", "100.02", 2, "100.01", "100.01"),
        ("100.00", "100.02", 3, "100.00", "100.02"),
        ("100.00", "100.03", 3, "100.01", "100.02"),
        ("100.00", "100.50", 0, "100.00", "100.50"),  # never inside
    ],
)
def test_a_maker_joins_the_touch_or_goes_one_tick_inside(
    bid: str, ask: str, ticks: int, bought: str, sold: str
) -> None:
    rules = policy(execution={"improve_spread_ticks": ticks})
    seen = snapshot(bid, ask)
    assert (price(BUY, seen, rules), price(SELL, seen, rules)) == (D(bought), D(sold))


@pytest.mark.parametrize(
    ("tier", "lowest", "highest"),
    [
        # a mid of 100: 60, 95 and 120 bp
        (Tier.T1, "99.40", "100.60"),
        (Tier.T2, "99.05", "100.95"),
        (Tier.T3, "98.80", "101.20"),
        (Tier.NONE, "98.80", "101.20"),
    ],
)
def test_the_bound_is_the_tiers_slippage_from_the_mid(tier: Tier, lowest: str, highest: str) -> None:
    seen = snapshot("99.95", "100.05")
    assert worst_price(policy(), BUY, seen, tiers(tier)) == D(highest)
    assert worst_price(policy(), SELL, seen, tiers(tier)) == D(lowest)


def test_a_bound_between_ticks_is_rounded_to_the_side_of_the_account() -> None:
    seen = snapshot("33.30", "33.40", "0.1")  # a mid of 33.35: 33.1499 and 33.5501
    assert worst_price(policy(), BUY, seen, tiers(Tier.T1)) == D("33.5")
    assert worst_price(policy(), SELL, seen, tiers(Tier.T1)) == D("33.2")


def test_a_stop_is_bound_from_the_bid_by_its_own_slippage() -> None:
    seen = snapshot("80.00", "95.00")
    rules = policy(exits={"stop_slippage_bp": 150})
    assert price(STOP, seen, rules) == D("78.80")  # 80 x 0.985


def test_a_stop_still_goes_out_where_its_bound_would_be_under_the_exchanges_minimum() -> None:
    """5 USDT at least: 0.0505 BTC at a bid of 100 are 5.05, at its bound of 98 only 4.949; 5 / 0.0505 = 99.0099."""
    seen = snapshot("100.00", "100.02")
    assert price(STOP, seen, policy(), "0.0505") == D("99.01")
    assert price(STOP, seen, policy(), "0.06") == D("98.00")
    assert price(STOP, seen, policy(), "0.04") == D("98.00")  # worth 4 at the bid: no bound helps


def test_the_life_of_an_order_is_its_tiers() -> None:
    assert [ttl_seconds(policy(), tier) for tier in (Tier.T1, Tier.T2, Tier.T3, Tier.NONE)] == [12, 15, 25, 25]


ticks = st.sampled_from(["0.00001", "0.01", "0.05", "1", "2.5"]).map(D)


@given(ticks, st.integers(1, 10**6), st.integers(0, 500), st.integers(0, 2000), st.integers(0, 5), st.data())
def test_no_price_is_off_the_tick_past_its_bound_or_through_the_touch(
    tick: Decimal, bid_ticks: int, spread: int, slippage: int, wide: int, data: st.DataObject
) -> None:
    bid, ask = bid_ticks * tick, (bid_ticks + spread) * tick
    seen = snapshot(str(bid), str(ask), str(tick))
    rules = policy(
        execution={"slippage_tier1_bp": slippage, "improve_spread_ticks": wide}, exits={"stop_slippage_bp": slippage}
    )
    mid, share = seen.quotes["BTC/USDT"].mid, D(slippage) / 10_000
    for proposal in (BUY, SELL, STOP):
        worst = worst_price(rules, proposal, seen, tiers(Tier.T1))
        found = price(proposal, seen, rules, str(data.draw(st.decimals("0.001", "10", places=3))))
        assert found % tick == 0
        if proposal.side is Side.BUY:
            assert worst <= mid * (1 + share)
            assert found <= worst
            assert spread == 0 or found < ask
        else:
            assert found >= worst
            assert worst >= (bid if proposal is STOP else mid) * (1 - share)
            if proposal is STOP:
                assert found <= bid  # it can trade at once
            else:
                assert spread == 0 or found > bid
