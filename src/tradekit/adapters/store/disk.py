"""The few file operations that the store is built from, each of them crash-safe on its own.

`RealDisk` is the only place of the store that touches the operating system. A simulated disk can stand in for it, or a
simulated operating system under it, so that the order of its calls is put to the test too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_READ_AT_ONCE: Final = 2**18


class Disk(Protocol):
    """All methods raise `OSError`. After an error of `append` or `replace` the run must end: nothing is tried again."""

    def read(self, path: Path, offset: int = 0) -> bytes:
        """The content from `offset` on. Raises `FileNotFoundError`."""
        ...

    def size(self, path: Path) -> int | None:
        """Bytes, or None when there is no such file."""
        ...

    def names(self, folder: Path) -> Sequence[str]:
        """The names in a folder, sorted; none when it doesn't exist."""
        ...

    def append(self, path: Path, data: bytes) -> None:
        """Adds to an existing file and syncs it."""
        ...

    def replace(self, path: Path, data: bytes) -> None:
        """Puts a whole new content in place of the old one: all of it or nothing, durable on return."""
        ...

    def link(self, path: Path, name: Path) -> None:
        """Gives a file a second name."""
        ...

    def remove(self, path: Path) -> None:
        """Removes a name, if it is there."""
        ...

    def make_folder(self, folder: Path) -> None:
        """Makes a folder and its parents, readable by the owner alone, durable on return."""
        ...

    def sync(self, path: Path) -> None:
        """Makes durable what a file holds or which names a folder has, whoever wrote it."""
        ...

    def free_bytes(self, folder: Path) -> int:
        """Space that this user may still fill."""
        ...

    def reserve(self, path: Path, size: int) -> None:
        """Makes a file that really occupies `size` bytes."""
        ...


class RealDisk:
    """The operating system's files. Never follows a link in the last part of a path.

    `system` is the module `os`, or something that behaves like it.
    """

    def __init__(self, system: Any = os) -> None:
        self._os = system

    def read(self, path: Path, offset: int = 0) -> bytes:
        """See `Disk.read`."""
        descriptor = self._os.open(path, _READ)
        try:
            parts = []
            while part := self._os.pread(descriptor, _READ_AT_ONCE, offset):
                parts.append(part)
                offset += len(part)
            return b"".join(parts)
        finally:
            self._os.close(descriptor)

    def size(self, path: Path) -> int | None:
        """See `Disk.size`."""
        try:
            size: int = self._os.lstat(path).st_size
            return size
        except FileNotFoundError:
            return None

    def names(self, folder: Path) -> Sequence[str]:
        """See `Disk.names`."""
        try:
            return sorted(self._os.listdir(folder))
        except FileNotFoundError:
            return ()

    def append(self, path: Path, data: bytes) -> None:
        """See `Disk.append`."""
        descriptor = self._os.open(path, _APPEND)
        try:
            self._write_all(descriptor, data)
            self._os.fsync(descriptor)
        finally:
            self._os.close(descriptor)

    def replace(self, path: Path, data: bytes) -> None:
        """See `Disk.replace`."""
        temporary = path.with_name(f".{path.name}.{self._os.urandom(8).hex()}.tmp")
        descriptor = self._os.open(temporary, _CREATE, 0o600)
        try:
            try:
                self._write_all(descriptor, data)
                self._os.fsync(descriptor)
            finally:
                self._os.close(descriptor)
            self._os.rename(temporary, path)
        except OSError:
            self.remove(temporary)
            raise
        self.sync(path.parent)

    def link(self, path: Path, name: Path) -> None:
        """See `Disk.link`; a name that is there already is given anew."""
        try:
            self._os.link(path, name)
        except FileExistsError:
            self.remove(name)
            self._os.link(path, name)

    def remove(self, path: Path) -> None:
        """See `Disk.remove`."""
        try:
            self._os.unlink(path)
        except FileNotFoundError:
            return

    def make_folder(self, folder: Path) -> None:
        """See `Disk.make_folder`."""
        if self._is_folder(folder):
            return
        self.make_folder(folder.parent)
        try:
            self._os.mkdir(folder, 0o700)
        except FileExistsError:
            if not self._is_folder(folder):
                raise
        self.sync(folder.parent)

    def sync(self, path: Path) -> None:
        """See `Disk.sync`."""
        descriptor = self._os.open(path, _READ)
        try:
            self._os.fsync(descriptor)
        finally:
            self._os.close(descriptor)

    def free_bytes(self, folder: Path) -> int:
        """See `Disk.free_bytes`."""
        status = self._os.statvfs(folder)
        free: int = status.f_bavail * status.f_frsize
        return free

    def reserve(self, path: Path, size: int) -> None:
        """See `Disk.reserve`."""
        descriptor = self._os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            self._write_all(descriptor, bytes(size))
        finally:
            self._os.close(descriptor)

    def _is_folder(self, path: Path) -> bool:
        try:
            return stat.S_ISDIR(self._os.stat(path).st_mode)
        except OSError:
            return False

    def _write_all(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._os.write(descriptor, view) :]
