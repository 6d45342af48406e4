"""Printing: one JSON document for programs, or lines and tables for people; problems go to stderr.

All foreign text passes through `safe`. rich is loaded only when a table goes to a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from io import TextIOWrapper
from typing import Any, Final, NamedTuple, TextIO

from tradekit.adapters.safe_text import safe
from tradekit.domain.errors import ExitCode, Problem, TradekitError
from tradekit.domain.numbers import plain

SCHEMA: Final = 1
STATUS: Final[Mapping[int, str]] = {
    ExitCode.DONE: "done",
    ExitCode.BUG: "bug",
    ExitCode.BAD_INPUT: "bad_input",
    ExitCode.ALL_REFUSED: "refused",
    ExitCode.PARTLY_DONE: "partly_done",
    ExitCode.NEEDS_HUMAN: "needs_human",
    ExitCode.UNREACHABLE: "unreachable",
    ExitCode.BUSY: "busy",
}
_ANY_WIDTH: Final = 100_000


class Table(NamedTuple):
    """Rows of texts under a title. Cells are printed as they are, never as markup."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Result(NamedTuple):
    """What a command found or did: `data` for programs, `shown` for people, `brief` one line when it did something.

    `text` is a file of our own making, to be redirected: it is printed as it is, with `--quiet` too.
    """

    command: str
    exit_code: ExitCode
    data: Any
    problems: tuple[Problem, ...] = ()
    shown: tuple[str | Table, ...] = ()
    brief: str = ""
    text: str = ""

    @staticmethod
    def of_fault(command: str, fault: TradekitError) -> Result:
        """A result that is only its problems."""
        return Result(command, fault.exit_code, None, fault.problems)


def emit(result: Result, *, as_json: bool, quiet: bool) -> int:
    """Prints a result and returns its exit code. Output that nobody takes changes nothing of what was done."""
    try:
        _print(result, as_json=as_json, quiet=quiet)
        sys.stdout.flush()
    except BrokenPipeError:
        silence(sys.stdout)
    except OSError as lost:
        lose_output(lost)
        if result.text:  # printing it was all the work
            result = result._replace(exit_code=ExitCode.NEEDS_HUMAN)
    if not as_json:
        for problem in result.problems:
            tell(sys.stderr, _line(problem))
    return result.exit_code


def _print(result: Result, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        print(_document(result))
    elif result.text:
        sys.stdout.write(result.text)
    elif quiet:
        if result.brief:
            print(result.brief)
    else:
        for block in result.shown:
            _show(block)


def lose_output(lost: OSError) -> None:
    """Says that what was to be printed is gone, as on a full disk."""
    silence(sys.stdout)
    tell(sys.stderr, _line(Problem("output_lost", f"the result can't be written: {lost.strerror}", "")))


def tell(stream: TextIO, text: str, end: str = "\n") -> None:
    """Writes to a stream that may be gone: what is told must never stop what is done."""
    try:
        print(text, end=end, file=stream, flush=True)
    except OSError:
        silence(stream)


def prepare_streams() -> None:
    """Puts something harmless where stdin, stdout or stderr are closed, or the next file to be opened would take its
    number; and lets every character pass that a terminal's encoding doesn't know.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - lives as long as the process
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence(stream: TextIO) -> None:
    """Lets the interpreter flush a closed pipe or a full disk at exit without a complaint."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())


def number(value: Decimal | None, places: int = 8) -> str:
    """A number for people: at most `places` decimals, cut and not rounded; a dash for none."""
    if value is None:
        return "-"
    quantum = Decimal(1).scaleb(-places)
    shown = plain(value.quantize(quantum, "ROUND_DOWN"))
    return shown if shown != "0" or value == 0 else f"<{plain(quantum)}"


def moment(ms: int) -> str:
    """A time in milliseconds as UTC text, to the second."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _document(result: Result) -> str:
    import json

    document = {
        "schema": SCHEMA,
        "command": result.command,
        "status": STATUS[result.exit_code],
        "exit_code": int(result.exit_code),
        "data": result.data,
        "problems": [problem._asdict() for problem in result.problems],
    }
    return json.dumps(document, ensure_ascii=True)


def _line(problem: Problem) -> str:
    fix = f" ({safe(problem.fix)})" if problem.fix else ""
    return f"tradekit: {problem.code}: {safe(problem.message, 400)}{fix}"


def _show(block: str | Table) -> None:
    if isinstance(block, str):
        print(safe(block, 1000))
    elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        _show_rich(block)
    else:
        _show_plain(block)


def _show_plain(table: Table) -> None:
    rows = [table.columns, *[tuple(safe(cell) for cell in row) for row in table.rows]]
    widths = [max(len(row[index]) for row in rows) for index in range(len(table.columns))]
    print(table.title)
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _show_rich(table: Table) -> None:
    """As a drawn table, or plain where the terminal is too narrow for it: a figure is never broken in two."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(title=Text(table.title), title_justify="left", box=SIMPLE_HEAD, header_style="bold")
    for name in table.columns:
        drawn.add_column(Text(name), overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(safe(cell)) for cell in row))
    console = Console()
    natural = Measurement.get(console, console.options.update(max_width=_ANY_WIDTH), drawn).maximum
    if natural > console.width:
        _show_plain(table)
    else:
        console.print(drawn)
