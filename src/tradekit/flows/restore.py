"""`tradekit state restore`: back to whole files, and on request back to the books of an older state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tradekit.decide.booking import book_into_older, keep_peaks
from tradekit.decide.fold import fold, replay
from tradekit.decide.rebuild import conversions_in, fold_journal
from tradekit.domain.books import BookedFill, Owner
from tradekit.domain.event import (
    BooksRebuilt,
    ConversionIntended,
    Event,
    FilledPart,
    OrderIntended,
    ProposalsConsumed,
    StateRestored,
)
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.ports import StateHistory
from tradekit.domain.proposal import Origin
from tradekit.domain.state import State


class RestoreReport(NamedTuple):
    """`set_aside` are damaged files that were renamed; `replayed` events were folded in after the state taken.

    `books_of` names the older state whose books are in force again, or None when only files were mended.
    """

    set_aside: tuple[str, ...]
    seq: int
    replayed: int
    books_of: str | None


def restore(history: StateHistory, name: str | None) -> RestoreReport:
    """Mends the files; with a `name` the books of that older state are taken, as one more event of the journal.

    What was sent can't be unsent: orders and consumed proposals stay, and the fills since then are asked for again.
    Raises `BadInput` for an unknown name before anything is touched, `NeedsHuman` when nothing whole is left.
    """
    older = None if name is None else history.old_state(name)
    moved: Sequence[str] = history.set_aside_damage()
    loaded = history.load_newest_whole()
    assert loaded.state is not None
    state = replay(loaded.state, loaded.tail)
    state = _remember_sent(history, state)
    state = _take_root(history, state)
    if older is not None and name is not None:
        state = _take_books(history, state, older, name)
    history.save(state)
    return RestoreReport(tuple(moved), state.seq, len(loaded.tail), name)


def _remember_sent(history: StateHistory, state: State) -> State:
    """What a damaged journal had sent is not forgotten: newer orders are looked up, older proposals stay consumed.

    Newer are those that the journal now in force would hold. All files ever set aside are read, so that a restore that
    was cut short after it renamed them is caught up with.
    """
    set_aside = history.intents_set_aside()
    if not set_aside:
        return state
    first, known = state.seq + 1, {*state.orders, *state.conversions}
    for record in history.history():
        first = min(first, record.seq)
        known.update(_sent(record.event))
    events: list[Event] = []
    consumed: dict[str, str] = {}
    for record in set_aside:
        if known.issuperset(_sent(record.event)):
            continue
        known.update(_sent(record.event))
        if record.seq >= first:
            events.append(record.event)
        elif isinstance(record.event, OrderIntended):
            proposal = record.event.intent.approved.proposal
            if proposal.origin is Origin.EXTERNAL and proposal.id not in state.consumed:
                consumed[proposal.id] = proposal.digest
    if consumed:
        events.insert(0, ProposalsConsumed(consumed))
    return _append(history, state, events)


def _sent(event: Event) -> tuple[ClientOrderId, ...]:
    """The id under which an intent was sent; none for any other event."""
    match event:
        case OrderIntended(intent):
            return (intent.client_order_id,)
        case ConversionIntended(intent):
            return (intent.id,)
        case _:
            return ()


def _take_root(history: StateHistory, state: State) -> State:
    """Where the journal lost its beginning, the books go into it, and what is forgotten of them is not booked again."""
    if not state.is_opened or fold_journal(history.history(), state.books.method).books is not None:
        return state
    recent = state.recent
    root: list[Event] = [BooksRebuilt("restore", state.books, recent.fills, recent.forgotten, {})]
    if state.consumed:
        root.append(ProposalsConsumed(dict(state.consumed)))
    return _append(history, state, root)


def _append(history: StateHistory, state: State, events: Sequence[Event]) -> State:
    if events:
        for record in history.append(events, state.time, reduces_risk=True):
            state = fold(state, record)
    return state


def _take_books(history: StateHistory, state: State, older: State, name: str) -> State:
    """Fills are asked for again. Conversions are not listed anywhere: those since then go into the older books here."""
    filled = {id: FilledPart(order.filled, order.cost) for id, order in older.orders.items()}
    books, recent = older.books, older.recent
    if converted := [BookedFill(fill, Owner.TRADEKIT) for fill in conversions_in(history.history(), older.seq)]:
        books, recent = book_into_older(recent, converted)
        books = keep_peaks(books, older.positions)
    # what a lost beginning of the journal held can't be told from what was never booked
    first = next((record.seq for record in history.history()), state.seq + 1)
    counted = older.counted_until if first == 1 else max(older.counted_until, recent.forgotten)
    event = StateRestored(name, older.seq, books, recent, counted, older.cursors, filled)
    return _append(history, state, [event])
