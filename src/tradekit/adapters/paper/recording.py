"""The shipped recording: 50 symbols, each a loop that is stitched end to start, read from one SQLite file.

Only reads, and never goes through a float. World minute `m` of a symbol is minute `m` modulo its length.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

from tradekit.adapters.paper.codec import unpack_book, unpack_events
from tradekit.adapters.paper.tape import Book, Listing, TapeEvent, Top, tops_of_books
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.market import Candle, Source

FORMAT: Final = 1
MINUTE: Final = 60_000
SHIPPED: Final = Path(__file__).with_name("recording.sqlite3")

SCHEMA: Final = """
CREATE TABLE market(
    id INTEGER PRIMARY KEY, symbol TEXT NOT NULL UNIQUE, price_tick TEXT NOT NULL, amount_step TEXT NOT NULL,
    min_amount TEXT NOT NULL, min_notional TEXT NOT NULL, active INTEGER NOT NULL, source TEXT NOT NULL,
    minutes INTEGER NOT NULL, volume_24h TEXT NOT NULL);
CREATE TABLE notice(text TEXT NOT NULL);
CREATE TABLE candle(
    market INTEGER, minute INTEGER, open INTEGER, high INTEGER, low INTEGER, close INTEGER, volume INTEGER,
    PRIMARY KEY (market, minute)) WITHOUT ROWID;
CREATE TABLE tape(
    market INTEGER, minute INTEGER, book BLOB, events BLOB, PRIMARY KEY (market, minute)) WITHOUT ROWID;
"""


class Recording:
    """A `Feed` over a recording file. Raises `NeedsHuman` when the file is missing or of another format."""

    def __init__(self, path: Path = SHIPPED) -> None:
        # immutable: the file lies in the installed package, where SQLite must neither lock nor write
        uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        try:
            self._db = sqlite3.connect(uri, uri=True, isolation_level=None)
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            rows = self._db.execute("SELECT * FROM market ORDER BY symbol").fetchall()
        except sqlite3.Error as error:
            raise _unreadable(path, error) from error
        if version != FORMAT:
            raise _unreadable(path, f"format {version}, not {FORMAT}")
        self._ids: dict[str, int] = {row[1]: row[0] for row in rows}
        self._listings = {row[1]: _listing(row) for row in rows}
        self._minutes: dict[str, tuple[int, list[TapeEvent]]] = {}

    def close(self) -> None:
        """Gives the file back."""
        self._db.close()

    def listings(self) -> Mapping[str, Listing]:
        """All symbols, sorted."""
        return self._listings

    def book(self, symbol: str, time: int) -> Book:
        """The book before the first event at or after `time`."""
        minute = time // MINUTE
        if time % MINUTE == 0 and self._slot(symbol, minute) == 0:
            # at the seam the old loop's book stands until the first event of the new one
            minute -= 1
        book = self._opening_book(symbol, minute)
        for event in self._events(symbol, minute):
            if event.time >= time:
                break
            book.apply(event)
        return book

    def tops(self, symbols: Sequence[str], time: int) -> Mapping[str, Top]:
        """See `Feed.tops`."""
        return tops_of_books(self, symbols, time)

    def events(self, symbol: str, start: int, end: int) -> Iterator[TapeEvent]:
        """What happened from `start` on and before `end`, in order."""
        for minute in range(start // MINUTE, (end - 1) // MINUTE + 1):
            for event in self._events(symbol, minute):
                if event.time >= end:
                    return
                if event.time >= start:
                    yield event

    def candles(self, symbol: str, before: int, minutes: int) -> list[Candle]:
        """The last `minutes` complete minutes before a time, oldest first."""
        listing = self._listings[symbol]
        tick, step = listing.price_tick, listing.amount_step
        first = before // MINUTE - minutes
        rows = self._candle_rows(symbol, first, minutes)
        return [
            Candle((first + n) * MINUTE, o * tick, h * tick, low * tick, c * tick, v * step)
            for n, (_, o, h, low, c, v) in enumerate(rows)
        ]

    def _candle_rows(self, symbol: str, first: int, minutes: int) -> list[tuple[int, int, int, int, int, int]]:
        length = self._listings[symbol].minutes
        start = first % length
        wraps = start + minutes > length
        low, high = (0, length) if wraps else (start, start + minutes)
        rows = self._db.execute(
            "SELECT minute, open, high, low, close, volume FROM candle WHERE market = ? AND minute >= ? AND minute < ?",
            (self._ids[symbol], low, high),
        ).fetchall()
        return [rows[(start + n) % length] for n in range(minutes)] if wraps else rows

    def _slot(self, symbol: str, minute: int) -> int:
        return minute % self._listings[symbol].minutes

    def _opening_book(self, symbol: str, minute: int) -> Book:
        return unpack_book(self._tape(symbol, minute)[0])

    def _tape(self, symbol: str, minute: int) -> tuple[bytes, bytes]:
        where = (self._ids[symbol], self._slot(symbol, minute))
        query = "SELECT book, events FROM tape WHERE market = ? AND minute = ?"
        book, events = self._db.execute(query, where).fetchone()
        return book, events

    def _events(self, symbol: str, minute: int) -> list[TapeEvent]:
        cached = self._minutes.get(symbol)
        if cached is not None and cached[0] == minute:
            return cached[1]
        slot = self._slot(symbol, minute)
        events = unpack_events(self._tape(symbol, minute)[1], minute * MINUTE)
        if slot == 0:
            events = self._seam(symbol, minute) + events
        self._minutes[symbol] = (minute, events)
        return events

    def _seam(self, symbol: str, minute: int) -> list[TapeEvent]:
        ending = self._opening_book(symbol, minute - 1)
        for event in unpack_events(self._tape(symbol, minute - 1)[1], 0):
            ending.apply(event)
        return list(ending.changes_to(self._opening_book(symbol, minute), minute * MINUTE))


def _unreadable(path: Path, reason: object) -> NeedsHuman:
    return NeedsHuman(Problem("paper_recording_unreadable", f"{path}: {reason}", "install tradekit again"))


def _listing(row: tuple[int, str, str, str, str, str, int, str, int, str]) -> Listing:
    _, symbol, tick, step, min_amount, min_notional, active, source, minutes, volume = row
    base, _, quote = symbol.partition("/")
    filters = (Decimal(tick), Decimal(step), Decimal(min_amount), Decimal(min_notional))
    return Listing(symbol, base, quote, *filters, bool(active), Source(source), minutes, Decimal(volume))
