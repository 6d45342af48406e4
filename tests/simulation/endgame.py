"""What must be true once everything is quiet again: faults off, some more cycles, and then books against exchange."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from scene import QUOTE
from tradekit.adapters.store.account_store import AccountStore
from tradekit.adapters.store.disk import RealDisk
from tradekit.decide.rebuild import fold_journal
from tradekit.domain.event import AccountOpened, AssetAdopted, AssetReleased, FlowRecorded
from tradekit.domain.hold import HoldCode
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Closed, FinalWord
from tradekit.domain.state import State
from tradekit.flows.cycle import Wanted, cycle
from tradekit.flows.reconcile_fills import Wanted as Looked
from tradekit.flows.reconcile_fills import reconcile_fills
from tradekit.flows.verify import refold
from truth import Broken
from world import FOLDER, World

_MINUTE = 60_000
_CONVERTED = "convert-"
_HOUR = 60 * _MINUTE


def quiet_down(world: World) -> None:
    """Faults are off from here on, and every doubt gets the time that it may take."""
    world.mend_disk()
    world.wire.clear()
    world.venue.markets.update({symbol: m._replace(active=True) for symbol, m in world.venue.markets.items()})
    world.halt(on=False)
    horizon = world.wire.not_found_horizon_ms
    for wait in (horizon + _MINUTE, horizon + _HOUR + _MINUTE):
        _must_be_done(world, world.run("quiet cycle", lambda desk: cycle(desk, Wanted())))
        world.agenda.advance(wait)
        world.wire.clear()
    # what a person bought and sold again, in a market that tradekit never saw, and what came in or
    # went out, only that person can name
    named = Looked(tuple(sorted(world.traded_by_hand)), record=tuple(sorted(_to_be_recorded(world))))
    _must_be_done(world, world.run("last look", lambda desk: reconcile_fills(desk, named)))
    if named.record and any(world.venue.totals[a] != world.state().books.total(a) for a in world.venue.totals):
        # what has just traded is not taken for a transfer: that person is told to ask again in a minute
        world.agenda.advance(_MINUTE)
        _must_be_done(world, world.run("another look", lambda desk: reconcile_fills(desk, named)))


def _to_be_recorded(world: World) -> set[str]:
    """What was transferred. Where the policy put a difference down to a transfer and its trade came late: anything.

    Also what was sold before its purchase was listed, where the policy took the asset in or let it go in between.
    """
    tallies = world.state().books.tallies
    unexplained = {asset for asset, tally in tallies.items() if tally.unexplained}
    guessed = any(isinstance(record.event, FlowRecorded) for record in world.store().history())
    return world.transferred | (set(tallies) if guessed else unexplained)


def check_the_end(world: World) -> None:
    """Invariants 10 to 31 that speak of a quiet end."""
    state = world.state()
    _orders_agree(world, state)
    _conversions_are_over(state)
    _books_agree(world, state)
    _journal_is_whole(world, state)
    _nothing_new_changes_nothing(world)


def _must_be_done(world: World, ended: str) -> None:
    if ended != "done":
        raise Broken(18, f"a quiet run ends like this: {ended}")


def _orders_agree(world: World, state: State) -> None:
    for order in world.venue.orders:
        if order.client_id is None:
            continue
        if order.is_open:
            raise Broken(17, f"{order.client_id} is open after all")
        mine = state.orders.get(order.client_id)
        if mine is None:
            continue  # closed long ago
        if isinstance(mine.state, Closed) and mine.state.word is FinalWord.NOT_PLACED:
            raise Broken(16, f"{order.client_id} is called never placed, and the exchange has it")
        if mine.filled != order.filled:
            raise Broken(14, f"{order.client_id} filled {order.filled}, and {mine.filled} are booked")
    for id, mine in state.orders.items():
        if not isinstance(mine.state, Closed):
            raise Broken(18, f"{id} is still {type(mine.state).__name__}")
        if world.venue.mine(id) is None and mine.state.word not in (FinalWord.NOT_PLACED, FinalWord.REJECTED):
            raise Broken(15, f"{id} is {mine.state.word}, and the exchange never had it")


def _conversions_are_over(state: State) -> None:
    for id in state.conversions:
        raise Broken(18, f"the conversion {id} is still open")


def _books_agree(world: World, state: State) -> None:
    for asset in sorted({*world.venue.totals, *state.books.tallies}):
        there, here = world.venue.totals.get(asset, ZERO), state.books.total(asset)
        if there != here:
            raise Broken(13, f"the exchange has {there} {asset}, the books have {here}")
    holds = [hold for hold in state.holds if not hold.lifted and hold.code is not HoldCode.FILLS_MISSING]
    if holds:
        raise Broken(15, f"a hold for nothing: {holds[0].text}")
    if any(position.quantity < 0 or position.cost < 0 for position in state.positions.values()):
        raise Broken(13, "a position is below nothing")
    _result_is_explained(world, state)


def _result_is_explained(world: World, state: State) -> None:
    """Cash and cost now are cash and cost at the start and the result, where all that was traded is managed."""
    if world.truth.by_hand or world.venue.habits.fee_asset not in ("quote", "received"):
        return
    if any(tally.transfers or tally.unexplained for tally in state.books.tallies.values()):
        return
    events = [record.event for record in world.store().history()]
    opened = next(event for event in events if isinstance(event, AccountOpened))
    recorded = [event for event in events if isinstance(event, FlowRecorded)]
    if recorded and world.policy.books.record_differences == "all":
        return  # stale balances may have been taken for what went out and came in again
    if any(isinstance(event, AssetAdopted | AssetReleased) for event in events):
        return
    held = sum((item.quantity * item.price for item in opened.holdings if item.managed), ZERO)
    cost = sum((position.cost for position in state.positions.values()), ZERO)
    result = sum((position.realized for position in state.positions.values()), ZERO)
    start = state.books.tallies[QUOTE].start + held
    if state.cash + cost != start + result:
        raise Broken(29, f"cash {state.cash} and cost {cost} are not {start} and the result {result}")


def _journal_is_whole(world: World, state: State) -> None:
    """Read by a few lines of its own, then folded by the real code."""
    files = world.system.everything()
    if [path for path in files if path.endswith(".tmp")]:
        raise Broken(12, "a temporary file is left")
    booked: _Booked = []
    restores: list[tuple[int, _Booked]] = []
    last, prev = 0, "0" * 64
    for path in sorted(path for path in files if path.endswith(".jsonl")):
        for raw in files[path].splitlines()[1:]:
            line: dict[str, Any] = json.loads(raw)
            covered = raw[: raw.rindex(b',"hash":"')]
            if line["seq"] != last + 1 or line["prev"] != prev or hashlib.sha256(covered).hexdigest() != line["hash"]:
                raise Broken(10, f"record {line['seq']} does not follow {last}")
            last, prev = line["seq"], line["hash"]
            if line["type"] == "fill_booked":
                fill = line["body"]["fill"]
                booked.append((last, (fill["symbol"], fill["trade_id"])))
            elif line["type"] == "state_restored":
                booked = _as_of(line["body"]["books_seq"], line["seq"], booked, restores)
    trades = [trade for _, trade in booked]
    there = {(trade.symbol, trade.trade_id) for trade in world.venue.trades}
    there |= {(f"{d.offer.asset}/{QUOTE}", f"{_CONVERTED}{id}") for id, d in world.counter.carried_out().items()}
    if len(trades) != len(set(trades)):
        raise Broken(15, "a trade is booked twice")
    if set(trades) != there:
        raise Broken(15, f"booked trades {sorted(set(trades) ^ there)} differ from the exchange's")
    store = AccountStore(RealDisk(world.system), FOLDER, state.stamp, may_write=False)
    store.verify()
    refold([State(state.stamp)], store.history(), state)
    folded = fold_journal(store.history(), state.books.method).books
    if folded is not None and folded.tallies != state.books.tallies:
        raise Broken(21, "the books depend on the order in which trades arrived")


_Booked = list[tuple[int, tuple[str, str]]]


def _as_of(seq: int, at: int, booked: _Booked, restores: list[tuple[int, _Booked]]) -> _Booked:
    """What the books had at `seq`, of which a restore at `at` makes the books in force: conversions since then stay."""
    restores.append((at, booked))
    then = next(before for until, before in restores if seq < until)
    listed = [(number, trade) for number, trade in then if number <= seq and not trade[1].startswith(_CONVERTED)]
    return listed + [(number, trade) for number, trade in booked if trade[1].startswith(_CONVERTED)]


def _nothing_new_changes_nothing(world: World) -> None:
    before, sent = world.system.everything(), len(world.truth.intents)
    _must_be_done(world, world.run("nothing new", lambda desk: reconcile_fills(desk, Looked())))
    if world.system.everything() != before or len(world.truth.intents) != sent:
        raise Broken(20, "a run with nothing new changed something")
