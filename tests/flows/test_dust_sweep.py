"""Dust: found, explained and reckoned through; only what saves money is done, and what is bought for it is sold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk import World, policy
from fake_exchange import FakeOrder
from tradekit.decide.dust import DustAction, DustCause
from tradekit.domain.decision import Refused
from tradekit.domain.errors import BadInput, ExitCode
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side
from tradekit.domain.purge import PurgeTerms
from tradekit.flows.dust_sweep import DustReport, dust_sweep
from tradekit.flows.purge import Wanted, purge

D = Decimal


def rules(*actions: str, **dust: object) -> Policy:
    return policy(
        account={"managed": ["BTC", "ZK"]},
        dust={"actions": list(actions), **dust},
        risk={"min_order_notional": 5},
    )


def world(amount: str = "0.04", *actions: str, **dust: object) -> World:
    """An account that is open; its cycle has done nothing about dust yet."""
    at = World(rules(), BTC=amount)
    at.cycle()
    at.policy = rules(*actions, **dust)
    return at


def sweep(at: World, *assets: str) -> DustReport:
    return dust_sweep(at.desk(), assets)


def chosen(report: DustReport) -> list[tuple[str, DustAction]]:
    return [(row.asset, row.chosen) for row in report.rows]


@pytest.mark.parametrize(("amount", "is_dust"), [("0.049", True), ("0.051", False), ("0.0009", True)])
def test_dust_is_what_the_exchange_would_not_take(amount: str, is_dust: bool) -> None:
    """The exchange wants 5 USDT at a bid of 99.95: 0.051 BTC on the step."""
    assert bool(sweep(world(amount)).rows) is is_dust


def test_a_top_up_frees_what_it_costs_less_than() -> None:
    at = world("0.04", "top_up")
    at.fills_at_once()
    (row,) = (report := sweep(at)).rows
    (choice,) = (choice for choice in row.choices if choice.action is DustAction.TOP_UP)
    # 0.058 BTC: 5 USDT must still be had at the stop of 10 % with 2 % of slippage and a fee of 20 bp
    assert row.top_up == D("0.057")
    cost = D("0.057") * D("100.05") * D("0.001") + (D("0.057") + D("0.04")) * D("99.95") * D("0.001")
    assert choice.cost == cost + D("0.057") * D("0.1")
    assert choice.frees == D("0.04") * D("99.95")
    assert [(i.side, i.amount) for i in at.exchange.sent] == [(Side.BUY, D("0.057")), (Side.SELL, D("0.097"))]
    assert (report.exit_code, report.left) == (ExitCode.DONE, ())
    assert at.state.positions["BTC"].quantity == 0
    assert at.exchange.totals["USDT"] > 1000 + choice.frees - choice.cost
    at.audit()


@pytest.mark.parametrize(
    ("amount", "dust"), [("0.04", {"min_gain_notional": "4"}), ("0.0009", {"min_gain_notional": 0})]
)
def test_a_top_up_that_does_not_pay_is_left(amount: str, dust: dict[str, object]) -> None:
    at = world(amount, "top_up", "ride", **dust)
    assert chosen(sweep(at)) == [("BTC", DustAction.RIDE)]
    assert at.exchange.sent == []


def test_a_top_up_is_an_opening_order_and_judged_as_one() -> None:
    at = world("0.04", "top_up")
    at.store.halted = True
    report = sweep(at)
    assert [d.code for d in report.decisions if isinstance(d, Refused)] == ["halted"]
    assert at.exchange.sent == []


def test_a_cycle_tops_up_and_the_next_one_sells() -> None:
    at = world("0.04", "top_up")
    at.fills_at_once()
    at.cycle()
    at.cycle()
    assert [intent.side for intent in at.exchange.sent] == [Side.BUY, Side.SELL]
    assert at.state.positions["BTC"].quantity == 0
    at.cycle()
    assert len(at.exchange.sent) == 2
    at.audit()


def test_a_top_up_that_is_not_filled_is_no_reason_to_sell() -> None:
    at = world("0.04", "top_up")
    sweep(at)
    assert [intent.side for intent in at.exchange.sent] == [Side.BUY]
    assert at.state.purges == {}
    at.audit()


def test_a_top_up_that_is_refused_is_no_refusal_of_all_that_was_asked() -> None:
    at = world("0.04", "top_up")
    at.policy = policy(account={"managed": ["BTC"]}, dust={"actions": ["top_up"]}, risk={"max_asset_pct": 0})
    report = at.cycle()
    assert (report.exit_code, len(report.decisions)) == (ExitCode.DONE, 1)


def test_what_is_written_off_is_dust_no_more_until_there_is_more_of_it() -> None:
    at = world("0.04", "write_off", write_off_notional=5)
    assert chosen(sweep(at)) == [("BTC", DustAction.WRITE_OFF)]
    assert sweep(at).rows == ()
    at.exchange.totals["BTC"] += D("0.001")
    at.policy = policy(account={"managed": ["BTC"]}, books={"record_differences": "all"}, dust={"actions": ["ride"]})
    at.cycle()
    at.policy = policy(account={"managed": ["BTC"]}, books={"record_differences": "all"})
    report = sweep(at)
    assert [row.quantity for row in report.rows] == [D("0.041")]


def test_only_what_may_be_done_is_done_and_each_choice_says_why_not() -> None:
    at = world("0.04")
    (row,) = sweep(at).rows
    assert row.chosen is DustAction.WAIT
    assert {choice.why_not for choice in row.choices} == {"not in dust.actions"}


def test_the_cause_tells_what_left_it() -> None:
    at = World(rules("ride"), BTC="1", ZK="20")
    at.cycle()

    def nearly(order: FakeOrder) -> None:
        at.exchange.fill(order, order.amount - D("0.01"))

    at.exchange.on_open = nearly
    purge(at.desk(), Wanted(("BTC",), terms=PurgeTerms()))
    causes = {row.asset: row.cause for row in sweep(at).rows}
    assert causes == {"BTC": DustCause.SALE, "ZK": DustCause.ADOPTED}


def test_a_coin_without_a_market_is_stuck_and_may_be_written_off() -> None:
    at = world("1", "top_up", "write_off")
    at.exchange.markets["BTC/USDT"] = at.exchange.markets["BTC/USDT"]._replace(active=False)
    (row,) = sweep(at).rows
    assert (row.cause, row.worth, row.chosen) == (DustCause.NO_MARKET, None, DustAction.WRITE_OFF)


def test_an_asset_that_nobody_holds_is_a_slip_of_the_pen() -> None:
    with pytest.raises(BadInput) as wrong:
        sweep(world(), "XYZ")
    assert wrong.value.problems[0].code == "asset_unknown"


def test_only_the_assets_that_are_named_are_swept() -> None:
    at = World(rules("ride"), BTC="0.04", ZK="20")
    at.cycle()
    assert chosen(sweep(at, "ZK")) == [("ZK", DustAction.RIDE)]
