"""`state.json`: one state with its place in the journal, under a checksum, and the older ones kept beside it.

The file is one JSON object whose first field is the SHA-256 of all bytes after that field. A file that is empty,
cut, changed or of a newer version is refused; it is never taken for a fresh account.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradekit.adapters.store.disk import Disk
from tradekit.adapters.store.migrations import migrate
from tradekit.adapters.store.record_line import AGAIN_OR_BACK, Position
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.plain import BadShape, from_plain, to_plain
from tradekit.domain.ports import Generation
from tradekit.domain.state import SCHEMA_VERSION, State
from tradekit.domain.times import DAY_MS, HOUR_MS

_PREFIX: Final = b'{"checksum":"'
_SEPARATOR: Final = b'",'
_COVERED_FROM: Final = len(_PREFIX) + 64 + len(_SEPARATOR)
_LARGEST: Final = 64 * 2**20
_NEWEST_KEPT: Final = 3
_HOURS_KEPT: Final = 24
_DAYS_KEPT: Final = 7


class Saved(NamedTuple):
    """A state and the place in the journal up to which it is folded."""

    state: State
    position: Position


def render(state: State, position: Position) -> bytes:
    """The bytes of a state file."""
    body = {
        "format": "tradekit state",
        "schema_version": SCHEMA_VERSION,
        "journal": to_plain(Position, position),
        "state": to_plain(State, state),
    }
    covered = json.dumps(body, separators=(",", ":")).encode()[1:] + b"\n"
    return _sealed(covered) + covered


def _sealed(covered: bytes) -> bytes:
    return _PREFIX + hashlib.sha256(covered).hexdigest().encode() + _SEPARATOR


def parse(data: bytes, path: Path) -> Saved:
    """The state in a file's bytes. Raises `NeedsHuman` with `state_damaged` or `state_newer`."""
    if len(data) > _LARGEST:
        raise _fault("state_damaged", path, f"has {len(data)} bytes, more than any state")
    if not data:
        raise _fault("state_damaged", path, "is empty")
    covered = data[_COVERED_FROM:]
    if data[:_COVERED_FROM] != _sealed(covered):
        raise _fault("state_damaged", path, "does not match its checksum")
    try:
        body = json.loads(b"{" + covered)
    except (ValueError, RecursionError):
        raise _fault("state_damaged", path, "is no JSON") from None
    version = body.get("schema_version")
    if type(version) is not int or not 0 < version <= SCHEMA_VERSION:
        what = f"{path} has schema version {version!a:.20}; this tradekit knows {SCHEMA_VERSION}"
        raise NeedsHuman(Problem("state_newer", what, AGAIN_OR_BACK))
    try:
        return _saved(migrate(body, version))
    except (BadShape, KeyError) as shape:
        raise _fault("state_damaged", path, f"has an unexpected form ({shape})") from None


def _saved(body: Mapping[str, Any]) -> Saved:
    return Saved(from_plain(State, body["state"]), from_plain(Position, body["journal"]))


class Generations:
    """Older states in `folder`: the newest three, one an hour for a day, one a day for a week."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._folder = folder

    def all(self) -> tuple[Generation, ...]:
        """Oldest first."""
        found = [_generation(name) for name in self._disk.names(self._folder)]
        kept = [item for item in found if item is not None]
        return tuple(
            item._replace(size=self._disk.size(self._folder / item.name) or 0) for item in sorted(kept, key=_age)
        )

    def path(self, name: str) -> Path:
        """Where a generation lies."""
        return self._folder / name

    def keep(self, current: Path, saved: Saved) -> None:
        """Gives the current file a second name, before it is replaced, and lets go of those not needed any more."""
        name = f"state-{saved.state.seq:012d}-{saved.state.time:014d}.json"
        self._disk.make_folder(self._folder)
        self._disk.link(current, self._folder / name)
        found = [item for name in self._disk.names(self._folder) if (item := _generation(name)) is not None]
        for item in sorted(set(found) - _worth_keeping(found)):
            self._disk.remove(self._folder / item.name)


def _age(item: Generation) -> tuple[int, int]:
    return item.seq, item.time


def _generation(name: str) -> Generation | None:
    parts = name.removesuffix(".json").split("-")
    if len(parts) != 3 or parts[0] != "state" or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return None
    return Generation(name, int(parts[1]), int(parts[2]), 0)


def _worth_keeping(found: list[Generation]) -> set[Generation]:
    newest_first = sorted(found, key=_age, reverse=True)
    kept = set(newest_first[:_NEWEST_KEPT])
    for width, count in ((HOUR_MS, _HOURS_KEPT), (DAY_MS, _DAYS_KEPT)):
        first_of: dict[int, Generation] = {}
        for item in newest_first:
            first_of[item.time // width] = item
        kept.update(first_of[slot] for slot in sorted(first_of, reverse=True)[:count])
    return kept


def _fault(code: str, path: Path, what: str) -> NeedsHuman:
    return NeedsHuman(
        Problem(
            code, f"{path} {what}", "`tradekit state history` lists older states, `tradekit state restore` takes one"
        )
    )
