"""The one way a state changes: `fold` makes the next state from an event. Replay and live runs share it.

Bounded by design: closed orders are forgotten after a day, fill ids after the overlap window, old consumed proposals
move to the archive (which the journal can always rebuild).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import islice
from typing import Final

from tradekit.decide.booking import Books, book_fill, book_outside_fill
from tradekit.decide.memory import remember
from tradekit.domain.event import (
    AccountOpened,
    AssetAdopted,
    CancelRequested,
    CycleFinished,
    ExchangeSilent,
    FillBooked,
    FilledPart,
    OrderAcknowledged,
    OrderFinal,
    OrderIntended,
    OrderNotPlaced,
    OrderRejected,
    OrderUnanswered,
    PeakReset,
    ProposalsConsumed,
    Record,
    StateRestored,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId, is_ours
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Canceling, Closed, Closing, FinalWord, Intended, Open, Order, OrderState, Unknown
from tradekit.domain.position import Position
from tradekit.domain.proposal import Origin
from tradekit.domain.state import Opening, State

OVERLAP_MS: Final = 3_600_000
DAY_MS: Final = 24 * 3_600_000
CONSUMED_KEPT: Final = 1000
CLOSED_KEPT: Final = 50


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
    folded = folded._replace(risk=remember(state, folded, record, order))
    return folded._replace(seq=record.seq, time=max(state.time, record.time))


def _apply(state: State, record: Record) -> State:  # noqa: C901, PLR0912 - one case an event, nothing nested
    now = record.time
    match record.event:
        case AccountOpened() as opened:
            return _open_account(state, opened, now)
        case AssetAdopted() as adopted:
            return _adopt(state, adopted, now)
        case OrderIntended(intent):
            return _intend(state, Order(intent, Intended(now)), now)
        case OrderAcknowledged(id, exchange_id):
            order = state.orders[id]._replace(exchange_id=exchange_id)
            return _put(state, order if isinstance(order.state, Canceling) else order.move(Open(now)))
        case OrderUnanswered(id, reason):
            return _move(state, id, Unknown(now, reason))
        case OrderRejected(id, code, _):
            return _unmark(_move(state, id, Closed(now, FinalWord.REJECTED, code)), id)
        case OrderNotPlaced(id):
            return _unmark(_move(state, id, Closed(now, FinalWord.NOT_PLACED)), id)
        case CancelRequested(id, reason):
            return _move(state, id, Canceling(now, reason))
        case OrderFinal(id, word, reported):
            return _settled(_move(state, id, Closing(now, word, reported)), id, now)
        case FillBooked(fill):
            return _book(state, fill, now)
        case StateRestored() as restored:
            return _restore(state, restored)
        case ProposalsConsumed(digests):
            return reduce(lambda folded, item: _consume(folded, *item), digests.items(), state)
        case CycleFinished() as finished:
            return _finish(state, finished, now)
        case PeakReset() | ExchangeSilent():
            return state


def _open_account(state: State, opened: AccountOpened, now: int) -> State:
    positions = {}
    for asset, quantity, price, managed in opened.holdings:
        if managed:
            positions[asset] = Position(asset, quantity=quantity, cost=quantity * price, opened=now)
        else:
            positions[asset] = Position(asset, outside=quantity)
    return state._replace(
        stamp=opened.stamp, identity=opened.identity, opened_at=now, cash=opened.cash, positions=positions
    )


def _restore(state: State, restored: StateRestored) -> State:
    """Fills after the older books come in again, so orders forget those fills too."""
    nothing = FilledPart(ZERO, ZERO)
    parts = {id: restored.filled.get(id, nothing) for id in state.orders}
    return state._replace(
        cash=restored.cash,
        positions=restored.positions,
        cursors=restored.cursors,
        seen_fills=restored.seen_fills,
        orders={id: order._replace(filled=parts[id].amount, cost=parts[id].cost) for id, order in state.orders.items()},
    )


def _adopt(state: State, adopted: AssetAdopted, now: int) -> State:
    held = state.positions[adopted.asset]
    position = held._replace(
        quantity=held.quantity + held.outside,
        cost=held.cost + held.outside * adopted.price,
        outside=ZERO,
        opened=held.opened if held.quantity else now,
        peak=held.peak if held.quantity else ZERO,
    )
    return state._replace(positions={**state.positions, adopted.asset: position})


def _intend(state: State, order: Order, now: int) -> State:
    proposal = order.intent.approved.proposal
    if proposal.opens and order.intent.attempt == 1:
        opening = Opening(order.id, proposal.symbol, now)
        recent = tuple(item for item in state.openings if item.time > now - DAY_MS)
        state = state._replace(openings=(*recent, opening))
    if proposal.origin is Origin.EXTERNAL:
        state = _consume(state, proposal.id, proposal.digest)
    return _put(state, order)


def _consume(state: State, id: str, digest: str) -> State:
    """The newest stay at hand, in the order they came; older ones are only counted here."""
    consumed = {**state.consumed, id: digest}
    surplus = len(consumed) - CONSUMED_KEPT
    if surplus <= 0:
        return state._replace(consumed=consumed)
    kept = dict(islice(consumed.items(), surplus, None))
    return state._replace(consumed=kept, consumed_older=state.consumed_older + surplus)


def _book(state: State, fill: Fill, now: int) -> State:
    order = order_of(state.orders, fill)
    book = book_fill if order is not None or is_ours(fill.client_order_id) else book_outside_fill
    books = book(Books(state.cash, state.positions), fill)
    seen = {**state.seen_fills.get(fill.symbol, {}), fill.trade_id: fill.time}
    cursor = max(state.cursors.get(fill.symbol, 0), fill.time)
    seen = {id: time for id, time in seen.items() if time >= cursor - OVERLAP_MS}
    state = state._replace(
        cash=books.cash,
        positions=books.positions,
        cursors={**state.cursors, fill.symbol: cursor},
        seen_fills={**state.seen_fills, fill.symbol: seen},
    )
    if order is None:
        return state
    order = order._replace(filled=order.filled + fill.amount, cost=order.cost + fill.cost)
    return _settled(_put(state, order), order.id, now)


def order_of(orders: Mapping[ClientOrderId, Order], fill: Fill) -> Order | None:
    """The order that a fill belongs to: by our id where the exchange tells it, else by its own."""
    if fill.client_order_id is not None:
        return orders.get(fill.client_order_id)
    return next(
        (o for o in orders.values() if o.exchange_id == fill.exchange_id and o.intent.symbol == fill.symbol), None
    )


def _settled(state: State, id: ClientOrderId, now: int) -> State:
    """Closes an order once the exchange's last word and our booked fills agree."""
    order = state.orders[id]
    if isinstance(order.state, Closing) and order.filled >= order.state.reported_filled:
        return _put(state, order.move(Closed(now, order.state.word)))
    return state


