"""What reviewers found in the decisions: each of these lost money, broke a limit, or left something undone."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from desk import World, buy, policy, sell
from execution_lab import world_of
from tradekit.domain.decision import Refused
from tradekit.domain.event import OrderKept
from tradekit.domain.proposal import Origin, Side
from tradekit.domain.purge import PurgeTerms, TakerUse
from tradekit.flows.cycle import CycleReport
from tradekit.flows.purge import Wanted, purge, stop_purge

D = Decimal
NO_STOP = {"stop_loss_pct": 0, "take_profit_pct": 0}
JUMPS = {"max_price_jump_pct": 20}


def codes(report: CycleReport) -> list[str]:
    return [decision.code if isinstance(decision, Refused) else "ok" for decision in report.decisions]


def taken(at: World) -> Decimal:
    return sum((trade.cost for _, trade in at.exchange.trades if not trade.maker), D(0))


def fill_all(at: World) -> None:
    for order in at.exchange.open():
        at.exchange.fill(order)


def test_nothing_is_sold_off_at_a_fall_that_nobody_believes() -> None:
    at = world_of({"guards": JUMPS, "exits": NO_STOP}, BTC="1", ETH="2")
    at.cycle()
    at.policy = policy(account={"managed": ["BTC", "ETH"]}, guards=JUMPS, exits=NO_STOP, purge={"assets": ["BTC"]})
    at.exchange.set_quote("BTC/USDT", "50", "50.10")
    at.exchange.set_quote("ETH/USDT", "25", "25.02")
    assert codes(at.cycle(sell("ETH/USDT", amount="1"))) == ["price_outlier", "price_outlier"]
    assert at.exchange.sent == []
    at.exchange.set_quote("BTC/USDT", "150", "150.10")
    assert codes(at.cycle()) == ["ok"], "a rise that nobody believes yet harms no sale"


def test_a_person_who_sells_off_has_looked_at_the_price() -> None:
    at = world_of({"guards": JUMPS, "exits": NO_STOP}, BTC="1")
    at.cycle()
    at.exchange.set_quote("BTC/USDT", "50", "50.10")
    purge(at.desk(), Wanted(("BTC",)))
    assert [intent.side for intent in at.exchange.sent] == [Side.SELL]


def test_a_resting_sale_is_not_decided_anew_at_such_a_price() -> None:
    at = world_of({"guards": JUMPS, "exits": NO_STOP, "execution": {"sales_rest": True, "max_reprices": 20}}, BTC="1")
    at.cycle()
    at.policy = policy(
        account={"managed": ["BTC"]},
        guards=JUMPS,
        exits=NO_STOP,
        purge={"assets": ["BTC"]},
        execution={"sales_rest": True, "max_reprices": 20},
    )
    at.cycle()
    assert [intent.price for intent in at.exchange.sent] == [D("100.04")]
    at.exchange.set_quote("BTC/USDT", "50", "50.10")
    at.cycle()
    assert [intent.price for intent in at.exchange.sent] == [D("100.04")]


def test_a_stop_looks_twice_at_a_price_that_nobody_believes() -> None:
    at = world_of({"exits": {"stop_loss_pct": 10, "take_profit_pct": 0}, "guards": JUMPS}, BTC="1")
    at.cycle()
    at.exchange.set_quote("BTC/USDT", "60", "100.05")  # the bids are gone for a moment
    assert codes(at.cycle()) == ["price_outlier"]
    at.exchange.set_quote("BTC/USDT", "99.95", "100.05")
    assert codes(at.cycle()) == []
    at.exchange.set_quote("BTC/USDT", "60", "60.05")
    assert codes(at.cycle()) == ["price_outlier"]
    assert codes(at.cycle()) == ["ok"]
    assert at.state.positions["BTC"].quantity == 0


def test_a_stop_follows_a_price_that_goes_on_falling() -> None:
    at = world_of({"exits": {"stop_loss_pct": 10, "take_profit_pct": 0}, "guards": JUMPS}, BTC="1")
    at.cycle()
    at.exchange.set_quote("BTC/USDT", "70", "70.05")
    assert codes(at.cycle()) == ["price_outlier"]
    at.exchange.set_quote("BTC/USDT", "50", "50.05")
    assert codes(at.cycle()) == ["ok"]


@pytest.mark.parametrize("fall", ["89", "85"])
def test_a_stop_waits_for_nothing_at_a_price_that_is_believed(fall: str) -> None:
    at = world_of({"exits": {"stop_loss_pct": 10, "take_profit_pct": 0}, "guards": JUMPS}, BTC="1")
    at.cycle()
    at.exchange.set_quote("BTC/USDT", fall, f"{fall}.05")
    assert codes(at.cycle()) == ["ok"]


def test_orders_that_take_together_share_the_budget_of_the_day() -> None:
    taker = {"enabled": True, "max_notional": 25, "max_daily_notional": 45}
    at = world_of({"taker": taker}, BTC="1", ETH="2", SOL="3", DOGE="100")
    at.cycle()
    amounts = {"BTC": "0.2", "ETH": "0.4", "SOL": "1", "DOGE": "40"}
    at.cycle(*(sell(f"{asset}/USDT", amount=amount) for asset, amount in amounts.items()))
    assert D(20) < taken(at) <= D(45)


def test_a_purge_that_takes_now_keeps_to_it_too() -> None:
    at = world_of({"taker": {"max_notional": 100, "max_daily_notional": 100}}, BTC="1", ETH="2", SOL="3")
    at.cycle()
    purge(at.desk(), Wanted(("BTC", "ETH", "SOL"), terms=PurgeTerms(taker=TakerUse.NOW)))
    assert taken(at) <= D(100)


def test_a_top_up_is_sold_once_and_what_is_bought_later_stays() -> None:
    at = world_of({"dust": {"actions": ["top_up"], "min_gain_notional": 0}}, ETH="0.09")
    at.fills_at_once()
    for _ in range(4):
        at.cycle()
    assert [intent.approved.proposal.origin for intent in at.exchange.sent] == [Origin.DUST, Origin.PURGE]
    at.cycle(buy("ETH/USDT", notional="20"))
    for _ in range(2):
        at.cycle()
    assert [intent.side for intent in at.exchange.sent] == [Side.BUY, Side.SELL, Side.BUY]
    at.audit()


def test_dust_that_is_protected_is_not_topped_up() -> None:
    dust = {"actions": ["top_up"], "min_gain_notional": 0}
    at = world_of({"dust": dust, "purge": {"protect": ["ETH"]}}, ETH="0.09")
    at.fills_at_once()
    for _ in range(2):
        at.cycle()
    assert at.exchange.sent == []


def test_what_is_sold_off_is_not_bought() -> None:
    at = world_of({"purge": {"assets": ["ETH"]}}, ETH="2")
    at.fills_at_once()
    for number in range(3):
        report = at.cycle(buy("ETH/USDT", notional="20", id=f"b{number}"))
        assert codes(report)[-1] in ("selling_off", "sale_working")
    assert {intent.side for intent in at.exchange.sent} == {Side.SELL}


def test_what_is_sold_off_after_a_pause_is_not_bought_meanwhile() -> None:
    at = world_of({}, BTC="1")
    at.cycle()
    at.faults.sends = deque(["reject:invalid_order"] * 3)
    purge(at.desk(), Wanted(("BTC",)))
    for _ in range(3):
        at.cycle()
    assert codes(at.cycle(buy("BTC/USDT", notional="20"))) == ["purge_backoff", "selling_off"]


def test_an_order_does_not_outlive_its_proposal() -> None:
    at = world_of({"execution": {"max_attempts": 0, "max_reprices": 20}})
    at.cycle()
    end = at.clock.now() + 5000
    at.clock.after(2500, lambda: at.exchange.set_quote("BTC/USDT", "100.05", "100.15"))
    report = at.cycle(buy("BTC/USDT", notional="30", expires=end))
    assert at.exchange.sent and all(intent.deadline <= end and intent.created < end for intent in at.exchange.sent)
    assert report.finished - end < 1000
    assert not at.exchange.open()


def test_a_sale_does_not_rest_beyond_the_end_of_its_proposal() -> None:
    at = world_of({"execution": {"sales_rest": True, "ttl_tier1_seconds": 600, "interval_seconds": 3600}}, BTC="1")
    at.cycle()
    end = at.clock.now() + 8000
    at.cycle(sell("BTC/USDT", amount="0.5", expires=end))
    assert [order.deadline for order in at.state.orders.values()] == [end]
    assert not at.exchange.open()


def test_a_coin_of_a_few_ticks_gets_no_price_of_zero() -> None:
    at = world_of({"guards": {"max_spread_bp": 0}, "exits": {"stop_loss_pct": 10}}, ETH="1")
    at.cycle()
    at.exchange.markets["BTC/USDT"] = at.exchange.markets["BTC/USDT"]._replace(price_tick=D(1000))
    at.exchange.set_quote("ETH/USDT", "42", "42.02")
    report = at.cycle(buy("BTC/USDT", notional="30"))
    assert [intent.symbol for intent in at.exchange.sent] == ["ETH/USDT"], "the stop goes out all the same"
    assert [job.unplaceable is not None for job in report.jobs] == [False, True]


def test_makers_stand_on_the_tick_whatever_the_quote_says() -> None:
    at = world_of({"execution": {"improve_spread_ticks": 0}}, BTC="1")
    at.cycle()
    at.exchange.set_quote("BTC/USDT", "99.953", "100.047")
    at.cycle(buy("BTC/USDT", notional="20"))
    at.cycle(sell("BTC/USDT", amount="0.2"))
    assert [intent.price for intent in at.exchange.sent] == [D("99.95"), D("100.05")]


def test_a_purge_that_can_not_be_stopped_yet_is_told() -> None:
    at = world_of({}, BTC="1")
    at.cycle()
    purge(at.desk(), Wanted(("BTC",), terms=PurgeTerms(ttl_seconds=3600, rests=True)))
    at.faults.cancels = deque(["unanswered"] * 50)
    report = stop_purge(at.desk(), ["BTC"])
    assert at.exchange.open()
    assert [problem.code for problem in report.problems] == ["cancel_unanswered"]
    assert report.exit_code == 11


def test_a_sale_that_rests_for_long_goes_when_its_asset_is_protected() -> None:
    at = world_of({}, BTC="1")
    at.cycle()
    purge(at.desk(), Wanted(("BTC",), terms=PurgeTerms(ttl_seconds=36_000, rests=True)))
    at.cycle()
    assert at.exchange.open()
    at.policy = policy(account={"managed": ["BTC"]}, purge={"protect": ["BTC"]})
    at.cycle()
    assert (at.exchange.open(), dict(at.state.purges)) == ([], {})


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_sale_that_rests_for_long_minds_a_halt_of_sales(goes_on: bool) -> None:
    at = world_of({"risk": {"exits_when_halted": goes_on}}, BTC="1")
    at.cycle()
    purge(at.desk(), Wanted(("BTC",), terms=PurgeTerms(ttl_seconds=36_000, rests=True)))
    at.store.halted = True
    at.cycle()
    assert bool(at.exchange.open()) == goes_on


def test_a_halt_of_sales_ends_those_that_wait() -> None:
    execution = {"max_attempts": 0, "max_reprices": 5, "sales_rest": False}
    at = world_of({"risk": {"exits_when_halted": False}, "execution": execution}, BTC="1")
    at.cycle()
    at.clock.after(2000, lambda: setattr(at.store, "halted", True))
    at.clock.after(20_000, lambda: fill_all(at))
    at.cycle(sell("BTC/USDT", amount="0.5"))
    assert (at.events(OrderKept), at.exchange.trades) == ([], [])


def test_a_few_units_left_over_lend_no_past_to_what_is_bought_later() -> None:
    exits = {"trailing_stop_pct": 5, "stop_loss_pct": 0, "take_profit_pct": 0}
    at = world_of(
        {
            "exits": exits,
            "guards": {"max_price_jump_pct": 0},
            "cooldowns": {"after_stop_minutes": 0, "after_win_minutes": 0},
        }
    )
    at.cycle()
    at.fills_at_once()
    at.cycle(buy("BTC/USDT", amount="0.3"))
    at.exchange.set_quote("BTC/USDT", "149.95", "150.05")
    at.cycle()
    at.exchange.set_quote("BTC/USDT", "139.95", "140.05", depth=str(D("0.27") * D("139.95")))
    at.cycle()
    assert at.state.positions["BTC"].quantity == D("0.03")
    at.exchange.set_quote("BTC/USDT", "109.95", "110.05")
    assert codes(at.cycle(buy("BTC/USDT", notional="20", id="again"))) == ["ok"]
    bought = at.state.positions["BTC"].quantity
    at.cycle()
    assert at.state.positions["BTC"].quantity == bought > D("0.1")
