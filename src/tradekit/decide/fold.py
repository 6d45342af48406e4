"""The one way a state changes: `fold` makes the next state from an event. Replay and live runs share it.

Bounded by design: closed orders and the ids of fills are forgotten after a while, old consumed proposals move out; the
index over the journal still knows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import islice
from typing import Final

from tradekit.decide.book_events import book_fill, enter, open_account, restore, take_rebuilt
from tradekit.decide.booking import forget_old
from tradekit.decide.memory import remember
from tradekit.decide.order_events import move, order_of, put, remembered, settled, unmark
from tradekit.decide.purge_events import follow, start
from tradekit.domain.conversion import Accepted, Asked, Conversion
from tradekit.domain.event import (
    AccountOpened,
    AssetAdopted,
    AssetReleased,
    BooksRebuilt,
    CancelRequested,
    ConversionAccepted,
    ConversionDone,
    ConversionEnded,
    ConversionIntended,
    CycleFinished,
    DustWrittenOff,
    ExchangeSilent,
    FillBooked,
    FlowRecorded,
    ForeignOrdersSeen,
    HoldPlaced,
    HoldsLifted,
    OrderAcknowledged,
    OrderAdopted,
    OrderFinal,
    OrderIntended,
    OrderKept,
    OrderNotPlaced,
    OrderRejected,
    OrderUnanswered,
    PeakReset,
    ProposalsConsumed,
    PurgeEnded,
    PurgeStarted,
    Record,
    StateRestored,
)
from tradekit.domain.hold import Hold
from tradekit.domain.ids import attempt_id
from tradekit.domain.order import Canceling, Closed, Closing, FinalWord, Intended, Open, Order, Unknown
from tradekit.domain.proposal import Origin
from tradekit.domain.state import Governor, Opening, State
from tradekit.domain.times import DAY_MS

CONSUMED_KEPT: Final = 1000
HOLDS_KEPT: Final = 100
ASKED_KEPT: Final = 60


def replay(state: State, records: Iterable[Record]) -> State:
    """The state after all records."""
    for record in records:
        state = fold(state, record)
    return state


def fold(state: State, record: Record) -> State:
    """The state after one record. Raises `ValueError` when records are skipped or an order makes an illegal move."""
    if record.seq != state.seq + 1:
        raise ValueError(f"record {record.seq} does not follow {state.seq}")
    folded = _apply(state, record)
    order = order_of(state.orders, record.event.fill) if isinstance(record.event, FillBooked) else None
    folded = folded._replace(risk=remember(state, folded, record, order), purges=follow(state, folded, record, order))
    return folded._replace(seq=record.seq, time=max(state.time, record.time))


def _apply(state: State, record: Record) -> State:  # noqa: C901, PLR0912 - one case an event, nothing nested
    now = record.time
    match record.event:
        case AccountOpened() as opened:
            return open_account(state, opened, now)
        case AssetAdopted() | AssetReleased() | FlowRecorded() as change:
            return enter(state, change, now)
        case OrderIntended(intent):
            return _intend(state, Order(intent, Intended(now)), now)
        case OrderAcknowledged(id, exchange_id):
            order = state.orders[id]._replace(exchange_id=exchange_id)
            return put(state, order if isinstance(order.state, Canceling) else order.move(Open(now)))
        case OrderUnanswered(id, reason):
            return move(state, id, Unknown(now, reason))
        case OrderRejected(id, code, _):
            return unmark(move(state, id, Closed(now, FinalWord.REJECTED, code)), id)
        case OrderNotPlaced(id):
            return unmark(move(state, id, Closed(now, FinalWord.NOT_PLACED)), id)
        case CancelRequested(id, reason):
            return move(state, id, Canceling(now, reason))
        case OrderKept(id, deadline):
            return put(state, state.orders[id]._replace(kept_until=deadline))
        case OrderFinal(id, word, reported):
            return settled(move(state, id, Closing(now, word, reported)), id, now)
        case OrderAdopted(intent, exchange_id, counted):
            return put(state, Order(intent, Open(now), exchange_id, *counted, counted.amount))
        case ForeignOrdersSeen(orders):
            return state._replace(foreign=orders)
        case FillBooked() as booked:
            return book_fill(state, booked, now)
        case HoldPlaced(hold):
            return state._replace(holds=_with_hold(state.holds, hold))
        case HoldsLifted():
            return state._replace(holds=tuple(hold._replace(lifted=True) for hold in state.holds))
        case StateRestored() as restored:
            return restore(state, restored)
        case BooksRebuilt() as rebuilt:
            return take_rebuilt(state, rebuilt, now)
        case ProposalsConsumed(digests):
            return reduce(lambda folded, item: _consume(folded, *item), digests.items(), state)
        case PurgeStarted(plan):
            return state._replace(purges=start(state.purges, plan))
        case PurgeEnded(asset, _):
            return state._replace(purges={a: plan for a, plan in state.purges.items() if a != asset})
        case DustWrittenOff(asset, quantity):
            return state._replace(written_off={**state.written_off, asset: quantity})
        case ConversionIntended(intent):
            return _converting(state, Conversion(intent, Asked(now)))
        case ConversionAccepted(id, exchange_id):
            return _converting(state, state.conversions[id]._replace(state=Accepted(now, exchange_id)))
        case ConversionDone(id) | ConversionEnded(id):
            return state._replace(conversions={other: c for other, c in state.conversions.items() if other != id})
        case CycleFinished() as finished:
            return _finish(state, finished, now)
        case PeakReset() | ExchangeSilent():
            return state


def _converting(state: State, conversion: Conversion) -> State:
    return state._replace(conversions={**state.conversions, conversion.id: conversion})


def _intend(state: State, order: Order, now: int) -> State:
    proposal = order.intent.approved.proposal
    if proposal.opens and not _is_counted(state, order):
        opening = Opening(order.id, proposal.symbol, now)
        recent = tuple(item for item in state.openings if item.time > now - DAY_MS)
        state = state._replace(openings=(*recent, opening))
    if proposal.origin is Origin.EXTERNAL:
        state = _consume(state, proposal.id, proposal.digest)
    return put(state, order)


def _is_counted(state: State, order: Order) -> bool:
    """Whether an earlier attempt under the same approval stands in the pace limits already."""
    proposal, openings = order.intent.approved.proposal, {item.client_order_id for item in state.openings}
    numbers = range(1, order.intent.attempt)
    return any(attempt_id(state.identity, proposal.origin, proposal.id, number) in openings for number in numbers)


def _consume(state: State, id: str, digest: str) -> State:
    """The newest stay at hand, in the order they came; older ones are only counted here."""
    consumed = {**state.consumed, id: digest}
    surplus = len(consumed) - CONSUMED_KEPT
    if surplus <= 0:
        return state._replace(consumed=consumed)
    kept = dict(islice(consumed.items(), surplus, None))
    return state._replace(consumed=kept, consumed_older=state.consumed_older + surplus)


def _with_hold(holds: tuple[Hold, ...], hold: Hold) -> tuple[Hold, ...]:
    """Of the lifted ones only the newest are remembered; those in force all are."""
    holds = (*(other for other in holds if other.key != hold.key), hold)
    surplus = len(holds) - HOLDS_KEPT
    lifted = [other for other in holds if other.lifted][: max(surplus, 0)]
    return tuple(other for other in holds if other not in lifted)


def _finish(state: State, finished: CycleFinished, now: int) -> State:
    books = state.books
    positions = {
        asset: position._replace(peak=max(position.peak, finished.peaks[asset]))
        if asset in finished.peaks and position.opened <= finished.started
        else position
        for asset, position in books.positions.items()
    }
    tiers = {**state.tiers, **finished.tiers}
    return state._replace(
        cycles=state.cycles + 1,
        books=books._replace(positions=positions),
        recent=forget_old(state.recent, now),
        orders=remembered(state.orders, now),
        tiers={symbol: tier for symbol, tier in tiers.items() if symbol not in finished.gone},
        equity=finished.equity,
        last_cycle=finished,
        governor=_governed(state.governor, finished),
    )


def _governed(governor: Governor, finished: CycleFinished) -> Governor:
    """A new step is measured from its own cycles on."""
    if finished.governor != governor.step:
        return Governor(finished.governor)
    return Governor(governor.step, (*governor.asked, finished.asked_ms)[-ASKED_KEPT:])
