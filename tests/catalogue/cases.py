"""What a case of bad input is: its row, how it is put in, and what has to come out. The tables are in the files beside.

A refusal is the same for all of them: an exit code, a problem that names field or file, one printable line, and not one
byte changed. What is no refusal is a story that ends in its own assertions.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from command_line import CommandLine, Ran, contents
from live_home import LiveHome

ROWS: Final = {
    1: "--qty nan", 2: "--qty 1e9", 3: "--qty -1 and 0", 4: "--qty below the lot", 5: "--qty in full-width digits",
    6: "markup in a symbol", 7: "an escape in a symbol", 8: "--state ../../etc/passwd", 9: "a FIFO, a device, a folder",
    10: "a link to another user's file", 11: "stdin closed or a terminal", 12: "10 GB on stdin", 13: "stdout closed",
    14: "--api-secret X", 15: "policy missing", 16: "policy empty", 17: "a cap of nan or inf", 18: "a cap of true",
    19: "a cap of -5 or 0", 20: "unknown key", 21: "duplicate key", 22: "20,000-part dotted key",
    23: "world-writable policy", 24: "BOM, CRLF, latin-1", 25: "float literal 0.1", 26: "policy changed in between",
    27: "state of 0 bytes", 28: "state truncated", 29: "one flipped bit", 30: "trailing NULs", 31: "torn last line",
    32: "corrupt middle line", 33: "newer schema_version", 34: "older schema_version", 35: "state of another account",
    36: "state deleted", 37: "seq gap or duplicate", 38: "a disk that takes nothing", 39: "owned by another user",
    40: "restored from an old backup", 41: "NaN and Infinity tokens", 42: "duplicate field", 43: "size as a number",
    44: "same id, other content", 45: "same file again", 46: "expired", 47: "wrong side", 48: "deep, long, surrogate",
    49: "extra key exchange_url", 50: "10,000 proposals", 51: "HTML or cut JSON on create", 52: "200 without an id",
    53: "503 after accept", 54: "a fill without sense", 55: "same trade id, other amount", 56: "odd ends of an order",
    57: "an order of somebody else", 58: "server time of 1970 and +1 day", 59: "filters of 0", 60: "no balances, 429",
    61: "LANG=C, COLUMNS=1, TERM=dumb", 62: "no HOME, empty PATH", 63: "clock a day off", 64: "planted modules",
    65: "proxies and CA bundles", 66: "signals between send and journal", 67: "limits of fds and memory",
    68: "secret with newline or quotes",
}  # fmt: skip


class Refusal(NamedTuple):
    """Bad input that is refused. `line` is a command line, or makes one after putting something in place.

    `problem` is its code, or several that may come. `word` has to stand in the line on stderr, all parts between ` & `.
    Where `fresh`, there is no account yet, and there is none afterwards.
    """

    row: int
    name: str
    line: str | Callable[[CommandLine], str]
    problem: str
    word: str = ""
    code: int = 2
    fresh: bool = False


class Story(NamedTuple):
    """Bad input or surroundings that are lived with, on a paper account."""

    row: int
    name: str
    tell: Callable[[CommandLine], None]


class LiveStory(NamedTuple):
    """The same on a live account against a local server."""

    row: int
    name: str
    tell: Callable[[LiveHome], None]


def check_refused(tradekit: CommandLine, case: Refusal) -> None:
    """The refusal as people and as programs see it, with the home compared before and after."""
    line = case.line if isinstance(case.line, str) else case.line(tradekit)
    before = contents(tradekit.home)
    check_line(tradekit(line), case)
    as_json = tradekit(f"{line} --json")
    assert (as_json.code, as_json.err) == (case.code, "")
    assert {*case.problem.split()} & {*as_json.problems} and as_json.document["data"] is None
    assert as_json.out.isascii() and "\x1b" not in as_json.out
    assert contents(tradekit.home) == before
    assert not case.fresh or not list(tradekit.home.glob("*")), "an empty home stays empty"


def check_line(ran: Ran, case: Refusal) -> None:
    """What a person sees: no result, and clear lines, of which the first of this problem names the place."""
    assert (ran.code, ran.out) == (case.code, ""), ran
    lines = ran.err.splitlines()
    assert 0 < len(lines) <= 20
    assert all(line.startswith("tradekit: ") and line.isprintable() and len(line) < 700 for line in lines), ran.err
    assert "Traceback" not in ran.err
    said = next((line for line in lines if line.split(": ")[1] in case.problem.split()), ran.err)
    assert all(part in said for part in case.word.split(" & ")), said


def file_of(tradekit: CommandLine, kind: str) -> Path:
    """Something that is no file, or no readable one, beside the home."""
    import os

    path = tradekit.home.parent / kind
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "file":
            path.write_text("")
        case "loop":
            path.symlink_to(path)
        case "device":
            return Path("/dev/zero")
    return path
