"""The journal: numbered files of one event a line, each line chained to the one before by its SHA-256.

A line is `{seq, prev, time, type, body, write, hash}`: `hash` covers the bytes of the line before it, `write` is the
`seq` of the first line that the same write brought.
Appending is one write and one sync, before the effect that is announced. A
bad end that a crash can have left is cut; anything else that is bad stops the run, and nothing is ever reset.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradekit.adapters.store.disk import Disk
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.event import EVENT_TYPES, Event, Record
from tradekit.domain.plain import BadShape, from_plain, tag_of, to_plain

SCHEMA_VERSION: Final = 1
GENESIS: Final = "0" * 64
_TYPES: Final = {tag_of(kind): kind for kind in EVENT_TYPES}
_HASH_MARK: Final = b',"hash":"'
_SUFFIX: Final = len(_HASH_MARK) + 64 + len(b'"}')


class Position(NamedTuple):
    """A place in the journal: after the record `seq`, which ends at `offset` of file `segment` and has `hash`."""

    segment: int
    offset: int
    seq: int
    hash: str


START: Final = Position(segment=0, offset=0, seq=0, hash=GENESIS)


class Line(NamedTuple):
    """A record with the place right after it."""

    record: Record
    end: Position


class Tail(NamedTuple):
    """The records after a position. `torn` is the number of bytes of an unfinished write at the very end."""

    lines: tuple[Line, ...]
    end: Position
    torn: int


class _BadLine(ValueError):
    """Why a line is not a good record."""


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
            raw = _render(end.seq + 1, end.hash, time, event, write=place.seq + 1)
            record, end = _parse_line(raw, end)  # nothing is written that the next run could not read
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

    def whole_end(self) -> Position:
        """Where the good part ends, counted from the first record."""
        place = START
        try:
            for number in self._segments():
                place = self._enter(number, place)
                content = self._disk.read(self._path(number))
                _, place = self._parse(content[place.offset :], place)
                if place.offset < len(content):
                    break
        except NeedsHuman:
            pass
        return place

    def set_aside(self, end: Position, suffix: str) -> list[str]:
        """Renames the files that are not whole up to `end` and writes back what is whole of the one that holds it."""
        moved = []
        for number in self._segments():
            path = self._path(number)
            if number < end.segment or (number == end.segment and self._disk.size(path) == end.offset):
                continue
            whole = self._disk.read(path)[: end.offset] if number == end.segment else b""
            moved.append(self._rename(number, suffix))
            if whole:
                self._disk.replace(path, whole)
        return moved

    def rescue(self, after: Position, suffix: str) -> list[str]:
        """Begins anew after a state whose own past is damaged, with the whole events since. Raises `NeedsHuman`."""
        numbers = self._segments()
        last = self._enter(numbers[-1], START) if numbers else START
        if (last.seq, last.hash) != (after.seq, after.hash):  # else a rescue was cut short, or the file begins here
            end, rest = self.tail(after).end, b""
            for number in (number for number in numbers if number >= after.segment):
                whole = self._disk.read(self._path(number))[: end.offset if number == end.segment else None]
                rest += whole[after.offset :] if number == after.segment else whole.partition(b"\n")[2]
            numbers.append(end.segment + 1)
            self._disk.replace(self._path(numbers[-1]), _header(after.seq, after.hash) + rest)
        return [self._rename(number, suffix) for number in numbers[:-1]]

    def begin_anew(self, after: Position, suffix: str) -> tuple[Position, list[str]]:
        """Starts a new journal after a state that is ahead of the old one; the old files get another name."""
        moved = self.set_aside(START, suffix)
        return self._begin_segment(after), moved

    def _rename(self, number: int, suffix: str) -> str:
        path = self._path(number)
        self._disk.link(path, path.with_name(path.name + suffix))
        self._disk.remove(path)
        return path.name + suffix

    def _segments(self) -> list[int]:
        names = self._disk.names(self._folder)
        return [int(name[:6]) for name in names if len(name) == 12 and name[:6].isdigit() and name.endswith(".jsonl")]

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.jsonl"

    def _begin_segment(self, after: Position) -> Position:
        number = after.segment + 1
        path, data = self._path(number), _header(after.seq, after.hash)
        if self._disk.size(path) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        self._disk.replace(path, data)
        return Position(number, len(data), after.seq, after.hash)

    def _enter(self, number: int, before: Position) -> Position:
        """The place after a file's header, which has to continue where the file before it ended."""
        first, newline, _ = self._disk.read(self._path(number)).partition(b"\n")
        try:
            header = json.loads(first)
            version, seq, prev = header["schema_version"], header["seq"], header["prev"]
        except (ValueError, KeyError, TypeError):
            raise self._fault("journal_damaged", number, "has no readable header") from None
        if type(version) is not int or version > SCHEMA_VERSION:
            raise self._fault("journal_newer", number, f"has schema version {version}, newer than {SCHEMA_VERSION}")
        if first + newline != _header(seq, prev):
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
        back = min(_SUFFIX + 1, start.offset)
        data = self._disk.read(path, start.offset - back)
        if start.seq and number == start.segment and not self._ends_with(data[:back], start):
            raise self._fault("journal_damaged", number, f"does not hold record {start.seq} where the state saw it")
        rest = data[back:]
        lines, place = self._parse(rest, start)
        torn = len(rest) - (place.offset - start.offset)
        if torn and not (may_be_torn and _is_unfinished_write(rest[-torn:], place.seq + 1)):
            raise self._fault("journal_damaged", number, f"is bad after record {place.seq}, in the middle")
        return lines, place, torn

    def _ends_with(self, data: bytes, place: Position) -> bool:
        return data.endswith(b"\n") and (place.hash.encode() in data or b'"prev":"' + place.hash.encode() in data)

    def _parse(self, data: bytes, start: Position) -> tuple[list[Line], Position]:
        lines: list[Line] = []
        place = start
        for raw in data.splitlines(keepends=True):
            try:
                line = _parse_line(raw, place)
            except _BadLine:
                break
            lines.append(line)
            place = line.end
        return lines, place

    def _fault(self, code: str, number: int, what: str) -> NeedsHuman:
        fix = "`tradekit state verify` shows what is whole, `tradekit state restore` goes back to it"
        return NeedsHuman(Problem(code, f"{self._path(number)} {what}", fix))


