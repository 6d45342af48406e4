"""Taking as a last step: every gate can forbid it, and the price is bound whatever the gates say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desk import market, policy, sell
from execution_lab import world_of
from risk_desk import NOW, quote, situation
from tradekit.decide.manner import Manner, manner_of
from tradekit.decide.promotion import cost_bp, gates, taken, taking_price
from tradekit.domain.decision import Approved
from tradekit.domain.memory import RiskMemory, Turnover
from tradekit.domain.order import TimeInForce
from tradekit.domain.proposal import Side
from tradekit.domain.purge import TakerUse
from tradekit.domain.times import DAY_MS, HOUR_MS

D = Decimal
SALE = sell("BTC/USDT", amount="0.2")
APPROVED = Approved(SALE, D("0.2"), D(100), D("99.40"))
LAST = Manner(12_000, 3, TakerUse.LAST)
QUOTE = quote("BTC/USDT", "99.95", "100.05")


def forbidding(manner: Manner = LAST, lives: int = 1, amount: str = "0.2", **more: Any) -> list[str]:
    """The gates that don't let it pass."""
    at = situation(more.pop("rules", None) or policy(taker={"enabled": True}), **more.pop("about", {}))
    approved = more.pop("approved", APPROVED)
    seen = more.pop("quote", QUOTE)
    found = gates(at.policy, at.state, approved, manner, lives, market("BTC/USDT"), seen, D(amount), NOW)
    return [gate.key for gate in found if not gate.passes]


def test_an_order_that_rested_in_vain_may_take() -> None:
    assert forbidding() == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"manner": LAST._replace(taker=TakerUse.NEVER)}, "taker.enabled"),
        ({"lives": 0}, "taker.after_attempts"),
        ({"approved": APPROVED._replace(proposal=SALE._replace(confidence=D("0.69")))}, "taker.min_confidence"),
        # the bid is 51 bp under the decision, and the taker fee is 10 bp above the maker's: 61 of 60
        ({"quote": quote("BTC/USDT", "99.49", "99.59")}, "execution.slippage"),
        ({"amount": "0.26"}, "taker.max_notional"),
        (
            {"about": {"memory": RiskMemory(taken=(Turnover(NOW // HOUR_MS, D(231)),))}},
            "taker.max_daily_notional",
        ),
    ],
)
def test_every_gate_can_forbid_to_take(changes: dict[str, Any], key: str) -> None:
    assert forbidding(**changes) == [key]


def test_what_a_person_wants_stands_in_for_the_switch_and_the_attempts_alone() -> None:
    by_hand = LAST._replace(taker=TakerUse.NOW, by_hand=True)
    assert forbidding(by_hand, lives=0) == []
    assert forbidding(by_hand, lives=0, amount="0.26") == ["taker.max_notional"]


def test_what_was_taken_a_day_ago_counts_no_more() -> None:
    old, new = Turnover((NOW - DAY_MS) // HOUR_MS - 2, D(100)), Turnover(NOW // HOUR_MS, D(7))
    assert taken((old, new), (), NOW) == 7


@given(
    st.decimals(min_value=90, max_value=110, places=2),
    st.integers(min_value=0, max_value=500),
    st.sampled_from([Side.SELL, Side.BUY]),
)
def test_the_price_of_taking_never_costs_more_than_the_slippage_with_the_fee(
    decided: Decimal, slippage: int, side: Side
) -> None:
    rules = policy(execution=dict.fromkeys(("slippage_tier1_bp", "slippage_tier2_bp", "slippage_tier3_bp"), slippage))
    proposal, listed = SALE._replace(side=side), market("BTC/USDT")
    approved = Approved(proposal, D(1), decided, D("0.01") if side is Side.SELL else D(100_000))
    price = taking_price(rules, situation().state, approved, listed).price
    touch = quote("BTC/USDT", str(price), str(price))
    assert cost_bp(approved, listed, touch) <= slippage


def test_an_order_is_promoted_at_the_end_of_its_cycle_and_never_before_its_time() -> None:
    at = world_of({"taker": {"enabled": True}, "execution": {"max_attempts": 0}}, BTC="1")
    at.cycle()
    at.cycle(SALE)
    rested, took = at.exchange.sent
    assert (rested.time_in_force, took.time_in_force) == (TimeInForce.PO, TimeInForce.IOC)
    assert took.created - rested.created >= 40_000
    at.audit()


def test_the_manner_of_a_proposal_follows_the_switch() -> None:
    at = situation()
    assert manner_of(policy(), at.state, SALE).taker is TakerUse.NEVER
    assert manner_of(policy(taker={"enabled": True}), at.state, SALE).taker is TakerUse.LAST
