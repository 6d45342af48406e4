"""Conversions stay in the books, once: through rebuilds, restores and a lost journal. No exchange lists them."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from books_world import DAY, HOUR, BooksWorld
from desk import policy
from fake_time import MINUTE
from tradekit.decide import booking
from tradekit.domain.event import ConversionIntended, FillBooked
from tradekit.domain.proposal import Side
from tradekit.flows.dust_sweep import dust_sweep
from tradekit.flows.rebuild_positions import Source

D = Decimal
BTC = "BTC/USDT"


def world(fault: str = "") -> BooksWorld:
    """An account whose dust is converted, bought anew, and converted again."""
    at = BooksWorld(policy(account={"managed": ["BTC"]}, dust={"actions": ["convert"]}), BTC="0.04")
    at.exchange.convert_rate = D("0.995")
    at.cycle()
    at.faults.converts = deque([fault])
    return at


def convert(at: BooksWorld) -> None:
    dust_sweep(at.desk())
    at.clock.advance(MINUTE)


def buy_dust(at: BooksWorld, amount: str = "0.03") -> None:
    at.by_hand(BTC, Side.BUY, amount, "101")
    at.reconcile()
    at.clock.advance(MINUTE)


def two_conversions() -> BooksWorld:
    at = world()
    convert(at)
    buy_dust(at)
    convert(at)
    assert len(at.events(FillBooked)) == 3
    return at


def test_a_rebuild_from_the_journal_gives_the_same_books() -> None:
    at = two_conversions()
    before = at.state.books
    report = at.rebuild(Source.JOURNAL)
    assert at.state.books == before and not any(change.reasons for change in report.changes)
    at.check()


def test_a_rebuild_from_the_exchange_takes_the_conversions_from_the_journal() -> None:
    at = two_conversions()
    before = at.state.books
    report = at.rebuild(Source.EXCHANGE, since=0)
    assert report.trades == 3
    assert all(not row.rest for row in report.proof)
    assert at.state.books.tallies["BTC"].sold == before.tallies["BTC"].sold == D("0.07")
    at.check_quiet()


def test_what_was_converted_before_the_window_is_in_its_opening_balances() -> None:
    at = world()
    convert(at)
    at.clock.advance(2 * HOUR)
    since = at.clock.now()
    buy_dust(at)
    convert(at)
    report = at.rebuild(Source.EXCHANGE, since=since)
    assert report.trades == 2
    assert all(not row.rest for row in report.proof)
    at.check_quiet()


def test_a_restore_to_books_before_a_conversion_keeps_it() -> None:
    at = world()
    oldest = at.state
    convert(at)
    middle = at.state
    buy_dust(at)
    convert(at)
    newest = at.state
    for state in (oldest, middle, oldest, newest, middle, oldest):
        at.go_back_to(state)
        assert at.state.books.tallies["BTC"].sold == D("0.07")
        at.reconcile(since=0)
        at.check_quiet()


@pytest.mark.parametrize("kept", [1, 2, 60])
def test_a_restore_keeps_it_also_where_the_state_remembers_little(kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(booking, "RECENT_KEPT", kept)
    at = world()
    oldest = at.state
    for _ in range(3):
        convert(at)
        buy_dust(at)
    at.go_back_to(oldest)
    at.reconcile(since=0)
    at.check_quiet()
    rebuilt = at.rebuild(Source.JOURNAL)
    assert not any(change.reasons for change in rebuilt.changes)
    at.check_quiet()


def test_a_restore_while_one_is_open_books_it_when_it_is_found() -> None:
    at = world("reply_lost")
    oldest = at.state
    at.faults.lookups_unanswered = 3
    convert(at)
    at.go_back_to(oldest)
    assert len(at.state.conversions) == 1
    at.reconcile()
    assert len(at.events(FillBooked)) == 1
    at.check_quiet()


@pytest.mark.parametrize("fault", ["reply_lost", "lost"])
def test_one_whose_intent_is_in_a_damaged_part_is_looked_up(fault: str) -> None:
    """The state on the disk is older than the conversion, and the journal after it is not whole any more."""
    at = world(fault)
    at.faults.lookups_unanswered = 3
    home = at.backup()
    convert(at)
    (line,) = (record for record in at.store.records if isinstance(record.event, ConversionIntended))
    at.bring_back(home)
    at.desk().save()
    at.lose_journal(line)
    assert len(at.state.conversions) == 1
    for _ in range(18):
        at.clock.advance(MINUTE)
        at.reconcile()
    assert at.state.conversions == {}
    assert len(at.events(FillBooked)) == (fault == "reply_lost")
    assert at.differences() == {}


def test_one_that_is_found_after_a_deposit_and_a_later_trade_is_folded_in_its_place() -> None:
    at = world("reply_lost")
    at.faults.lookups_unanswered = 6
    convert(at)
    at.exchange.totals["ETH"] = D(1)
    at.policy = policy(account={"managed": ["BTC"]}, books={"record_differences": "all"})
    at.cycle()  # a deposit is booked meanwhile
    at.by_hand(BTC, Side.BUY, "0.03", "101")
    at.reconcile()
    at.faults.lookups_unanswered = 0
    at.cycle()
    assert [fill.trade_id for fill, _ in at.state.recent.fills] == ["convert-q1", "t00001"]
    assert at.state.positions["BTC"].quantity == D("0.03")
    at.check()


def test_a_day_later_nothing_of_it_is_left_to_ask_for() -> None:
    at = two_conversions()
    at.clock.advance(2 * DAY)
    at.cycle()
    assert at.state.recent.fills == ()
    reads = at.effects.log.count("conversions")
    at.cycle()
    assert at.effects.log.count("conversions") == reads
    at.check()
