"""A fill enters the books: in the order of trading, whatever the order of arrival.

The fold runs in (exchange time, symbol, trade id) order. The newest fills are kept beside the books as they were before
them, so that one that arrives late is folded in at its place. One that is older still is booked as it comes; its units
are right, its cost wants a fold from the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from tradekit.decide.ledger import Ledger
from tradekit.domain.books import BookedFill, Books, RecentFills, key_of
from tradekit.domain.position import Position
from tradekit.domain.times import DAY_MS

RECENT_KEPT: Final = 60
RECENT_MS: Final = DAY_MS


class Booked(NamedTuple):
    """The books, and the newest fills in them."""

    books: Books
    recent: RecentFills


def book(books: Books, recent: RecentFills, booked: BookedFill) -> Booked:
    """The books after one more fill. The caller sees to it that a fill is booked once."""
    key, fills = key_of(booked.fill), recent.fills
    last = max(recent.until, key_of(fills[-1].fill)) if fills else recent.until
    if key > last:
        return _shortened(Booked(_with(books, booked), recent._replace(fills=(*fills, booked))))
    place = sum(1 for other in fills if key_of(other.fill) < key)
    recent = recent._replace(fills=(*fills[:place], booked, *fills[place:]))
    if key <= recent.until:
        recent = recent._replace(before=_with(recent.before, booked), out_of_order=True)
    return _shortened(Booked(keep_peaks(refold(recent), books.positions), recent))


def book_into_older(recent: RecentFills, fills: Iterable[BookedFill]) -> Booked:
    """Older books with fills that nobody will list again. All stay remembered for now: others will be booked between
    them.
    """
    for booked in sorted(fills, key=lambda booked: key_of(booked.fill)):
        if key_of(booked.fill) <= recent.until:
            recent = recent._replace(before=_with(recent.before, booked))
        recent = recent._replace(fills=tuple(sorted((*recent.fills, booked), key=lambda other: key_of(other.fill))))
    return Booked(refold(recent), recent)


def refold(recent: RecentFills) -> Books:
    """The books before the newest fills, and then those that are not in them yet."""
    ledger = Ledger(recent.before)
    for booked in recent.fills:
        if key_of(booked.fill) > recent.until:
            ledger.enter(booked.fill, booked.owner)
    return ledger.books()


def settled_at(books: Books, recent: RecentFills) -> RecentFills:
    """Everything so far is inside `books`: something that is no fill has changed them, and no fill goes before it."""
    last = max((key_of(booked.fill) for booked in recent.fills), default=recent.until)
    return recent._replace(before=books, until=max(recent.until, last))


def forget_old(recent: RecentFills, now: int) -> RecentFills:
    """Without the fills of more than a day ago."""
    old = sum(1 for booked in recent.fills if booked.fill.time < now - RECENT_MS)
    return _without_oldest(recent, old)


def _shortened(booked: Booked) -> Booked:
    return booked._replace(recent=_without_oldest(booked.recent, len(booked.recent.fills) - RECENT_KEPT))


def _without_oldest(recent: RecentFills, count: int) -> RecentFills:
    """The oldest fills leave the list; their ids are in the journal's index from here on."""
    if count <= 0:
        return recent
    gone, kept = recent.fills[:count], recent.fills[count:]
    ledger, until = Ledger(recent.before), recent.until
    for booked in gone:
        if key_of(booked.fill) > until:
            ledger.enter(booked.fill, booked.owner)
            until = key_of(booked.fill)
    forgotten = max(recent.forgotten, gone[-1].fill.time)
    return recent._replace(before=ledger.books(), until=until, fills=kept, forgotten=forgotten)


def _with(books: Books, booked: BookedFill) -> Books:
    ledger = Ledger(books)
    ledger.enter(booked.fill, booked.owner)
    return ledger.books()


def keep_peaks(books: Books, seen: Mapping[str, Position]) -> Books:
    """Peaks are seen by cycles, not made by fills: a position that began at the same time keeps its own."""
    positions = {
        asset: position._replace(peak=seen[asset].peak)
        if asset in seen and position.opened <= seen[asset].opened
        else position
        for asset, position in books.positions.items()
    }
    return books._replace(positions=positions)
