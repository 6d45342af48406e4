"""How often each refusal code stands in the journal since a time. Reads whole files from the newest back, no further
than it has to; must never change or cut anything, and says nothing of whether the journal is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tradekit.adapters.store.disk import Disk
from tradekit.adapters.store.disk_errors import disk_errors
from tradekit.adapters.store.record_line import lone_record
from tradekit.domain.event import CycleFinished, Record

_CYCLE: Final = b'"type":"cycle_finished"'


class Counted(NamedTuple):
    """`cycles` finished since then; `refused` counts proposals by code, the most frequent first."""

    since: int
    cycles: int
    refused: dict[str, int]


def count_refusals(disk: Disk, folder: Path, since: int) -> Counted:
    """Counts in the journal of the account in `folder`; `since` is exchange time in milliseconds."""
    counts: dict[str, int] = {}
    cycles = 0
    with disk_errors(folder):
        for record in _cycles(disk, folder / "journal", since):
            assert isinstance(record.event, CycleFinished)
            cycles += 1
            for code, count in record.event.refused.items():
                counts[code] = counts.get(code, 0) + count
    return Counted(since, cycles, dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def _cycles(disk: Disk, journal: Path, since: int) -> Iterator[Record]:
    for name in reversed([name for name in disk.names(journal) if name.endswith(".jsonl")]):
        older = False
        for raw in disk.read(journal / name).splitlines(keepends=True):
            if _CYCLE not in raw:
                continue
            record = lone_record(raw)
            if record is None or not isinstance(record.event, CycleFinished):
                continue
            if record.time >= since:
                yield record
            else:
                older = True
        if older:
            return
