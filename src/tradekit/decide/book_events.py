"""What events do to the books in a state: opened, filled into, corrected, restored, rebuilt."""

from __future__ import annotations

from tradekit.decide.booking import book, keep_peaks, settled_at
from tradekit.decide.ledger import Ledger
from tradekit.decide.order_events import order_of, put, settled
from tradekit.domain.books import BookedFill, Books, FillKey, RecentFills, Tally, key_of
from tradekit.domain.conversion import is_conversion
from tradekit.domain.event import (
    AccountOpened,
    AssetAdopted,
    AssetReleased,
    BooksRebuilt,
    FillBooked,
    FilledPart,
    FlowRecorded,
    StateRestored,
)
from tradekit.domain.position import Position
from tradekit.domain.state import State

BookChange = AssetAdopted | AssetReleased | FlowRecorded


def open_account(state: State, opened: AccountOpened, now: int) -> State:
    """The state of an account that has just been opened."""
    books = opening_books(opened, now)
    recent = RecentFills(before=books)
    return state._replace(stamp=opened.stamp, identity=opened.identity, opened_at=now, books=books, recent=recent)


def opening_books(opened: AccountOpened, now: int) -> Books:
    """Cash and opening lots."""
    positions, tallies = {}, {opened.stamp.quote: Tally(start=opened.cash)}
    for asset, quantity, price, managed in opened.holdings:
        tallies[asset] = Tally(start=quantity)
        if managed:
            positions[asset] = Position(asset, quantity, quantity * price, adopted=quantity, opened=now)
        else:
            positions[asset] = Position(asset, outside=quantity)
    return Books(opened.stamp.quote, opened.method, positions, tallies)


def enter(state: State, change: BookChange, now: int) -> State:
    """The state after something other than a fill changed the books. No fill goes before it any more."""
    ledger = Ledger(state.books)
    write(ledger, change, now)
    books = ledger.books()
    return state._replace(books=books, recent=settled_at(books, state.recent))


def write(ledger: Ledger, change: BookChange, now: int) -> None:
    """Enters a change that is no fill."""
    match change:
        case AssetAdopted(asset, price):
            ledger.adopt(asset, price, now)
        case AssetReleased(asset, _):
            ledger.release(asset)
        case FlowRecorded(asset, amount):
            ledger.transfer(asset, amount)


def restore(state: State, restored: StateRestored) -> State:
    """Fills after the older books come in again, so orders forget those fills too."""
    parts = {
        id: restored.filled.get(id, FilledPart(order.counted, order.counted * order.intent.price))
        for id, order in state.orders.items()
    }
    return state._replace(
        books=restored.books,
        recent=restored.recent,
        counted_until=restored.counted_until,
        cursors=restored.cursors,
        orders={id: order._replace(filled=parts[id].amount, cost=parts[id].cost) for id, order in state.orders.items()},
    )


def take_rebuilt(state: State, rebuilt: BooksRebuilt, now: int) -> State:
    """Fills of the new books are known by id; where the source is the journal, so are those that were known before."""
    books = keep_peaks(rebuilt.books, state.positions)
    if rebuilt.counted_until:
        fills = tuple(sorted(rebuilt.fills, key=lambda booked: key_of(booked.fill)))
        last = max((fill.time for fill, _ in fills), default=0)
        until = FillKey(max(last, rebuilt.counted_until) + 1, "", "")
        recent = RecentFills(books, until, fills, forgotten=rebuilt.counted_until)
        state = state._replace(counted_until=rebuilt.counted_until, cursors={})
    else:
        recent = settled_at(books, state.recent)._replace(out_of_order=False)
    state = state._replace(books=books, recent=recent)
    for id, part in rebuilt.filled.items():
        if id in state.orders:
            order = state.orders[id]._replace(filled=part.amount, cost=part.cost)
            state = settled(put(state, order), id, now)
    return state


def book_fill(state: State, booked: FillBooked, now: int) -> State:
    """The state after a fill: books, cursor, and the order that it belongs to. A conversion is in no list of trades, so
    it says nothing of how far those were read.
    """
    fill = booked.fill
    order = order_of(state.orders, fill)
    books, recent = book(state.books, state.recent, BookedFill(fill, booked.owner))
    state = state._replace(books=books, recent=recent)
    if not is_conversion(fill):
        cursor = max(state.cursors.get(fill.symbol, 0), fill.time)
        state = state._replace(cursors={**state.cursors, fill.symbol: cursor})
    if order is None:
        return state
    order = order._replace(filled=order.filled + fill.amount, cost=order.cost + fill.cost)
    return settled(put(state, order), order.id, now)