def _move(state: State, id: ClientOrderId, to: OrderState) -> State:
    return _put(state, state.orders[id].move(to))


def _put(state: State, order: Order) -> State:
    return state._replace(orders={**state.orders, order.id: order})


def _unmark(state: State, id: ClientOrderId) -> State:
    """An order that never was doesn't count against the pace limits."""
    return state._replace(openings=tuple(item for item in state.openings if item.client_order_id != id))


def _finish(state: State, finished: CycleFinished, now: int) -> State:
    positions = {
        asset: position._replace(peak=max(position.peak, finished.peaks[asset]))
        if asset in finished.peaks and position.opened <= finished.started
        else position
        for asset, position in state.positions.items()
    }
    tiers = {**state.tiers, **finished.tiers}
    return state._replace(
        cycles=state.cycles + 1,
        positions=positions,
        orders=_remembered(state.orders, now),
        tiers={symbol: tier for symbol, tier in tiers.items() if symbol not in finished.gone},
        equity=state.equity if finished.equity is None else finished.equity,
        last_cycle=finished,
    )


def _remembered(orders: Mapping[ClientOrderId, Order], now: int) -> dict[ClientOrderId, Order]:
    """Everything that isn't closed, tombstones for a day, and the newest closed ones for late fills."""
    closed = [order for order in orders.values() if isinstance(order.state, Closed) and not order.is_tombstone]
    forgotten = {order.id for order in closed[: max(len(closed) - CLOSED_KEPT, 0)]}
    return {
        id: order
        for id, order in orders.items()
        if id not in forgotten and not (order.is_tombstone and now - order.state.since > DAY_MS)
    }
