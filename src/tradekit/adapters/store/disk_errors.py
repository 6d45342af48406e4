"""What the system's errors mean for a person: which file, what is wrong with the disk, and what to do about it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tradekit.domain.errors import NeedsHuman, Problem


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turns an `OSError` of the block into a `NeedsHuman` that says what is wrong with the disk, and where."""
    try:
        yield
    except OSError as error:
        raise storage_fault(folder, error) from None


def storage_fault(folder: Path, error: OSError) -> NeedsHuman:
    """What an error of the system means for the user: a full disk, a home that can't be written, or a broken disk."""
    where = error.filename or folder
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NeedsHuman(Problem("disk_full", f"no space left for {where}", "free some space, then run again"))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NeedsHuman(Problem("home_unwritable", f"{where}: {error.strerror}", "check owner and mode of the home"))
    return NeedsHuman(
        Problem("disk_error", f"{where}: {error.strerror}", "check the disk; the next run reads it afresh")
    )
