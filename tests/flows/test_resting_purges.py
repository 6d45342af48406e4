"""A purge's sale rests from cycle to cycle where it stands: taken up, moved, taken back; never sold twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pytest

from desk import World, policy
from fake_time import MINUTE, START, Crash
from tradekit.cli.cycle_view import present
from tradekit.domain.event import OrderFinal, PurgeEnded
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Order
from tradekit.domain.outcome import CancelOutcome
from tradekit.domain.policy.sections import Policy
from tradekit.domain.purge import PurgeEnd, PurgeTerms
from tradekit.domain.times import HOUR_MS
from tradekit.flows.purge import Wanted, purge, stop_purge

D = Decimal
BTC = "BTC/USDT"


def rules(**sections: Mapping[str, object]) -> Policy:
    given: dict[str, Mapping[str, object]] = {
        "account": {"managed": ["BTC"]},
        "purge": {"assets": ["BTC"]},
        "execution": {"sales_rest": True},
    }
    return policy(**{name: {**given.get(name, {}), **sections.get(name, {})} for name in {**given, **sections}})


def resting(at: World) -> Order:
    (order,) = (order for order in at.state.orders.values() if order.is_live)
    return order


def sell_out(at: World) -> None:
    """Somebody buys all that is offered, and the account is looked over."""
    for order in at.exchange.open():
        at.exchange.fill(order)
    at.fills_at_once()
    at.store.halted = False
    at.cycle()
    at.cycle()
    at.audit()


def test_a_sale_that_stands_at_the_touch_keeps_its_place_from_cycle_to_cycle() -> None:
    at = World(rules(), BTC="1")
    for _ in range(4):
        at.cycle()
    assert len(at.exchange.sent) == 1
    assert "cancel" not in " ".join(at.effects.log)
    at.exchange.fill(at.exchange.open()[0])
    at.cycle()
    assert [(event.asset, event.reason) for event in at.events(PurgeEnded)] == [("BTC", PurgeEnd.SOLD)]
    at.audit()


def test_a_sale_that_was_overtaken_moves_at_the_next_cycle_for_what_is_left_of_it() -> None:
    at = World(rules(), BTC="1")
    at.cycle()
    (first,) = at.exchange.open()
    at.exchange.fill(first, D("0.3"))
    at.exchange.set_quote(BTC, "99.90", "99.95")
    at.cycle()
    first_intent, second = at.exchange.sent
    assert (second.amount, second.price) == (D("0.7"), D("99.94"))
    assert (first_intent.attempt, second.attempt) == (1, 2)
    assert first_intent.client_order_id != second.client_order_id
    sell_out(at)


def test_a_sale_follows_a_falling_market_over_cycles_further_than_one_decision_would_let_it() -> None:
    at = World(rules(), BTC="1")
    for bid, ask in (("99.90", "100.10"), ("98.90", "99.10"), ("97.90", "98.10"), ("96.90", "97.10")):
        at.exchange.set_quote(BTC, bid, ask)
        at.cycle()
        assert resting(at).intent.price == D(ask) - D("0.01")
    sell_out(at)


def test_a_sale_that_stands_far_better_than_all_others_is_priced_anew() -> None:
    at = World(rules(), BTC="1")
    at.exchange.set_quote(BTC, "99.90", "100.00")
    at.cycle()
    at.exchange.set_quote(BTC, "99.90", "100.03")
    at.cycle()
    assert [intent.price for intent in at.exchange.sent] == [D("99.99")]
    at.exchange.set_quote(BTC, "99.90", "100.10")
    at.cycle()
    assert [intent.price for intent in at.exchange.sent] == [D("99.99"), D("100.09")]
    sell_out(at)


def test_a_slice_stays_a_slice_over_cycles() -> None:
    at = World(rules(purge={"slice_notional": 30}), BTC="1")
    at.cycle()
    at.exchange.fill(at.exchange.open()[0], D("0.1"))
    at.exchange.set_quote(BTC, "99.90", "99.95")
    at.cycle()
    at.exchange.fill(at.exchange.open()[0], D("0.1"))
    at.exchange.set_quote(BTC, "99.80", "99.85")
    at.cycle()
    amounts = [intent.amount for intent in at.exchange.sent]
    assert amounts[0] - D("0.1") == amounts[1]
    assert amounts[1] - D("0.1") == amounts[2]
    sell_out(at)


@pytest.mark.parametrize(
    "change", [{"assets": []}, {"protect": ["BTC"]}], ids=["no longer listed", "protected from now on"]
)
def test_a_purge_that_the_policy_no_longer_wants_takes_its_sale_back_at_once(change: Mapping[str, object]) -> None:
    at = World(rules(), BTC="1")
    at.cycle()
    at.policy = rules(purge=change)
    at.cycle()
    assert not at.exchange.open()
    assert [(event.asset, event.reason) for event in at.events(PurgeEnded)] == [("BTC", PurgeEnd.NOT_WANTED)]
    assert len(at.exchange.sent) == 1
    at.audit()


def test_under_the_kill_switch_a_sale_goes_on_only_where_the_policy_lets_sales_go_on() -> None:
    for goes_on in (True, False):
        at = World(rules(risk={"exits_when_halted": goes_on}), BTC="1")
        at.cycle()
        at.store.halted = True
        at.cycle()
        assert len(at.exchange.open()) == goes_on
        assert len(at.exchange.sent) == 1
        sell_out(at)


def test_a_cycle_that_comes_too_late_takes_it_back_first() -> None:
    at = World(rules(), BTC="1")
    at.cycle()
    order = resting(at)
    at.clock.advance(order.deadline - at.clock.now() + 1)
    at.cycle()
    assert [event.client_order_id for event in at.events(OrderFinal)][:1] == [order.id]
    assert len(at.exchange.sent) == 2
    sell_out(at)


def test_a_purge_by_hand_begins_anew_and_the_next_cycle_takes_up_what_it_left() -> None:
    at = World(rules(purge={"assets": []}), BTC="1")
    purge(at.desk(), Wanted(("BTC",), terms=PurgeTerms()))
    at.clock.advance(10_000)
    at.cycle()
    at.cycle()
    assert len(at.exchange.sent) == 1
    purge(at.desk(), Wanted(("BTC",), terms=PurgeTerms(ttl_seconds=20)))
    assert len(at.exchange.sent) == 2
    sell_out(at)


@pytest.mark.parametrize("die_at", range(1, 60))
def test_a_crash_anywhere_in_the_cycle_that_takes_it_up_sells_nothing_twice(die_at: int) -> None:
    at = World(rules(), BTC="1")
    at.cycle()
    at.exchange.fill(at.exchange.open()[0], D("0.3"))
    at.exchange.set_quote(BTC, "99.90", "99.95")
    at.effects.die_at = frozenset({at.effects.points + die_at})
    try:
        at.cycle()
    except Crash:
        at.clock.advance(MINUTE)
    at.effects.die_at = frozenset()
    at.fills_at_once()
    for order in at.exchange.open():
        at.exchange.fill(order)
    while at.state.purges and at.clock.now() < START + HOUR_MS:  # an intent that was never sent is given up late
        at.cycle()
    assert sum(trade.amount for _, trade in at.exchange.trades) == 1
    assert at.state.purges == {}
    at.audit()


@pytest.mark.parametrize(("bid", "ask"), [("0", "100.05"), ("99.95", "0")])
def test_a_resting_sale_is_not_decided_anew_on_one_side_of_the_book(bid: str, ask: str) -> None:
    """Half a book has half a price: a cycle that took it for the decision would sell to whoever fishes for that."""
    at = World(rules(purge={"assets": ["BTC"], "taker_after_minutes": 1}), BTC="0.2")
    at.cycle()
    at.cycle()
    order = resting(at)
    at.exchange.set_quote(BTC, bid, ask)
    at.clock.after(10_000, lambda: at.exchange.set_quote(BTC, "52", "100.05"))
    at.cycle()
    assert [sent.client_order_id for sent in at.exchange.sent] == [order.id]
    assert at.exchange.trades == []


def test_a_price_that_goes_missing_meanwhile_keeps_no_stop_from_selling() -> None:
    both: Mapping[str, Mapping[str, object]] = {
        "account": {"managed": ["BTC", "ETH"]},
        "purge": {"assets": ["BTC", "ETH"]},
        "exits": {"stop_loss_pct": 5},
    }
    at = World(rules(**both), BTC="1", ETH="1")
    at.cycle()
    at.exchange.set_quote(BTC, "90", "90.1")
    cancel = at.exchange.cancel

    def cancels(orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        at.exchange.book.pop("ETH/USDT", None)  # the next list of prices leaves it out, as a crossed one
        return cancel(orders)

    at.exchange.cancel = cancels  # type: ignore[method-assign]
    at.cycle()
    assert at.exchange.totals["BTC"] == 0
    assert [order.symbol for order in at.exchange.open()] == ["ETH/USDT"]


@pytest.mark.parametrize(
    ("held", "filled", "bid"),
    [("1", "0.95", "99.95"), ("0.052", "0", "96")],  # worth 5.002 where it stands, and less than 5 at the bid
)
def test_what_could_not_be_sold_again_is_not_taken_back(held: str, filled: str, bid: str) -> None:
    at = World(rules(execution={"sales_rest": True, "remainder_rest_minutes": 60}), BTC=held)
    at.cycle()
    order = resting(at)
    if D(filled):
        at.exchange.fill(at.exchange.open()[0], D(filled))
    at.exchange.set_quote(BTC, bid, "100.05")
    at.cycle()
    assert resting(at).id == order.id


def test_a_cycle_that_only_lets_a_sale_rest_on_has_nothing_to_say() -> None:
    """Cron sends a mail for each line. A fill is told, also one of an order that rests on after it."""
    at = World(rules(), BTC="1")
    told = [present(at.cycle(), "test", 0).brief for _ in range(4)]
    (held,) = at.exchange.open()
    at.exchange.fill(held, D("0.3"))
    told += [present(at.cycle(), "test", 0).brief for _ in range(2)]
    at.exchange.fill(held)
    told.append(present(at.cycle(), "test", 0).brief)
    assert [line != "" for line in told] == [True, False, False, False, True, False, True]


def with_a_stop() -> World:
    """A sale of ETH rests, and BTC has fallen to its stop."""
    sections: Mapping[str, Mapping[str, object]] = {
        "account": {"managed": ["BTC", "ETH"]},
        "purge": {"assets": ["ETH"]},
        "exits": {"stop_loss_pct": 5},
    }
    at = World(rules(**sections), BTC="1", ETH="1")
    at.cycle()
    at.exchange.set_quote(BTC, "90", "90.1")
    return at


def test_a_stop_goes_out_before_the_sales_of_other_assets_are_canceled() -> None:
    at = with_a_stop()
    at.exchange.set_quote("ETH/USDT", "49.90", "49.95")  # overtaken: the sale is to be moved
    at.faults.cancels.extend(["unanswered"] * 4)
    before = len(at.effects.log)
    at.cycle()
    log = at.effects.log[before:]
    assert log.index("place") < log.index("cancel")


def test_a_stop_of_another_asset_costs_a_sale_at_the_touch_not_its_place() -> None:
    at = with_a_stop()
    at.cycle()
    assert [intent.symbol for intent in at.exchange.sent] == ["ETH/USDT", BTC]
    assert [order.symbol for order in at.exchange.open()] == ["ETH/USDT"]


def test_asking_for_a_purge_again_makes_no_dust_of_what_rests_because_it_could_not_be_sold_again() -> None:
    at = World(rules(purge={"assets": []}, execution={"sales_rest": True, "remainder_rest_minutes": 60}), BTC="1")
    purge(at.desk(), Wanted(("BTC",)))
    at.exchange.fill(at.exchange.open()[0], D("0.96"))
    at.cycle()
    purge(at.desk(), Wanted(("BTC",)))
    assert [order.remaining for order in at.exchange.open()] == [D("0.04")]
    stop_purge(at.desk(), ["BTC"])
    assert at.exchange.open() == [], "a person who wants it stopped gets it stopped"


def test_a_purge_that_would_be_over_at_once_is_not_begun_in_every_cycle() -> None:
    at = World(rules(), BTC="0.01")
    at.cycle()
    before = at.state.seq
    at.cycle()
    assert at.state.seq == before + 1, "the end of the cycle, nothing else"


def test_a_sale_that_ends_while_another_one_is_worked_is_told() -> None:
    """It is too small to be decided on again, so that no cycle works on it."""
    at = World(
        rules(
            account={"managed": ["BTC", "ETH"]},
            purge={"assets": ["BTC", "ETH"]},
            execution={"sales_rest": True, "remainder_rest_minutes": 60},
        ),
        BTC="1",
        ETH="1",
    )
    at.cycle()
    small = next(order for order in at.exchange.open() if order.symbol == BTC)
    at.exchange.fill(small, D("0.96"))
    at.cycle()
    at.exchange.set_quote("ETH/USDT", "49.90", "49.95")
    at.clock.after(5000, lambda: at.exchange.fill(small))
    report = at.cycle()
    assert "sell BTC/USDT filled 1/1" in present(report, "test", 0).brief
    assert [order.intent.symbol for order in report.orders].count(BTC) == 1
    assert "BTC" not in present(at.cycle(), "test", 0).brief
