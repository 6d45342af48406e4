"""What the system's errors mean for a person: which file, what is wrong with the disk, and what to do about it."""

from __future__ import annotations

import errno
import os
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
    """What an error of the system means for the user: a home that is no folder or can't be written, a full disk, or a
    broken one.
    """
    where = error.filename or folder
    if error.errno in (errno.ENOTDIR, errno.EEXIST) and (fault := no_folder(folder)) is not None:
        return fault
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NeedsHuman(Problem("disk_full", f"no space left for {where}", "free some space, then run again"))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return NeedsHuman(Problem("home_unwritable", f"{where}: {error.strerror}", "check owner and mode of the home"))
    return NeedsHuman(
        Problem("disk_error", f"{where}: {error.strerror}", "check the disk; the next run reads it afresh")
    )


def no_folder(folder: Path) -> NeedsHuman | None:
    """The fault of a folder that can't be one, because it or one that it should lie in is something else."""
    found = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), None)
    if found is None or found.is_dir():
        return None
    fix = "name a folder with --home or TRADEKIT_HOME"
    return NeedsHuman(Problem("home_not_folder", f"{found} is not a folder", fix))
