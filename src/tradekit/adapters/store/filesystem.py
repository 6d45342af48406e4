"""Which filesystem a folder lies on. Locks and syncs can't be relied on over a network."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tradekit.domain.errors import NeedsHuman, Problem

MOUNTS: Final = Path("/proc/self/mountinfo")
_UNRELIABLE: Final = ("nfs", "cifs", "smb", "9p", "afs", "ceph", "glusterfs", "fuse", "davfs", "lustre")


def refuse_network_filesystem(folder: Path, *, allowed: bool, mounts: Path = MOUNTS) -> None:
    """Raises `NeedsHuman` for a folder on a network or FUSE filesystem, unless the policy allows it."""
    kind = filesystem_of(folder, mounts)
    if kind.startswith(_UNRELIABLE) and not allowed:
        fix = "use a local disk, or set storage.allow_network_filesystem = true if its file locks really hold"
        raise NeedsHuman(Problem("network_filesystem", f"{folder} lies on {kind}, where file locks may not hold", fix))


def filesystem_of(folder: Path, mounts: Path = MOUNTS) -> str:
    """The type of the filesystem, or an empty text where the system doesn't tell."""
    try:
        table = mounts.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    best, kind = -1, ""
    for line in table.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        point = Path(fields[4].replace("\\040", " "))
        if folder.absolute().is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), right.split()[0]
    return kind
