"""How many runs in a row ended at once because another one held the lock: one byte a skip, so no lock is needed."""

from __future__ import annotations

import os
from pathlib import Path


def count_skip(folder: Path) -> int:
    """Notes one skipped run and returns how many there are now. A folder that can't be written counts as one."""
    path = folder / "cache" / "skipped"
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return 1
    try:
        os.write(descriptor, b".")
        return os.fstat(descriptor).st_size
    except OSError:
        return 1
    finally:
        os.close(descriptor)


def skips_so_far(folder: Path) -> int:
    """The number of skipped runs since the last one that got the lock; goes on counting."""
    try:
        return (folder / "cache" / "skipped").stat().st_size
    except OSError:
        return 0


def take_skips(folder: Path) -> int:
    """The number of skipped runs since the last one that got the lock; starts counting anew."""
    path = folder / "cache" / "skipped"
    try:
        count = path.stat().st_size
        path.unlink()
    except OSError:
        return 0
    return count
