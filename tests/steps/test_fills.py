"""Booked once: through restores, rebuilds, backups, crashes and a state that forgets, whatever the exchange lists."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from random import Random

import pytest

from books_world import DAY, HOUR, BooksWorld, our_id
from desk import buy, market, policy, sell
from fake_time import MINUTE, Crash
from tradekit.decide import booking, order_events
from tradekit.decide.history import fold_file
from tradekit.decide.reconcile import rows_of
from tradekit.domain.books import BookedFill, Owner
from tradekit.domain.errors import NeedsHuman
from tradekit.domain.event import BooksRebuilt, FillBooked, HoldPlaced, OrderAdopted
from tradekit.domain.hold import HoldCode
from tradekit.domain.order import Closed
from tradekit.domain.proposal import Side
from tradekit.flows.rebuild_positions import Source

D = Decimal
BTC = "BTC/USDT"
ETH = "ETH/USDT"


def opened() -> BooksWorld:
    """An account whose books are open and empty, and whose orders fill at once."""
    world = BooksWorld()
    world.cycle()
    world.fills_at_once()
    return world


def trades(world: BooksWorld, count: int, *, apart: int = 1000) -> None:
    """Trades by hand, each booked by a run of its own."""
    for _ in range(count):
        world.by_hand(BTC, Side.BUY, "0.01")
        world.reconcile()
        world.clock.advance(apart)


# what came before the books


@pytest.mark.parametrize("behind_ms", [0, 1_400, 1_900])
def test_a_fill_of_our_own_order_is_booked_although_the_opening_run_thought_it_later(behind_ms: int) -> None:
    world = opened()
    world.clock.advance(world.state.opened_at - behind_ms - world.clock.now())
    world.cycle(buy(BTC, notional="50"))
    assert [event.owner for event in world.events(FillBooked)] == [Owner.TRADEKIT]
    assert all(isinstance(order.state, Closed) for order in world.state.orders.values())
    world.check()


# what the state has forgotten


@pytest.fixture
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that remembers three fills and two closed orders."""
    monkeypatch.setattr(booking, "RECENT_KEPT", 3)
    monkeypatch.setattr(order_events, "CLOSED_KEPT", 2)


@pytest.mark.usefixtures("short_memory")
def test_trades_that_the_state_has_forgotten_are_known_to_the_journal() -> None:
    world = opened()
    trades(world, 8)
    assert len(world.state.recent.fills) == 3
    report = world.reconcile(since=0)
    assert (report.settled.fills.duplicates, report.settled.fills.fresh) == (8, ())
    world.check()


@pytest.mark.usefixtures("short_memory")
def test_a_trade_later_than_all_that_is_remembered_still_costs_what_it_cost_in_its_place() -> None:
    world = BooksWorld(policy(account={"managed": ["BTC"]}, books={"cost_method": "fifo"}, exits={"stop_loss_pct": 0}))
    world.cycle()
    world.exchange.markets[BTC] = market(BTC, maker_fee=D(0))
    world.clock.advance(HOUR)
    world.by_hand(BTC, Side.BUY, "1", "60", listed_after=30 * MINUTE)
    for price in ("100", "110", "120", "130"):
        world.clock.advance(MINUTE)
        world.by_hand(BTC, Side.BUY, "1", price)
        world.reconcile()
    world.by_hand(BTC, Side.SELL, "1", "150")
    world.reconcile()
    assert world.state.positions["BTC"].realized == 50  # the one for 100, as far as is known
    world.clock.advance(30 * MINUTE)
    world.reconcile()
    assert world.state.positions["BTC"].realized == 90
    assert not world.state.recent.out_of_order
    world.check()


@pytest.mark.usefixtures("short_memory")
def test_a_restore_and_then_a_later_one_book_nothing_twice() -> None:
    """The second goes back to books that the first had left: what they hold was taken out of the index by the first."""
    world = opened()
    trades(world, 2)
    oldest = world.state
    trades(world, 6)
    newer = world.state
    trades(world, 2)
    world.go_back_to(oldest)
    world.reconcile()
    world.go_back_to(newer)
    world.reconcile(since=0)
    world.check_quiet()
    world.go_back_to(oldest)
    world.reconcile(since=0)
    world.check_quiet()


