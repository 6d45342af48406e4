"""What the state has forgotten, to keep small: old consumed proposals, booked trades, orders that were sent.

An index over the journal, kept in the cache: it may be deleted at any time and is then made again from the journal,
so nothing happens twice for ever while the state stays small.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tradekit.adapters.store.record_line import START, Line, Position
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.event import (
    BooksRebuilt,
    FillBooked,
    OrderAdopted,
    OrderIntended,
    ProposalsConsumed,
    Record,
    StateRestored,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.plain import from_plain, to_plain
from tradekit.domain.proposal import Origin

if TYPE_CHECKING:
    from sqlite3 import Connection

_SCHEMA: Final = """
create table if not exists consumed (id text primary key, digest text not null) without rowid;
create table if not exists fills (
    symbol text, trade_id text, seq integer, digest text not null, primary key (symbol, trade_id, seq)
) without rowid;
create table if not exists restores (seq integer primary key, books_seq integer not null);
create table if not exists orders (id text primary key) without rowid;
create table if not exists progress (position text not null);
"""


# The events that made the books in force: those after the last restore, and those up to where it went back to, less
# what an earlier restore had undone by then, and so on. A later restore may go back to what an earlier one undid.
_BOOKED: Final = """
with recursive made (after, until) as (
    select coalesce(max(seq), 0), 1 << 62 from restores
    union all
    select coalesce((select max(seq) from restores where seq <= undone.books_seq), 0), undone.books_seq
    from made join restores as undone on undone.seq = made.after
)
select digest from fills join made on fills.seq >= made.after and fills.seq <= made.until
where symbol = ? and trade_id = ? order by fills.seq desc limit 1
"""


class FileIndex:
    """Implements `JournalIndex`. `lines` reads the journal on from where the index stands."""

    def __init__(self, path: Path, lines: Callable[[Position], Iterable[Line]]) -> None:
        self._path = path
        self._lines = lines

    def proposals(self, ids: Sequence[str]) -> Mapping[str, str]:
        """See `JournalIndex.proposals`."""
        rows = self._ask("select digest from consumed where id = ?", [(id,) for id in ids])
        return {id: row for id, row in zip(ids, rows, strict=True) if row is not None}

    def fills(self, ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """See `JournalIndex.fills`."""
        rows = self._ask(_BOOKED, ids)
        return {id: row for id, row in zip(ids, rows, strict=True) if row is not None}

    def orders(self, ids: Sequence[ClientOrderId]) -> frozenset[ClientOrderId]:
        """See `JournalIndex.orders`."""
        rows = self._ask("select id from orders where id = ?", [(id,) for id in ids])
        return frozenset(id for id, row in zip(ids, rows, strict=True) if row is not None)

    def _ask(self, query: str, keys: Sequence[tuple[str, ...]]) -> list[str | None]:
        import sqlite3  # only an unknown id pays for it

        try:
            try:
                return self._look_up(query, keys)
            except NeedsHuman:
                # An index ahead of a restored journal: what was consumed stays so. A broken journal fails again.
                return self._look_up(query, keys, from_start=True)
            except (sqlite3.DatabaseError, ValueError):
                self._path.unlink(missing_ok=True)
                return self._look_up(query, keys)
        except (sqlite3.Error, OSError) as error:
            fix = f"delete {self._path.parent}: it is made again"
            raise NeedsHuman(Problem("cache_unusable", f"{self._path}: {error}", fix)) from None

    def _look_up(self, query: str, keys: Sequence[tuple[str, ...]], *, from_start: bool = False) -> list[str | None]:
        import sqlite3

        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        with closing(sqlite3.connect(self._path)) as index:
            index.executescript(_SCHEMA)
            with index:
                if from_start:
                    for table in ("progress", "fills", "restores", "orders"):
                        index.execute(f"delete from {table}")  # noqa: S608 - names of our own
                _catch_up(index, self._lines)
            rows = (index.execute(query, key).fetchone() for key in keys)
            return [row and row[0] for row in rows]


def _catch_up(index: Connection, lines: Callable[[Position], Iterable[Line]]) -> None:
    row = index.execute("select position from progress").fetchone()
    place = begin = from_plain(Position, json.loads(row[0])) if row else START
    for line in lines(place):
        _enter(index, line.record)
        place = line.end
    if place != begin:
        index.execute("delete from progress")
        index.execute("insert into progress values (?)", (json.dumps(to_plain(Position, place)),))


def _enter(index: Connection, record: Record) -> None:
    match record.event:
        case ProposalsConsumed(digests):
            index.executemany("insert or replace into consumed values (?, ?)", digests.items())
        case OrderIntended(intent) | OrderAdopted(intent):
            index.execute("insert or replace into orders values (?)", (intent.client_order_id,))
            proposal = intent.approved.proposal
            if proposal.origin is Origin.EXTERNAL:
                index.execute("insert or replace into consumed values (?, ?)", (proposal.id, proposal.digest))
        case FillBooked(fill):
            _enter_fill(index, record.seq, fill)
        case BooksRebuilt(fills=fills):
            for fill, _ in fills:
                _enter_fill(index, record.seq, fill)
        case StateRestored(books_seq=seq, recent=recent):  # trades since those books come in again
            for fill, _ in recent.fills:
                _enter_fill(index, record.seq, fill)
            index.execute("insert or replace into restores values (?, ?)", (record.seq, seq))
        case _:
            pass


def _enter_fill(index: Connection, seq: int, fill: Fill) -> None:
    values = (fill.symbol, fill.trade_id, seq, fill.digest)
    index.execute("insert or replace into fills values (?, ?, ?, ?)", values)
