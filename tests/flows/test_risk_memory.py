"""What the risk desk remembers of real runs: results, failures, prices, losses; and that money in or out is neither."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from desk import World, buy, policy, sell
from fake_exchange import FakeOrder
from fake_time import MINUTE
from tradekit.decide.risk.prices import BELIEVED_AFTER
from tradekit.domain.decision import Approved, Refused
from tradekit.domain.errors import Unreachable
from tradekit.domain.event import CycleFinished, PeakReset
from tradekit.domain.memory import Watermarks
from tradekit.domain.plain import to_plain
from tradekit.domain.proposal import Proposal, Side
from tradekit.domain.times import DAY_MS
from tradekit.flows.cycle import CycleReport
from tradekit.flows.resume import find_stops, lift_stops

D = Decimal
BTC = buy("BTC/USDT", notional="30")


def world_with(balances: dict[str, str] | None = None, **sections: Any) -> World:
    world = World(policy(**sections), **(balances or {}))
    world.fills_at_once()
    return world


def codes(report: CycleReport) -> dict[str, str]:
    """Why each proposal was refused, or nothing where it was approved."""
    return {d.proposal.id: d.code if isinstance(d, Refused) else "" for d in report.decisions}


def asked(world: World, proposal: Proposal) -> str:
    return codes(world.cycle(proposal))[proposal.id]


def bought(world: World, notional: str = "100") -> None:
    assert asked(world, buy("BTC/USDT", notional=notional, id="first")) == ""
    assert world.state.positions["BTC"].quantity > 0


def test_a_sale_with_a_loss_cools_its_symbol_down_and_one_with_a_gain_less() -> None:
    world = world_with(cooldowns={"after_loss_minutes": 60, "after_win_minutes": 10})
    bought(world)
    world.exchange.set_quote("BTC/USDT", "98", "98.1")
    assert asked(world, sell("BTC/USDT", amount="0.5", id="s1")) == ""
    (result,) = world.state.risk.results
    assert (result.symbol, result.stop) == ("BTC/USDT", False)
    assert result.pnl < -D("0.9")  # bought at 99.96, sold at 98.1, half of a coin, and two fees
    assert asked(world, buy("BTC/USDT", id="b1")) == "cooldown_loss"
    assert asked(world, buy("ETH/USDT", id="b2")) == ""
    world.clock.advance(60 * MINUTE)
    assert asked(world, buy("BTC/USDT", id="b3")) == ""
    world.exchange.set_quote("BTC/USDT", "110", "110.1")
    assert asked(world, sell("BTC/USDT", amount="0.3", id="s2")) == ""
    assert world.state.risk.results[-1].pnl > 0
    assert asked(world, buy("BTC/USDT", id="b4")) == "cooldown_win"


def test_fills_of_one_sale_are_one_result() -> None:
    world = world_with()
    bought(world)

    def in_three(order: FakeOrder) -> None:
        for seconds in (1, 2, 3):
            world.clock.after(1000 * seconds, lambda: world.exchange.fill(order, D("0.1")))

    world.exchange.on_open = in_three
    world.cycle(sell("BTC/USDT", amount="0.3", id="s1"))
    (result,) = world.state.risk.results
    assert result.pnl == world.state.positions["BTC"].realized


def test_a_stop_cools_down_longer() -> None:
    world = world_with(cooldowns={"after_loss_minutes": 1, "after_stop_minutes": 120}, exits={"stop_loss_pct": 5})
    bought(world)
    world.exchange.set_quote("BTC/USDT", "90", "90.1")
    world.cycle()
    assert world.state.risk.results[-1].stop
    world.clock.advance(60 * MINUTE)
    assert asked(world, BTC) == "cooldown_stop"


@pytest.mark.parametrize(("word", "code"), [("insufficient_funds", "cooldown_failure"), ("post_only_would_cross", "")])
def test_a_refused_order_cools_down_and_a_moved_price_does_not(word: str, code: str) -> None:
    world = world_with(cooldowns={"after_failure_seconds": 300})
    world.faults.sends.append(f"reject:{word}")
    assert asked(world, BTC) == ""
    assert asked(world, buy("BTC/USDT", id="b2")) == code


def test_three_losses_in_a_row_pause_everything() -> None:
    world = world_with(losses={"streak": 3, "streak_pause_minutes": 60})
    bought(world)
    for number, price in enumerate((99, 98, 97)):
        world.exchange.set_quote("BTC/USDT", str(price), f"{price}.1")
        assert asked(world, sell("BTC/USDT", amount="0.1", id=f"s{number}")) == ""
        assert (asked(world, buy("ETH/USDT", id=f"b{number}")) == "loss_streak") is (number == 2)


def test_an_order_that_comes_back_stops_its_symbol_for_a_day() -> None:
    world = world_with()
    world.faults.sends.append(f"late:{20 * MINUTE}")
    assert asked(world, BTC) == ""
    world.clock.advance(17 * MINUTE)
    world.cycle()
    assert world.order("buy-BTC").is_tombstone
    world.clock.advance(5 * MINUTE)
    world.cycle()
    assert "BTC/USDT" in world.state.risk.revived
    assert asked(world, buy("BTC/USDT", id="b2")) == "order_revived"
    assert asked(world, buy("ETH/USDT", id="b3")) == ""
    world.clock.advance(DAY_MS)
    assert asked(world, buy("BTC/USDT", id="b4")) == ""


def granted(report: CycleReport) -> Decimal:
    (decision,) = report.decisions
    return decision.amount * decision.decision_price if isinstance(decision, Approved) else D(0)


@pytest.mark.parametrize("looks", [1, 2, 3, BELIEVED_AFTER - 2])
def test_looks_at_a_wild_quote_never_enlarge_a_cap(looks: int) -> None:
    world = world_with(risk={"max_asset_pct": 10, "max_total_at_risk_pct": 50}, guards={"max_price_jump_pct": 20})
    bought(world)
    world.exchange.set_quote("BTC/USDT", "9995", "10005")
    for number in range(looks):
        report = world.cycle(buy("ETH/USDT", notional="5000", id=f"e{number}"))
        assert granted(report) <= 101
    assert asked(world, buy("BTC/USDT", id="b2")) == "price_outlier"


def test_a_price_that_stays_or_is_traded_at_is_believed() -> None:
    world = world_with(guards={"max_price_jump_pct": 20})
    bought(world)
    world.exchange.set_quote("BTC/USDT", "149.95", "150.05")
    seen = [asked(world, buy("BTC/USDT", id=f"b{number}")) for number in range(BELIEVED_AFTER)]
    assert seen == ["price_outlier"] * (BELIEVED_AFTER - 1) + [""]


def assert_about_as_before(world: World, marks: Watermarks) -> None:
    """A holding counts with its last good mid instead of its bid: half a spread more."""
    now = world.state.risk.watermarks
    assert now is not None
    assert abs(now.peak - marks.peak) < D("0.5")
    assert now._replace(peak=marks.peak, last=marks.last) == marks


def test_a_missing_or_wild_quote_makes_no_loss_and_no_peak() -> None:
    world = world_with(
        losses={"max_drawdown_pct": 5, "max_daily_loss_pct": 5},
        guards={"max_price_jump_pct": 20},
        exits={"stop_loss_pct": 0},
    )
    bought(world, "500")
    world.cycle()
    marks = world.state.risk.watermarks
    assert marks is not None
    good = world.exchange.book["BTC/USDT"]
    for bid, ask in (("1", "1.1"), ("9000", "9001"), ("0", "100"), ("101", "100")):
        world.exchange.set_quote("BTC/USDT", bid, ask)
        assert asked(world, buy("ETH/USDT", id=f"e{bid}", notional="6")) in ("", "cap_total")
        assert_about_as_before(world, marks)
    assert world.state.positions["BTC"].peak < 101, "nor does it raise the peak of a trailing stop"
    del world.exchange.book["BTC/USDT"]
    assert asked(world, buy("ETH/USDT", id="gone", notional="6")) in ("", "cap_total")
    assert_about_as_before(world, marks)
    world.exchange.book["BTC/USDT"] = good


def fallen(world: World) -> None:
    """From 100 to 88 in steps that are believed."""
    for price in ("95", "91", "88"):
        world.exchange.set_quote("BTC/USDT", price, f"{price}.1")
        world.cycle()


def test_a_drawdown_stops_opens_until_a_human_goes_on() -> None:
    world = world_with(losses={"max_drawdown_pct": 5}, exits={"stop_loss_pct": 0}, guards={"max_price_jump_pct": 20})
    bought(world, "900")
    fallen(world)
    assert asked(world, buy("ETH/USDT", id="e1")) == "drawdown"
    world.exchange.set_quote("BTC/USDT", "105", "105.1")
    world.cycle()
    assert asked(world, buy("ETH/USDT", id="e2")) == "drawdown", "it doesn't end by itself"
    assert asked(world, sell("BTC/USDT", amount="0.1", id="s1")) == ""
    assert find_stops(world.store.load(), world.policy).peak == world.state.equity
    lift_stops(world.store, world.policy)
    assert len(world.events(PeakReset)) == 1
    assert find_stops(world.store.load(), world.policy).peak is None
    assert asked(world, buy("ETH/USDT", id="e3")) == ""


def test_a_day_begins_at_the_last_equity_before_it() -> None:
    world = world_with(losses={"max_daily_loss_pct": 3}, exits={"stop_loss_pct": 0})
    bought(world, "900")
    world.clock.advance(DAY_MS)  # nobody ran meanwhile, and the price fell overnight
    world.exchange.set_quote("BTC/USDT", "90", "90.1")
    assert asked(world, buy("ETH/USDT", id="e1")) == "loss_daily"
    assert asked(world, buy("ETH/USDT", id="e2")) == "loss_daily"
    world.clock.advance(DAY_MS)
    assert asked(world, buy("ETH/USDT", id="e3")) == ""


def test_money_that_comes_or_goes_is_neither_gain_nor_loss() -> None:
    world = world_with({"BTC": "5"}, losses={"max_drawdown_pct": 5}, exits={"stop_loss_pct": 0})
    world.cycle()
    assert world.state.risk.watermarks is not None
    assert world.state.risk.watermarks.peak == 1000
    world.exchange.totals["USDT"] -= 900  # an unexplained withdrawal: the books, and so the marks, stay
    world.cycle()
    assert world.state.risk.watermarks.peak == 1000
    world.exchange.totals["USDT"] += 900
    world.exchange.trade_elsewhere("BTC/USDT", Side.SELL, "2", "99.95")  # what is not ours is sold for 199.9
    world.cycle()
    found = world.state.risk.watermarks
    assert found is not None
    assert world.state.equity == found.peak
    world.exchange.trade_elsewhere("ETH/USDT", Side.BUY, "4", "50.02")
    assert asked(world, buy("SOL/USDT", id="s")) == "", "money spent by hand is no drawdown"
    world.policy = policy(losses={"max_drawdown_pct": 5}, account={"managed": ["BTC"]}, exits={"stop_loss_pct": 0})
    before = world.state.risk.watermarks
    world.cycle()
    after = world.state.risk.watermarks
    assert before is not None and after is not None
    assert after.day_equity - before.day_equity == 300, "three coins at 100 came under management"


def test_a_thousand_refusals_are_counted_and_twenty_are_told() -> None:
    world = world_with(risk={"max_asset_pct": "0.1"})
    wishes = [buy("BTC/USDT", id=f"p{number:04}") for number in range(1000)]
    report = world.cycle(*wishes, buy("XYZ/USDT", id="z"))
    assert len(report.decisions) == 1001
    (finished,) = world.events(CycleFinished)
    assert finished.refused == {"cap_asset": 1000, "unknown_symbol": 1}
    assert len(finished.refusals) == 20
    assert {item.code for item in finished.refusals} == {"cap_asset", "unknown_symbol"}
    assert len(json.dumps(to_plain(CycleFinished, finished))) < 12_000


def test_sales_for_others_have_a_turnover_a_day() -> None:
    world = world_with({"BTC": "10"}, risk={"max_external_sales_pct": 20}, account={"managed": ["BTC"]})
    assert asked(world, sell("BTC/USDT", amount="2", id="s1")) == ""  # 200 of 2000
    assert asked(world, sell("BTC/USDT", amount="3", id="s2")) == "sale_turnover"
    assert asked(world, sell("BTC/USDT", amount="1.5", id="s3")) == ""
    assert asked(world, sell("BTC/USDT", amount="1.5", id="s4")) == "sale_turnover"
    world.clock.advance(DAY_MS + 61 * MINUTE)
    assert asked(world, sell("BTC/USDT", amount="1.5", id="s5")) == ""


def test_silence_of_the_exchange_stops_opens_until_it_has_answered_for_a_while() -> None:
    world = world_with(guards={"max_api_errors": 3, "api_quiet_minutes": 5})
    world.cycle()
    world.faults.silent = frozenset({"snapshot"})
    for _ in range(3):
        with pytest.raises(Unreachable):
            world.cycle()
        world.clock.advance(MINUTE)
    world.faults.silent = frozenset()
    assert asked(world, BTC) == "api_errors"
    world.clock.advance(4 * MINUTE)
    assert asked(world, buy("BTC/USDT", id="b2")) == ""


def test_a_symbol_that_is_closed_is_not_called_unknown() -> None:
    world = world_with()
    world.exchange.markets["BTC/USDT"] = world.exchange.markets["BTC/USDT"]._replace(active=False)
    found = codes(world.cycle(BTC, buy("NOSUCH/USDT", id="n")))
    assert found == {"buy-BTC": "market_closed", "n": "unknown_symbol"}


def over_midnight(before: list[str], after: list[str]) -> World:
    """Two cycles, a day without any, and one that finds another policy."""
    rules: Mapping[str, Mapping[str, object]] = {"losses": {"max_daily_loss_pct": 5}, "exits": {"stop_loss_pct": 0}}
    at = World(policy(account={"managed": before}, **rules), BTC="1", ETH="18")
    at.cycle()
    at.cycle()
    at.clock.advance(DAY_MS)
    at.policy = policy(account={"managed": after}, **rules)
    at.cycle()
    return at


def test_what_comes_in_with_the_first_run_of_a_day_hides_no_loss_of_that_day() -> None:
    at = over_midnight(["BTC"], ["BTC", "ETH"])
    at.exchange.set_quote("ETH/USDT", "42", "42.02")
    (decision,) = at.cycle(buy("SOL/USDT")).decisions
    assert isinstance(decision, Refused)
    assert decision.code == "loss_daily"


def test_what_goes_out_with_the_first_run_of_a_day_is_no_loss() -> None:
    at = over_midnight(["BTC", "ETH"], ["BTC"])
    assert isinstance(at.cycle(buy("SOL/USDT")).decisions[0], Approved)
