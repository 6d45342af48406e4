"""Booking: the exchange's trades of ours go into the books, each exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tradekit.decide.rebuild import fold_journal
from tradekit.decide.reconcile import Known, Reconciled, ask_from, questions, reconcile
from tradekit.domain.event import BooksRebuilt, FillBooked, HoldPlaced
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.steps.desk import Desk


class Listed(NamedTuple):
    """Trades as the exchange listed them, and from when on each symbol was asked for (milliseconds)."""

    trades: Sequence[Fill | BrokenTrade]
    since: Mapping[str, int]


def book_new_fills(desk: Desk, symbols: Iterable[str], since: int | None = None) -> Reconciled:
    """Asks for the trades of some symbols since their cursors, less an overlap, and books those not booked yet.

    `since` (milliseconds) reaches further back. Raises `Unreachable`; what was booked before stays booked.
    """
    begins = ask_from(desk.state, symbols, since)
    return book(desk, Listed(desk.exchange.fills_since(begins), begins)) if begins else Reconciled()


def book(desk: Desk, listed: Listed) -> Reconciled:
    """Books what is new among the listed trades, and holds what makes no sense."""
    asked = questions(desk.state, listed.trades)
    known = Known(
        desk.index.fills(asked.fills) if asked.fills else {},
        desk.index.orders(asked.orders) if asked.orders else frozenset(),
    )
    if desk.dry_run:  # the index reads what is durable, and knows nothing of this rehearsal
        booked = {(e.fill.symbol, e.fill.trade_id): e.fill.digest for e in desk.recorded if isinstance(e, FillBooked)}
        known = known._replace(fills={**known.fills, **booked})
    managed = desk.policy.account.managed
    found = reconcile(desk.state, listed.trades, listed.since, known, managed, desk.clock.now())
    # a hold goes first: of a write that is torn by a power cut the beginning may stay
    desk.record(*(HoldPlaced(hold) for hold in found.holds), *found.fresh)
    put_in_order(desk)
    return found


def put_in_order(desk: Desk) -> None:
    """Folds the books anew from the journal when a fill came in that is older than all that the state remembers."""
    if desk.state.recent.out_of_order:
        folded = fold_journal(desk.store.history(), desk.state.books.method)
        desk.record(BooksRebuilt("journal", folded.books or desk.state.books, (), 0, {}))
