"""Brings the trades of a file into order of time, symbol and id, with a bounded part of them in memory.

Must never yield a trade twice, never drop one, and never leave anything behind: what doesn't fit into memory waits in
a temporary file without a name, which is gone with the process, however it ends.
"""

from __future__ import annotations

import errno
import os
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice, pairwise
from operator import lt
from typing import IO, Final

from msgspec import DecodeError, Struct
from msgspec.json import Decoder, Encoder

from tradekit.adapters.fills_fields import Row
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.fill import BrokenTrade, NotInOrder, TradeRow

MOST_AT_ONCE: Final = 20_000
_BLOCK: Final = 32 * 1024


class _Stamp(Struct, gc=False):
    """All that the first look at a trade sees of it."""

    timestamp: int


_stamps: Final = Decoder(_Stamp).decode_lines
_encode: Final = Encoder().encode
_decode: Final = Decoder(tuple[TradeRow | None, BrokenTrade | None]).decode_lines


def is_ascending(blocks: Iterable[bytes]) -> bool:
    """Whether no trade is older than one before it, and no blocks are full of trades of a single millisecond.

    A file with anything in it that is no trade is not called ascending: whoever sorts it will find and tell it.
    """
    last = 0
    for block in blocks:
        try:
            times = [stamp.timestamp for stamp in _stamps(block)]
        except (DecodeError, UnicodeDecodeError, RecursionError):
            return False
        if times:
            if times[0] < last or last == times[0] == times[-1] or times != sorted(times):
                return False
            last = times[-1]
    return True


def ascending(blocks: Iterable[list[Row]]) -> Iterator[list[Row]]:
    """Blocks of rows that are ascending; only trades of the same millisecond may change places.

    Raises `NotInOrder` where they are not, or where more than `MOST_AT_ONCE` trades are of a single millisecond.
    """
    held: list[Row] = []
    last = 0
    for rows in blocks:
        times = [row.time for row in rows]
        if times and times[0] > last and all(map(lt, times, islice(times, 1, None))):
            yield held
            held = [rows.pop()]
            yield rows
        elif times:
            if times[0] < last or any(second < first for first, second in pairwise(times)) or len(held) > MOST_AT_ONCE:
                raise NotInOrder
            held = sorted([*held, *rows], key=_place)
            newest = bisect_left(held, times[-1], key=_time)
            yield held[:newest]
            del held[:newest]
        last = times[-1] if times else last
    yield held


def sorted_rows(rows: Iterable[Row], name: str, run_rows: int) -> Iterator[Row]:
    """Rows of any order in order: runs of `run_rows` are sorted, put aside, and merged.

    Rows of the same place stay in the order in which they came. Raises `BadInput` with `fills_not_sorted` when there is
    no room for the runs.
    """
    try:
        with tempfile.TemporaryFile(prefix="tradekit-") as scratch:
            ends = [0]
            entries = ((row.time, row.symbol, row.trade_id, number, _line(row)) for number, row in enumerate(rows))
            while run := sorted(islice(entries, run_rows)):
                scratch.writelines(entry[-1] for entry in run)
                ends.append(scratch.tell())
            scratch.flush()
            yield from merge(*(_run(scratch, *bounds) for bounds in pairwise(ends)), key=_place)
    except OSError as error:
        what = f"{name}: not in order of time, and can't be sorted in a temporary file: {error.strerror}"
        raise BadInput(Problem("fills_not_sorted", what, "free some space, or set TMPDIR")) from None


def _run(scratch: IO[bytes], start: int, end: int) -> Iterator[Row]:
    rest = b""
    while start < end:
        data = os.pread(scratch.fileno(), min(_BLOCK, end - start), start)
        if not data:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        start += len(data)
        whole, _, rest = (rest + data).rpartition(b"\n")
        for row, broken in _decode(whole):
            if row is not None:
                yield row
            elif broken is not None:
                yield broken


def _line(row: Row) -> bytes:
    return _encode((row, None) if isinstance(row, TradeRow) else (None, row)) + b"\n"


def _place(row: Row) -> tuple[int, str, str]:
    return row.time, row.symbol, row.trade_id


def _time(row: Row) -> int:
    return row.time
