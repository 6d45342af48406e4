"""Reads the fills file of `tradekit rebuild-positions --from`: JSON lines of ccxt unified trades, plain or gzipped.

Must never touch a float, never drop a trade without a word, and never hold more than a bounded part of the file in
memory. Trades come out in order of time, symbol and id, duplicates included. A file that can't be read as a whole is
refused; a trade that can be read but makes no sense comes out as one.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Final

from tradekit.adapters.fills_source import MAX_LINE, FillsSource, Lines
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.fill import NotInOrder

if TYPE_CHECKING:
    from tradekit.adapters.fills_fields import Row

RUN_ROWS: Final = 20_000
_PIECE: Final = 16


def trades_as_written(path: str, *, block: int = MAX_LINE) -> Generator[Row, None, None]:
    """The trades of a file that is in ascending order of time, in one pass.

    Raises `NotInOrder` where it is not, perhaps after the first trades, and `BadInput` as `read_trades` does.
    """
    from tradekit.adapters.fills_order import ascending

    with FillsSource(path) as source:
        blocks = (_rows(lines, source.name) for lines in source.lines(block))
        empty = True
        for rows in ascending(blocks):  # not one generator around another: a million rows pay for each
            empty = empty and not rows
            yield from rows
        if empty:
            raise _empty(source.name)


def read_trades(path: str, *, block: int = MAX_LINE, run_rows: int = RUN_ROWS) -> Generator[Row, None, None]:
    """The trades in the file `path`, which is opened when the first one is asked for.

    A file in ascending order of time is looked through once for its order and then streamed. Any other one is sorted
    through a temporary file of about 200 bytes a trade, in `TMPDIR`. `block` is the size of the parts that are read, in
    bytes, `run_rows` how many rows are sorted in memory.

    Raises `BadInput` as `FillsSource` and its `blocks` do, and with `fills_empty`, `fills_syntax`,
    `fills_missing_field`, `fills_bad_value`, `fills_changed` or `fills_not_sorted`, also after the first trades.
    """
    # msgspec is loaded for a file of fills only.
    from tradekit.adapters.fills_order import ascending, is_ascending, sorted_rows

    with FillsSource(path) as source:
        blocks = (_rows(lines, source.name) for lines in source.lines(block))
        if is_ascending(source.blocks(block)):
            rows: Iterator[Row] = chain.from_iterable(ascending(blocks))
        else:
            rows = sorted_rows(chain.from_iterable(blocks), source.name, run_rows)
        try:
            yield from _not_empty(rows, source.name)
        except NotInOrder:
            what = f"{source.name}: changed while it was read"
            raise BadInput(Problem("fills_changed", what, "run again")) from None


def _not_empty(rows: Iterator[Row], name: str) -> Iterator[Row]:
    first = next(rows, None)
    if first is None:
        raise _empty(name)
    yield first
    yield from rows


def _empty(name: str) -> BadInput:
    return BadInput(Problem("fills_empty", f"{name}: has no trade in it", "name a file with trades"))


def _rows(lines: Lines, name: str) -> list[Row]:
    """The rows of a block: all at once, or piece by piece where it has anything unusual in it."""
    from tradekit.adapters.fills_plain import plain_rows

    plain = plain_rows(lines.lines)
    if plain is not None:
        return plain
    rows: list[Row] = []
    for start in range(0, len(lines.lines), _PIECE):
        piece = lines.lines[start : start + _PIECE]
        rows += plain_rows(piece) or _closely(Lines(lines.number + start, piece), name)
    return rows


def _closely(lines: Lines, name: str) -> Iterator[Row]:
    """The rows of some lines, read one by one. Raises `BadInput` for the first line that is no trade."""
    from tradekit.adapters.fills_fields import FIELDS, MissingField, NotATrade, read_trade
    from tradekit.adapters.fills_numbers import BadField

    for number, line in enumerate(lines.lines, lines.number):
        place = f"{name}: line {number}:"
        if line.strip(b" \t\r"):
            try:
                yield read_trade(line)
            except NotATrade as error:
                what, fix = error.args
                raise BadInput(Problem("fills_syntax", f"{place} {what}", fix)) from None
            except MissingField as error:
                (field,) = error.args
                raise BadInput(Problem("fills_missing_field", f"{place} {field} is missing", FIELDS[field])) from None
            except BadField as error:
                field, what = error.args
                fix = FIELDS[field.partition(".")[0]]
                raise BadInput(Problem("fills_bad_value", f"{place} {field} {what}", fix)) from None
