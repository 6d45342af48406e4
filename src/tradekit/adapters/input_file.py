"""Reads the small texts that users and programs hand in: policies and proposals, from a file or from stdin.

Must never wait for a pipe, a device or a terminal that a path or stdin turns out to be, never hold more than the
limit in memory, and never judge a file by its name: what was opened is what is checked. Symbolic links are followed,
because configuration is often linked into place; the checks bind the file they lead to.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import Final

from tradekit.adapters.safe_text import safe
from tradekit.domain.errors import BadInput, Problem

STDIN: Final = "standard input"
STDIN_PATIENCE_SECONDS: Final = 30
A_PIPE_GOES_TO_STDIN: Final = "name a file; a pipe goes to stdin"
_CHUNK: Final = 65536
_NOT_FILES: Final = (errno.ENXIO, errno.ENODEV, errno.EISDIR, errno.EOPNOTSUPP)


def read_text_file(path: Path, limit: int, *, trusted: bool = False) -> str:
    """The text of a regular file of at most `limit` bytes, without BOM and with line feeds as line ends.

    A `trusted` file decides what may be traded, so nobody else may be able to write it. Raises `BadInput` with
    `file_missing`, `file_unreadable`, `file_not_regular`, `file_too_large`, `file_not_utf8` or `file_insecure`.
    """
    name = safe(str(path))
    descriptor = open_regular_file(path)
    try:
        _check_opened(os.fstat(descriptor), name, limit, trusted=trusted)
        data = _read_up_to(descriptor, limit + 1)
    except OSError as error:
        raise _cannot_open(name, error) from None
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise _too_large(name, limit)
    return decode_text(data, name)


def open_regular_file(path: Path, instead: str = A_PIPE_GOES_TO_STDIN) -> int:
    """A descriptor of a regular file, open for reading; `instead` says what to do where the path is anything else.

    Never waits. Raises `BadInput` with `file_missing`, `file_unreadable` or `file_not_regular`.
    """
    name = safe(str(path))
    try:
        # Without O_NONBLOCK a FIFO that nobody writes to would block right here.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise _cannot_open(name, error, instead) from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _not_regular(name, instead)


def read_stdin(limit: int, *, descriptor: int | None = None, patience_seconds: float = STDIN_PATIENCE_SECONDS) -> str:
    """The text on stdin, of at most `limit` bytes; reading stops there, however much more is offered.

    A terminal or a closed stdin is refused at once, a pipe that nobody ends after `patience_seconds`, both as
    `stdin_missing`. Other errors are those of `read_text_file`. `descriptor` reads another file descriptor.
    """
    # A closed descriptor 0 is soon given to the next file that is opened; only the interpreter still knows.
    if descriptor is None and sys.__stdin__ is None:
        raise _no_stdin("is closed")
    source = 0 if descriptor is None else descriptor
    try:
        if os.isatty(source):
            raise _no_stdin("is a terminal")
        data = _read_patiently(source, limit + 1, patience_seconds)
    except OSError as error:
        if error.errno == errno.EBADF:
            raise _no_stdin("is closed") from None
        raise _cannot_open(STDIN, error) from None
    if len(data) > limit:
        raise _too_large(STDIN, limit)
    return decode_text(data, STDIN)


def decode_text(data: bytes, name: str) -> str:
    """UTF-8 to text; a BOM is dropped and CRLF becomes LF. Raises `BadInput` with `file_not_utf8`, also for a NUL."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(
            Problem("file_not_utf8", f"{name}: line {line}: not UTF-8 text", "save it with the encoding UTF-8")
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadInput(Problem("file_not_utf8", f"{name}: line {line}: has a NUL byte", "write it anew, as text"))
    return text.replace("\r\n", "\n")


def _check_opened(found: os.stat_result, name: str, limit: int, *, trusted: bool) -> None:
    if trusted and found.st_mode & stat.S_IWOTH:
        from shlex import quote

        raise BadInput(Problem("file_insecure", f"{name}: every user may write it", f"chmod o-w {quote(name)}"))
    # Root reads the files of others on purpose: in containers it is the rule.
    if trusted and found.st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
        raise BadInput(Problem("file_insecure", f"{name}: belongs to another user", "chown it to the user who trades"))
    if found.st_size > limit:
        raise _too_large(name, limit)


def _read_up_to(descriptor: int, count: int) -> bytes:
    data = bytearray()
    while len(data) < count and (chunk := os.read(descriptor, min(_CHUNK, count - len(data)))):
        data += chunk
    return bytes(data)


def _read_patiently(descriptor: int, count: int, patience_seconds: float) -> bytes:
    import select
    import time

    deadline = time.monotonic() + patience_seconds
    data = bytearray()
    while len(data) < count:
        ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        if not ready:
            raise _no_stdin(f"did not end within {patience_seconds:g} seconds")
        chunk = os.read(descriptor, min(_CHUNK, count - len(data)))
        if not chunk:
            break
        data += chunk
    return bytes(data)


def _cannot_open(name: str, error: OSError | ValueError, instead: str = A_PIPE_GOES_TO_STDIN) -> BadInput:
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOENT, errno.ENOTDIR):
        return BadInput(Problem("file_missing", f"{name}: no such file", "check the path"))
    if code in _NOT_FILES:
        return _not_regular(name, instead)
    reason = error.strerror if isinstance(error, OSError) else "not a path"
    return BadInput(Problem("file_unreadable", f"{name}: cannot be read: {reason}", "check path and permissions"))


def _not_regular(name: str, instead: str) -> BadInput:
    return BadInput(Problem("file_not_regular", f"{name}: not a regular file", instead))


def _too_large(name: str, limit: int) -> BadInput:
    return BadInput(Problem("file_too_large", f"{name}: larger than {limit} bytes", "make it smaller or split it"))


def _no_stdin(what: str) -> BadInput:
    return BadInput(Problem("stdin_missing", f"{STDIN} {what}", "pipe the text in, or name a file"))
