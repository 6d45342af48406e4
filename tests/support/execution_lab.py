"""Small scenes on the fake exchange, to see what one key of the execution desk does to orders."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal

from desk import World, policy, sell
from fake_exchange import FakeOrder
from fake_time import MINUTE
from policy_lab import Raw
from tradekit.domain.event import CancelRequested, OrderIntended, OrderKept, PurgeEnded, PurgeStarted
from tradekit.domain.outcome import RejectCode
from tradekit.domain.purge import PurgeTerms
from tradekit.flows.dust_sweep import dust_sweep
from tradekit.flows.purge import Wanted, purge

CROSSES = f"reject:{RejectCode.POST_ONLY_WOULD_CROSS}"


def world_of(raw: Raw, **balances: str) -> World:
    """A world under the open policy with these keys; what it holds is managed unless the keys say otherwise."""
    account = {"managed": sorted(balances), **raw.get("account", {})}
    return World(policy(**{**raw, "account": account}), **balances)


def told(world: World) -> tuple[object, ...]:
    """All that was sent and asked for, with its times, and how long it took."""
    sent = [
        (i.amount, i.price, i.time_in_force, i.created, i.deadline)
        for event in world.events(OrderIntended)
        for i in [event.intent]
    ]
    kept = [event.deadline for event in world.events(OrderKept)]
    canceled = len(world.events(CancelRequested))
    plans = [event.plan.asset for event in world.events(PurgeStarted)], [e.asset for e in world.events(PurgeEnded)]
    return sent, kept, canceled, plans, world.clock.now()


def sale(raw: Raw, before: Callable[[World], object] = lambda world: None, cycles: int = 1) -> tuple[object, ...]:
    """A maker sale of 0.2 BTC at 100 that nobody takes, unless `before` arranges something."""
    world = world_of(raw, BTC="1")
    world.cycle()
    before(world)
    world.cycle(sell("BTC/USDT", amount="0.2"))
    for _ in range(cycles - 1):
        world.cycle()
    return told(world)


def undercut(world: World) -> None:
    """Three seconds into the next cycle somebody asks for 10 bp less."""
    world.clock.after(3000, lambda: world.exchange.set_quote("BTC/USDT", "99.85", "99.95"))


def crossing(world: World) -> None:
    """The next two orders meet the other side."""
    world.faults.sends = deque([CROSSES] * 2)


def partly(world: World) -> None:
    """Of every order nearly all is filled after a second."""

    def soon(order: FakeOrder) -> None:
        world.clock.after(1000, lambda: world.exchange.fill(order, order.amount - Decimal("0.001")))

    world.exchange.on_open = soon


def stopped(world: World) -> None:
    """A signal comes while the order waits."""
    world.clock.stop_at = world.clock.now() + 5000


def partly_sold_off(raw: Raw) -> tuple[object, ...]:
    """A purge of all BTC, of which a part that is too small for the exchange stays in the book."""
    world = world_of({**raw, "purge": {"assets": ["BTC"]}}, BTC="1")
    partly(world)
    for _ in range(3):
        world.cycle()
    return told(world)


def purges(raw: Raw, cycles: int = 1, before: Callable[[World], object] = lambda world: None) -> tuple[object, ...]:
    """A purge of BTC and ETH that nobody takes, for some cycles."""
    world = world_of({**raw, "purge": {"assets": ["BTC", "ETH"], **raw.get("purge", {})}}, BTC="1", ETH="2")
    before(world)
    for _ in range(cycles):
        world.cycle()
    return told(world)


def ineligible(raw: Raw) -> tuple[object, ...]:
    """BTC has no tier."""
    world = world_of({**raw, "universe": {"exclude": ["BTC"]}}, BTC="1")
    world.cycle()
    return told(world)


def refused(world: World) -> None:
    """The exchange refuses every order."""
    world.faults.sends = deque(["reject:invalid_order"] * 1000)


def swept(raw: Raw) -> tuple[object, ...]:
    """A sweep of 0.04 BTC, worth 4 where the exchange wants 5, and converts at a loss of 3 %."""
    world = world_of(raw, BTC="0.04")
    world.cycle()
    world.fills_at_once()
    world.exchange.convert_rate = Decimal("0.97")
    report = dust_sweep(world.desk())
    return told(world), [row.chosen for row in report.rows], world.state.written_off


def slow(world: World) -> None:
    """Every answer takes seven seconds."""
    world.exchange.latency_ms = 7000


def slow_at_first(world: World) -> None:
    """Answers take seven seconds for four minutes, and no time after that."""
    slow(world)
    world.clock.after(4 * MINUTE, lambda: setattr(world.exchange, "latency_ms", 0))


def by_hand(raw: Raw, terms: PurgeTerms) -> tuple[object, ...]:
    """A purge of 1 BTC by hand that nobody takes."""
    world = world_of(raw, BTC="1")
    world.cycle()
    purge(world.desk(), Wanted(("BTC",), terms=terms))
    return told(world)
