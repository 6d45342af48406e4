"""A folder of the system's own for things that are only tried out. Nothing in it is ever needed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradekit.domain.errors import NeedsHuman, Problem


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder for as long as the block runs. Raises `NeedsHuman` where the system has no room for one."""
    from tempfile import TemporaryDirectory

    try:
        folder = TemporaryDirectory(prefix="tradekit-", ignore_cleanup_errors=True)
    except OSError as error:
        message = f"there is no room for temporary files: {error.strerror}"
        raise NeedsHuman(Problem("disk_full", message, "free some space, or set TMPDIR")) from None
    with folder as name:
        yield Path(name)