@pytest.mark.usefixtures("short_memory")
@pytest.mark.parametrize("seed", range(5))
def test_a_rebuild_from_a_shuffled_list_books_nothing_twice(seed: int) -> None:
    world = opened()
    trades(world, 6, apart=5 * MINUTE)
    world.faults.shuffled = Random(seed)
    world.rebuild(Source.EXCHANGE)
    for _ in range(3):
        trades(world, 1)
        world.reconcile(since=0)
    assert world.differences() == {}
    world.check_quiet()


@pytest.mark.usefixtures("short_memory")
def test_the_books_of_a_journal_that_lost_its_beginning_book_nothing_twice() -> None:
    world = opened()
    trades(world, 8)
    world.lose_journal()
    world.reconcile(since=0)
    world.check_quiet()
    world.by_hand(BTC, Side.SELL, "0.02")
    world.reconcile()
    world.check_quiet()


@pytest.mark.usefixtures("short_memory")
@pytest.mark.parametrize("without_id", [False, True])
def test_what_tradekit_bought_stays_tradekits_in_a_rebuild(without_id: bool) -> None:
    """Also where the exchange names only its own order ids, and the state has forgotten the orders."""
    world = opened()
    for number in range(5):
        world.cycle(buy(BTC, amount="0.3", id=f"b{number}"))
    world.faults.fills_without_our_id = without_id
    before = world.state.positions["BTC"]
    report = world.rebuild(Source.EXCHANGE)
    assert all(not change.reasons for change in report.changes if change.asset == "BTC")
    after = world.state.positions["BTC"]
    assert (after.quantity, after.outside, after.cost) == (before.quantity, D(0), before.cost)
    world.check_quiet()


def test_a_rebuild_from_a_file_knows_the_orders_of_tradekit() -> None:
    world = opened()
    world.cycle(buy(BTC, amount="0.3"))
    rows = rows_of([fill for _, fill in world.exchange.trades], world.clock.now())
    file = fold_file(world.policy, "USDT", lambda as_written: rows, world.store.history())
    world.rebuild(Source.FILE, file=file)
    assert (world.state.positions["BTC"].quantity, world.state.positions["BTC"].outside) == (D("0.3"), D(0))
    world.check_quiet()


def test_a_trade_without_our_id_waits_while_an_order_of_ours_is_unanswered() -> None:
    """It may be that order's: booked as somebody else's it would never be sold by a stop."""
    world = opened()
    world.faults.sends = deque(["reply_lost"])
    world.faults.fills_without_our_id = True
    world.faults.lookups_unanswered = 1000
    world.cycle(buy(BTC, amount="0.3"))
    for _ in range(3):
        world.cycle()
    assert world.owners() == {}
    world.faults.lookups_unanswered = 0
    world.cycle()
    assert world.owners() == {"t00001": Owner.TRADEKIT}
    assert isinstance(world.order("buy-BTC").state, Closed)
    world.check()


# rebuilds


@pytest.mark.parametrize("hours", [-1, 0, 0.1, 1, 30, 400])
def test_a_window_that_is_too_short_loses_no_position(hours: float) -> None:
    world = opened()
    world.cycle(buy(BTC, amount="0.3"))
    world.clock.advance(20 * HOUR)
    world.cycle(buy(ETH, amount="1"))
    world.cycle(sell(BTC, amount="0.1"))
    world.by_hand(BTC, Side.BUY, "0.01")
    world.reconcile()
    world.clock.advance(10 * MINUTE)
    world.by_hand(ETH, Side.BUY, "0.01", "50")
    world.reconcile()
    before = {asset: (p.quantity, p.outside) for asset, p in world.state.positions.items()}
    report = world.rebuild(Source.EXCHANGE, since=world.clock.now() - int(hours * HOUR))
    assert {asset: (p.quantity, p.outside) for asset, p in world.state.positions.items()} == before
    assert {lot.asset for lot in report.openings} >= {"USDT"}
    assert ("BTC" in {lot.asset for lot in report.openings}) is (hours < 20)
    world.check_quiet()
    world.exchange.set_quote(BTC, "50", "50.1")  # half: the stop sells what was bought
    world.cycle()
    assert world.state.positions["BTC"].quantity == 0


