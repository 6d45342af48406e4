"""Purges: by hand and in the cycles, in slices, over crashes; never twice, never a stub, never what is protected."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise

import pytest

from desk import World, policy, sell
from execution_lab import refused
from fake_exchange import FakeOrder
from fake_time import MINUTE, Crash
from tradekit.cli.purge_view import present
from tradekit.domain.decision import Refused, Wait
from tradekit.domain.errors import BadInput, ExitCode
from tradekit.domain.event import PurgeEnded
from tradekit.domain.order import TimeInForce
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side
from tradekit.domain.purge import PurgeEnd, PurgeTerms, TakerUse
from tradekit.flows.purge import PurgeReport, Wanted, purge, stop_purge

D = Decimal


def rules(**sections: Mapping[str, object]) -> Policy:
    given: dict[str, Mapping[str, object]] = {"account": {"managed": ["BTC", "ETH", "ZK"]}, **sections}
    return policy(**given)


def by_hand(at: World, *assets: str, **terms: object) -> PurgeReport:
    report = purge(at.desk(), Wanted(assets, terms=PurgeTerms(**terms)))  # type: ignore[arg-type]
    at.clock.advance(MINUTE)
    return report


def sold(at: World, asset: str) -> Decimal:
    return sum((t.amount for _, t in at.exchange.trades if t.side is Side.SELL and t.base == asset), D(0))


def test_a_purge_by_hand_sells_all_and_is_over() -> None:
    at = World(rules(), BTC="1")
    at.fills_at_once()
    report = by_hand(at, "BTC", ttl_seconds=25)
    (row,) = report.rows
    assert (row.sold, row.left, row.ended, report.exit_code) == (D(1), D(0), PurgeEnd.SOLD, ExitCode.DONE)
    assert row.decision_price == 100
    # sold at 100.04, one tick inside, less a fee of 10 bp: 6 bp under the mid
    assert row.shortfall_bp == D("6.004")
    assert at.state.purges == {}
    at.audit()


def test_what_a_person_trades_meanwhile_was_not_sold_by_the_purge() -> None:
    at = World(rules(), BTC="1")
    by_hand(at, "BTC")
    at.exchange.trade_elsewhere("BTC/USDT", Side.SELL, "0.25", "100")
    at.exchange.trade_elsewhere("BTC/USDT", Side.BUY, "0.1", "100")
    at.fills_at_once()
    report = by_hand(at, "BTC")
    (row,) = report.rows
    assert (row.sold, row.left, row.progress_pct) == (D("0.85"), D(0), D(100))
    at.audit()


def test_what_other_orders_sell_meanwhile_was_not_sold_by_the_purge() -> None:
    resting: Mapping[str, object] = {"sales_rest": True, "ttl_tier1_seconds": 600, "budget_seconds": 20}
    at = World(rules(execution=resting), BTC="1", ETH="1")
    at.cycle(sell("BTC/USDT", amount="0.4"))
    (order,) = at.exchange.open()
    at.clock.advance(-8000)  # before its deadline
    at.clock.after(5000, lambda: at.exchange.fill(order))
    report = by_hand(at, "BTC", "ETH")
    row = report.rows[0]
    assert (row.asset, row.sold, row.left) == ("BTC", D(0), D("0.6"))


def test_what_a_run_cannot_finish_the_cycles_go_on_with() -> None:
    at = World(rules(), BTC="1")
    report = by_hand(at, "BTC")
    assert report.rows[0].ended is None
    assert at.state.purges["BTC"].by_hand
    at.fills_at_once()
    at.cycle()
    assert at.state.positions["BTC"].quantity == 0
    assert [(event.asset, event.reason) for event in at.events(PurgeEnded)] == [("BTC", PurgeEnd.SOLD)]
    at.audit()


def test_several_assets_are_sold_off_together() -> None:
    at = World(rules(), BTC="1", ETH="2", ZK="900")
    at.fills_at_once()
    report = by_hand(at, "BTC", "ETH", "ZK")
    assert report.finished - report.started <= 2000
    assert [row.left for row in report.rows] == [0, 0, 0]
    at.audit()


def test_slices_are_sold_cycle_by_cycle_and_the_last_one_takes_the_rest() -> None:
    at = World(rules(), BTC="1.04")
    at.fills_at_once()
    by_hand(at, "BTC", slice_notional=D(50))
    while at.state.purges:
        at.cycle()
    # 1.04 in halves: 0.5, and then 0.54, because 0.04 are worth 4 and the exchange wants 5
    assert [intent.amount for intent in at.exchange.sent] == [D("0.5"), D("0.54")]
    assert sold(at, "BTC") == D("1.04")
    at.audit()


def test_a_holding_too_small_for_the_exchange_is_dust_and_no_task() -> None:
    at = World(rules(), BTC="0.04")
    report = by_hand(at, "BTC")
    assert report.rows[0].ended is PurgeEnd.TOO_SMALL
    assert (at.exchange.sent, at.state.purges) == ([], {})
    at.audit()


@pytest.mark.parametrize(("asset", "code"), [("USDT", "purge_quote"), ("XYZ", "asset_unknown")])
def test_what_cannot_be_meant_changes_nothing(asset: str, code: str) -> None:
    at = World(rules(), BTC="1")
    with pytest.raises(BadInput) as wrong:
        by_hand(at, "BTC", asset)
    assert wrong.value.problems[0].code == code
    assert (at.exchange.sent, at.store.records) == ([], [])


def test_what_is_not_managed_or_protected_is_left_alone_with_a_reason() -> None:
    at = World(rules(account={"managed": ["ETH"]}, purge={"protect": ["ETH"]}), BTC="1", ETH="2")
    report = by_hand(at, "BTC", "ETH", "SOL")
    assert [problem.code for problem in report.problems] == ["purge_nothing", "purge_protected", "purge_nothing"]
    assert (report.exit_code, at.exchange.sent) == (ExitCode.ALL_REFUSED, [])


def test_the_policy_names_what_cycles_sell_off_but_never_the_quote_or_what_it_protects() -> None:
    at = World(rules(purge={"assets": ["BTC", "ETH", "USDT"], "protect": ["ETH"]}), BTC="1", ETH="2")
    at.fills_at_once()
    at.cycle()
    assert {intent.symbol for intent in at.exchange.sent} == {"BTC/USDT"}
    at.audit()


def test_a_plan_of_the_policy_ends_when_the_policy_no_longer_wants_it() -> None:
    at = World(rules(purge={"assets": ["BTC"]}), BTC="1")
    at.cycle()
    assert "BTC" in at.state.purges
    at.policy = rules()
    at.cycle()
    assert at.state.purges == {}
    assert [event.reason for event in at.events(PurgeEnded)] == [PurgeEnd.NOT_WANTED]


def test_a_purge_can_be_stopped_and_its_order_goes() -> None:
    at = World(rules(execution={"sales_rest": True, "max_attempts": 0}), BTC="1")
    by_hand(at, "BTC")
    at.clock.advance(-1000)
    assert at.exchange.open()
    report = stop_purge(at.desk(), ("BTC", "ETH"))
    assert (report.ended, [p.code for p in report.problems]) == (("BTC",), ["purge_unknown"])
    assert not at.exchange.open()
    at.cycle()
    assert len(at.exchange.sent) == 1
    at.audit()


def test_two_purges_of_one_asset_never_sell_it_twice() -> None:
    at = World(rules(execution={"sales_rest": True}), BTC="1")
    purge(at.desk(), Wanted(("BTC",)))
    assert at.exchange.open()
    at.fills_at_once()
    by_hand(at, "BTC")  # takes the first one's order back, then sells
    assert sold(at, "BTC") == 1
    at.audit()


def test_a_purge_pauses_after_failures_and_never_for_an_unfilled_ttl() -> None:
    at = World(rules(purge={"assets": ["BTC"]}), BTC="1")
    for _ in range(6):
        at.cycle()  # nobody comes: no failure
    assert at.state.purges["BTC"].failures == 0
    refused(at)
    before = len(at.exchange.sent)
    for _ in range(5):
        report = at.cycle()
    assert len(at.exchange.sent) - before == 3
    (decision,) = report.decisions
    assert isinstance(decision, Refused)
    assert decision.code == "purge_backoff"
    assert isinstance(decision.would_pass, Wait)
    at.faults.sends = deque()
    at.fills_at_once()
    while at.state.purges:
        at.cycle()
    at.audit()


def test_the_pauses_are_one_two_and_four_hours() -> None:
    at = World(rules(purge={"assets": ["BTC"]}), BTC="1")
    refused(at)
    failures: list[int] = []
    while len(failures) < 6:
        at.cycle()
        last = at.state.purges["BTC"].failed_at
        if not failures or failures[-1] != last:
            failures.append(last)
    hours = [round((after - before) / 3_600_000, 1) for before, after in pairwise(failures)]
    assert hours == [0.0, 0.0, 1.0, 2.0, 4.0]


def test_starting_by_hand_ends_the_pause() -> None:
    at = World(rules(purge={"assets": ["BTC"]}), BTC="1")
    refused(at)
    for _ in range(4):
        at.cycle()
    at.faults.sends = deque()
    at.fills_at_once()
    assert by_hand(at, "BTC").rows[0].left == 0
    at.audit()


@pytest.mark.parametrize("count", [1, 2, 5, 10, 20])
def test_twenty_purges_that_never_fill_cost_one_life(count: int) -> None:
    names = [f"C{number:02}" for number in range(count)]
    at = World(
        rules(account={"managed": names}, purge={"assets": names, "max_attempts": 1}), **dict.fromkeys(names, "900")
    )
    for name in names:
        symbol = f"{name}/USDT"
        at.exchange.markets[symbol] = at.exchange.markets["ZK/USDT"]._replace(symbol=symbol, base=name)
        at.exchange.set_quote(symbol, "0.09995", "0.10005")
    at.exchange.latency_ms = 100
    report = at.cycle()
    assert len(at.exchange.orders) == count
    assert report.finished - report.started <= 25_000 + 3000
    at.audit()


def test_attempts_without_end_stay_inside_the_budget() -> None:
    at = World(rules(purge={"assets": ["BTC", "ETH"]}), BTC="1", ETH="2")
    at.exchange.latency_ms = 100
    report = at.cycle()
    assert 45_000 <= report.finished - report.started <= 50_000
    at.audit()


def test_the_governor_steps_up_and_back() -> None:
    at = World(
        rules(
            purge={"assets": ["BTC", "ETH"], "max_attempts": 1},
            governor={"window_cycles": 2, "high_pct": 60, "low_pct": 40},
        ),
        BTC="1", ETH="2",
    )  # fmt: skip
    at.exchange.latency_ms = 3000
    steps, sent = [], []
    for number in range(10):
        before = len(at.exchange.sent)
        if number == 5:
            at.exchange.latency_ms = 0
        at.cycle()
        steps.append(at.state.governor.step)
        sent.append({(i.symbol, i.deadline - i.created) for i in at.exchange.sent[before:]})
    assert steps == [0, 1, 1, 2, 2, 2, 1, 1, 0, 0]
    assert {life for _, life in sent[0]} == {25_000}
    assert {life for _, life in sent[2]} == {20_000}
    assert (len(sent[2]), len(sent[4]), len(sent[5])) == (2, 1, 1)
    assert {symbol for symbol, _ in sent[4]} != {symbol for symbol, _ in sent[5]}  # in turn


def test_taking_now_is_bound_by_the_price_and_by_nothing_that_a_person_overrides() -> None:
    at = World(rules(), BTC="0.2")
    report = by_hand(at, "BTC", taker=TakerUse.NOW)
    (intent,) = at.exchange.sent
    assert intent.time_in_force is TimeInForce.IOC
    # 60 bp of slippage less 10 bp of fees beyond the maker's, under the mid of 100
    assert intent.price == D("99.50")
    assert report.rows[0].left == 0
    at.audit()


def test_taking_now_rests_where_a_gate_forbids_it() -> None:
    at = World(rules(), BTC="1")  # worth 100, and 25 may be taken
    report = by_hand(at, "BTC", taker=TakerUse.NOW)
    assert [intent.time_in_force for intent in at.exchange.sent] == [TimeInForce.PO]
    (job,) = report.jobs
    assert [gate.key for gate in job.gates if not gate.passes] == ["taker.max_notional"]
    at.audit()


def test_taking_last_comes_after_the_rest() -> None:
    at = World(rules(), BTC="0.2")
    report = by_hand(at, "BTC", taker=TakerUse.LAST)
    assert [intent.time_in_force for intent in at.exchange.sent] == [TimeInForce.PO, TimeInForce.IOC]
    assert report.rows[0].left == 0
    assert report.finished - report.started <= 50_000
    at.audit()


def test_a_plan_that_grew_old_may_take_as_the_last_step_of_a_cycle() -> None:
    at = World(rules(purge={"assets": ["BTC"], "taker_after_minutes": 3}), BTC="0.2")
    for _ in range(5):
        at.cycle()
    forces = [intent.time_in_force for intent in at.exchange.sent]
    # begun in the first cycle, and three minutes old by what the fifth one finds
    assert forces == [TimeInForce.PO] * 5 + [TimeInForce.IOC]
    assert at.state.positions["BTC"].quantity == 0
    at.audit()


def test_a_long_rest_outlives_its_run_and_later_ones_until_its_own_end() -> None:
    at = World(rules(), BTC="1")
    by_hand(at, "BTC", ttl_seconds=600, rests=True)
    for _ in range(8):
        at.cycle()
    (order,) = at.exchange.open()
    at.exchange.fill(order)
    at.cycle()
    assert (len(at.exchange.sent), at.state.positions["BTC"].quantity) == (1, D(0))
    at.audit()


def nearly(at: World, order: FakeOrder) -> None:
    at.clock.after(3000, lambda: at.exchange.fill(order, order.amount / 2))


@pytest.mark.parametrize("late", [False, True])
def test_a_crash_at_any_point_of_a_purge_sells_nothing_twice(late: bool) -> None:
    def fresh() -> World:
        at = World(rules(execution={"sales_rest": True}), BTC="1", ETH="2")
        at.exchange.on_open = lambda order: nearly(at, order)
        return at

    def run(at: World) -> None:
        try:
            purge(at.desk(), Wanted(("BTC", "ETH")))
        except Crash:
            at.effects.die_at = frozenset()
        if late:
            at.clock.advance(MINUTE)

    quiet = fresh()
    run(quiet)
    points = quiet.effects.points
    assert points > 20
    for point in range(1, points + 1):
        at = fresh()
        at.effects.die_at = frozenset({point})
        run(at)
        for _ in range(30):
            at.cycle()
            if not at.state.purges:
                break
        assert sold(at, "BTC") <= 1
        assert sold(at, "ETH") <= 2
        for order in at.exchange.open():
            at.exchange.fill(order)
        at.clock.advance(2 * MINUTE)
        at.cycle()
        at.cycle()
        at.audit()


def test_a_dry_run_tells_of_the_sale_that_rests_instead_of_a_refusal() -> None:
    at = World(rules(execution={"sales_rest": True}), BTC="1")
    by_hand(at, "BTC")
    (resting,) = at.exchange.open()
    report = purge(at.desk(dry_run=True), Wanted(("BTC",)))
    assert (report.exit_code, report.resting) == (ExitCode.DONE, ("BTC",))
    assert "it would be taken back and placed anew" in str(present(report, "test").shown)
    assert at.exchange.open() == [resting]
    assert by_hand(at, "BTC").resting == ()
