"""The system under the store: network filesystems are refused, and the disk in memory acts like the real one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memory_disk import MemoryDisk
from tradekit.adapters.store.disk import Disk, RealDisk
from tradekit.adapters.store.filesystem import filesystem_of, refuse_network_filesystem
from tradekit.domain.errors import NeedsHuman

TABLE = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
22 21 0:5 / /proc rw shared:2 - proc proc rw
30 21 0:40 / /mnt/share rw shared:9 - nfs4 server:/export rw
31 21 0:41 / /mnt/share/local\\040disk rw - xfs /dev/sdb rw
32 21 0:42 / /home/me/drive rw - fuse.sshfs me@host: rw
33 21 0:43 / /mnt/win rw master:3 - cifs //host/share rw
34 21 0:44 / /srv/over rw - overlay overlay rw
not a mount
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me/.local/state", "ext4"),
        ("/mnt/share", "nfs4"),
        ("/mnt/share/a/b", "nfs4"),
        ("/mnt/shared", "ext4"),
        ("/mnt/share/local disk/x", "xfs"),
        ("/home/me/drive/x", "fuse.sshfs"),
        ("/srv/over/x", "overlay"),
    ],
)
def test_the_innermost_mount_counts(mounts: Path, folder: str, kind: str) -> None:
    assert filesystem_of(Path(folder), mounts) == kind


@pytest.mark.parametrize("folder", ["/mnt/share/x", "/home/me/drive", "/mnt/win/x"])
def test_a_network_filesystem_is_refused_unless_the_policy_allows_it(mounts: Path, folder: str) -> None:
    with pytest.raises(NeedsHuman) as refused:
        refuse_network_filesystem(Path(folder), allowed=False, mounts=mounts)
    assert refused.value.problems[0].code == "network_filesystem"
    refuse_network_filesystem(Path(folder), allowed=True, mounts=mounts)


def test_a_local_one_is_taken_and_so_is_one_that_the_system_does_not_tell(mounts: Path, tmp_path: Path) -> None:
    refuse_network_filesystem(Path("/srv/over/x"), allowed=False, mounts=mounts)
    refuse_network_filesystem(Path("/mnt/share"), allowed=False, mounts=tmp_path / "no such table")
    refuse_network_filesystem(tmp_path, allowed=True)


@pytest.fixture(params=["real", "memory"])
def disk_and_folder(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Disk, Path]:
    disk: Disk = RealDisk() if request.param == "real" else MemoryDisk()
    folder = tmp_path / "a" / "b"
    disk.make_folder(folder)
    return disk, folder


def test_both_disks_keep_one_contract(disk_and_folder: tuple[Disk, Path]) -> None:
    disk, folder = disk_and_folder
    path, other = folder / "file", folder / "other"
    assert (disk.size(path), disk.names(folder), disk.names(folder / "none")) == (None, [], ()) or not disk.names(
        folder
    )
    for refused in (lambda: disk.read(path), lambda: disk.append(path, b"x"), lambda: disk.link(path, other)):
        with pytest.raises(FileNotFoundError):
            refused()
    disk.remove(path)
    disk.replace(path, b"one")
    disk.append(path, b" two")
    assert (disk.read(path), disk.read(path, 4), disk.size(path)) == (b"one two", b"two", 7)
    disk.link(path, other)
    disk.replace(path, b"new")
    assert (disk.read(path), disk.read(other)) == (b"new", b"one two")
    disk.link(path, other)
    assert (list(disk.names(folder)), disk.read(other)) == (["file", "other"], b"new")
    disk.append(path, b"er")
    assert disk.read(other) == b"newer"
    disk.remove(path)
    assert list(disk.names(folder)) == ["other"]
    disk.reserve(folder / "ballast", 5000)
    disk.reserve(folder / "ballast", 9000)
    assert disk.size(folder / "ballast") == 9000
    disk.make_folder(folder)
    disk.sync(folder)
    disk.sync(other)
    assert disk.free_bytes(folder) > 0
    with pytest.raises(FileNotFoundError):
        disk.replace(folder / "none" / "file", b"")
    assert list(disk.names(folder)) == ["ballast", "other"]


def test_the_real_disk_takes_the_steps_that_the_one_in_memory_stands_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    for name in ("write", "fsync", "rename", "link", "unlink"):
        real = getattr(os, name)

        def noted(*words: object, _real: object = real, _name: str = name, **more: object) -> object:
            assert callable(_real)
            done = _real(*words, **more)
            is_folder = _name == "fsync" and Path(f"/proc/self/fd/{words[0]}").is_dir()
            taken.append("fsync folder" if is_folder else _name)
            return done

        monkeypatch.setattr(os, name, noted)
    disk = RealDisk()
    disk.replace(tmp_path / "file", b"x")
    assert taken == ["write", "fsync", "rename", "fsync folder"]
    taken.clear()
    disk.append(tmp_path / "file", b"x")
    assert taken == ["write", "fsync"]
    taken.clear()
    disk.make_folder(tmp_path / "new" / "er")
    assert taken == ["fsync folder", "fsync folder"]
    taken.clear()
    disk.link(tmp_path / "file", tmp_path / "again")
    disk.remove(tmp_path / "file")
    assert taken == ["link", "unlink"]


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:3]))
    RealDisk().replace(tmp_path / "file", b"a longer text")
    RealDisk().append(tmp_path / "file", b" and more")
    assert (tmp_path / "file").read_bytes() == b"a longer text and more"


def test_a_planted_link_is_never_followed(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("precious")
    link.symlink_to(victim)
    disk = RealDisk()
    for refused in (lambda: disk.read(link), lambda: disk.append(link, b"x"), lambda: disk.reserve(link, 10)):
        with pytest.raises(OSError, match="symbolic links"):
            refused()
    disk.replace(link, b"mine")
    assert (victim.read_text(), link.read_bytes()) == ("precious", b"mine")


def test_new_files_and_folders_are_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        disk = RealDisk()
        disk.make_folder(tmp_path / "a" / "b")
        disk.replace(tmp_path / "a" / "file", b"")
        disk.reserve(tmp_path / "a" / "ballast", 10)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*")}
    assert modes == {"b": 0o700, "file": 0o600, "ballast": 0o600}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