def test_a_rebuild_keeps_the_peaks_that_cycles_saw() -> None:
    world = opened()
    world.cycle(buy(BTC, amount="0.3"))
    world.exchange.set_quote(BTC, "120", "120.1")
    world.cycle()
    peak = world.state.positions["BTC"].peak
    assert peak == 120
    for source in (Source.JOURNAL, Source.EXCHANGE):
        world.rebuild(source)
        assert world.state.positions["BTC"].peak == peak
    world.exchange.set_quote(BTC, "130", "130.1")
    world.cycle()
    assert (peak := world.state.positions["BTC"].peak) == 130
    world.by_hand(BTC, Side.BUY, "0.01", "120", listed_after=10 * MINUTE)
    world.clock.advance(MINUTE)
    world.by_hand(BTC, Side.BUY, "0.02", "120")
    world.reconcile()
    world.clock.advance(10 * MINUTE)
    report = world.reconcile()  # the late one goes to its place: what came after it is folded again
    assert report.settled.fills.late == 1
    assert world.state.positions["BTC"].peak == peak


@pytest.mark.usefixtures("short_memory")
def test_fills_of_a_rebuild_are_forgotten_oldest_first_in_whatever_order_they_came() -> None:
    world = opened()
    trades(world, 5)
    desk, first, *middle, last = world.desk(), *(BookedFill(*event) for event in world.events(FillBooked))
    fills = (last, first, *middle)
    desk.record(BooksRebuilt("exchange", desk.state.books, fills, first.fill.time - 1, {}))
    trades(world, 1)
    world.reconcile(since=0)
    world.check_quiet()


def test_a_rebuild_that_is_not_applied_changes_nothing() -> None:
    world = opened()
    world.cycle(buy(BTC))
    records, saves = len(world.store.records), world.store.saves
    for source in (Source.JOURNAL, Source.EXCHANGE):
        assert not world.rebuild(source, apply=False).applied
    assert (len(world.store.records), world.store.saves) == (records, saves)


@pytest.mark.parametrize("source", [Source.JOURNAL, Source.EXCHANGE])
def test_a_rebuild_is_refused_while_the_fate_of_an_order_is_open(source: Source) -> None:
    world = opened()
    world.faults.sends = deque(["lost"])
    world.cycle(buy(BTC))
    records = world.events(BooksRebuilt)
    with pytest.raises(NeedsHuman) as refused:
        world.rebuild(source)
    assert [p.code for p in refused.value.problems] == ["orders_unsettled"]
    assert world.events(BooksRebuilt) == records


def test_a_rebuild_is_taken_back_by_a_restore_and_later_trades_come_in_once() -> None:
    world = opened()
    world.cycle(buy(BTC, amount="0.3"))
    before = world.state
    world.rebuild(Source.EXCHANGE, since=world.clock.now())
    world.by_hand(BTC, Side.SELL, "0.1", "110")
    world.reconcile()
    world.go_back_to(before)
    assert world.state.books == before.books
    world.reconcile()
    world.check_quiet()
    assert world.state.books.tallies["USDT"].assumed == 0


def test_a_trade_that_makes_no_sense_is_not_known_after_a_rebuild() -> None:
    world = opened()
    trades(world, 1)
    fill = world.by_hand(BTC, Side.BUY, "0.1")
    world.exchange.retell(fill.trade_id, price=D(-100))
    world.rebuild(Source.EXCHANGE)
    assert world.held() == [("fill_quarantined", BTC)]
    [event] = world.events(BooksRebuilt)
    assert [fill.trade_id for fill, _ in event.fills] == ["t00001"]


# restores


def test_a_restore_before_an_adoption_does_not_forget_what_the_order_had_filled_before_the_books() -> None:
    world = BooksWorld()
    lost = world.lost_order(amount="0.4")
    world.exchange.fill(lost, D("0.1"))
    world.clock.advance(MINUTE)
    world.faults.silent = frozenset({"review"})
    with pytest.raises(Exception, match="no answer"):
        world.cycle()
    world.faults.silent = frozenset()
    older = world.state
    world.faults.cancels = deque(["unanswered"] * 40)
    world.reconcile()
    world.go_back_to(older)
    world.faults.cancels.clear()
    world.reconcile()
    order = world.state.orders[our_id(1)]
    assert isinstance(order.state, Closed), order.state
    assert order.filled == D("0.1")


