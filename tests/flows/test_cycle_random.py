"""A thousand cycles of chance: whatever was proposed, filled, lost or delayed, the books end equal to the balances."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from functools import partial
from random import Random

import pytest

from desk import World, buy, policy, sell
from fake_exchange import FakeOrder
from fake_time import MINUTE
from tradekit.domain.errors import Unreachable
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Closed, Closing
from tradekit.domain.proposal import Proposal, Side

D = Decimal
ASSETS = ("BTC", "ETH", "SOL", "DOGE", "ZK")
SENDS = ("lost", "reply_lost", "late:3000", "late:70000", "reject:insufficient_funds")
CANCELS = ("unanswered", "answer_lost", "filled_first", "partly_first")


def wishes(luck: Random, number: int) -> list[Proposal]:
    found = []
    for item in range(luck.randint(0, 3)):
        symbol, id = f"{luck.choice(ASSETS)}/USDT", f"{number}-{item}"
        size, confidence = str(luck.randint(300, 9000) / D(100)), str(luck.randint(0, 100) / D(100))
        found.append(luck.choice((buy, sell))(symbol, id=id, notional=size, confidence=confidence))
    return found


def let_trade(world: World, luck: Random) -> None:
    """Orders fill now and then: not at all, in parts, or whole."""

    def chance(order: FakeOrder) -> None:
        step = world.exchange.markets[order.symbol].amount_step
        for _ in range(luck.randint(0, 3)):
            part = order.amount * luck.randint(1, 60) / 100 // step * step
            if part:
                world.clock.after(luck.randint(1, 15_000), partial(world.exchange.fill, order, part))

    world.exchange.on_open = chance


def drift(world: World, luck: Random) -> None:
    symbol = f"{luck.choice(ASSETS)}/USDT"
    tick, old = world.exchange.markets[symbol].price_tick, world.exchange.book[symbol]
    bid = max(old.bid + luck.randint(-60, 60) * tick, 20 * tick)
    world.exchange.set_quote(symbol, str(bid), str(bid + luck.randint(1, 8) * tick))


def break_something(world: World, luck: Random) -> None:
    faults = world.faults
    faults.sends = deque(luck.choice(SENDS) if luck.random() < 0.3 else "" for _ in range(4))
    faults.cancels = deque(luck.choice(CANCELS) if luck.random() < 0.4 else "" for _ in range(6))
    faults.lookup_lag_ms = luck.choice((0, 0, 5000, 90_000))
    faults.trades_lag_ms = luck.choice((0, 0, 3000, 130_000))
    faults.lookups_unanswered = luck.choice((0, 0, 2))
    faults.duplicated = luck.random() < 0.3
    faults.shuffled = luck if luck.random() < 0.3 else None
    faults.silent_reads = (
        frozenset({world.exchange.reads + luck.randint(1, 12)}) if luck.random() < 0.2 else frozenset()
    )


def mend(world: World) -> None:
    faults = world.faults
    faults.sends, faults.cancels, faults.shuffled, faults.duplicated = deque(), deque(), None, False
    faults.lookup_lag_ms = faults.trades_lag_ms = faults.lookups_unanswered = 0
    faults.silent_reads = frozenset()


def check_truth(world: World, cap: Decimal) -> None:
    """On the exchange's own side: what is held and what is open never exceeds the cap, and nothing outside is sold."""
    at_risk = ZERO
    for asset in ASSETS:
        at_risk += world.exchange.totals.get(asset, ZERO) * world.exchange.book[f"{asset}/USDT"].mid
    for order in world.exchange.open():
        if order.side is Side.BUY:
            at_risk += order.remaining * order.price
    assert at_risk <= cap


@pytest.mark.parametrize("fee_asset", ["quote", "received", "BNB"])
def test_a_thousand_quick_cycles_end_with_the_exchanges_balances(fee_asset: str) -> None:
    luck = Random(f"quick {fee_asset}")
    world = World(policy(account={"managed": ["ETH"]}), USDT="3000", ETH="3", SOL="5", BNB="100")
    world.exchange.fee_asset = fee_asset
    let_trade(world, luck)
    for number in range(334):  # three fee assets: a thousand in all
        drift(world, luck)
        report = world.cycle(*wishes(luck, number))
        assert not report.differences
        assert not world.exchange.open()
    world.cycle()
    world.audit()
    assert len(world.exchange.trades) > 200
    assert world.exchange.totals["SOL"] >= 5
    assert not world.exchange.rejections


@pytest.mark.parametrize("seed", range(6))
def test_cycles_full_of_faults_end_with_the_exchanges_balances(seed: int) -> None:
    luck = Random(seed)
    world = World(policy(risk={"max_total_at_risk_pct": 20, "max_asset_pct": 10}, exits={"stop_loss_pct": 0}))
    let_trade(world, luck)
    for number in range(60):
        break_something(world, luck)
        started = world.clock.now()
        try:
            world.cycle(*wishes(luck, number))
        except Unreachable:
            world.clock.advance(max(started + MINUTE - world.clock.now(), 0))
        check_truth(world, D(200))  # 20 % of 1000, of which fees only ever take
    mend(world)
    for _ in range(20):
        world.cycle()
    world.audit()
    state = world.state
    assert not [o for o in state.orders.values() if not isinstance(o.state, Closed | Closing) and not o.is_unanswered]
    assert len(world.exchange.trades) > 10
