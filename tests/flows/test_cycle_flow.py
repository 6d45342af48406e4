"""Whole cycles: what opens the account, what comes first, what is consumed, what a script is told."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from desk import World, buy, policy, sell
from fake_time import START
from tradekit.decide.job import Ending
from tradekit.domain.account import Mode
from tradekit.domain.decision import Approved, Refused
from tradekit.domain.errors import ExitCode, Problem, Unreachable
from tradekit.domain.event import AccountOpened, AssetAdopted, CycleFinished, Holding
from tradekit.domain.market import Candle, Source
from tradekit.domain.position import Position
from tradekit.domain.proposal import Origin, Side, Urgency
from tradekit.domain.universe import Tier
from tradekit.flows.cycle import CycleReport
from tradekit.flows.status import status

D = Decimal
RISING = {"enabled": True, "order_notional": 20, "min_confidence": "0.4"}


def codes(report: CycleReport) -> dict[str, str]:
    """Per proposal id the code of its refusal, or "" where it was approved."""
    return {d.proposal.id: d.code if isinstance(d, Refused) else "" for d in report.decisions}


def history(last: str) -> list[Candle]:
    """An hour at 100, and a last minute that closes at `last`."""
    closes = [*["100"] * 120, last]
    return [Candle(START + 60_000 * i, D(c), D(c), D(c), D(c), D(1)) for i, c in enumerate(closes)]


def test_the_first_run_opens_the_account() -> None:
    world = World(policy(account={"managed": ["ETH"]}), ETH="2", BTC="0.5", XYZ="7")
    report = world.cycle()
    (opened,) = world.events(AccountOpened)
    assert isinstance(opened, AccountOpened)
    assert (opened.cash, opened.stamp.mode) == (D(1000), Mode.PAPER)
    assert opened.holdings == (
        Holding("BTC", D("0.5"), D(100), managed=False),
        Holding("ETH", D(2), D(50), managed=True),
        Holding("XYZ", D(7), D(0), managed=False),  # nobody quotes it: no known cost
    )
    assert world.state.positions["ETH"] == Position("ETH", D(2), D(100), adopted=D(2), opened=START, peak=D("49.98"))
    assert world.state.positions["BTC"].quantity == 0
    assert (report.exit_code, report.cycle, report.source) == (ExitCode.DONE, 1, Source.LIVE)
    # 1000 + 2 x 49.98; at risk: 2 x 50
    assert (report.equity.total, report.equity.at_risk) == (D("1099.96"), D(100))


def test_the_account_is_opened_once() -> None:
    world = World()
    for _ in range(3):
        world.cycle()
    assert len(world.events(AccountOpened)) == 1
    assert world.state.cycles == len(world.events(CycleFinished)) == 3


def test_exits_are_judged_before_entries_whatever_else_happens() -> None:
    world = World(policy(account={"managed": ["BTC", "ETH"]}, rules=RISING), BTC="1", ETH="1")
    world.cycle()
    world.exchange.set_quote("BTC/USDT", "80.00", "80.02")
    world.exchange.set_quote("ETH/USDT", "40.00", "40.02")
    world.faults.silent = frozenset({"candles"})
    noise = [buy(f"{a}/USDT", id=f"b{a}", confidence="1") for a in ("SOL", "ZK", "BTC")]
    noise += [sell("BTC/USDT", id="s1", amount="0.1", confidence="1"), sell("ETH/USDT", id="s2", amount="0.2")]
    report = world.cycle(*noise)
    first = [d.proposal for d in report.decisions[:2]]
    assert [(p.symbol, p.origin, p.urgency) for p in first] == [
        ("BTC/USDT", Origin.EXIT, Urgency.AT_ONCE),
        ("ETH/USDT", Origin.EXIT, Urgency.AT_ONCE),
    ]
    assert all(isinstance(decision, Approved) for decision in report.decisions[:2])
    assert world.state.positions["BTC"].quantity == world.state.positions["ETH"].quantity == 0


def test_a_broken_quote_of_one_coin_stops_no_stop_of_another() -> None:
    world = World(policy(account={"managed": ["BTC", "ETH"]}), BTC="1", ETH="1")
    world.cycle()
    world.exchange.set_quote("BTC/USDT", "80.00", "80.02")
    world.exchange.set_quote("ETH/USDT", "0", "0")
    report = world.cycle(sell("ETH/USDT", amount="1"), buy("ETH/USDT", amount="1"))
    assert codes(report) | {"sell-ETH": "no_quote", "buy-ETH": "no_quote"} == codes(report)
    assert world.state.positions["BTC"].quantity == 0


def test_a_rise_makes_a_proposal_of_the_rules_and_an_order() -> None:
    world = World(policy(rules=RISING))
    world.exchange.history = {"BTC/USDT": history("103"), "ETH/USDT": history("100")}
    report = world.cycle()
    assert {trigger.symbol for trigger in report.triggers} == {"BTC/USDT"}
    ((id, code),) = codes(report).items()
    assert (id, code) == (f"rule-BTC-USDT-{START}", "")
    assert [intent.amount for intent in world.exchange.sent] == [D("0.2")]
    assert world.state.consumed == {}  # only what comes from outside is consumed


def test_a_coin_out_of_the_universe_is_not_looked_at() -> None:
    world = World(policy(rules=RISING))
    world.exchange.set_quote("BTC/USDT", "99.95", "100.05", volume="100")
    world.exchange.history = {"BTC/USDT": history("103")}
    assert codes(world.cycle(buy("BTC/USDT"))) == {"buy-BTC": "not_in_universe"}
    assert world.state.tiers["BTC/USDT"].tier is Tier.NONE


def test_a_price_history_that_fails_costs_only_the_rules() -> None:
    world = World(policy(rules=RISING))
    world.fills_at_once()
    world.faults.silent = frozenset({"candles"})
    report = world.cycle(buy("BTC/USDT"))
    assert [problem.code for problem in report.problems] == ["no_price_history"]
    assert report.exit_code is ExitCode.PARTLY_DONE
    assert world.state.positions["BTC"].quantity == D("0.3")


def test_an_external_proposal_is_consumed_once_and_its_repetition_is_nothing() -> None:
    world = World()
    world.fills_at_once()
    wish = buy("BTC/USDT")
    world.cycle(wish)
    report = world.cycle(wish)
    assert (report.repeated, report.decisions, report.exit_code) == (("buy-BTC",), (), ExitCode.DONE)
    assert len(world.exchange.sent) == 1


def test_the_same_id_with_other_content_is_refused() -> None:
    world = World()
    world.cycle(buy("BTC/USDT", notional="30"))
    report = world.cycle(buy("BTC/USDT", notional="31"))
    assert codes(report) == {"buy-BTC": "proposal_changed"}
    assert report.exit_code is ExitCode.ALL_REFUSED
    assert len(world.exchange.sent) == 1


def test_a_refused_proposal_may_come_again() -> None:
    world = World()
    world.store.halted = True
    assert codes(world.cycle(buy("BTC/USDT"))) == {"buy-BTC": "halted"}
    world.store.halted = False
    assert codes(world.cycle(buy("BTC/USDT"))) == {"buy-BTC": ""}


def test_ids_that_were_consumed_long_ago_are_still_known() -> None:
    world = World(USDT="1000000")
    for number in range(1050 // 50):
        world.cycle(*(buy("BTC/USDT", id=f"n{number}-{item}", notional="6") for item in range(50)))
    assert world.state.consumed_older == 50
    report = world.cycle(buy("BTC/USDT", id="n0-0", notional="6"), buy("BTC/USDT", id="n0-1", notional="7"))
    assert report.repeated == ("n0-0",)
    assert codes(report) == {"n0-1": "proposal_changed"}


def test_exit_code_0_when_there_is_nothing_to_do() -> None:
    assert World().cycle().exit_code is ExitCode.DONE


def test_exit_code_10_when_all_is_refused_or_halted() -> None:
    world = World()
    assert world.cycle(buy("BTC/USDT", notional="1")).exit_code is ExitCode.ALL_REFUSED
    world.store.halted = True
    assert world.cycle().exit_code is ExitCode.ALL_REFUSED


def test_exit_code_0_when_a_part_is_refused() -> None:
    world = World()
    assert world.cycle(buy("BTC/USDT"), buy("ETH/USDT", notional="1")).exit_code is ExitCode.DONE


def test_exit_code_11_when_the_outside_had_a_problem() -> None:
    world = World()
    report = world.cycle(problems=(Problem("proposal_command_failed", "it said no"),))
    assert report.exit_code is ExitCode.PARTLY_DONE


def test_exit_code_12_when_the_books_do_not_match_and_nothing_is_opened_there() -> None:
    world = World()
    world.cycle()
    world.exchange.totals["BTC"] = D("0.7")  # a deposit that nobody told of
    report = world.cycle(buy("BTC/USDT"), buy("ETH/USDT"))
    assert report.exit_code is ExitCode.NEEDS_HUMAN
    assert codes(report) == {"buy-BTC": "books_mismatch", "buy-ETH": ""}
    (row,) = report.differences
    assert (row.asset, row.books, row.exchange, row.rest, row.doubtful) == ("BTC", D(0), D("0.7"), D("0.7"), True)
    assert row.causes[0] == "a deposit or an airdrop"


@pytest.mark.parametrize("silent", ["symbols", "snapshot"])
def test_exit_code_13_when_the_exchange_is_silent(silent: str) -> None:
    world = World()
    world.faults.silent = frozenset({silent})
    with pytest.raises(Unreachable) as raised:
        world.cycle(buy("BTC/USDT"))
    assert raised.value.exit_code is ExitCode.UNREACHABLE
    world.faults.silent = frozenset()
    assert codes(world.cycle(buy("BTC/USDT"))) == {"buy-BTC": ""}


def test_exit_code_13_when_it_falls_silent_while_orders_wait() -> None:
    world = World()
    world.exchange.on_open = lambda order: setattr(world.faults, "silent", frozenset({"lookup"}))
    assert world.cycle(buy("BTC/USDT")).exit_code is ExitCode.UNREACHABLE


def test_a_policy_that_manages_more_adopts_what_was_held_outside() -> None:
    world = World(BTC="1")
    world.cycle()
    assert codes(world.cycle(sell("BTC/USDT", amount="1"))) == {"sell-BTC": "not_managed"}
    world.policy = policy(account={"managed": ["BTC"]})
    world.exchange.set_quote("BTC/USDT", "119.95", "120.05")
    world.cycle()
    assert world.events(AssetAdopted) == [AssetAdopted("BTC", D(120))]
    held = world.state.positions["BTC"]
    assert (held.quantity, held.cost, held.outside) == (D(1), D(120), D(0))
    world.cycle()
    assert len(world.events(AssetAdopted)) == 1
    world.exchange.set_quote("BTC/USDT", "107.00", "107.02")  # 10 % under 120 is 108
    world.cycle()
    assert world.state.positions["BTC"].total == 0
    world.audit()


def test_what_was_bought_is_managed_though_the_same_coin_outside_is_not() -> None:
    world = World(BTC="1")
    world.fills_at_once()
    world.cycle(buy("BTC/USDT"))
    world.cycle(sell("BTC/USDT", amount="9"))
    assert world.exchange.totals["BTC"] == 1  # the 0.3 are sold again, the 1 is nobody's business
    world.audit()


def test_peaks_are_kept_from_cycle_to_cycle_and_trail() -> None:
    world = World(policy(account={"managed": ["BTC"]}, exits={"trailing_stop_pct": 5, "stop_loss_pct": 0}), BTC="1")
    for bid, ask in (("110.00", "110.02"), ("106.00", "106.02")):
        world.cycle()
        world.exchange.set_quote("BTC/USDT", bid, ask)
    world.cycle()
    assert world.state.positions["BTC"].peak == 110
    assert world.state.positions["BTC"].quantity == 1
    world.exchange.set_quote("BTC/USDT", "104.50", "104.52")  # 110 x 0.95
    world.cycle()
    assert world.state.positions["BTC"].quantity == 0


def test_status_tells_what_the_last_cycle_left() -> None:
    world = World(policy(account={"managed": ["ETH"]}), ETH="2", USDT="500")
    world.fills_at_once()
    world.cycle(buy("BTC/USDT"), buy("SOL/USDT", notional="1"))
    told = status(world.state, halt=None, unsaved_events=0)
    assert [position.asset for position in told.positions] == ["BTC", "ETH"]
    assert told.cash == world.exchange.totals["USDT"]
    assert [(r.proposal_id, r.code, r.side) for r in told.refusals] == [("buy-SOL", "below_min_notional", Side.BUY)]
    assert (told.orders, told.cycles) == ((), 1)


def test_what_does_not_fit_the_budget_is_put_off_and_a_stop_never_is() -> None:
    given: dict[str, Mapping[str, object]] = {"account": {"managed": ["BTC", "ETH"]}, "exits": {"stop_loss_pct": 5}}
    given["execution"] = {"sales_rest": True}
    world = World(policy(**given), BTC="1", ETH="2")
    world.cycle()
    world.policy = policy(**given, purge={"assets": ["ETH"]})
    world.exchange.set_quote("BTC/USDT", "90.00", "90.10")
    world.exchange.latency_ms = 16_000  # three looks, and the 47 s are gone
    report = world.cycle(buy("SOL/USDT", notional="30"))
    assert [intent.symbol for intent in world.exchange.sent] == ["BTC/USDT", "ETH/USDT"]
    assert {job.symbol: job.ending for job in report.jobs}["SOL/USDT"] is Ending.TIME
