"""Every refusal code is reached by a scene, with what would pass; and what would pass is carried out and is enough."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from changes import applied, hair_less
from desk import buy, market, policy, sell
from risk_desk import NOW, opened, refused, situation, working
from tradekit.decide.memory import day_of, next_day, next_week, week_of
from tradekit.decide.risk.judge import deliberate, stands_in_the_way
from tradekit.decide.risk.rulebook import OPEN_RULES, REDUCE_RULES, all_rules
from tradekit.decide.risk.situation import Situation, ask_of
from tradekit.domain.decision import (
    Approved,
    ChangeKey,
    FreeRoom,
    NextCycle,
    Nothing,
    Resize,
    Wait,
    WouldPass,
)
from tradekit.domain.hold import Hold, HoldCode
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.memory import Mark, Result, RiskMemory, Turnover, Watermarks
from tradekit.domain.order import Unknown
from tradekit.domain.proposal import Origin, Proposal, Side
from tradekit.domain.purge import PurgePlan
from tradekit.domain.times import DAY_MS, HOUR_MS
from tradekit.domain.universe import Tier

D = Decimal
MINUTE = 60_000
BTC = buy("BTC/USDT", notional="30")
SALE = sell("BTC/USDT", amount="0.1")
HELD = {"BTC": ("1", "90")}
PURGE = sell("BTC/USDT", amount="0.1", origin=Origin.PURGE)


def under(section: str = "risk", **keys: object) -> dict[str, Any]:
    return {"policy_": policy(**{section: keys})}


def sold(pnl: str, minutes_ago: int, *, stop: bool = False, symbol: str = "BTC/USDT") -> Result:
    return Result(ClientOrderId(f"r{minutes_ago}"), symbol, NOW - minutes_ago * MINUTE, D(pnl), stop)


def failing() -> Situation:
    """A purge of BTC that the exchange refused three times, the last time a minute ago."""
    at = situation(held=HELD)
    plan = PurgePlan("BTC", NOW - HOUR_MS, D(100), by_hand=False, failures=3, failed_at=NOW - MINUTE)
    return at._replace(state=at.state._replace(purges={"BTC": plan}))


def remembering(**more: Any) -> dict[str, Any]:
    return {"memory": RiskMemory(**more)}


def worth_before(peak: str, day: str, week: str) -> dict[str, Any]:
    marks = Watermarks(D(peak), day_of(NOW), D(day), week_of(NOW), D(week), D(1000))
    return {**remembering(watermarks=marks), "last_equity": "1000"}


class Scene(NamedTuple):
    """Who is refused with which code, and what would pass. `nothing` marks those that no single change helps."""

    code: str
    at: Situation
    proposal: Proposal
    would_pass: WouldPass | None
    name: str = ""


# The smallest order of BTC is 0.057 units, 5.7 USDT: below that its stop could not sell it again.
SCENES = [
    Scene("halted", situation(halted=True), BTC, None),
    Scene("halted", situation(**under(exits_when_halted=False), held=HELD, halted=True), SALE,
          ChangeKey("risk.exits_when_halted", "true"), "sale"),
    Scene("api_errors", situation(**remembering(silences=(NOW - 4 * MINUTE, NOW - 3 * MINUTE, NOW - MINUTE))), BTC,
          Wait(MINUTE)),
    Scene("proposal_expired", situation(), buy("BTC/USDT", expires=NOW), None),
    Scene("unknown_symbol", situation(), buy("XYZ/USDT"), None),
    Scene("unknown_symbol", situation(markets={"BTC/EUR": market("BTC/EUR")._replace(quote="EUR")}), buy("BTC/EUR"),
          None, "other currency"),
    Scene("market_closed", situation(markets={"BTC/USDT": market("BTC/USDT", active=False)}), BTC, None),
    Scene("no_quote", situation(quotes={"BTC": None}), BTC, None),
    Scene("symbol_halted", situation(**under("guards", halted_assets=["ETH", "BTC"])), BTC,
          ChangeKey("guards.halted_assets", '["ETH"]')),
    Scene("not_in_universe", situation(tiers={"BTC": Tier.NONE}), BTC, None),
    Scene("order_unanswered", situation(orders=[working(Side.BUY, "BTC/USDT", "0.1", "99", Unknown(NOW, ""))]), BTC,
          None),
    Scene("sale_working", situation(held=HELD, orders=[working(Side.SELL, "BTC/USDT", "0.1", "101")]), BTC, None),
    Scene("selling_off", situation(**under("purge", assets=["BTC"])), BTC, None),
    Scene("books_mismatch", situation(mismatched=["BTC"]), BTC, None),
    Scene("held", situation(holds=[Hold(HoldCode.FILL_CHANGED, "BTC/USDT", "t1", NOW, "why")]), BTC, None),
    Scene("order_revived", situation(**remembering(revived={"BTC/USDT": NOW - HOUR_MS})), BTC, Wait(DAY_MS - HOUR_MS)),
    Scene("quote_stale", situation(**under("guards", max_quote_age_seconds=5), now=NOW + 6001), BTC,
          ChangeKey("guards.max_quote_age_seconds", "7")),
    Scene("clock_skew", situation(**under("guards", max_clock_skew_ms=100), now=NOW - 350), BTC, Wait(250)),
    Scene("price_outlier", situation(**under("guards", max_price_jump_pct=20),
          **remembering(marks={"BTC": Mark(D(80), D(80), 0)})), BTC, ChangeKey("guards.max_price_jump_pct", "25")),
    Scene("spread_too_wide", situation(**under("guards", max_spread_bp="9.99")), BTC,
          ChangeKey("guards.max_spread_bp", "10")),
    Scene("slippage_budget", situation(**under("execution", slippage_tier1_bp="4.99")), BTC,
          ChangeKey("execution.slippage_tier1_bp", "5")),
    Scene("drawdown", situation(**under("losses", max_drawdown_pct=10), **worth_before("1112", "0", "0")), BTC, None),
    Scene("loss_weekly", situation(**under("losses", max_weekly_loss_pct=7), **worth_before("0", "0", "1076")), BTC,
          Wait(next_week(NOW) - NOW)),
    Scene("loss_daily", situation(**under("losses", max_daily_loss_pct=3), **worth_before("0", "1031", "0")), BTC,
          Wait(next_day(NOW) - NOW)),
    Scene("loss_streak", situation(**under("losses", streak=2, streak_pause_minutes=60),
          **remembering(results=(sold("-1", 50, symbol="ETH/USDT"), sold("-1", 20, symbol="SOL/USDT")))), BTC,
          Wait(40 * MINUTE)),
    Scene("cooldown_stop", situation(**under("cooldowns", after_stop_minutes=120),
          **remembering(results=(sold("-1", 50, stop=True),))), BTC, Wait(70 * MINUTE)),
    Scene("cooldown_loss", situation(**under("cooldowns", after_loss_minutes=60),
          **remembering(results=(sold("-1", 50),))), BTC, Wait(10 * MINUTE)),
    Scene("cooldown_win", situation(**under("cooldowns", after_win_minutes=10),
          **remembering(results=(sold("1", 1),))), BTC, Wait(9 * MINUTE)),
    Scene("cooldown_failure", situation(**under("cooldowns", after_failure_seconds=300),
          **remembering(failures={"BTC/USDT": NOW - MINUTE})), BTC, Wait(4 * MINUTE)),
    Scene("pace_hour", situation(**under(max_trades_per_hour=2),
          openings=[opened("ETH/USDT", 3000), opened("SOL/USDT", 60), opened("ZK/USDT", 30)]), BTC,
          Wait((3600 - 60) * 1000)),  # three stand, two may: the second of them has to be over
    Scene("pace_day", situation(**under(max_trades_per_day=1), openings=[opened("ETH/USDT", 80_000)]), BTC,
          Wait((86_400 - 80_000) * 1000)),
    Scene("pace_day", situation(**under(max_trades_per_day=0)), BTC, ChangeKey("risk.max_trades_per_day", "1"), "none"),
    Scene("pace_pause", situation(**under(min_seconds_between_trades=90), openings=[opened("ETH/USDT", 30)]), BTC,
          Wait(60_000)),
    Scene("pace_symbol", situation(**under(min_seconds_between_symbol_trades=900), openings=[opened("BTC/USDT", 30)]),
          BTC, Wait(870_000)),
    Scene("position_count", situation(**under(max_positions=2), held={"ETH": ("1", "50"), "SOL": ("1", "20")}), BTC,
          FreeRoom(D(1), "positions", ("SOL",))),
    Scene("position_count", situation(**under(max_positions=1), orders=[working(Side.BUY, "ETH/USDT", "1", "49")]), BTC,
          ChangeKey("risk.max_positions", "2"), "only bought"),
    Scene("adds_blocked", situation(**under(max_positions=1, allow_adds_when_saturated=False), held=HELD), BTC,
          ChangeKey("risk.allow_adds_when_saturated", "true")),
    Scene("new_positions", situation(**under(max_new_positions_per_cycle=0)), BTC,
          ChangeKey("risk.max_new_positions_per_cycle", "1")),
    Scene("below_min_notional", situation(**under(min_order_notional=31)), BTC, Resize(D(31), "USDT")),
    Scene("below_min_notional", situation(**under(min_order_notional=31)), buy("BTC/USDT", amount="0.3"),
          Resize(D("0.31"), "BTC"), "in units"),
    Scene("cap_total", situation(**under(max_total_at_risk_pct=2, max_asset_pct=2, clamp_to_caps=False)), BTC,
          Resize(D(20), "USDT")),
    Scene("cap_total", situation(**under(max_total_at_risk_pct=10, max_asset_pct=10), cash="900",
          held={"ETH": ("2", "100")}, last_equity="1000"), BTC, FreeRoom(D("5.704"), "USDT", ("ETH",)), "held"),
    Scene("cap_asset", situation(**under(max_asset_pct="0.5")), BTC, ChangeKey("risk.max_asset_pct", "0.57")),
    Scene("cap_tier", situation(**under(max_tier1_pct="0.5")), BTC, ChangeKey("risk.max_tier1_pct", "0.57")),
    Scene("cap_theme", situation(**under(themes={"ONE": ["BTC"]}, max_theme_pct={"ONE": "0.5"})), BTC,
          ChangeKey("risk.max_theme_pct", "{ ONE = 0.57 }")),
    Scene("cap_order", situation(**under(max_order_notional=4)), BTC, ChangeKey("risk.max_order_notional", "5.7")),
    Scene("cap_order", situation(**under(max_order_notional=20, clamp_to_caps=False)), BTC, Resize(D(20), "USDT"),
          "no shrinking"),
    Scene("cap_depth", situation(policy(guards={"max_depth_share_pct": "0.001"}, risk={"clamp_to_caps": False})), BTC,
          ChangeKey("guards.max_depth_share_pct", "0.04")),
    Scene("quote_reserve", situation(**under(quote_reserve_pct=100)), BTC,
          ChangeKey("risk.quote_reserve_pct", "99.42")),
    Scene("cash", situation(cash="50", held=HELD, free={"USDT": "5"}), BTC, FreeRoom(D("0.7114"), "USDT", ("BTC",))),
    Scene("not_managed", situation(outside={"BTC": "5"}), SALE, ChangeKey("account.managed", '["BTC"]')),
    Scene("below_exchange_minimum", situation(held=HELD), sell("BTC/USDT", amount="0.01"), Resize(D("0.051"), "BTC")),
    Scene("below_exchange_minimum", situation(held={"BTC": ("0.01", "1")}), sell("BTC/USDT", amount="0.01"), None,
          "dust"),
    Scene("purge_backoff", failing(), PURGE, Wait(HOUR_MS - MINUTE)),
    Scene("sale_turnover", situation(**under(max_external_sales_pct=1), cash="900", held=HELD, last_equity="1000"),
          sell("BTC/USDT", amount="0.5"), Resize(D("0.099"), "BTC")),
    Scene("sale_turnover", situation(**under(max_external_sales_pct=1), held=HELD, last_equity="1000",
          **remembering(turnover=(Turnover(NOW // HOUR_MS - 5, D("9.5")),))), SALE,
          Wait((NOW // HOUR_MS - 4) * HOUR_MS + DAY_MS - NOW), "wait"),
]  # fmt: skip


def test_every_code_has_a_scene() -> None:
    assert {scene.code for scene in SCENES} == {rule.code for rule in all_rules()}


@pytest.mark.parametrize("scene", SCENES, ids=[f"{scene.code} {scene.name}".strip() for scene in SCENES])
def test_a_refusal_says_what_would_pass(scene: Scene) -> None:
    ((decision, at, _),) = deliberate(scene.at, [scene.proposal])
    said = refused(decision)
    assert said.code == scene.code
    rules = OPEN_RULES if scene.proposal.opens else REDUCE_RULES
    rule = next(rule for rule in rules if rule.code == said.code)
    assert said.rule in rule.keys
    if scene.would_pass is None:
        assert isinstance(said.would_pass, Nothing)
        assert said.would_pass.instead, "a person is told what to do"
        return
    assert (type(said.would_pass), said.would_pass) == (type(scene.would_pass), scene.would_pass)
    assert said.also == ()
    there, proposal = applied(at, said.proposal, said.would_pass)
    assert isinstance(deliberate(there, [proposal])[0].decision, Approved)
    less = hair_less(at, said)
    if less is not None:
        there, proposal = applied(at, said.proposal, less)
        assert stands_in_the_way(there, ask_of(there, proposal), rule)


def test_what_a_batch_has_used_up_is_free_again_in_the_next_cycle() -> None:
    at = situation(policy(risk={"max_new_positions_per_cycle": 1}))
    _, second = deliberate(at, [buy("BTC/USDT"), buy("ETH/USDT")])
    said = refused(second.decision)
    assert (said.code, type(said.would_pass)) == ("new_positions", NextCycle)
    there, proposal = applied(second.at, said.proposal, said.would_pass)
    assert isinstance(deliberate(there, [proposal])[0].decision, Approved)


def test_a_refusal_names_what_else_is_in_the_way() -> None:
    keys = {"min_seconds_between_trades": 90, "max_asset_pct": "0.1"}
    at = situation(policy(risk=keys), openings=[opened("ETH/USDT", 30)])
    ((decision, _, _),) = deliberate(at, [BTC])
    assert (refused(decision).code, refused(decision).also) == ("pace_pause", ("cap_asset",))


def test_what_a_wait_ends_too_is_not_in_the_way() -> None:
    keys = {"min_seconds_between_trades": 90, "min_seconds_between_symbol_trades": 900}
    at = situation(policy(risk=keys), openings=[opened("BTC/USDT", 30)])
    said = refused(deliberate(at, [BTC])[0].decision)
    assert (said.code, said.also) == ("pace_pause", ("pace_symbol",))
    hours = policy(risk={"max_trades_per_hour": 1, "min_seconds_between_trades": 90})
    said = refused(deliberate(situation(hours, openings=[opened("BTC/USDT", 30)]), [BTC])[0].decision)
    assert (said.code, said.also) == ("pace_hour", ())


def test_who_expires_before_the_wait_is_over_cannot_wait() -> None:
    at = situation(policy(risk={"min_seconds_between_trades": 90}), openings=[opened("ETH/USDT", 30)])
    said = refused(deliberate(at, [buy("BTC/USDT", expires=NOW + 60_000)])[0].decision)
    assert isinstance(said.would_pass, Nothing)
    said = refused(deliberate(at, [buy("BTC/USDT", expires=NOW + 60_001)])[0].decision)
    assert said.would_pass == Wait(60_000)
