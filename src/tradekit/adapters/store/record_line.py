"""One line of the journal: how a record is written, and what makes a line a good one.

A line is `{seq, prev, time, type, body, write, hash}`: `hash` is the SHA-256 of the bytes of the line before it, `prev`
the hash of the line before this one, `write` the `seq` of the first line that the same write brought. A file begins
with a header that names the record before its first.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Final, NamedTuple

from tradekit.domain.event import EVENT_TYPES, Event, Record
from tradekit.domain.plain import BadShape, from_plain, tag_of, to_plain

SCHEMA_VERSION: Final = 1
GENESIS: Final = "0" * 64
_TYPES: Final = {tag_of(kind): kind for kind in EVENT_TYPES}
_HASH_MARK: Final = b',"hash":"'
SUFFIX: Final = len(_HASH_MARK) + 64 + len(b'"}')
AGAIN_OR_BACK: Final = "install that version again, or put back the copy from before the upgrade"


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


class BadLine(ValueError):
    """Why a line is not a good record."""


class StrangeLine(BadLine):
    """Its hash is right, so it lies there as it was written; and this version can't read it."""


_DAMAGED_END: Final = re.compile(rb'(?<="\})[^\n](?=\{"seq":)')


def header(seq: int, prev: str, version: int = SCHEMA_VERSION) -> bytes:
    """The first line of a file that goes on after record `seq` with hash `prev`."""
    fields = {"format": "tradekit journal", "schema_version": version, "seq": seq, "prev": prev}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def render(seq: int, prev: str, time: int, event: Event, write: int) -> bytes:
    """The bytes of a record's line, its newline included."""
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


def parse_line(raw: bytes, before: Position) -> Line:
    """The record in a line that follows `before`. Raises `BadLine`."""
    fields, hash_ = _checked_fields(raw)
    try:
        if fields["seq"] != before.seq + 1 or fields["prev"] != before.hash:
            raise BadLine("does not follow the record before it")
        event: Any = from_plain(_TYPES[fields["type"]], fields["body"])
        record = Record(fields["seq"], from_plain(int, fields["time"]), event)
    except (KeyError, TypeError, BadShape) as error:
        raise StrangeLine(str(error)) from None
    return Line(record, Position(before.segment, before.offset + len(raw), record.seq, hash_))


def _checked_fields(raw: bytes) -> tuple[dict[str, Any], str]:
    """The fields of a whole line whose hash is right, and that hash."""
    if len(raw) < SUFFIX + 2 or not raw.endswith(b'"}\n') or raw[-SUFFIX - 1 : -67] != _HASH_MARK:
        raise BadLine("is no record")
    covered, hash_ = raw[: -SUFFIX - 1], raw[-67:-3].decode("ascii", "replace")
    if hashlib.sha256(covered).hexdigest() != hash_:
        raise BadLine("has a wrong hash")
    try:
        fields = json.loads(covered + b"}")
    except (ValueError, RecursionError):
        raise StrangeLine("is no JSON") from None
    if not isinstance(fields, dict):
        raise StrangeLine("is no JSON object")
    return fields, hash_


def lone_record(raw: bytes) -> Record | None:
    """The record in a line on its own, whatever stands before it, or None when the line isn't whole."""
    try:
        fields, _ = _checked_fields(raw)
        return parse_line(raw, Position(0, 0, fields["seq"] - 1, fields["prev"])).record
    except (BadLine, KeyError, TypeError):
        return None


def is_unfinished_write(torn: bytes, first_bad: int) -> bool:
    """Whether bad bytes at the end, where record `first_bad` should be, can be one write that a crash cut short.

    Blocks of one write may reach the disk in any order, so good lines may follow the bad one, but only lines of the
    same write: one that began later proves that the bad line had once been whole. So does a right hash of the bad
    line itself: what this version can't read is never cut. A line end that became another byte counts as one.
    """
    for number, raw in enumerate(_DAMAGED_END.sub(b"\n", torn).splitlines(keepends=True)):
        try:
            fields, _ = _checked_fields(raw)
        except StrangeLine:
            return False
        except BadLine:
            continue
        write = fields.get("write")
        if number == 0 or not isinstance(write, int) or write > first_bad:
            return False
    return True
