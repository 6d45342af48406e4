"""The order protocol: durable before sent, sent once, and what is neither yes nor no is looked up for ever."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

import pytest

from desk import World, buy, policy, sell
from fake_exchange import HORIZON, FakeOrder
from fake_time import MINUTE
from tradekit.adapters.store.memory_store import MemoryStore
from tradekit.domain.errors import ExitCode
from tradekit.domain.event import OrderNotPlaced, OrderRejected, OrderUnanswered
from tradekit.domain.order import Closed, FinalWord, Open, TimeInForce, Unknown
from tradekit.domain.outcome import RejectCode
from tradekit.domain.proposal import Side
from tradekit.flows.cycle import Wanted, cycle

D = Decimal
DAY = 24 * 60 * MINUTE
BTC = buy("BTC/USDT")
FIVE_PCT = policy(risk={"max_asset_pct": 5})  # of 1000 USDT: 50 for one asset


def refusal(world: World, id: str = "again") -> str:
    """The code under which a second purchase of BTC is refused now, or "" when it is not."""
    report = world.cycle(buy("BTC/USDT", id=id))
    assert len(report.decisions) == 1
    return getattr(report.decisions[0], "code", "")


def test_the_intent_is_durable_before_the_send_and_the_answer_before_anything_else() -> None:
    world = World()
    world.cycle(BTC)
    log = world.effects.log
    sent = log.index("place")
    assert log[sent - 1 : sent + 2] == ["append OrderIntended", "place", "append OrderAcknowledged"]
    world.audit()


def test_a_full_disk_sends_no_open_but_lets_sales_go() -> None:
    world = World(policy(account={"managed": ["ETH"]}), ETH="2")
    world.cycle()
    world.store.full = True
    alone = world.cycle(BTC)
    assert [problem.code for problem in alone.problems] == ["disk_full"]
    assert alone.exit_code is ExitCode.NEEDS_HUMAN
    assert not world.exchange.sent
    report = world.cycle(BTC, sell("ETH/USDT", amount="1"))
    assert [intent.symbol for intent in world.exchange.sent] == ["ETH/USDT"]
    assert report.exit_code is ExitCode.NEEDS_HUMAN
    assert "buy-BTC" not in world.state.consumed


@pytest.mark.parametrize("code", list(RejectCode))
def test_a_definite_no_closes_the_order_and_frees_its_room(code: RejectCode) -> None:
    world = World(FIVE_PCT)
    world.faults.sends.append(f"reject:{code}")
    world.cycle(BTC)
    order = world.order("buy-BTC")
    assert isinstance(order.state, Closed)
    assert (order.state.word, order.state.detail) == (FinalWord.REJECTED, code)
    assert [event.code for event in world.events(OrderRejected)] == [code]
    assert world.state.openings == ()  # what never was doesn't count against the pace
    assert refusal(world) == ""
    world.audit()


def test_a_post_only_order_that_would_cross_is_recorded_as_such() -> None:
    world = World()

    def the_market_falls_meanwhile() -> None:
        world.exchange.set_quote("BTC/USDT", "99.00", "99.10")

    world.exchange.latency_ms = 300
    world.cycle()
    world.clock.after(1000, the_market_falls_meanwhile)  # review 300, symbols, snapshot 900, the order arrives at 1200
    world.cycle(BTC)
    assert [event.code for event in world.events(OrderRejected)] == [RejectCode.POST_ONLY_WOULD_CROSS]


@pytest.mark.parametrize("fault", ["lost", "reply_lost", "late:5000", "late:20000", f"late:{HORIZON + 90_000}"])
def test_an_unknown_order_is_never_sent_again_and_ends_where_the_exchange_says(fault: str) -> None:
    world = World()
    world.fills_at_once()
    world.faults.sends.append(fault)
    world.cycle(BTC)
    assert len(world.events(OrderUnanswered)) == 1
    for _ in range(20):  # 20 minutes, past the horizon of 15
        world.cycle(BTC)
    assert len(world.exchange.sent) == 1
    order = world.order("buy-BTC")
    assert isinstance(order.state, Closed)
    assert order.state.word is (FinalWord.NOT_PLACED if fault == "lost" else FinalWord.FILLED)
    assert order.filled == (0 if fault == "lost" else D("0.3"))  # 30 USDT at a mid of 100
    world.audit()


def test_an_unknown_order_keeps_its_room_and_its_symbol_until_the_horizon() -> None:
    world = World(FIVE_PCT)
    world.faults.sends.append("lost")
    world.cycle(BTC)
    assert isinstance(world.order("buy-BTC").state, Unknown)
    assert refusal(world) == "order_unanswered"
    # 0.3 BTC at a limit of 99.96 count: 29.988
    assert world.cycle().equity.at_risk == D("0.3") * D("99.96")
    while world.clock.now() <= world.order("buy-BTC").intent.created + HORIZON:
        assert not world.events(OrderNotPlaced)
        world.cycle()
    world.cycle()
    assert len(world.events(OrderNotPlaced)) == 1
    assert world.cycle().equity.at_risk == 0
    assert refusal(world) == ""


def test_total_room_is_kept_for_an_unknown_order_of_another_symbol() -> None:
    world = World(policy(risk={"max_total_at_risk_pct": 5, "max_asset_pct": 5}))
    world.faults.sends.append("lost")
    world.cycle(BTC)
    report = world.cycle(buy("ETH/USDT", notional="40"))
    # 5 % of 1000 are 50; 29.988 are bound by the unknown order, so 20.012 are left: 0.40 ETH at 50
    assert [getattr(d, "amount", None) for d in report.decisions] == [D("0.40")]


def test_the_next_run_looks_an_unknown_order_up_before_anything_else() -> None:
    world = World()
    world.faults.sends.append("lost")
    world.cycle(BTC)
    before = len(world.effects.log)
    world.cycle()
    assert world.effects.log[before] == "review"


def test_a_tombstone_that_revives_is_booked() -> None:
    world = World()
    world.fills_at_once()
    world.faults.sends.append(f"late:{HORIZON + 270_000}")
    world.cycle(BTC)
    while not world.events(OrderNotPlaced):
        world.cycle()
    assert world.order("buy-BTC").is_tombstone
    for _ in range(8):
        world.cycle()
    assert world.state.positions["BTC"].quantity == D("0.3")
    world.audit()


def test_a_tombstone_that_revives_open_is_canceled_at_once() -> None:
    world = World()
    world.faults.sends.append(f"late:{HORIZON + 5 * MINUTE}")
    for _ in range(25):
        world.cycle(BTC)
    assert len(world.exchange.orders) == 1
    world.audit()


def test_a_tombstone_is_asked_for_during_a_day_and_then_forgotten() -> None:
    world = World()
    world.faults.sends.append("lost")
    world.cycle(BTC)
    world.clock.advance(HORIZON)
    world.cycle()
    closed = world.clock.now()
    world.clock.advance(DAY - 5 * MINUTE)
    world.cycle()
    assert world.order("buy-BTC").is_tombstone
    world.clock.advance(closed + DAY + MINUTE - world.clock.now())
    world.cycle()
    assert not world.state.orders


@pytest.mark.parametrize("lag", [1000, 8000, 600_000])
def test_a_look_up_that_lags_behind_is_no_proof(lag: int) -> None:
    world = World()
    world.fills_at_once()
    world.faults.sends.append("reply_lost")
    world.faults.lookup_lag_ms = lag
    for _ in range(13):
        world.cycle(BTC)
    assert world.state.positions["BTC"].quantity == D("0.3")
    assert not world.events(OrderNotPlaced)
    world.audit()


def test_a_look_up_without_an_answer_changes_nothing() -> None:
    world = World()
    world.fills_at_once()
    world.faults.sends.append("reply_lost")
    world.faults.lookups_unanswered = 40
    world.clock.advance(MINUTE)
    for _ in range(20):
        world.cycle(BTC)
    assert world.order("buy-BTC").filled == D("0.3")
    world.audit()


def test_an_order_whose_answer_was_lost_does_not_outlive_the_process() -> None:
    world = World()
    world.faults.sends.append("reply_lost")
    report = world.cycle(BTC)
    assert not world.exchange.open()
    assert report.exit_code is ExitCode.DONE
    world.audit()


def test_an_outcome_that_nobody_knows_is_told() -> None:
    world = World()
    world.faults.sends.append("lost")
    report = world.cycle(BTC)
    assert [problem.code for problem in report.problems] == ["order_unanswered"]
    assert report.exit_code is ExitCode.PARTLY_DONE


@pytest.mark.parametrize("count", range(1, 21))
def test_all_orders_wait_together(count: int) -> None:
    world = World()
    names = [f"C{number:02}" for number in range(count)]
    for name in names:
        symbol = f"{name}/USDT"
        world.exchange.markets[symbol] = world.exchange.markets["ZK/USDT"]._replace(symbol=symbol, base=name)
        world.exchange.set_quote(symbol, "0.09995", "0.10005")
    report = world.cycle(*(buy(f"{name}/USDT", notional="10") for name in names))
    assert len(world.exchange.orders) == count
    assert report.finished - report.started == 12_000  # one TTL of the first tier
    world.audit()


def test_stops_go_out_as_bounded_ioc_without_waiting_and_are_not_blocked_by_the_ttl() -> None:
    world = World(policy(account={"managed": ["BTC"]}), BTC="1")
    world.cycle()
    world.exchange.set_quote("BTC/USDT", "89.00", "89.20")  # below 90, 10 % under the opening price of 100
    world.cycle()
    (intent,) = world.exchange.sent
    assert (intent.side, intent.time_in_force) == (Side.SELL, TimeInForce.IOC)
    assert intent.price == D("87.22")  # 2 % under the bid: 89 x 0.98
    assert world.state.positions["BTC"].quantity == 0
    world.audit()


def test_a_stop_on_a_thin_book_sells_what_it_can_and_goes_on() -> None:
    world = World(policy(account={"managed": ["BTC"]}), BTC="1")
    world.cycle()
    world.exchange.set_quote("BTC/USDT", "89.00", "89.20", depth="26.7")  # 0.3 BTC at the bid
    held = []
    for _ in range(4):
        world.cycle()
        held.append(world.state.positions["BTC"].quantity)
    assert held == [D("0.7"), D("0.4"), D("0.1"), 0]
    world.audit()


def test_a_dry_run_sends_and_records_nothing() -> None:
    world = World(policy(account={"managed": ["BTC"]}), BTC="1")
    world.cycle()
    world.exchange.set_quote("BTC/USDT", "80", "80.1")
    before, records = list(world.effects.log), len(world.store.records)
    memory = MemoryStore(world.store)
    report = cycle(world.desk(dry_run=True, store=memory), Wanted((buy("ETH/USDT"),)))
    assert [intent.symbol for intent in report.planned] == ["BTC/USDT", "ETH/USDT"]
    assert len(world.store.records) == records
    assert not world.exchange.orders
    assert set(world.effects.log[len(before) :]) <= {"symbols", "snapshot", "review", "candles", "fills"}


def test_a_dry_run_cancels_nothing_that_is_past_its_deadline() -> None:
    world = World()
    kept: list[FakeOrder] = []
    world.exchange.on_open = kept.append
    world.faults.cancels = deque(["unanswered"] * 8)
    world.cycle(BTC)
    cycle(world.desk(dry_run=True, store=MemoryStore(world.store)), Wanted())
    assert world.exchange.open() == kept
    assert not isinstance(world.order("buy-BTC").state, Open | Closed)
