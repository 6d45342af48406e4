"""Small JSON files that may be deleted at any time: written beside and renamed, read with distrust.

Nothing in here is ever the only copy of anything.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

_LARGEST: Final = 64 * 1024 * 1024


def read_cache(path: Path) -> Any:
    """What was written, or None where it is missing or damaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return json.loads(file.read(_LARGEST))
    except (ValueError, OSError, RecursionError):
        return None


def write_cache(path: Path, value: Any) -> None:
    """Replaces the file. A disk that refuses is no reason to stop: the cache stays as it was.

    What writers left behind who were killed over it goes away. One that is still at work loses its copy by that, and
    no more.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        for left in path.parent.glob(f".{path.name}.*"):
            left.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(json.dumps(value, separators=(",", ":")).encode())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
