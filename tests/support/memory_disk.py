"""A disk in memory that forgets what was never synced, for proofs of what a power cut can leave behind.

Every method of the `Disk` protocol is done in the same small steps as on the real one, and each step is noted in
`steps`, so that any moment of a run can be built again: `power_cuts(steps[:n])` yields every disk that a power cut
right after step n may leave.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """`make` a folder, `create`, `write`, `sync`, `rename`, `link`, `unlink` a file, `sync_folder`."""

    kind: str
    path: Path
    other: Path = Path()
    data: bytes = b""


class Fault(NamedTuple):
    """The next step of this kind on a file whose name contains `name` fails, a write after `short` bytes."""

    kind: str
    name: str
    number: int
    short: int = 0


class _File:
    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self.synced = data


_Names = dict[str, _File]


class _Folder:
    """Names as they are, and the changes to them that no sync of the folder has covered yet."""

    def __init__(self) -> None:
        self.synced: _Names = {}
        self.pending: list[tuple[Step, _File | None]] = []

    def names(self, pending: int | None = None) -> _Names:
        found = dict(self.synced)
        for step, file in self.pending[:pending]:
            if step.kind in ("rename", "unlink"):
                found.pop(step.path.name, None)
            if file is not None:
                found[(step.other if step.kind in ("rename", "link") else step.path).name] = file
        return found


class MemoryDisk:
    """Implements `Disk`. `capacity` bounds the bytes of all files; `fault` makes one step fail."""

    def __init__(self, capacity: int = 2**40) -> None:
        self.capacity = capacity
        self.fault: Fault | None = None
        self.steps: list[Step] = []
        self._folders: dict[Path, _Folder] = {Path("/"): _Folder()}

    def read(self, path: Path, offset: int = 0) -> bytes:
        return self._file(path).data[offset:]

    def size(self, path: Path) -> int | None:
        found = self._names(path.parent).get(path.name)
        return None if found is None else len(found.data)

    def names(self, folder: Path) -> Sequence[str]:
        return sorted(self._names(folder))

    def append(self, path: Path, data: bytes) -> None:
        self._file(path)
        self._do(Step("write", path, data=data))
        self._do(Step("sync", path))

    def replace(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".{path.name}.{len(self.steps):016x}.tmp")
        self._do(Step("create", temporary))
        try:
            self._do(Step("write", temporary, data=data))
            self._do(Step("sync", temporary))
            self._do(Step("rename", temporary, path))
        except OSError:
            self.remove(temporary)
            raise
        self._do(Step("sync_folder", path.parent))

    def link(self, path: Path, name: Path) -> None:
        self._file(path)
        self.remove(name)
        self._do(Step("link", path, name))

    def remove(self, path: Path) -> None:
        if self.size(path) is not None:
            self._do(Step("unlink", path))

    def make_folder(self, folder: Path) -> None:
        if folder not in self._folders:
            self.make_folder(folder.parent)
            self._do(Step("make", folder))
            self._do(Step("sync_folder", folder.parent))

    def sync(self, path: Path) -> None:
        self._do(Step("sync_folder" if path in self._folders else "sync", path))

    def free_bytes(self, folder: Path) -> int:
        return self.capacity - sum(len(file.data) for file in self._all())

    def reserve(self, path: Path, size: int) -> None:
        if self.size(path) is None:
            self._do(Step("create", path))
        self._do(Step("write", path, data=b"\0" * (size - (self.size(path) or 0))))

    def everything(self) -> dict[Path, bytes]:
        """The bytes of every file, to see that nothing was changed."""
        found = {folder: self._names(folder) for folder in self._folders}
        return {folder / name: file.data for folder, names in found.items() for name, file in names.items()}

    def put(self, path: Path, data: bytes) -> None:
        """Damage from outside: the file has this content, durably."""
        folder = self._folders[path.parent]
        folder.synced, folder.pending = folder.names(), []
        file = folder.synced.setdefault(path.name, _File())
        file.data = file.synced = data

    def copy(self) -> MemoryDisk:
        """An independent disk with the same files, all of it durable."""
        return _mounted({folder: self._names(folder) for folder in self._folders}, "kept")

    def repeat(self, step: Step) -> None:
        """Does one step that another disk has noted."""
        self._note(step)

    def after_power_cut(self, pending: dict[Path, int], unsynced: str) -> MemoryDisk:
        """What is left: so many of each folder's unsynced changes, and of unsynced data what `unsynced` says."""
        return _mounted({path: folder.names(pending.get(path)) for path, folder in self._folders.items()}, unsynced)

    def unsynced_changes(self) -> dict[Path, int]:
        """How many changes of names no sync has covered, by folder."""
        return {path: len(folder.pending) for path, folder in self._folders.items() if folder.pending}

    def has_unsynced_data(self) -> bool:
        """Whether a power cut could take data away."""
        return any(file.data != file.synced for file in self._all())

    def _do(self, step: Step) -> None:
        fault = self.fault
        if fault is not None and fault.kind == step.kind and fault.name in step.path.name:
            self.fault = None
            if fault.short:
                self._note(step._replace(data=step.data[: fault.short]))
            raise OSError(fault.number, os.strerror(fault.number), str(step.path))
        room = self.free_bytes(step.path.parent)
        if step.kind == "write" and len(step.data) > room:
            self._note(step._replace(data=step.data[:room]))
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(step.path))
        self._note(step)

    def _note(self, step: Step) -> None:
        self.steps.append(step)
        self._apply(step)

    def _apply(self, step: Step) -> None:
        folder = self._folders.get(step.path.parent, _Folder())
        match step.kind:
            case "make":
                self._folders[step.path] = _Folder()
                folder.pending.append((step, None))
            case "create":
                folder.pending.append((step, _File()))
            case "write":
                self._file(step.path).data += step.data
            case "sync":
                self._file(step.path).synced = self._file(step.path).data
            case "rename":
                folder.pending.append((step, self._file(step.path)))
            case "link":
                self._folders[step.other.parent].pending.append((step, self._file(step.path)))
            case "unlink":
                folder.pending.append((step, None))
            case "sync_folder":
                synced = self._folders[step.path]
                synced.synced, synced.pending = synced.names(), []

    def _names(self, folder: Path) -> _Names:
        return self._folders[folder].names() if folder in self._folders else {}

    def _file(self, path: Path) -> _File:
        found = self._names(path.parent).get(path.name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return found

    def _all(self) -> list[_File]:
        return list({id(file): file for folder in self._folders for file in self._names(folder).values()}.values())


UNSYNCED = ("lost", "kept", "torn early", "torn late", "zeroed", "zeroed head", "zeroed tail")


def power_cuts(steps: Sequence[Step], disk: MemoryDisk | None = None) -> Iterator[tuple[str, MemoryDisk]]:
    """Every disk that a power cut right after these steps may leave, with words for what was lost.

    The steps begin on `disk`, which is used up, or on an empty one.
    """
    disk = MemoryDisk() if disk is None else disk
    for step in steps:
        disk.repeat(step)
    changes = disk.unsynced_changes()
    choices = [dict.fromkeys(changes, 0), {}]
    choices += [{path: kept} for path, count in changes.items() for kept in range(count)]
    choices += [dict.fromkeys(changes, 0) | {path: count} for path, count in changes.items() if len(changes) > 1]
    for pending in choices if changes else [{}]:
        for unsynced in UNSYNCED if disk.has_unsynced_data() else ("kept",):
            words = ", ".join(f"{kept} changes of {path.name}" for path, kept in pending.items())
            yield f"unsynced data {unsynced}; {words or 'all names'}", disk.after_power_cut(pending, unsynced)


def _mounted(found: dict[Path, _Names], unsynced: str) -> MemoryDisk:
    disk = MemoryDisk()
    same: dict[int, _File] = {}
    for folder, names in found.items():
        held = disk._folders.setdefault(folder, _Folder())
        for name, file in names.items():
            held.synced[name] = same.setdefault(id(file), _File(_left(file, unsynced)))
    return disk


def _left(file: _File, unsynced: str) -> bytes:
    """Blocks reach the disk in any order; a block that didn't is missing at the end and zero in the middle."""
    new = file.data[len(file.synced) :]
    half = len(new) // 2
    kept = {
        "lost": b"",
        "kept": new,
        "torn early": new[: min(7, half)],
        "torn late": new[:-1],
        "zeroed": bytes(len(new)),
        "zeroed head": bytes(half) + new[half:],
        "zeroed tail": new[:half] + bytes(len(new) - half),
    }
    return file.synced + kept[unsynced]
