"""Reconcile against an exchange that is late, lies and forgets: each trade once, the right owner, the right holds."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from random import Random

import pytest

from books_world import DAY, HOUR, BooksWorld, our_id
from desk import World, buy, policy, sell
from fake_time import MINUTE
from tradekit.domain.books import Owner
from tradekit.domain.decision import Refused
from tradekit.domain.errors import BadInput, ExitCode, Unreachable
from tradekit.domain.event import FillBooked, FlowRecorded, ForeignOrdersSeen, HoldPlaced, OrderFinal
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.domain.money import Money
from tradekit.domain.order import Closed, FinalWord
from tradekit.domain.outcome import ReportedStatus
from tradekit.domain.proposal import Side
from tradekit.flows.reconcile_fills import Wanted, reconcile_fills

D = Decimal
BTC = "BTC/USDT"


def opened() -> BooksWorld:
    """An account whose books are open and empty, and whose orders fill at once."""
    world = BooksWorld()
    world.cycle()
    world.fills_at_once()
    return world


def bought(amount: str = "0.3") -> BooksWorld:
    """An account that holds BTC that it bought."""
    world = opened()
    world.cycle(buy(BTC, amount=amount))
    return world


def refusals(world: BooksWorld, symbol: str = BTC) -> list[str]:
    """Why a cycle refuses to buy a little of a symbol, if it does."""
    report = world.cycle(buy(symbol, notional="20", id=f"try-{symbol}-{world.clock.now()}"))
    return [decision.code for decision in report.decisions if isinstance(decision, Refused)]


def test_a_second_reconcile_records_nothing_and_writes_nothing() -> None:
    world = bought()
    world.by_hand("ETH/USDT", Side.BUY, "1", "50")
    report = world.reconcile()
    assert report.exit_code is ExitCode.DONE
    assert [owner for _, owner in report.settled.fills.fresh] == [Owner.OUTSIDE]
    again = world.reconcile()
    assert (again.settled.fills.fresh, again.settled.fills.duplicates) == ((), 2)
    world.check()


def test_nothing_new_costs_one_round_of_reads() -> None:
    world = bought()
    reads = world.exchange.reads
    world.reconcile()
    assert world.exchange.reads == reads + 1


@pytest.mark.parametrize("hours", [0, 2, 5, 30])
def test_a_trade_that_is_listed_hours_late_is_booked_once_at_its_place(hours: int) -> None:
    """Others of the same symbol came in between and moved the cursor past it."""
    world = opened()
    early = world.by_hand(BTC, Side.BUY, "0.1", "90", listed_after=hours * HOUR)
    for step in range(hours):
        world.clock.advance(HOUR)
        world.by_hand(BTC, Side.BUY, "0.01", str(100 + step))
        world.cycle()
    world.clock.advance(MINUTE)
    if hours > DAY // HOUR:
        world.reconcile(since=0)
    report = world.cycle()
    assert not report.differences
    assert world.owners()[early.trade_id] is Owner.OUTSIDE
    world.check()


def test_a_late_trade_of_a_managed_asset_costs_what_it_cost_in_its_place() -> None:
    world = BooksWorld(policy(account={"managed": ["BTC"]}, exits={"stop_loss_pct": 0}))
    world.cycle()
    world.by_hand(BTC, Side.BUY, "1", "100", listed_after=5 * HOUR)
    world.clock.advance(HOUR)
    world.by_hand(BTC, Side.SELL, "1", "150")  # at a profit of 50, as will be known later
    for _ in range(5):
        world.clock.advance(HOUR)
        world.cycle()
    position = world.state.positions["BTC"]
    assert position.quantity == position.cost == position.outside == 0
    assert position.realized == D(50) - D("0.1") - D("0.15")  # both fees
    world.check()


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_duplicated_and_cut_lists_make_the_same_books(seed: int) -> None:
    calm, wild = bought(), bought()
    for world in (calm, wild):
        for number in range(6):
            world.by_hand(BTC, Side.SELL if number % 3 == 2 else Side.BUY, f"0.0{number + 1}", str(90 + number))
            world.clock.advance(1000)
    wild.faults.shuffled = Random(seed)
    wild.faults.duplicated = True
    for cut in (2, 5, 1):
        wild.faults.cut_listings = deque([cut, cut])
        wild.reconcile()
    wild.faults.duplicated = False
    wild.reconcile()
    calm.reconcile()
    assert wild.state.books == calm.state.books
    wild.check()


def test_one_trade_id_on_two_symbols_is_two_trades() -> None:
    world = opened()
    world.by_hand(BTC, Side.BUY, "0.1")
    world.by_hand("ETH/USDT", Side.BUY, "1", "50")
    world.exchange.trades = [(shown, fill._replace(trade_id="7")) for shown, fill in world.exchange.trades]
    world.cycle()
    assert [event.fill.symbol for event in world.events(FillBooked)] == [BTC, "ETH/USDT"]
    world.check()


# a trade that makes no sense holds its symbol, and nothing else


def trade_of(world: BooksWorld, **changes: object) -> Fill:
    """A copy of the last trade with another id."""
    fill = world.exchange.trades[-1][1]
    return fill._replace(**{"trade_id": "odd", "time": world.clock.now(), **changes})  # type: ignore[arg-type]


ODD: list[dict[str, object]] = [
    {"price": D(-100), "cost": D(-10), "amount": D("0.1")},
    {"price": D(0), "cost": D(0)},
    {"amount": D(0), "cost": D(0)},
    {"amount": D("-0.1"), "cost": D(-10)},
    {"amount": D("0.1"), "price": D(100), "cost": D(1)},
    {"fees": (Money(D(10**6), "USDT"),)},
    {"fees": (Money(D(1), "no such asset!"),)},
    {"amount": D("0.3"), "price": D(100), "cost": D(30)},  # the order is full already
    {"side": Side.SELL},
]


@pytest.mark.parametrize("changes", ODD, ids=" ".join)
def test_a_trade_without_sense_holds_its_symbol_until_a_person_has_looked(changes: dict[str, object]) -> None:
    world = bought()
    before = world.state.books
    world.exchange.tell(trade_of(world, **changes))
    report = world.reconcile()
    assert (report.exit_code, [p.code for p in report.problems]) == (ExitCode.NEEDS_HUMAN, ["held"])
    assert world.held() == [("fill_quarantined", BTC)]
    assert world.state.books == before
    assert refusals(world) == ["held"]
    assert refusals(world, "ETH/USDT") == []
    assert [str(hold.code) for hold in world.resume()] == ["fill_quarantined"]
    assert world.reconcile().exit_code is ExitCode.DONE
    assert refusals(world) == []
    assert len(world.events(HoldPlaced)) == 1
    world.check()


def test_a_trade_of_the_future_waits_for_its_time() -> None:
    world = bought()
    fill = world.by_hand("ETH/USDT", Side.BUY, "1", "50")
    world.exchange.retell(fill.trade_id, time=world.clock.now() + 3 * HOUR)
    world.reconcile()
    assert world.held() == [("fill_quarantined", "ETH/USDT")]
    world.clock.advance(3 * HOUR)
    world.reconcile()
    world.resume()
    world.check()


def test_what_the_adapter_could_not_read_is_held_and_the_rest_goes_on() -> None:
    world = bought()
    world.exchange.tell(BrokenTrade(BTC, "odd", world.clock.now(), "has no price"))
    world.by_hand(BTC, Side.BUY, "0.1")
    report = world.reconcile()
    assert len(report.settled.fills.fresh) == 1
    assert world.held() == [("fill_quarantined", BTC)]
    world.resume()
    world.check()


def test_sales_go_on_while_a_symbol_is_held() -> None:
    world = bought()
    world.exchange.tell(BrokenTrade(BTC, "odd", world.clock.now(), "has no price"))
    world.cycle(sell(BTC, amount="0.3"))
    assert world.state.positions["BTC"].quantity == 0
    assert world.held() == [("fill_quarantined", BTC)]


def test_a_trade_that_changes_keeps_its_first_content_and_is_told_once() -> None:
    world = bought()
    before = world.state.books
    world.exchange.retell("t00001", amount=D("0.2"), cost=D("0.2") * D("99.96"))
    assert world.reconcile().exit_code is ExitCode.NEEDS_HUMAN
    assert world.held() == [("fill_changed", BTC)]
    assert world.state.books == before
    world.resume()
    world.exchange.retell("t00001", amount=D("0.1"))
    assert world.reconcile().exit_code is ExitCode.DONE
    world.check()


def test_an_exchange_that_lists_only_nonsense_does_not_fill_the_journal() -> None:
    world = bought()
    world.exchange.tell(*(BrokenTrade(BTC, f"odd{n}", world.clock.now(), "is odd") for n in range(500)))
    for _ in range(3):
        world.reconcile()
    assert len(world.events(HoldPlaced)) == 20
    assert refusals(world, "ETH/USDT") == []


# what orders say and what trades say


def test_a_canceled_order_that_had_filled_is_filled() -> None:
    world = opened()
    world.exchange.on_open = lambda _: None
    world.faults.cancels = deque(["filled_first"])
    world.cycle(buy(BTC))
    assert [event.word for event in world.events(OrderFinal)] == [FinalWord.FILLED]
    assert world.state.positions["BTC"].quantity == world.order("buy-BTC").filled == D("0.3")
    world.check()


def test_a_part_that_is_reported_closed_ends_the_order_with_that_part() -> None:
    """Some exchanges say "closed" of an order that was canceled after a part of it had filled."""
    world = opened()
    world.exchange.on_open = lambda order: world.exchange.fill(order, D("0.1"))
    world.faults.cancels = deque(["unanswered"] * 8)
    world.cycle(buy(BTC))
    world.exchange.open()[0].status = ReportedStatus.FILLED
    world.reconcile()
    order = world.order("buy-BTC")
    assert isinstance(order.state, Closed) and order.filled == D("0.1")
    world.check()


def test_an_order_told_fuller_than_its_trades_is_asked_for_again_and_then_held() -> None:
    world = opened()
    world.faults.trades_lag_ms = 10 * HOUR
    world.cycle(buy(BTC))
    report = world.reconcile()
    assert {p.code for p in report.problems} >= {"trades_missing"}
    world.clock.advance(2 * HOUR)
    world.reconcile()
    assert world.held() == [("fills_missing", BTC)]
    assert isinstance(world.order("buy-BTC").state, Closed)
    world.clock.advance(9 * HOUR)
    world.reconcile()
    assert world.state.positions["BTC"].quantity == world.order("buy-BTC").filled == D("0.3")
    assert [str(hold.code) for hold in world.resume()] == ["fills_missing"]
    world.check()


def test_an_open_order_that_vanishes_stays_unresolved_until_its_trades_explain_it() -> None:
    world = opened()
    world.exchange.on_open = lambda order: world.faults.vanished.add(order.exchange_id)
    world.cycle(buy(BTC))
    assert [p.code for p in world.reconcile().problems] == ["cancel_unanswered"]
    [order] = world.exchange.orders
    world.faults.vanished.clear()
    order.status = ReportedStatus.OPEN
    world.exchange.fill(order)
    assert world.reconcile().exit_code is ExitCode.DONE
    assert world.owners() == {"t00001": Owner.TRADEKIT}
    world.check()


# orders and trades of others


def test_open_orders_of_others_are_seen_counted_and_never_touched() -> None:
    world = opened()
    theirs = world.exchange.place_elsewhere(BTC, Side.BUY, "2", "99")
    assert [order.exchange_id for order in world.reconcile().foreign] == [theirs.exchange_id]
    world.policy = policy(risk={"max_asset_pct": 15})  # 150 of 1000: 198 are bound already
    assert refusals(world) == ["cap_asset"]
    assert refusals(world, "ETH/USDT") == []
    assert theirs.status is ReportedStatus.OPEN
    assert len(world.events(ForeignOrdersSeen)) == 1
    theirs.status = ReportedStatus.CANCELED
    assert refusals(world) == []


def test_an_order_of_others_counts_in_the_currency_of_the_account() -> None:
    world = opened()
    world.exchange.place_elsewhere("ETH/BTC", Side.BUY, "4", "0.5")  # 200 USDT, and the price says 2
    world.policy = policy(risk={"max_asset_pct": 15})
    assert refusals(world, "ETH/USDT") == ["cap_asset"]


def test_trades_of_others_in_a_new_symbol_are_found_through_the_balance() -> None:
    world = opened()
    world.by_hand("SOL/USDT", Side.BUY, "3", "20")
    report = world.reconcile()
    assert (report.exit_code, world.differences()) == (ExitCode.DONE, {})
    assert world.owners() == {"t00001": Owner.OUTSIDE}
    world.check()


# orders of ours that this journal does not know


def test_a_lost_open_order_is_adopted_canceled_and_holds_all_opens() -> None:
    world = opened()
    lost = world.lost_order()
    report = world.reconcile()
    assert report.settled.adopted == (our_id(1),)
    assert lost.status is ReportedStatus.CANCELED
    assert world.held() == [("order_adopted", "")]
    assert refusals(world, "ETH/USDT") == ["held"]
    world.resume()
    assert refusals(world, "ETH/USDT") == []
    assert world.reconcile().exit_code is ExitCode.DONE
    world.check()


@pytest.mark.parametrize("symbol", [BTC, "SOL/USDT"])
@pytest.mark.parametrize("before", ["0", "0.1"])
@pytest.mark.parametrize("after", ["0", "0.15"])
def test_a_lost_order_that_partly_filled_before_and_after_the_opening(symbol: str, before: str, after: str) -> None:
    """What filled before is in the opening balance, what filled after is ours."""
    world = BooksWorld()
    lost = world.lost_order(symbol=symbol)
    if D(before):
        world.exchange.fill(lost, D(before))
    world.clock.advance(MINUTE)
    world.faults.silent = frozenset({"review"})  # the books are opened, and nothing else is answered
    with pytest.raises(Unreachable):
        world.cycle()
    world.faults.silent = frozenset()
    world.clock.advance(MINUTE)
    if D(after):
        world.exchange.fill(lost, D(after))
    world.reconcile()
    asset = symbol.partition("/")[0]
    assert world.held() == [("order_adopted", "")]
    adopted = world.state.orders[our_id(1)]
    assert isinstance(adopted.state, Closed)
    assert adopted.filled == D(before) + D(after)
    if D(after):
        assert world.state.positions[asset].quantity == D(after)
    world.resume()
    assert world.held() == []
    world.check()


def test_only_the_trades_of_a_lost_order_are_left() -> None:
    world = bought()
    lost = world.lost_order()
    world.exchange.fill(lost)
    report = world.reconcile()
    assert [owner for _, owner in report.settled.fills.fresh] == [Owner.TRADEKIT]
    assert world.held() == [("order_adopted", "")]
    world.resume()
    assert world.reconcile().exit_code is ExitCode.DONE
    world.check()


def test_a_home_restored_from_a_backup_finds_what_it_has_forgotten() -> None:
    world = bought()
    home = world.backup()
    world.cycle(buy("ETH/USDT"), buy(BTC, id="more"))
    world.exchange.on_open = lambda _: None
    world.faults.cancels = deque(["unanswered"] * 8)
    world.cycle(buy("SOL/USDT"))  # its order is left open
    wanted = world.state.books
    world.bring_back(home)
    world.reconcile()
    assert not world.exchange.open()
    assert {code for code, _ in world.held()} == {"order_adopted"}
    assert {asset: p.quantity for asset, p in world.state.positions.items()} == {
        asset: p.quantity for asset, p in wanted.positions.items()
    }
    assert set(world.owners().values()) == {Owner.TRADEKIT}
    world.resume()
    world.check()


# a rest that nobody explains


def test_a_rest_is_recorded_on_request_once() -> None:
    world = bought()
    world.exchange.totals["USDT"] -= 5
    world.exchange.totals["BTC"] += D("0.01")
    report = world.reconcile()
    assert [p.code for p in report.problems] == ["books_mismatch", "books_mismatch"]
    assert world.reconcile(record=("USDT",)).recorded == ("USDT",)
    assert world.differences() == {"BTC": D("0.01")}
    assert world.reconcile(record=("BTC", "USDT")).recorded == ("BTC",)
    assert [(e.asset, e.amount) for e in world.events(FlowRecorded)] == [("USDT", D(-5)), ("BTC", D("0.01"))]
    assert world.state.positions["BTC"].outside == D("0.01")
    world.check()


def test_an_unknown_asset_is_refused_before_anything_is_recorded() -> None:
    world = bought()
    world.by_hand(BTC, Side.BUY, "0.1")
    records = len(world.store.records)
    with pytest.raises(BadInput, match="NOPE"):
        world.reconcile(record=("NOPE",))
    assert len(world.store.records) == records


@pytest.mark.parametrize("wanted", ["small", "all"])
def test_a_fill_that_wins_against_the_cancel_is_never_recorded_as_a_transfer(wanted: str) -> None:
    """The balances of the first round are older than the fill: they are no reason to record anything."""
    world = BooksWorld(policy(books={"record_differences": wanted, "tolerance_notional": 100}))
    world.cycle()
    world.faults.cancels = deque(["unanswered"] * 8)
    world.cycle(buy(BTC))
    world.faults.cancels = deque(["filled_first"])
    world.reconcile()
    assert world.events(FlowRecorded) == []
    assert (world.state.positions["BTC"].quantity, world.state.positions["BTC"].outside) == (D("0.3"), D(0))
    world.check()


def test_a_trade_that_is_not_listed_yet_is_never_recorded_as_a_transfer() -> None:
    world = BooksWorld(policy(books={"record_differences": "all"}))
    world.cycle()
    world.fills_at_once()
    world.faults.trades_lag_ms = 5 * MINUTE
    world.cycle(buy(BTC))
    world.cycle()
    world.faults.trades_lag_ms = 0
    world.clock.advance(5 * MINUTE)
    world.cycle()
    assert world.events(FlowRecorded) == []
    assert world.state.positions["BTC"].quantity == D("0.3")
    world.check()


def test_an_empty_list_of_balances_is_not_a_withdrawal_of_everything() -> None:
    world = BooksWorld(policy(books={"record_differences": "all"}))
    world.cycle()
    totals, world.exchange.totals = world.exchange.totals, {}
    with pytest.raises(Unreachable):
        world.cycle()
    with pytest.raises(Unreachable):
        world.reconcile()
    world.exchange.totals = totals
    assert world.events(FlowRecorded) == []
    world.check()


def test_what_an_order_that_is_not_over_may_explain_is_not_recorded_as_a_transfer() -> None:
    """Its trades would be booked a second time, and the rest be without a stop."""
    at = World(policy(account={"managed": ["BTC"]}, exits={"stop_loss_pct": 10}), BTC="1")
    at.cycle()
    at.exchange.faults.trades_lag_ms = 5 * MINUTE
    at.fills_at_once()
    at.cycle(sell("BTC/USDT", amount="0.5"))
    report = reconcile_fills(at.desk(), Wanted(record=("BTC", "USDT")))
    assert report.recorded == ()
    assert [problem.code for problem in report.problems][:2] == ["not_recorded", "not_recorded"]
    for _ in range(9):
        at.cycle()
    at.exchange.faults.trades_lag_ms = 0
    assert at.state.positions["BTC"].quantity == D("0.5")
    at.exchange.set_quote("BTC/USDT", "50", "50.1")
    at.cycle()
    assert at.exchange.totals["BTC"] == 0
