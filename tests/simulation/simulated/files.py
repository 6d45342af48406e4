"""Files and folders in memory, and what a power cut leaves of what was never synced."""

from __future__ import annotations

from random import Random

Change = tuple[str, "File | Folder | None"]


class File:
    """Bytes as they are, and as a power cut would leave them at the least."""

    def __init__(self) -> None:
        self.data = b""
        self.synced = b""


class Folder:
    """Names as they are; `pending` are the changes of names that no sync of the folder has covered yet."""

    def __init__(self) -> None:
        self.names: dict[str, File | Folder] = {}
        self.synced: dict[str, File | Folder] = {}
        self.pending: list[tuple[Change, ...]] = []

    def change(self, *changes: Change) -> None:
        """Names are given or taken, all in one step."""
        _apply(self.names, changes)
        self.pending.append(changes)


def lose_power(folder: Folder, luck: Random, lost: list[str]) -> None:
    """Leaves what a power cut may leave, and adds to `lost` what it took."""
    names = dict(folder.synced)
    independent = luck.random() < 0.3
    until = luck.randint(0, len(folder.pending)) if folder.pending else 0
    for index, changes in enumerate(folder.pending):
        if (luck.random() < 0.5) if independent else index < until:
            _apply(names, changes)
        else:
            lost.append("name " + changes[-1][0])
    folder.names, folder.synced, folder.pending = names, dict(names), []
    for name, found in names.items():
        if isinstance(found, Folder):
            lose_power(found, luck, lost)
        elif found.data != found.synced:
            found.data = found.synced = _left(found, name, luck, lost)


def _left(file: File, name: str, luck: Random, lost: list[str]) -> bytes:
    """Of unsynced data everything, nothing, a part, or zeros in its place."""
    kept = file.synced if file.data.startswith(file.synced) else b""
    new, draw = file.data[len(kept) :], luck.random()
    if draw < 0.3:
        return file.data
    lost.append("data of " + name)
    if draw < 0.6 or not new:
        return kept
    cut = luck.randint(0, len(new) - 1)
    if draw < 0.8:
        return kept + new[:cut]
    half = bytes(cut) + new[cut:] if luck.random() < 0.5 else new[:cut] + bytes(len(new) - cut)
    return kept + half


def size_of(folder: Folder) -> int:
    """Bytes of all files in it."""
    return sum(size_of(found) if isinstance(found, Folder) else len(found.data) for found in folder.names.values())


def contents(folder: Folder, path: str, *, durable: bool) -> dict[str, bytes]:
    """All files by path; with `durable` only what no power cut could take."""
    found: dict[str, bytes] = {}
    for name, item in (folder.synced if durable else folder.names).items():
        where = f"{path}/{name}"
        if isinstance(item, Folder):
            found |= contents(item, where, durable=durable)
        else:
            found[where] = item.synced if durable else item.data
    return found


def _apply(names: dict[str, File | Folder], changes: tuple[Change, ...]) -> None:
    for name, found in changes:
        if found is None:
            names.pop(name, None)
        else:
            names[name] = found
