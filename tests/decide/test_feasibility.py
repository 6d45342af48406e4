"""Planted dead zones and useless keys are found; moving what is named as far as is said opens them, a hair less not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from changes import with_key
from desk import policy
from tradekit.adapters.policy_file import load_policy
from tradekit.decide.feasibility import DeadZone, check_feasibility
from tradekit.domain.policy.check import show_value
from tradekit.domain.policy.sections import Policy

D = Decimal
BUILT_IN = load_policy(None).policy
HAIR = D("0.01")


def move(at: Policy, zone: DeadZone, value: Decimal) -> Policy:
    table, dot, name = zone.key.removeprefix("risk.max_theme_pct").partition(".")
    if zone.key.startswith("risk.max_theme_pct") and dot:
        assert not table
        return with_key(at, "risk.max_theme_pct", show_value({**at.risk.max_theme_pct, name: value}))
    return with_key(at, zone.key, show_value(value))


def zones_of(at: Policy, equity: Decimal) -> dict[str, DeadZone]:
    return {zone.key: zone for zone in check_feasibility(at, equity).dead_zones}


def test_the_default_has_none_from_375_on() -> None:
    assert check_feasibility(BUILT_IN, D(375)).dead_zones == ()
    assert set(zones_of(BUILT_IN, D("374.99"))) == {"risk.max_theme_pct.MEME"}
    assert check_feasibility(BUILT_IN, D(1000)).shadowed == ()


def test_the_defaults_dead_zone_at_255() -> None:
    found = zones_of(BUILT_IN, D(255))
    asset = found["risk.max_asset_pct"]
    assert (asset.where, asset.largest, asset.smallest) == ("tier 1, tier 2, tier 3", D("12.75"), D(15))
    assert (asset.needed, asset.from_equity) == (D("5.89"), D(300))
    assert set(found) == {
        "risk.max_asset_pct", "risk.max_tier3_pct", "risk.max_theme_pct.MEME", "risk.max_theme_pct.DEFI",
    }  # fmt: skip


PLANTED = [
    ("risk.max_total_at_risk_pct", {"max_total_at_risk_pct": 1, "max_asset_pct": 1}),
    ("risk.max_asset_pct", {"max_asset_pct": 1}),
    ("risk.max_tier2_pct", {"max_tier2_pct": 1}),
    ("risk.max_theme_pct.ONE", {"themes": {"ONE": ["BTC"]}, "max_theme_pct": {"ONE": 1}}),
    ("risk.max_order_notional", {"max_order_notional": 3}),
    ("risk.quote_reserve_pct", {"quote_reserve_pct": 99}),
]


@pytest.mark.parametrize(("key", "planted"), PLANTED, ids=[item[0] for item in PLANTED])
def test_a_planted_dead_zone_is_found_and_opens_where_it_says(key: str, planted: dict[str, object]) -> None:
    at = policy(risk={"min_order_notional": 5, **planted})
    zone = zones_of(at, D(100))[key]
    assert zone.needed is not None
    down = key == "risk.quote_reserve_pct"
    assert key not in zones_of(move(at, zone, zone.needed), D(100))
    assert key in zones_of(move(at, zone, zone.needed + (HAIR if down else -HAIR)), D(100))


def test_a_closed_tier_is_no_dead_zone_and_a_rule_that_may_not_shrink_is() -> None:
    assert check_feasibility(policy(risk={"max_tier3_pct": 0}), D(1000)).dead_zones == ()
    at = policy(rules={"enabled": True, "order_notional": 60}, risk={"max_asset_pct": 5, "clamp_to_caps": False})
    (zone,) = check_feasibility(at, D(1000)).dead_zones
    assert (zone.key, zone.smallest_key, zone.needed) == ("risk.max_asset_pct", "rules.order_notional", D(6))


SHADOWED = [
    ("risk.max_tier1_pct", {"max_total_at_risk_pct": 50, "max_asset_pct": 5, "max_tier1_pct": 51}, {}),
    ("risk.max_asset_pct", {"max_tier1_pct": 5, "max_tier2_pct": 5, "max_tier3_pct": 5, "max_asset_pct": 6}, {}),
    ("risk.max_theme_pct", {"themes": {}}, {}),
    ("risk.themes", {"themes": {"ONE": ["BTC"]}, "max_theme_pct": {}}, {}),
    ("risk.max_total_at_risk_pct", {"quote_reserve_pct": 10, "max_total_at_risk_pct": 100}, {}),
    ("risk.max_order_notional", {"max_asset_pct": 5, "max_order_notional": 51}, {}),
    ("risk.max_trades_per_day", {"max_trades_per_hour": 1, "max_trades_per_day": 25}, {}),
    ("risk.max_trades_per_hour", {"max_trades_per_hour": 41, "min_seconds_between_trades": 90}, {}),
    ("risk.max_new_positions_per_cycle", {"max_new_positions_per_cycle": 3, "max_positions": 2}, {}),
    ("risk.max_positions", {"max_total_at_risk_pct": 5, "max_asset_pct": 5, "max_positions": 11}, {}),
    ("guards.max_spread_bp", {}, {"guards": {"max_spread_bp": 241}}),
    ("losses.max_daily_loss_pct", {}, {"losses": {"max_daily_loss_pct": 8, "max_weekly_loss_pct": 7}}),
]


@pytest.mark.parametrize(("key", "risk", "more"), SHADOWED, ids=[item[0] for item in SHADOWED])
def test_a_key_that_never_binds_is_told(key: str, risk: dict[str, object], more: dict[str, dict[str, object]]) -> None:
    assert key in {item.key for item in check_feasibility(policy(risk=risk, **more), D(1000)).shadowed}


@given(st.decimals("1", "2000", places=2))
def test_after_all_moves_something_fits_everywhere(equity: Decimal) -> None:
    at = BUILT_IN
    for zone in check_feasibility(at, equity).dead_zones:
        if zone.needed is None:
            return
        if zone.key == "risk.max_asset_pct" and zone.needed > at.risk.max_total_at_risk_pct:
            at = with_key(at, "risk.max_total_at_risk_pct", show_value(zone.needed))
        at = move(at, zone, zone.needed)
    assert check_feasibility(at, equity).dead_zones == ()