def test_holds_survive_a_restore() -> None:
    world = opened()
    older = world.state
    world.exchange.fill(world.lost_order())
    world.reconcile(BTC)
    world.go_back_to(older)
    world.reconcile(BTC)
    assert world.held() == [("order_adopted", "")]
    assert len(world.events(HoldPlaced)) == 1
    world.check_quiet()


# a torn write leaves its first events behind


@pytest.mark.parametrize("kind", [OrderAdopted, FillBooked])
def test_no_write_that_is_torn_takes_over_what_is_not_held(kind: type) -> None:
    world = opened()
    lost = world.lost_order()
    if kind is FillBooked:
        world.exchange.fill(lost)
    world.reconcile(BTC)
    names = [type(record.event) for record in world.store.records]
    assert names.index(HoldPlaced) < names.index(kind)


# crashes


SCENES: dict[str, Callable[[BooksWorld], object]] = {
    "reconcile": lambda world: world.reconcile(),
    "rebuild from the exchange": lambda world: world.rebuild(Source.EXCHANGE),
    "rebuild from the journal": lambda world: world.rebuild(Source.JOURNAL),
    "restore": lambda world: world.go_back_to(world.first),
    "resume": lambda world: world.resume(),
}


def scene(name: str) -> BooksWorld:
    """A position, a late trade that puts the books out of order, a lost order that partly filled, a trade by hand."""
    world = BooksWorld(policy(books={"cost_method": "fifo"}))
    world.cycle()
    world.fills_at_once()
    world.cycle(buy(BTC, amount="0.3"), buy(ETH, amount="1"))
    world.first = world.state
    world.clock.advance(HOUR)
    world.by_hand(BTC, Side.BUY, "0.2", "90", listed_after=HOUR)
    world.clock.advance(HOUR)
    world.cycle(sell(BTC, amount="0.1"))
    world.by_hand(ETH, Side.SELL, "0.5", "55")
    world.exchange.fill(world.lost_order(amount="0.4"), D("0.2"))
    if name == "resume":
        world.reconcile()
    return world


@pytest.mark.parametrize("name", SCENES)
def test_a_crash_at_any_effect_books_nothing_twice_and_loses_no_hold(name: str) -> None:
    calm = scene(name)
    begin = calm.effects.points
    SCENES[name](calm)
    count = calm.effects.points - begin
    calm.reconcile()
    calm.check_quiet()
    assert count >= 2
    for point in range(1, count + 1):
        world = scene(name)
        world.effects.die_at = frozenset({world.effects.points + point})
        with pytest.raises(Crash):
            SCENES[name](world)
        world.reconcile()
        world.check_quiet()
        assert world.held() == [("order_adopted", "")] or name == "resume"
        quantities = {asset: (p.quantity, p.outside) for asset, p in world.state.positions.items()}
        assert quantities == {asset: (p.quantity, p.outside) for asset, p in calm.state.positions.items()}
        assert world.state.books.tallies["BTC"].total == calm.state.books.tallies["BTC"].total


# what a quiet minute costs


@pytest.mark.usefixtures("short_memory")
def test_a_quiet_cycle_reads_no_journal() -> None:
    world = opened()
    world.cycle(buy(BTC, amount="0.3"))
    trades(world, 5)
    world.clock.advance(HOUR)
    late = world.by_hand(BTC, Side.BUY, "0.05", "90")
    world.exchange.retell(late.trade_id, time=world.clock.now() - 30 * MINUTE)
    world.cycle()
    reads = []
    history = world.store.history
    world.store.history = lambda: reads.append(1) or history()  # type: ignore[method-assign,func-returns-value]
    for _ in range(3):
        world.cycle()
        world.reconcile()
    assert reads == []
    world.check()


def test_lifted_holds_do_not_grow_without_bound() -> None:
    world = opened()
    for number in range(150):
        world.exchange.tell(world.by_hand(ETH, Side.BUY, "1", "50")._replace(trade_id=f"odd{number}", amount=D(-1)))
        world.reconcile()
        world.resume()
        world.clock.advance(2 * HOUR)
    assert len(world.state.holds) <= 100
    assert {hold.code for hold in world.state.holds} == {HoldCode.FILL_QUARANTINED}
    world.clock.advance(DAY)
    world.reconcile()
    assert world.held() == []
