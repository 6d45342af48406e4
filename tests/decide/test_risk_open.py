"""Every gate and cap on opening orders: the code, the policy key and the figures of its refusal, and what passes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from desk import buy, market, policy, sell
from risk_desk import NOW, decide, granted, opened, refused, situation, working
from tradekit.decide.risk.judge import judge
from tradekit.decide.risk.situation import Situation
from tradekit.domain.decision import Approved, Refused
from tradekit.domain.memory import Mark, RiskMemory
from tradekit.domain.order import Canceling, Closed, Closing, FinalWord, Intended, OrderState, Unknown
from tradekit.domain.proposal import Side
from tradekit.domain.universe import Tier

D = Decimal
BTC = buy("BTC/USDT", notional="30")


def risk(**keys: object) -> dict[str, Any]:
    return {"policy_": policy(risk=keys)}


GATES: list[tuple[str, Situation, str, str, str | None, str | None]] = [
    ("halt", situation(halted=True), "halted", "halt", None, None),
    ("not active", situation(markets={"BTC/USDT": market("BTC/USDT", active=False)}), "market_closed", "market", None,
     None),
    ("no step", situation(markets={"BTC/USDT": market("BTC/USDT", amount_step=D(0))}), "market_closed", "market", None,
     None),
    ("no tick", situation(markets={"BTC/USDT": market("BTC/USDT", price_tick=D(0))}), "market_closed", "market", None,
     None),
    ("no quote", situation(quotes={"BTC": None}), "no_quote", "quote", None, None),
    ("no bid", situation(quotes={"BTC": ("0", "100")}), "no_quote", "quote", None, None),
    ("no ask", situation(quotes={"BTC": ("100", "0")}), "no_quote", "quote", None, None),
    ("nothing at all", situation(quotes={"BTC": ("0", "0")}), "no_quote", "quote", None, None),
    ("crossed", situation(quotes={"BTC": ("110", "100")}), "no_quote", "quote", None, None),
    ("no tier", situation(tiers={"BTC": Tier.NONE}), "not_in_universe", "universe", None, None),
    ("intended", situation(orders=[working(Side.BUY, "BTC/USDT", "0.1", "99", Intended(NOW))]), "order_unanswered",
     "order", "0", "1"),
    ("unknown", situation(orders=[working(Side.SELL, "BTC/USDT", "0.1", "99", Unknown(NOW, ""))]), "order_unanswered",
     "order", "0", "1"),
    ("books", situation(mismatched=["BTC"]), "books_mismatch", "books", None, None),
    ("cash", situation(mismatched=["USDT"]), "books_mismatch", "books", None, None),
    ("hour", situation(**risk(max_trades_per_hour=2), openings=[opened("ETH/USDT", 3599), opened("SOL/USDT", 5)]),
     "pace_hour", "risk.max_trades_per_hour", "2", "3"),
    ("day", situation(**risk(max_trades_per_day=2), openings=[opened("ETH/USDT", 86399), opened("SOL/USDT", 3600)]),
     "pace_day", "risk.max_trades_per_day", "2", "3"),
    ("pause", situation(**risk(min_seconds_between_trades=90), openings=[opened("ETH/USDT", 89)]), "pace_pause",
     "risk.min_seconds_between_trades", "90", "89"),
    ("symbol", situation(**risk(min_seconds_between_symbol_trades=900), openings=[opened("BTC/USDT", 899)]),
     "pace_symbol", "risk.min_seconds_between_symbol_trades", "900", "899"),
    ("count", situation(**risk(max_positions=2), held={"ETH": ("1", "50"), "SOL": ("1", "20")}), "position_count",
     "risk.max_positions", "2", "3"),
    ("count of orders", situation(**risk(max_positions=1), orders=[working(Side.BUY, "ETH/USDT", "1", "49")]),
     "position_count", "risk.max_positions", "1", "2"),
    ("no adds", situation(**risk(max_positions=1, allow_adds_when_saturated=False), held={"BTC": ("1", "100")}),
     "adds_blocked", "risk.allow_adds_when_saturated", "1", "1"),
    ("nothing new", situation(**risk(max_new_positions_per_cycle=0)), "new_positions",
     "risk.max_new_positions_per_cycle", "0", "1"),
    ("too small", situation(**risk(min_order_notional=31)), "below_min_notional", "risk.min_order_notional", "31",
     "30"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "code", "rule", "limit", "actual"), [g[1:] for g in GATES], ids=[g[0] for g in GATES])
def test_a_gate_says_why(at: Situation, code: str, rule: str, limit: str | None, actual: str | None) -> None:
    said = refused(decide(at, BTC))
    assert (said.code, said.rule) == (code, rule)
    assert (said.limit, said.actual) == tuple(None if text is None else D(text) for text in (limit, actual))


OPEN_GATES = [
    ("wide open", situation()),
    ("an hour ago", situation(**risk(max_trades_per_hour=1), openings=[opened("ETH/USDT", 3600)])),
    ("a day ago", situation(**risk(max_trades_per_day=1), openings=[opened("ETH/USDT", 86400)])),
    ("pause over", situation(**risk(min_seconds_between_trades=90), openings=[opened("ETH/USDT", 90)])),
    ("symbol over", situation(**risk(min_seconds_between_symbol_trades=900), openings=[opened("BTC/USDT", 900)])),
    ("other symbol", situation(**risk(min_seconds_between_symbol_trades=900), openings=[opened("ETH/USDT", 1)])),
    ("other unanswered", situation(orders=[working(Side.BUY, "ETH/USDT", "1", "49", Unknown(NOW, ""))])),
    ("other books", situation(mismatched=["ETH"])),
    ("room for one", situation(**risk(max_positions=2), held={"ETH": ("1", "50")})),
    ("add while saturated", situation(**risk(max_positions=1), held={"BTC": ("1", "100")})),
    ("add with room", situation(**risk(max_positions=2, allow_adds_when_saturated=False), held={"BTC": ("1", "100")})),
    ("add is nothing new", situation(**risk(max_new_positions_per_cycle=0), held={"BTC": ("1", "100")})),
    ("dust of another", situation(**risk(max_positions=1), held={"ETH": ("0.0199", "50")})),  # 0.0199 x 50 = 0.995
    ("exactly the minimum", situation(**risk(min_order_notional=30))),
    ("a closed order", situation(**risk(max_positions=1),
     orders=[working(Side.BUY, "ETH/USDT", "1", "49", Closed(NOW, FinalWord.CANCELED))])),
    ("only a sale works", situation(**risk(max_positions=1), orders=[working(Side.SELL, "ETH/USDT", "1", "49")])),
]  # fmt: skip


@pytest.mark.parametrize("at", [g[1] for g in OPEN_GATES], ids=[g[0] for g in OPEN_GATES])
def test_what_no_gate_stops_goes_through_whole(at: Situation) -> None:
    assert granted(decide(at, BTC)) == D("0.3")  # 30 at a mid of 100


def test_a_holding_that_is_worth_the_dust_limit_is_a_position() -> None:
    at = situation(**risk(max_positions=1), held={"ETH": ("0.02", "1")})  # 0.02 x 50 = 1
    assert refused(decide(at, BTC)).code == "position_count"


@pytest.mark.parametrize(("expires", "code"), [(NOW - 1, "proposal_expired"), (NOW, "proposal_expired"), (NOW + 1, "")])
def test_a_proposal_may_expire(expires: int, code: str) -> None:
    assert getattr(decide(situation(), buy("BTC/USDT", expires=expires)), "code", "") == code


def test_an_opening_order_stays_sellable_at_its_own_stop() -> None:
    """5 USDT is the exchange's minimum. Less 10 % at the stop, 2 % of its slippage and 20 bp of fee:
    5 / (0.9 x 0.98 x 0.998) = 5.680..., which at 100 and on a step of 0.001 is 0.057, worth 5.7."""
    said = refused(decide(situation(), buy("BTC/USDT", notional="5.69")))
    assert (said.code, said.rule, said.limit) == ("below_min_notional", "market.min_notional", D("5.7"))
    assert granted(decide(situation(), buy("BTC/USDT", notional="5.7"))) == D("0.057")


CAPS = [
    # 1000 cash; each cap of 2 % leaves 20, which is 0.2 BTC
    ("total", {"max_total_at_risk_pct": 2, "max_asset_pct": 2}, {}, "cap_total", "risk.max_total_at_risk_pct", "20"),
    ("asset", {"max_asset_pct": 2}, {}, "cap_asset", "risk.max_asset_pct", "20"),
    ("tier 1", {"max_tier1_pct": 2}, {}, "cap_tier", "risk.max_tier1_pct", "20"),
    ("tier 2", {"max_tier2_pct": 2}, {"tiers": {"BTC": Tier.T2}}, "cap_tier", "risk.max_tier2_pct", "20"),
    ("tier 3", {"max_tier3_pct": 2}, {"tiers": {"BTC": Tier.T3}}, "cap_tier", "risk.max_tier3_pct", "20"),
    # 20.04 free, and 20 bp of fee set aside: 20.04 / 1.002 = 20
    ("cash", {}, {"free": {"USDT": "20.04"}}, "cash", "cash", "20"),
]


@pytest.mark.parametrize(("keys", "more", "code", "rule", "limit"), [c[1:] for c in CAPS], ids=[c[0] for c in CAPS])
def test_a_cap_clamps_or_says_why(keys: dict[str, Any], more: dict[str, Any], code: str, rule: str, limit: str) -> None:
    decision = decide(situation(policy(risk=keys), **more), BTC)
    assert isinstance(decision, Approved)
    assert (decision.amount, decision.clamped_from, decision.binding_rule) == (D("0.2"), D("0.3"), rule)
    strict = policy(risk={**keys, "clamp_to_caps": False})
    said = refused(decide(situation(strict, **more), BTC))
    assert (said.code, said.rule, said.limit, said.actual, said.unit) == (code, rule, D(limit), D(30), "USDT")


def test_a_clamp_never_goes_under_the_minimum() -> None:
    at = situation(policy(risk={"max_asset_pct": 2, "min_order_notional": "20.01"}))
    said = refused(decide(at, BTC))
    assert (said.code, said.limit, said.actual) == ("cap_asset", D(20), D(30))


def test_what_is_used_up_is_held_plus_bought_plus_granted() -> None:
    at = situation(
        policy(risk={"max_total_at_risk_pct": 20, "max_asset_pct": 20}),
        held={"ETH": ("1", "1")},  # worth 50, whatever it cost
        orders=[working(Side.BUY, "SOL/USDT", "3", "19", filled="1")],  # 2 left at 19 = 38
    )
    # equity 1000 + 49.98 = 1049.98, a fifth is 209.996; less 50 + 38 = 121.996 left, of which 30 go first
    first, second = judge(
        at, [buy("BTC/USDT", notional="30", confidence="0.9"), buy("BTC/USDT", notional="200", id="2")]
    )
    assert granted(first) == D("0.3")
    assert granted(second) == D("0.919")  # 91.996 / 100


@pytest.mark.parametrize(
    ("state", "left"),
    [
        (Intended(NOW), "2"),
        (Unknown(NOW, ""), "2"),
        (Canceling(NOW, ""), "2"),
        (Closing(NOW, FinalWord.CANCELED, D("1.5")), "0.5"),  # 1.5 filled there, 1 booked here
        (Closed(NOW, FinalWord.CANCELED), "0"),
        (Closed(NOW, FinalWord.NOT_PLACED), "0"),
    ],
)
def test_whatever_may_still_trade_counts(state: OrderState, left: str) -> None:
    at = situation(orders=[working(Side.BUY, "SOL/USDT", "3", "19", state, filled="1")])
    assert at.exposure.of("SOL") == D(left) * 19


@pytest.mark.parametrize("shown", [None, ("0", "250"), ("251", "250"), ("250", "0")])
def test_a_quote_that_is_missing_or_broken_never_enlarges_a_cap(shown: tuple[str, str] | None) -> None:
    """1 BTC bought for 10 and worth 100: equity 900 + 100, a quarter is 250, less 100."""
    keys = policy(risk={"max_total_at_risk_pct": 25, "max_asset_pct": 25})
    holding: dict[str, Any] = {"cash": "900", "held": {"BTC": ("1", "10")}, "peaks": {"BTC": "100"}}
    wish = buy("ETH/USDT", notional="500")
    seen = granted(decide(situation(keys, **holding, last_equity="1000"), wish))
    blind = getattr(decide(situation(keys, **holding, quotes={"BTC": shown}, last_equity="1000"), wish), "amount", 0)
    assert seen == D("2.99")  # 999.95 / 4 = 249.9875, less 100 = 149.9875 at 50
    assert blind <= seen


def test_a_wild_quote_never_enlarges_the_equity() -> None:
    at = situation(held={"ETH": ("1", "50")}, quotes={"ETH": ("5000", "5001")}, last_equity="1050")
    assert at.equity == 1050


def test_two_proposals_share_the_pause() -> None:
    at = situation(policy(risk={"min_seconds_between_trades": 90}))
    decisions = judge(at, [buy("BTC/USDT"), buy("ETH/USDT", confidence="0.9")])
    assert [getattr(d, "code", d.proposal.symbol) for d in decisions] == ["ETH/USDT", "pace_pause"]


def test_one_new_position_in_a_cycle() -> None:
    at = situation(policy(risk={"max_new_positions_per_cycle": 1}), held={"SOL": ("1", "20")})
    decisions = judge(at, [buy("BTC/USDT"), buy("BTC/USDT", id="b"), buy("ETH/USDT"), buy("SOL/USDT")])
    refusals = {d.proposal.id: d.code for d in decisions if isinstance(d, Refused)}
    assert refusals == {"buy-ETH": "new_positions"}


def test_a_wild_quote_is_no_equity_where_no_last_equity_is_known_either() -> None:
    """One ETH whose last good price was 50 is quoted at 5000: it counts as 50."""
    memory = RiskMemory(marks={"ETH": Mark(D(50), D(50), 0)})
    guards = policy(guards={"max_price_jump_pct": 20})
    at = situation(guards, held={"ETH": ("1", "50")}, quotes={"ETH": ("5000", "5001")}, memory=memory)
    assert at.equity == 1050
    fallen = situation(guards, held={"ETH": ("1", "50")}, quotes={"ETH": ("5", "5.1")}, memory=memory)
    assert fallen.equity == 1005


def test_of_several_themes_the_one_with_the_least_room_binds() -> None:
    keys = {"themes": {"ONE": ["BTC"], "TWO": ["BTC", "ETH"]}, "max_theme_pct": {"ONE": 50, "TWO": 6}}
    at = situation(policy(risk=keys), cash="950", held={"ETH": ("1", "50")}, last_equity="1000")
    # equity 950 + 49.98; 6 % of 999.98 is 59.9988, less 50 of ETH leaves 9.9988
    decision = decide(at, BTC)
    assert isinstance(decision, Approved)
    assert (decision.amount, decision.binding_rule) == (D("0.099"), "risk.max_theme_pct")


def test_the_turnover_of_others_counts_sales_that_still_work() -> None:
    held = {"BTC": ("1", "90"), "ETH": ("2", "90")}
    resting = working(Side.SELL, "ETH/USDT", "1", "51")  # may bring 51
    at = situation(policy(risk={"max_external_sales_pct": 10}), cash="800", held=held, orders=[resting])
    said = refused(decide(at, sell("BTC/USDT", amount="0.6")))  # a tenth is about 99.99
    assert (said.code, said.actual) == ("sale_turnover", D(111))
    assert granted(decide(at, sell("BTC/USDT", amount="0.4"))) == D("0.4")
