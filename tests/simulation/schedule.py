"""One schedule: a few minutes in a hostile world, everything of it drawn from one seed, and a quiet end."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from endgame import check_the_end, quiet_down
from memo import remembered
from scene import ASSETS, OUTSIDE, QUOTE, draw_wishes
from simulated.venue_order import VenueOrder
from simulated.weather import Weather, draw_weather
from tradekit.domain.numbers import floor_to
from tradekit.domain.outcome import ReportedStatus
from tradekit.domain.proposal import Proposal, Side
from tradekit.flows.cycle import Wanted, cycle
from tradekit.flows.dust_sweep import dust_sweep
from tradekit.flows.purge import Wanted as Purged
from tradekit.flows.purge import purge, stop_purge
from tradekit.flows.reconcile_fills import Wanted as Looked
from tradekit.flows.reconcile_fills import reconcile_fills
from tradekit.flows.restore import restore
from tradekit.flows.resume import lift_stops
from tradekit.steps.desk import Desk
from truth import Broken
from world import FOLDER, World

_MINUTE: Final = 60_000
_SILENT_RUNS: Final = 8
_LARGER: Final = 1_000
_CANCELS: Final = 4


class Result(NamedTuple):
    """What became of one seed. `broken` is empty when everything held; `number` names the invariant (0: a bug)."""

    seed: int
    trace: str
    broken: str
    number: int
    runs: dict[str, int]
    orders: int
    trades: int
    converted: int
    effects: int
    story: list[str]


def play(seed: int, lock: Path, *, telling: bool = False) -> Result:
    """Plays one seed from its first byte to its quiet end."""
    broken, number = "", 0
    world = World(seed, lock, telling=telling)
    try:
        with remembered():
            _play(world)
            quiet_down(world)
            check_the_end(world)
    except Broken as found:
        broken, number = str(found), found.number
    except Exception as bug:
        where = traceback.extract_tb(bug.__traceback__)[-1]
        broken = f"{type(bug).__name__}: {bug} ({Path(where.filename).name}:{where.lineno})"
        if telling:
            world.story += traceback.format_exc().splitlines()
    return Result(
        seed, world.trace.hexdigest(), broken, number, world.runs, len(world.truth.intents), len(world.venue.trades),
        len(world.counter.carried_out()), world.truth.run, world.story,
    )  # fmt: skip


def _play(world: World) -> None:
    luck = world.luck
    weather, crashes = draw_weather(luck), luck.random() < 0.5
    if world.breaks_its_word:
        weather.lagging, weather.reply_lost = 0.7, 0.4
    wishes: tuple[Proposal, ...] = ()
    world.run("opening", lambda desk: cycle(desk, Wanted()))
    world.agenda.advance(_MINUTE)
    if luck.random() < 0.03:
        _outage(world)
    for number in range(1, luck.choice((3, 3, 4, 4, 5, 5, 6, 6, 7, 15))):
        began = world.agenda.now
        world.wire.weather = weather
        _people_act(world)
        _exchange_changes(world)
        _disk_faults(world)
        if not wishes or luck.random() < 0.6:
            wishes = draw_wishes(luck, number)
        elif luck.random() < 0.1:  # the same ids with other content
            wishes = tuple(wish._replace(confidence=wish.confidence / 2) for wish in wishes)
        name, flow = _draw_flow(world, wishes)
        world.run(
            name,
            flow,
            die_at=luck.randint(1, world.deepest) if crashes and luck.random() < 0.7 else 0,
            meanwhile=luck.randint(1, world.deepest) if luck.random() < 0.2 else 0,
            stop_after=luck.randint(1, 40_000) if luck.random() < 0.05 else 0,
        )
        if luck.random() < 0.05:
            world.look(_cycle(wishes))
        if world.dusty and world.sweeps.random() < 0.5:
            _sweep(world, crashes=crashes)
        world.mend_disk()
        world.agenda.advance(max(began + luck.choice((1, 5, 60, 60, 60, 60, 3600)) * 1000 - world.agenda.now, 0))


def _sweep(world: World, *, crashes: bool) -> None:
    """A person sweeps the dust away, which may be cut short as any run."""
    luck = world.sweeps
    die_at = luck.randint(1, world.deepest) if crashes and luck.random() < 0.7 else 0
    meanwhile = luck.randint(1, world.deepest) if luck.random() < 0.2 else 0
    stop_after = luck.randint(1, 40_000) if luck.random() < 0.05 else 0
    world.run("dust-sweep", dust_sweep, die_at=die_at, meanwhile=meanwhile, stop_after=stop_after)


def _draw_flow(world: World, wishes: tuple[Proposal, ...]) -> tuple[str, Callable[[Desk], object]]:
    """Mostly a cycle; now and then a person reconciles, sells something off, or stops that."""
    draw, assets = world.luck.random(), tuple(world.luck.sample(ASSETS, world.luck.choice((1, 1, 2))))
    if draw < 0.8:
        return "cycle", _cycle(wishes)
    if draw < 0.88:
        return "reconcile-fills", _look
    if draw < 0.97:
        return f"purge {' '.join(assets)}", lambda desk: purge(desk, Purged(assets))
    return f"purge --stop {' '.join(assets)}", lambda desk: stop_purge(desk, assets)


def _outage(world: World) -> None:
    """The exchange is silent for a day: one record a run, those of its cancels aside, and a state that doesn't grow."""
    state, then = FOLDER / "state.json", world.state()
    live = sum(1 for order in then.orders.values() if order.is_live)
    size = world.system.stat(state).st_size
    world.wire.weather = Weather(silent=1.0)
    for _ in range(_SILENT_RUNS):
        world.run("silence", _cycle(()))
        world.agenda.advance(86_400_000 // _SILENT_RUNS)
    world.wire.weather = Weather()
    most = _SILENT_RUNS * (1 + _CANCELS * live)
    if world.state().seq > then.seq + most or world.system.stat(state).st_size > size + _LARGER:
        raise Broken(31, "an exchange that is down makes the state grow")


def _cycle(wishes: tuple[Proposal, ...]) -> Callable[[Desk], object]:
    return lambda desk: cycle(desk, Wanted(wishes))


def _look(desk: Desk) -> object:
    return reconcile_fills(desk, Looked())


def _disk_faults(world: World) -> None:
    weather, luck, system = world.wire.weather, world.luck, world.system
    system.short_writes, system.sync_errors = weather.short_writes, weather.sync_errors
    system.capacity = 2**40
    if luck.random() < weather.disk_full:
        used = sum(len(data) for data in system.everything().values())
        system.capacity = used + luck.choice((0, 300, 3_000, 30_000, 1_200_000, 2_500_000))
        world.tell(lambda: f"  the disk has {system.capacity - used} bytes left")


def _exchange_changes(world: World) -> None:
    weather, luck, venue = world.wire.weather, world.luck, world.venue
    symbol = f"{luck.choice(ASSETS)}/{QUOTE}"
    market = venue.markets[symbol]
    if luck.random() < weather.filters_change:
        changed: dict[str, Any] = luck.choice(
            (
                {"price_tick": market.price_tick * 10},
                {"amount_step": market.amount_step * 10, "min_amount": market.min_amount * 10},
                {"min_notional": Decimal(luck.choice((1, 10, 25)))},
            )
        )
        at = luck.randint(0, 30_000)
        venue.agenda.after(at, lambda: venue.markets.update({symbol: venue.markets[symbol]._replace(**changed)}))
        world.truth.changed_filters |= {symbol}
        world.tell(lambda: f"  filters of {symbol} change: {changed}")
    if luck.random() < weather.market_halts:
        halted = venue.markets[symbol]._replace(active=not market.active)
        venue.markets[symbol] = halted
        world.tell(lambda: f"  {symbol} is {'open' if halted.active else 'halted'}")


def _people_act(world: World) -> None:
    weather, luck, venue = world.wire.weather, world.luck, world.venue
    symbol = f"{luck.choice([asset for asset in ASSETS if asset != OUTSIDE])}/{QUOTE}"
    if luck.random() < weather.hand_trades:
        _trade_by_hand(world, symbol)
    if luck.random() < weather.hand_orders:
        quote, step = venue.quotes[symbol], venue.markets[symbol].amount_step
        amount = floor_to(Decimal(10) / quote.bid, step)
        if amount * quote.bid < venue.free(QUOTE):
            order = venue.enter(symbol, Side.BUY, quote.bid, amount)
            world.truth.by_hand += amount * quote.bid
            world.traded_by_hand.add(symbol)
            venue.agenda.after(luck.randint(1, 600_000), lambda: _withdraw(world, order))
            world.tell(lambda: f"  a person orders {amount} {symbol}")
    if luck.random() < weather.transfers:
        asset, amount = luck.choice((QUOTE, "ETH", "DOGE")), Decimal(luck.randint(1, 20))
        if venue.free(asset) > 2 * amount:
            amount *= luck.choice((1, -1))
        venue.transfer(asset, amount)
        world.transferred.add(asset)
        world.truth.by_hand += abs(amount) * 120
        world.tell(lambda: f"  a transfer of {amount} {asset}")
    if luck.random() < weather.restores * (6 if world.last_died else 1):  # a fright makes people go back
        _go_back(world)
        world.wire.weather = weather
    if luck.random() < 0.03:
        world.halt(on=True)
    elif world.truth.halted_since is not None and luck.random() < 0.5:
        world.halt(on=False)
        lift_stops(world.store(), world.policy)
    if luck.random() < 0.05:
        world.policy = world.new_policy(world.policy.books.cost_method)
        world.tell(lambda: "  the policy is another one")


def _go_back(world: World) -> None:
    """A person takes the books of an older state. What was sent stays sent, and trades since then come in again."""
    names = [item.name for item in world.store().generations()]
    if names:
        name = world.luck.choice(names)
        world.tell(lambda: f"  a person goes back to {name}")
        restore(world.store(), name)
        world.wire.clear()
        world.run("reconcile-fills after it", _look)


def _trade_by_hand(world: World, symbol: str) -> None:
    luck, venue = world.luck, world.venue
    market, quote = venue.markets[symbol], venue.quotes[symbol]
    side = luck.choice((Side.BUY, Side.SELL))
    amount = floor_to(min(venue.free(market.base), 20 / quote.bid), market.amount_step)
    if side is Side.BUY:
        amount = floor_to(min(venue.free(QUOTE), Decimal(20)) / quote.ask, market.amount_step)
    if amount > 0:
        price = quote.bid if side is Side.SELL else quote.ask
        order = venue.enter(symbol, side, price, amount)
        venue.fill(order, amount, maker=False)
        world.truth.by_hand += amount * price
        world.traded_by_hand.add(symbol)
        world.tell(lambda: f"  a person trades: {side} {amount} {symbol}")


def _withdraw(world: World, order: VenueOrder) -> None:
    if order.is_open:
        world.venue.end(order, ReportedStatus.CANCELED)