def _header(seq: int, prev: str) -> bytes:
    fields = {"format": "tradekit journal", "schema_version": SCHEMA_VERSION, "seq": seq, "prev": prev}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def _render(seq: int, prev: str, time: int, event: Event, write: int) -> bytes:
    kind = type(event)
    fields = {
        "seq": seq,
        "prev": prev,
        "time": time,
        "type": tag_of(kind),
        "body": to_plain(kind, event),
        "write": write,
    }
    covered = json.dumps(fields, separators=(",", ":")).encode()[:-1]
    hash_ = hashlib.sha256(covered).hexdigest()
    return covered + _HASH_MARK + hash_.encode() + b'"}\n'


def _parse_line(raw: bytes, before: Position) -> Line:
    fields, hash_ = _checked_fields(raw)
    try:
        if fields["seq"] != before.seq + 1 or fields["prev"] != before.hash:
            raise _BadLine("does not follow the record before it")
        event: Any = from_plain(_TYPES[fields["type"]], fields["body"])
        record = Record(fields["seq"], fields["time"], event)
    except (KeyError, BadShape) as error:
        raise _BadLine(str(error)) from None
    return Line(record, Position(before.segment, before.offset + len(raw), record.seq, hash_))


def _checked_fields(raw: bytes) -> tuple[dict[str, Any], str]:
    """The fields of a whole line whose hash is right, and that hash."""
    if len(raw) < _SUFFIX + 2 or not raw.endswith(b'"}\n') or raw[-_SUFFIX - 1 : -67] != _HASH_MARK:
        raise _BadLine("is no record")
    covered, hash_ = raw[: -_SUFFIX - 1], raw[-67:-3].decode("ascii", "replace")
    if hashlib.sha256(covered).hexdigest() != hash_:
        raise _BadLine("has a wrong hash")
    fields: dict[str, Any] = json.loads(covered + b"}")
    return fields, hash_


def _is_unfinished_write(torn: bytes, first_bad: int) -> bool:
    """Whether bad bytes at the end, where record `first_bad` should be, can be one write that a crash cut short.

    Blocks of one write may reach the disk in any order, so good lines may follow the bad one, but only lines of the
    same write: one that began later proves that the bad line had once been whole. So does a right hash of the bad
    line itself: what this version can't read is never cut.
    """
    for number, raw in enumerate(torn.splitlines(keepends=True)):
        try:
            fields, _ = _checked_fields(raw)
        except _BadLine:
            continue
        write = fields.get("write")
        if number == 0 or not isinstance(write, int) or write > first_bad:
            return False
    return True
