"""External proposals that were carried out so long ago that the state no longer lists them.

An index over the journal, kept in the cache: it may be deleted at any time and is then made again from the journal,
so a proposal stays consumed for ever while the state stays small.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tradekit.adapters.store.record_line import START, Line, Position
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.event import OrderIntended, ProposalsConsumed
from tradekit.domain.plain import from_plain, to_plain
from tradekit.domain.proposal import Origin

if TYPE_CHECKING:
    from sqlite3 import Connection

_SCHEMA = """
create table if not exists consumed (id text primary key, digest text not null) without rowid;
create table if not exists progress (position text not null);
"""


class JournalArchive:
    """Implements `ProposalArchive`. `lines` reads the journal on from where the index stands."""

    def __init__(self, path: Path, lines: Callable[[Position], Iterable[Line]]) -> None:
        self._path = path
        self._lines = lines

    def digests(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The digests of those of `ids` that were consumed, by id."""
        import sqlite3  # only an unknown id pays for it

        try:
            try:
                return self._look_up(ids)
            except NeedsHuman:
                # An index ahead of a restored journal: what was consumed stays so. A broken journal fails again.
                return self._look_up(ids, from_start=True)
            except (sqlite3.DatabaseError, ValueError):
                self._path.unlink(missing_ok=True)
                return self._look_up(ids)
        except (sqlite3.Error, OSError) as error:
            fix = f"delete {self._path.parent}: it is made again"
            raise NeedsHuman(Problem("cache_unusable", f"{self._path}: {error}", fix)) from None

    def _look_up(self, ids: Sequence[str], *, from_start: bool = False) -> Mapping[str, str]:
        import sqlite3

        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        index = sqlite3.connect(self._path)
        try:
            index.executescript(_SCHEMA)
            with index:
                if from_start:
                    index.execute("delete from progress")
                self._catch_up(index)
            found = (index.execute("select id, digest from consumed where id = ?", (id,)).fetchone() for id in ids)
            return {row[0]: row[1] for row in found if row}
        finally:
            index.close()

    def _catch_up(self, index: Connection) -> None:
        row = index.execute("select position from progress").fetchone()
        place = from_plain(Position, json.loads(row[0])) if row else START
        begin = place
        for line in self._lines(place):
            event, place = line.record.event, line.end
            if isinstance(event, ProposalsConsumed):
                index.executemany("insert or replace into consumed values (?, ?)", event.digests.items())
            if isinstance(event, OrderIntended):
                proposal = event.intent.approved.proposal
                if proposal.origin is Origin.EXTERNAL:
                    index.execute("insert or replace into consumed values (?, ?)", (proposal.id, proposal.digest))
        if place != begin:
            index.execute("delete from progress")
            index.execute("insert into progress values (?)", (json.dumps(to_plain(Position, place)),))
