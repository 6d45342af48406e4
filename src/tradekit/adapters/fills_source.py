"""A file of trades as whole lines in blocks, plain or packed with gzip, as often as it has to be read.

Must never hold more than a block and a line of it, never wait for what is no file, and never read on beyond the limits,
however much a packed file unpacks to. Whether a file is packed is seen in its first bytes, not in its name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple

from tradekit.adapters.input_file import open_regular_file
from tradekit.adapters.safe_text import safe
from tradekit.domain.errors import BadInput, Problem

if TYPE_CHECKING:
    from gzip import GzipFile
    from io import BufferedReader

MAX_LINE: Final = 64 * 1024
MAX_BYTES: Final = 4 * 1024**3
MAX_LINES: Final = 5_000_000
A_LIST: Final = "a list of trades, not one"
ONE_A_LINE: Final = "write one JSON object a line, as jq -c '.[]' does"
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"


class Lines(NamedTuple):
    """Some whole lines, without line feeds, and the number of the first one."""

    number: int
    lines: list[bytes]


class FillsSource:
    """An open file of trades. Raises `BadInput` as `open_regular_file` does, and with `file_too_large`."""

    def __init__(self, path: str) -> None:
        if not path:
            raise BadInput(Problem("file_missing", "--from is empty", "name a file"))
        self.name = safe(path)
        self._file = os.fdopen(open_regular_file(Path(path), "name a file on disk: it may be read twice"), "rb")
        if os.fstat(self._file.fileno()).st_size > MAX_BYTES:
            self._file.close()
            raise self._too_large()

    def __enter__(self) -> FillsSource:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def lines(self, size: int = MAX_LINE) -> Iterator[Lines]:
        """The file from its beginning, in the blocks of `blocks` with the numbers of their lines.

        Raises `BadInput` with `fills_syntax`, `fills_too_many`, or as `blocks` does.
        """
        done = 0
        for data in self.blocks(size):
            lines = data.removesuffix(b"\n").split(b"\n")
            # No other line of a block can be longer than the block, which is no longer than a line may be.
            last = lines[-1].removesuffix(b"\r")
            if len(last) > MAX_LINE:
                shape = A_LIST if is_list(last) else f"longer than {MAX_LINE} bytes"
                raise BadInput(Problem("fills_syntax", f"{self.name}: line {done + len(lines)}: {shape}", ONE_A_LINE))
            if done + len(lines) > MAX_LINES:
                what = f"{self.name}: more than {MAX_LINES} lines"
                raise BadInput(Problem("fills_too_many", what, "leave out the oldest trades"))
            yield Lines(done + 1, lines)
            done += len(lines)

    def blocks(self, size: int = MAX_LINE) -> Iterator[bytes]:
        """The file from its beginning, unpacked, in blocks of `size` bytes and what their last line has beyond them.

        A BOM is left out. `size` is at most `MAX_LINE`; a line that is longer than that comes in several blocks. Raises
        `BadInput` with `file_too_large`, `file_unreadable` or `fills_damaged`.
        """
        import zlib
        from gzip import BadGzipFile

        done = 0
        try:
            stream = self._stream()
            while data := stream.read(size):
                if not data.endswith(b"\n"):
                    data += stream.readline(MAX_LINE + 2)
                yield data if done else data.removeprefix(_BOM)
                done += len(data)
                if done > MAX_BYTES:
                    raise self._too_large()
        except (BadGzipFile, EOFError, zlib.error):
            what = f"{self.name}: damaged or cut short after {done} bytes, unpacked"
            raise BadInput(Problem("fills_damaged", what, "fetch or pack it again; gzip -t tests it")) from None
        except OSError as error:
            what = f"{self.name}: cannot be read: {error.strerror}"
            raise BadInput(Problem("file_unreadable", what, "check the disk")) from None

    def _stream(self) -> BufferedReader | GzipFile:
        self._file.seek(0)
        packed = self._file.read(len(_GZIP)) == _GZIP
        self._file.seek(0)
        from gzip import GzipFile

        return GzipFile(fileobj=self._file) if packed else self._file

    def _too_large(self) -> BadInput:
        fix = "leave out what each trade has in info: jq -c 'del(.info)'"
        return BadInput(Problem("file_too_large", f"{self.name}: larger than {MAX_BYTES} bytes, unpacked", fix))


def is_list(line: bytes) -> bool:
    """Whether a line begins a JSON array: the trades of a file that has them all in one document."""
    return line.lstrip(b" \t\r").startswith(b"[")
