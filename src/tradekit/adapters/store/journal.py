"""The journal: numbered files of one event a line, each line chained to the one before by its SHA-256.

Appending is one write and one sync, before the effect that is announced. A bad end that a crash can have left is cut;
anything else that is bad stops the run, and nothing is ever reset.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tradekit.adapters.store.disk import Disk
from tradekit.adapters.store.record_line import (
    AGAIN_OR_BACK,
    SCHEMA_VERSION,
    START,
    SUFFIX,
    BadLine,
    Line,
    Position,
    header,
    is_unfinished_write,
    parse_line,
    render,
)
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.event import Event, Record
from tradekit.domain.plain import tag_of


class Tail(NamedTuple):
    """The records after a position. `torn` is the number of bytes of an unfinished write at the very end."""

    lines: tuple[Line, ...]
    end: Position
    torn: int


class Journal:
    """The journal in `folder`. Reading needs no lock; appending does."""

    def __init__(self, disk: Disk, folder: Path, segment_bytes: int) -> None:
        self._disk = disk
        self._folder = folder
        self._segment_bytes = segment_bytes

    @property
    def exists(self) -> bool:
        """Whether there is any journal file."""
        return bool(self._segments())

    def tail(self, after: Position) -> Tail:
        """The records after a position, checked link by link.

        Raises `NeedsHuman`: `journal_missing`, `journal_shorter` than the position, `journal_damaged`,
        `journal_newer` than this version knows.
        """
        lines: list[Line] = []
        place, torn = after, 0
        segments = [number for number in self._segments() if number >= max(after.segment, 1)]
        if after.seq > 0 and (not segments or segments[0] != after.segment):
            # a restore that was cut short has begun the journal anew right after this state, but not saved it again
            place = self._enter(segments[0], START) if segments else START
            if (place.seq, place.hash) != (after.seq, after.hash):
                raise self._fault("journal_missing", after.segment, "is not there, though the state was made from it")
        for index, number in enumerate(segments):
            if number != place.segment:
                before, place = place, self._enter(number, place)
                if place.seq != before.seq:
                    raise self._fault("journal_damaged", number, f"begins after record {place.seq}, not {before.seq}")
            last = index == len(segments) - 1
            read, place, torn = self._read(number, place, may_be_torn=last)
            lines.extend(read)
        return Tail(tuple(lines), place, torn)

    def append(self, events: Sequence[Event], time: int, after: Position) -> tuple[tuple[Record, ...], Position]:
        """Writes events after the journal's end `after`; durable on return. Raises `OSError`."""
        place = after
        if place.segment == 0 or place.offset >= self._segment_bytes:
            place = self._begin_segment(place)
        records, data, end = [], bytearray(), place
        for event in events:
            raw = render(end.seq + 1, end.hash, time, event, write=place.seq + 1)
            record, end = parse_line(raw, end)  # nothing is written that the next run could not read
            if record.event != event:
                raise ValueError(f"{tag_of(type(event))} does not survive the journal")
            data += raw
            records.append(record)
        self._disk.append(self._path(place.segment), bytes(data))
        return tuple(records), end

    def make_durable(self) -> None:
        """Syncs what an earlier run may have written without syncing it before it was killed."""
        numbers = self._segments()
        if numbers:
            self._disk.sync(self._path(numbers[-1]))
            self._disk.sync(self._folder)

    def cut(self, end: Position) -> None:
        """Removes an unfinished write after `end` by rewriting the file without it."""
        path = self._path(end.segment)
        self._disk.replace(path, self._disk.read(path)[: end.offset])

    def stream(self, after: Position = START) -> Iterator[Line]:
        """Every good record after a position, checked, a file at a time. Raises `NeedsHuman` like `tail`."""
        place = after
        segments = [number for number in self._segments() if number >= max(after.segment, 1)]
        for index, number in enumerate(segments):
            if number != place.segment:
                place = self._enter(number, place)
            lines, place, _ = self._read(number, place, may_be_torn=index == len(segments) - 1)
            yield from lines

    def _segments(self) -> list[int]:
        names = self._disk.names(self._folder)
        return [int(name[:6]) for name in names if len(name) == 12 and name[:6].isdecimal() and name.endswith(".jsonl")]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.jsonl"

    def _begin_segment(self, after: Position) -> Position:
        number = after.segment + 1
        path, data = self._path(number), header(after.seq, after.hash)
        if self._disk.size(path) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        self._disk.replace(path, data)
        return Position(number, len(data), after.seq, after.hash)

    def _enter(self, number: int, before: Position) -> Position:
        """The place after a file's header, which has to continue where the file before it ended."""
        first, newline, _ = self._disk.read(self._path(number)).partition(b"\n")
        try:
            fields = json.loads(first)
            version, seq, prev = fields["schema_version"], fields["seq"], fields["prev"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._fault("journal_damaged", number, "has no readable header") from None
        if type(version) is not int or version > SCHEMA_VERSION:
            what = f"{self._path(number)} has schema version {version!a:.20}; this tradekit knows {SCHEMA_VERSION}"
            raise NeedsHuman(Problem("journal_newer", what, AGAIN_OR_BACK))
        if first + newline != header(seq, prev, version):
            raise self._fault("journal_damaged", number, "has a changed header")
        if before == START:
            return Position(number, len(first) + len(newline), seq, prev)  # a journal may begin anew after a restore
        if number != before.segment + 1 or (seq, prev) != (before.seq, before.hash):
            raise self._fault("journal_damaged", number, "does not continue the file before it")
        return Position(number, len(first) + len(newline), before.seq, before.hash)

    def _read(self, number: int, start: Position, *, may_be_torn: bool) -> tuple[list[Line], Position, int]:
        path = self._path(number)
        size = self._disk.size(path) or 0
        if size < start.offset:
            raise self._fault("journal_shorter", number, f"has {size} bytes where {start.offset} were written")
        back = min(SUFFIX + 1, start.offset)
        data = self._disk.read(path, start.offset - back)
        if start.seq and number == start.segment and not self._ends_with(data[:back], start):
            raise self._fault("journal_damaged", number, f"does not hold record {start.seq} where the state saw it")
        rest = data[back:]
        lines, place = self._parse(rest, start)
        torn = len(rest) - (place.offset - start.offset)
        if torn and not (may_be_torn and is_unfinished_write(rest[-torn:], place.seq + 1)):
            raise self._fault("journal_damaged", number, f"is bad after record {place.seq}, in the middle")
        return lines, place, torn

    def _ends_with(self, data: bytes, place: Position) -> bool:
        return data.endswith(b"\n") and (place.hash.encode() in data or b'"prev":"' + place.hash.encode() in data)

    def _parse(self, data: bytes, start: Position) -> tuple[list[Line], Position]:
        lines: list[Line] = []
        place = start
        for raw in data.splitlines(keepends=True):
            try:
                line = parse_line(raw, place)
            except BadLine:
                break
            lines.append(line)
            place = line.end
        return lines, place

    def _fault(self, code: str, number: int, what: str) -> NeedsHuman:
        fix = "`tradekit state verify` shows what is whole, `tradekit state restore` goes back to it"
        return NeedsHuman(Problem(code, f"{self._path(number)} {what}", fix))
