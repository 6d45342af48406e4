"""Dust that is converted: once at most, booked exactly once, and left alone while its end is open."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from books_world import BooksWorld
from desk import World, buy, policy, sell
from fake_time import MINUTE, Crash
from tradekit.decide.conversion import Fate
from tradekit.decide.dust import DustAction
from tradekit.domain.decision import Refused
from tradekit.domain.errors import ExitCode, NeedsHuman, Unreachable
from tradekit.domain.event import ConversionDone, ConversionEnded, ConversionIntended, FillBooked
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side
from tradekit.flows.dust_sweep import DustReport, dust_sweep
from tradekit.flows.rebuild_positions import Source
from tradekit.flows.status import status

D = Decimal


def rules(*actions: str, **dust: object) -> Policy:
    return policy(
        account={"managed": ["BTC", "ZK"]},
        dust={"actions": list(actions or ("convert",)), **dust},
        risk={"min_order_notional": 5},
        books={"record_differences": "all"},  # what a conversion moved must never be taken for a withdrawal
    )


def world(*faults: str, btc: str = "0.04", rate: str = "0.99", **balances: str) -> BooksWorld:
    """An account with dust, on an exchange that converts; no run has looked at the dust yet."""
    at = BooksWorld(rules(), BTC=btc, **balances)
    at.exchange.convert_rate = D(rate)
    at.cycle()
    at.faults.converts = deque(faults)
    return at


def sweep(at: World, *assets: str, dry_run: bool = False) -> DustReport:
    report = dust_sweep(at.desk(dry_run=dry_run), assets)
    at.clock.advance(MINUTE)
    return report


def taken(at: World) -> list[str]:
    return [intent.offer.quote_id for intent in at.exchange.taken]


def conversions(at: World) -> list[FillBooked]:
    return [event for event in at.events(FillBooked) if event.fill.trade_id.startswith("convert-")]


def check(at: BooksWorld) -> None:
    """Each conversion was sent once, is booked exactly once if it was carried out, and books equal balances."""
    assert len(taken(at)) == len(set(taken(at))), "sent twice"
    done = {f"convert-{c.offer.quote_id}" for c in at.exchange.offered if c.status == "done"}
    assert {event.fill.trade_id for event in conversions(at)} == done
    assert at.state.conversions == {}
    assert not any(tally.transfers for tally in at.state.books.tallies.values())
    at.check()
    at.audit()


def test_dust_is_converted_at_what_came_for_it() -> None:
    at = world()
    report = sweep(at)
    (row,) = report.rows
    (choice,) = (choice for choice in row.choices if choice.action is DustAction.CONVERT)
    worth = D("0.04") * D("99.95")
    assert (choice.frees, choice.cost) == (worth, worth - D("3.95802"))
    assert (row.chosen, report.exit_code, report.left) == (DustAction.CONVERT, ExitCode.DONE, ())
    (result,) = report.conversions
    assert (result.fate, result.received) == (Fate.CONVERTED, D("3.95802"))
    assert at.exchange.totals["USDT"] == at.state.cash == D("1003.95802")
    assert at.state.positions["BTC"].quantity == 0
    assert [result.pnl for result in at.state.risk.results] == [D("3.95802") - D("0.04") * 100]
    check(at)


def test_a_dry_run_asks_and_takes_nothing() -> None:
    at = world()
    report = sweep(at, dry_run=True)
    assert [row.chosen for row in report.rows] == [DustAction.CONVERT]
    assert len(at.exchange.offered) == 1
    assert (taken(at), at.events(ConversionIntended)) == ([], [])


def test_nothing_is_asked_where_it_may_not_be_done() -> None:
    at = world()
    at.policy = rules("ride", "top_up")
    sweep(at)
    at.policy = policy(account={"managed": ["BTC"]}, dust={"actions": ["convert"]}, purge={"protect": ["BTC"]})
    sweep(at)
    assert at.exchange.offered == []


def test_a_bad_offer_is_not_taken() -> None:
    at = world(rate="0.97")
    assert [row.chosen for row in sweep(at).rows] == [DustAction.WAIT]
    assert taken(at) == []


@pytest.mark.parametrize(("bid", "ask"), [("95", "95.1"), ("99.95", "99.9")])
def test_a_price_that_jumped_or_crossed_is_nothing_to_hold_an_offer_against(bid: str, ask: str) -> None:
    """The exchange offers 5 % less than it is worth, and a bid that is just as low for a moment must not hide that."""
    at = world(rate="0.999")
    at.policy = policy(account={"managed": ["BTC"]}, dust={"actions": ["convert"]}, guards={"max_price_jump_pct": 3})
    at.cycle()
    at.exchange.set_quote("BTC/USDT", bid, ask)
    (row,) = sweep(at).rows
    (choice,) = (choice for choice in row.choices if choice.action is DustAction.CONVERT)
    assert (choice.why_not, taken(at)) == ("no price that can be believed to hold the offer against", [])


@pytest.mark.parametrize(("rate", "chosen"), [("0.999", DustAction.CONVERT), ("0.99", DustAction.TOP_UP)])
def test_of_two_ways_the_cheaper_one_is_gone(rate: str, chosen: DustAction) -> None:
    """A top-up costs about 2 cents here."""
    at = world(rate=rate)
    at.policy = rules("top_up", "convert")
    at.fills_at_once()
    assert [row.chosen for row in sweep(at).rows] == [chosen]
    assert bool(taken(at)) is (chosen is DustAction.CONVERT)
    check(at)


def test_what_is_not_managed_or_not_free_is_not_given() -> None:
    at = world(ETH="0.05")
    at.exchange.place_elsewhere("BTC/USDT", Side.SELL, "0.01", "150")
    (row,) = sweep(at).rows
    assert (row.asset, row.free) == ("BTC", D("0.03"))
    assert [intent.offer.amount for intent in at.exchange.taken] == [D("0.03")]


@pytest.mark.parametrize(("exits", "sent"), [(True, 1), (False, 0)])
def test_the_kill_switch_stops_a_conversion_where_it_stops_sales(exits: bool, sent: int) -> None:
    at = world()
    at.policy = policy(account={"managed": ["BTC"]}, dust={"actions": ["convert"]}, risk={"exits_when_halted": exits})
    at.store.halted = True
    report = sweep(at)
    assert len(taken(at)) == sent
    assert [p.code for p in report.problems] == ([] if sent else ["halted"])


def test_an_offer_that_ran_out_meanwhile_is_not_sent() -> None:
    at = world()
    at.exchange.offer_life_ms = 0
    sweep(at)
    assert taken(at) == []
    check(at)


def test_an_exchange_that_is_silent_when_asked_ends_the_sweep_before_anything_is_sent() -> None:
    at = world()
    at.faults.silent = frozenset({"offers"})
    with pytest.raises(Unreachable):
        sweep(at)
    assert at.events(ConversionIntended) == []


# unanswered, refused, failed, pending


@pytest.mark.parametrize("fault", ["lost", "reply_lost", "late:3000", "late:60000"])
def test_an_unanswered_conversion_is_looked_up_and_never_sent_again(fault: str) -> None:
    at = world(fault)
    at.faults.lookup_lag_ms = 40_000
    first = sweep(at)
    assert [result.fate for result in first.conversions] == [Fate.OPEN]
    assert first.exit_code in (ExitCode.DONE, ExitCode.PARTLY_DONE, ExitCode.NEEDS_HUMAN)
    for _ in range(30):
        at.clock.advance(MINUTE)
        assert at.reconcile().settled.canceled == ()
        if at.state.conversions:
            assert sweep(at).rows == ()  # left alone
        assert taken(at) == ["q1"]
    assert at.state.conversions == {}
    at.faults.lookup_lag_ms = 0
    sweep(at)
    carried_out = fault in ("reply_lost", "late:3000")
    assert len(conversions(at)) == 1
    assert [event.end for event in at.events(ConversionEnded)] == ([] if carried_out else ["not_accepted"])
    assert taken(at) == (["q1"] if carried_out else ["q1", "q2"])
    check(at)


def test_one_that_stays_open_is_told_once_its_offer_has_run_out() -> None:
    at = world("reply_lost")
    at.faults.lookups_unanswered = 10
    assert "conversion_unsettled" not in {p.code for p in sweep(at).problems}
    report = at.cycle()
    assert "conversion_unsettled" in {p.code for p in report.problems}
    assert [c.intent.offer.quote_id for c in status(at.state, None, 0).conversions] == ["q1"]
    at.faults.lookups_unanswered = 0
    at.cycle()
    check(at)


def test_a_silence_about_conversions_keeps_no_order_from_being_settled() -> None:
    at = world("reply_lost")
    at.faults.lookups_unanswered = 3
    sweep(at)
    at.faults.silent = frozenset({"conversions"})
    report = at.cycle(buy("ETH/USDT", notional="30"))
    assert [order.intent.symbol for order in report.orders] == ["ETH/USDT"]
    assert len(at.state.conversions) == 1
    at.faults.silent = frozenset()
    at.cycle()
    check(at)


@pytest.mark.parametrize(("fault", "end"), [("refused", "refused"), ("failing", "failed")])
def test_one_that_came_to_nothing_is_over_and_told(fault: str, end: str) -> None:
    at = world(fault)
    report = sweep(at)
    assert [problem.code for problem in report.problems] == ["conversion_failed"]
    assert report.exit_code is ExitCode.PARTLY_DONE
    assert [event.end for event in at.events(ConversionEnded)] == [end]
    check(at)
    sweep(at)  # and another offer is taken
    assert taken(at) == ["q1", "q2"]
    check(at)


def test_one_that_takes_its_time_is_waited_for_by_the_next_runs() -> None:
    at = world("pending:200000")
    sweep(at)
    assert len(conversions(at)) == 0
    for _ in range(4):
        assert sweep(at).exit_code in (ExitCode.DONE, ExitCode.PARTLY_DONE)
    assert taken(at) == ["q1"]
    check(at)


def test_while_it_is_open_nothing_else_is_done_with_the_asset() -> None:
    at = world("pending:200000")
    sweep(at)
    report = at.cycle(sell("BTC/USDT", amount="0.03"), buy("BTC/USDT", notional="30"))
    assert {d.code for d in report.decisions if isinstance(d, Refused)} == {"sale_working"}
    assert at.exchange.sent == []
    with pytest.raises(NeedsHuman) as refused:
        at.rebuild(Source.EXCHANGE)
    assert refused.value.problems[0].code == "orders_unsettled"
    for _ in range(4):
        at.cycle()
    check(at)


def test_a_difference_that_an_open_conversion_explains_is_never_put_down_to_a_withdrawal() -> None:
    at = world("reply_lost")
    at.faults.lookups_unanswered = 8
    sweep(at)
    report = at.reconcile(record=("BTC", "USDT"))
    assert report.recorded == ()
    assert any("conversion of 0.04 BTC" in row.causes[0] for row in report.proof if row.asset == "BTC")
    at.faults.lookups_unanswered = 0
    at.cycle()
    check(at)


# crashes


def run_until_quiet(at: BooksWorld) -> None:
    for _ in range(40):
        started = at.clock.now()
        try:
            sweep(at)
        except (Crash, Unreachable):
            at.clock.advance(max(started + MINUTE - at.clock.now(), 0))
    at.effects.die_at = frozenset()
    sweep(at)


@pytest.mark.parametrize("fault", ["", "reply_lost", "lost", "late:4000", "refused", "pending:70000", "failing"])
def test_a_crash_at_any_effect(fault: str) -> None:
    rehearsal = world(fault)
    rehearsal.effects.points = 0
    sweep(rehearsal)
    points = rehearsal.effects.points
    assert points > 12
    for point in range(1, points + 1):
        at = world(fault)
        at.effects.points = 0
        at.effects.die_at = frozenset({point})
        run_until_quiet(at)
        check(at)
        assert at.exchange.totals["BTC"] == 0
        assert len(conversions(at)) == 1


def test_a_crash_at_any_two_effects() -> None:
    rehearsal = world()
    rehearsal.effects.points = 0
    sweep(rehearsal)
    for first in range(1, rehearsal.effects.points + 1):
        for second in range(first + 1, first + 24, 3 if first % 2 else 4):
            at = world()
            at.effects.points = 0
            at.effects.die_at = frozenset({first, second})
            run_until_quiet(at)
            check(at)
            assert len(conversions(at)) == 1


def test_a_write_that_was_torn_between_the_fill_and_the_end_books_nothing_twice() -> None:
    """A power cut may keep the beginning of a write."""
    at = world("reply_lost")
    at.faults.lookups_unanswered = 3
    sweep(at)
    home, before = at.backup(), len(at.store.records)
    at.reconcile()
    assert [type(record.event) for record in at.store.records[before:]] == [FillBooked, ConversionDone]
    records, lines = at.store.records[: before + 1], at.store._lines[: before + 1]
    at.bring_back(home)
    at.store.records, at.store._lines = records, lines
    at.reconcile()
    check(at)
