"""The file calls of an operating system, in memory, on a disk that forgets at a power cut what was never synced.

It stands in for the module `os` under `RealDisk`, so the real order of opens, writes, syncs and renames is what is put
to the test. Data and names are durable apart from each other, as on a real disk. Knows nothing of what is stored.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from random import Random
from typing import NamedTuple

from simulated.border import Border
from simulated.files import File, Folder, contents, lose_power, size_of


class Status(NamedTuple):
    """What `stat` tells."""

    st_mode: int
    st_size: int


class Space(NamedTuple):
    """What `statvfs` tells."""

    f_bavail: int
    f_frsize: int


class SimulatedSystem:
    """Behaves like `os` for the calls that the store makes. `capacity` bounds the bytes of all files.

    `short_writes` and `sync_errors` are the shares of writes that stop early and of syncs that fail.
    """

    def __init__(self, border: Border, luck: Random) -> None:
        self.capacity = 2**40
        self.short_writes = 0.0
        self.sync_errors = 0.0
        self.root = Folder()
        self._border = border
        self._luck = luck
        self._open: dict[int, tuple[File | Folder, str]] = {}
        self._places: dict[int, int] = {}  # where the next write goes; none: at the end
        self._next = 3

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        """See `os.open`: to read, to append, or to create."""
        found, name = self._at(str(path)), path.name
        if found is None:
            if not flags & os.O_CREAT:
                raise _error(errno.ENOENT, path)
            if mode & 0o077:
                raise _error(errno.EPERM, path)  # nothing of an account may be open to others
            self._border.effect("create", name)
            found = File()
            self._parent(path)[0].change((name, found))
        elif flags & os.O_EXCL:
            raise _error(errno.EEXIST, path)
        self._next += 1
        self._open[self._next] = (found, name)
        if not flags & os.O_APPEND:
            self._places[self._next] = 0
        return self._next

    def close(self, descriptor: int) -> None:
        """See `os.close`."""
        del self._open[descriptor]
        self._places.pop(descriptor, None)

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        """See `os.pread`."""
        found, name = self._open[descriptor]
        if isinstance(found, Folder):
            raise _error(errno.EISDIR, Path(name))
        return found.data[offset : offset + count]

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """See `os.write`: it may write less than it was asked to."""
        found, name = self._open[descriptor]
        assert isinstance(found, File)
        self._border.effect("write", name)
        new = bytes(data)
        if self.short_writes and len(new) > 1 and self._luck.random() < self.short_writes:
            new = new[: self._luck.randint(1, len(new) - 1)]
        place = self._places.get(descriptor, len(found.data))
        room = self.capacity - size_of(self.root) + len(found.data) - place
        if room < len(new):
            new = new[: max(room, 0)]
            if not new:
                raise _error(errno.ENOSPC, Path(name))
        found.data = found.data[:place] + new + found.data[place + len(new) :]
        if descriptor in self._places:
            self._places[descriptor] += len(new)
        return len(new)

    def fsync(self, descriptor: int) -> None:
        """See `os.fsync`, of a file or a folder."""
        found, name = self._open[descriptor]
        self._border.effect("sync", name)
        if self.sync_errors and self._luck.random() < self.sync_errors:
            raise _error(errno.EIO, Path(name))
        if isinstance(found, Folder):
            found.synced, found.pending = dict(found.names), []
        else:
            found.synced = found.data

    def rename(self, path: Path, other: Path) -> None:
        """See `os.rename`, within one folder."""
        parent, name = self._parent(path)
        found = self._found(path)
        self._border.effect("rename", other.name)
        parent.change((name, None), (other.name, found))

    def link(self, path: Path, other: Path) -> None:
        """See `os.link`."""
        found, (parent, name) = self._found(path), self._parent(other)
        if name in parent.names:
            raise _error(errno.EEXIST, other)
        self._border.effect("link", name)
        parent.change((name, found))

    def unlink(self, path: Path) -> None:
        """See `os.unlink`."""
        parent, name = self._parent(path)
        self._found(path)
        self._border.effect("unlink", name)
        parent.change((name, None))

    def mkdir(self, path: Path, mode: int = 0o777) -> None:
        """See `os.mkdir`."""
        parent, name = self._parent(path)
        if name in parent.names:
            raise _error(errno.EEXIST, path)
        if mode & 0o077:
            raise _error(errno.EPERM, path)
        self._border.effect("mkdir", name)
        parent.change((name, Folder()))

    def stat(self, path: Path) -> Status:
        """See `os.stat`."""
        found = self._found(path)
        if isinstance(found, Folder):
            return Status(stat.S_IFDIR | 0o700, 0)
        return Status(stat.S_IFREG | 0o600, len(found.data))

    def lstat(self, path: Path) -> Status:
        """See `os.lstat`; there are no links to follow."""
        return self.stat(path)

    def listdir(self, path: Path) -> list[str]:
        """See `os.listdir`."""
        found = self._found(path)
        if not isinstance(found, Folder):
            raise _error(errno.ENOTDIR, path)
        return list(found.names)

    def statvfs(self, path: Path) -> Space:
        """See `os.statvfs`."""
        return Space(max(self.capacity - size_of(self.root), 0), 1)

    def urandom(self, count: int) -> bytes:
        """See `os.urandom`; the same for the same seed."""
        return self._luck.randbytes(count)

    def everything(self, *, durable: bool = False) -> dict[str, bytes]:
        """All files by path; with `durable` only what no power cut could take."""
        return contents(self.root, "", durable=durable)

    def kill(self) -> None:
        """The process is gone: what it wrote stays, synced or not."""
        self._open.clear()
        self._places.clear()

    def cut_power(self) -> str:
        """Everything stops: names and data that were never synced may be lost, each on its own. Tells what was."""
        self.kill()
        lost: list[str] = []
        lose_power(self.root, self._luck, lost)
        return ", ".join(lost) or "nothing"

    def _parent(self, path: Path) -> tuple[Folder, str]:
        above, _, name = str(path).rpartition("/")
        folder = self._at(above)
        if not isinstance(folder, Folder):
            raise _error(errno.ENOENT, path)
        return folder, name

    def _found(self, path: Path) -> File | Folder:
        found = self._at(str(path))
        if found is None:
            raise _error(errno.ENOENT, path)
        return found

    def _at(self, path: str) -> File | Folder | None:
        found: File | Folder | None = self.root
        for part in path.split("/"):
            if part:
                found = found.names.get(part) if isinstance(found, Folder) else None
        return found


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
