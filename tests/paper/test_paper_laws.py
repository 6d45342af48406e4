"""Laws of the paper exchange's books, over random streams of orders, cancels, sleeps, deposits and restarts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.paper.hand_feed import HandFeed, as_order, asked, bid, bought, intent, setup, sold

from tradekit.adapters.paper.setup import FeeAsset
from tradekit.adapters.paper.tape import Print
from tradekit.adapters.paper.world import BEGINNING, PaperWorld
from tradekit.domain.fill import Fill
from tradekit.domain.order import OrderIntent
from tradekit.domain.proposal import Side

Step = Callable[[PaperWorld, list[OrderIntent]], object]

_prices = st.integers(988, 1003)
_words = st.sampled_from((bought, bought, sold, sold, asked, bid))
TAPES = st.lists(st.tuples(_words, st.integers(0, 120), _prices, st.integers(0, 900)), min_size=10, max_size=50)


def tape(rows: list[tuple[Callable[..., Print], int, int, int]]) -> list[Print]:
    time, events = 0, []
    for word, lots, price, wait in rows:
        time += wait
        events.append(word(time, lots, price))
    return events


def _place(text: str) -> Step:
    def step(world: PaperWorld, sent: list[OrderIntent]) -> object:
        sent.append(intent(text, name=f"order {len(sent)}"))
        return world.exchange.place(sent[-1:])

    return step


def _cancel(world: PaperWorld, sent: list[OrderIntent]) -> object:
    return world.exchange.cancel([as_order(order) for order in sent[-2:]])


def _again(world: PaperWorld, sent: list[OrderIntent]) -> object:
    return world.exchange.place(sent[-1:])


def _look(world: PaperWorld, sent: list[OrderIntent]) -> object:
    return world.exchange.lookup([as_order(order) for order in sent])


_ORDERS = st.builds(
    lambda side, lots, ticks, ioc: _place(f"{side} {lots / Decimal(10)} X/USDT @ {ticks / Decimal(100)}{ioc}"),
    st.sampled_from(("buy", "sell")),
    st.integers(6, 150).map(Decimal),
    _prices.map(Decimal),
    st.sampled_from(("", "", " IOC")),
)
_SLEEPS = st.integers(1, 5000).map(lambda ms: lambda world, _: world.clock.sleep(ms))
_DEPOSITS = st.integers(1, 50).map(lambda amount: lambda world, _: world.deposit("USDT", Decimal(amount)))
_OTHERS = st.one_of(_DEPOSITS, st.sampled_from((_cancel, _again, _look)))
STEPS = st.lists(st.one_of(_ORDERS, _SLEEPS, _ORDERS, _SLEEPS, _OTHERS), min_size=6, max_size=20)


def fills(world: PaperWorld) -> list[Fill]:
    return list(world.exchange.fills_since({"X/USDT": 0}))


def content(world: PaperWorld) -> object:
    balances = world.exchange.snapshot(["X/USDT"])
    open_orders = world.exchange.review((), {}).open_orders
    return balances, open_orders, fills(world), world.flows(), world.totals(), world.clock.now()


@given(TAPES, STEPS, st.sampled_from(FeeAsset))
@settings(max_examples=120, deadline=None)
def test_money_is_conserved_exactly(
    rows: list[tuple[Callable[..., Print], int, int, int]], steps: list[Step], fee_asset: FeeAsset
) -> None:
    events = tape(rows)
    world = PaperWorld.scratch(Path("none"), setup(fee_asset, USDT="500", X="40"), feed=HandFeed(events))
    sent: list[OrderIntent] = []
    for step in steps:
        step(world, sent)
        held = world.exchange.snapshot([]).balances
        assert all(0 <= balance.free <= balance.total for balance in held.values())
    expected = dict(world.flows())
    for fill in fills(world):
        sign = 1 if fill.side is Side.BUY else -1
        expected["X"] += sign * fill.amount
        expected["USDT"] -= sign * fill.cost
        for fee in fill.fees:
            expected[fee.asset] -= fee.amount
        assert fill.cost == fill.amount * fill.price
    assert world.totals() == expected
    _check_orders(world, sent)
    _check_prints(world, events)


def _check_orders(world: PaperWorld, sent: list[OrderIntent]) -> None:
    for order in sent:
        mine = [fill for fill in fills(world) if fill.client_order_id == order.client_order_id]
        assert sum(fill.amount for fill in mine) <= order.amount
        for fill in mine:
            assert fill.price <= order.price if order.side is Side.BUY else fill.price >= order.price


def _check_prints(world: PaperWorld, events: list[Print]) -> None:
    """Makers never get more of a moment than was printed in it."""
    made = [fill for fill in fills(world) if fill.maker]
    for time in {fill.time for fill in made}:
        printed = sum(e.amount for e in events if isinstance(e, Print) and BEGINNING + e.time == time)
        assert sum(fill.amount for fill in made if fill.time == time) <= printed / Decimal(10)


@given(TAPES, STEPS)
@settings(max_examples=40, deadline=None)
def test_the_same_calls_give_the_same_ledger(
    rows: list[tuple[Callable[..., Print], int, int, int]], steps: list[Step]
) -> None:
    worlds = [PaperWorld.scratch(Path("none"), setup(), feed=HandFeed(tape(rows))) for _ in range(2)]
    logs: list[list[OrderIntent]] = [[], []]
    for step in steps:
        assert step(worlds[0], logs[0]) == step(worlds[1], logs[1])
    assert content(worlds[0]) == content(worlds[1])


@given(TAPES, STEPS)
@settings(max_examples=25, deadline=None)
def test_a_restart_between_any_two_calls_changes_nothing(
    rows: list[tuple[Callable[..., Print], int, int, int]], steps: list[Step]
) -> None:
    feed = HandFeed(tape(rows))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "paper.sqlite3"
        whole = PaperWorld.scratch(Path("none"), setup(), feed=feed)
        logs: list[list[OrderIntent]] = [[], []]
        for step in steps:
            with PaperWorld(path, setup(), feed=feed) as broken:
                assert step(whole, logs[0]) == step(broken, logs[1])
        with PaperWorld(path, setup(), feed=feed) as broken:
            assert content(whole) == content(broken)
