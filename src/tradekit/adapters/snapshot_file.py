"""A saved look as a file: `status --save` writes it, `risk-check --snapshot` judges it where there is no exchange.

Must never overwrite a file of another kind, and never be readable for others: it holds what the account owns.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from tradekit.adapters.input_file import read_text_file
from tradekit.adapters.safe_text import safe
from tradekit.adapters.store.disk import RealDisk
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.plain import BadShape, from_plain, to_plain
from tradekit.domain.saved_look import SavedLook

FORMAT: Final = "tradekit snapshot"
SCHEMA_VERSION: Final = 1
MAX_BYTES: Final = 16 * 2**20
_START: Final = b'{"format":"tradekit snapshot",'


def save_snapshot(path: Path, saved: SavedLook) -> None:
    """Writes the file, mode 0600, in place of an older snapshot. Raises `BadInput` for anything else that is there."""
    name = safe(str(path))
    document = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "look": to_plain(SavedLook, saved)}
    try:
        _refuse_others(path, name)
        RealDisk().replace(path, json.dumps(document, separators=(",", ":")).encode() + b"\n")
    except OSError as error:
        fix = "name a file in a folder that you may write to"
        raise BadInput(Problem("snapshot_unwritable", f"{name}: {error.strerror}", fix)) from None


def load_snapshot(path: Path) -> SavedLook:
    """The look in a file. Raises `BadInput`: what `read_text_file` raises, `snapshot_newer` or `snapshot_damaged`."""
    text, name = read_text_file(path, MAX_BYTES), safe(str(path))
    try:
        document: Any = json.loads(text)
        if document["format"] != FORMAT:
            raise BadShape("is of another format")
        version = document["schema_version"]
        if type(version) is int and version > SCHEMA_VERSION:
            newer = f"{name}: has schema version {version!a:.20}, newer than {SCHEMA_VERSION}"
            raise BadInput(Problem("snapshot_newer", newer, "use the version of tradekit that wrote it"))
        found: SavedLook = from_plain(SavedLook, document["look"])
        return found
    except (ValueError, KeyError, TypeError, RecursionError):
        what = f"{name}: is not a snapshot that `tradekit status --save` wrote"
        raise BadInput(Problem("snapshot_damaged", what, "save it anew")) from None


def _refuse_others(path: Path, name: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and os.read(descriptor, len(_START)) == _START:
            return
    finally:
        os.close(descriptor)
    message = f"{name}: is there already and is not a snapshot"
    raise BadInput(Problem("snapshot_not_ours", message, "name another file"))
