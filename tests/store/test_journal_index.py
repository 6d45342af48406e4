"""Consumed for ever: a proposal id that the state forgot is still known, whatever happens to the index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import pytest

from account_files import START_TIME, continued, intent, store, written
from memory_disk import MemoryDisk
from tradekit.adapters.journal_index import FileIndex
from tradekit.adapters.store.account_store import AccountStore
from tradekit.adapters.store.record_line import Line, Position
from tradekit.decide.fold import CONSUMED_KEPT, replay
from tradekit.domain.errors import NeedsHuman
from tradekit.domain.event import OrderIntended
from tradekit.domain.state import State
from tradekit.flows.restore import restore

MANY = CONSUMED_KEPT + 40


class Counting:
    """Reads the journal and counts the lines that were asked for."""

    def __init__(self, at: AccountStore) -> None:
        self._at = at
        self.read = 0

    def __call__(self, after: Position) -> Iterable[Line]:
        for line in self._at.lines(after):
            self.read += 1
            yield line


def intend(at: AccountStore, state: State, first: int, last: int) -> State:
    events = [OrderIntended(intent(number)) for number in range(first, last)]
    return replay(state, at.append(events, START_TIME, reduces_risk=True))


@pytest.fixture(scope="module")
def long_journal() -> tuple[MemoryDisk, State]:
    disk = MemoryDisk()
    at = store(disk, segment_bytes=50_000)
    state = continued(at)
    for first in range(0, MANY, 20):
        state = intend(at, state, first, first + 20)
    at.save(state)
    return disk, state


def digests_of(numbers: Iterable[int]) -> dict[str, str]:
    return {f"p{number}": intent(number).approved.proposal.digest for number in numbers}


def test_the_state_keeps_the_newest_ids_and_counts_the_others(long_journal: tuple[MemoryDisk, State]) -> None:
    _, state = long_journal
    assert list(state.consumed) == [f"p{number}" for number in range(MANY - CONSUMED_KEPT, MANY)]
    assert state.consumed_older == MANY - CONSUMED_KEPT


def test_ids_that_the_state_forgot_are_known_with_their_digests(
    long_journal: tuple[MemoryDisk, State], tmp_path: Path
) -> None:
    index = FileIndex(tmp_path / "cache" / "index", store(long_journal[0]).lines)
    assert index.proposals(["p0", "p39", "p1039", "never"]) == digests_of([0, 39, 1039])
    assert index.proposals([]) == {}
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700


def test_the_index_reads_each_line_once_and_then_only_what_is_new(tmp_path: Path) -> None:
    disk = MemoryDisk()
    at = store(disk, segment_bytes=5000)
    state = intend(at, continued(at), 0, 30)
    lines = Counting(store(disk))
    index = FileIndex(tmp_path / "index", lines)
    index.proposals(["p1"])
    index.proposals(["p2"])
    assert lines.read == 30
    intend(at, state, 30, 33)
    assert FileIndex(tmp_path / "index", lines).proposals(["p31"]) == digests_of([31])
    assert lines.read == 33


@pytest.mark.parametrize("damage", [b"", b"not a database at all, and long enough to be seen", bytes(8192)])
def test_a_damaged_or_deleted_index_is_made_again(
    long_journal: tuple[MemoryDisk, State], tmp_path: Path, damage: bytes
) -> None:
    path = tmp_path / "index"
    index = FileIndex(path, store(long_journal[0]).lines)
    good = index.proposals(["p0", "p5", "x"])
    path.write_bytes(damage)
    assert index.proposals(["p0", "p5", "x"]) == good
    path.unlink()
    assert index.proposals(["p0", "p5", "x"]) == good


def test_an_index_damaged_in_any_page_never_tells_something_else(tmp_path: Path) -> None:
    disk = MemoryDisk()
    at = store(disk)
    intend(at, continued(at), 0, 100)
    path = tmp_path / "index"
    index = FileIndex(path, store(disk).lines)
    good = index.proposals(["p0", "p99"])
    content = path.read_bytes()
    for begin in range(0, len(content), 512):
        path.write_bytes(content[:begin] + bytes([255]) * 512 + content[begin + 512 :])
        assert index.proposals(["p0", "p99"]) == good


def test_an_index_with_another_idea_of_progress_is_made_again(tmp_path: Path) -> None:
    disk = MemoryDisk()
    at = store(disk)
    intend(at, continued(at), 0, 5)
    path = tmp_path / "index"
    index = FileIndex(path, store(disk).lines)
    index.proposals(["p0"])
    with sqlite3.connect(path) as base:
        base.execute("update progress set position = 'nonsense'")
    base.close()
    assert index.proposals(["p4"]) == digests_of([4])


def test_a_run_that_died_while_it_made_the_index_does_no_harm(tmp_path: Path) -> None:
    disk = MemoryDisk()
    at = store(disk)
    intend(at, continued(at), 0, 10)

    def dying(after: Position) -> Iterable[Line]:
        for number, line in enumerate(store(disk).lines(after)):
            if number == 5:
                raise KeyboardInterrupt
            yield line

    with pytest.raises(KeyboardInterrupt):
        FileIndex(tmp_path / "index", dying).proposals(["p1"])
    found = FileIndex(tmp_path / "index", store(disk).lines).proposals([f"p{number}" for number in range(10)])
    assert found == digests_of(range(10))


def test_a_journal_begun_anew_after_a_restore_takes_no_consumed_id_back(tmp_path: Path) -> None:
    disk = MemoryDisk()
    written(disk, 8)
    path = tmp_path / "index"
    FileIndex(path, store(disk).lines).proposals(["p1"])
    for name in disk.names(Path("/home/main/paper/journal")):
        disk.remove(Path("/home/main/paper/journal") / name)
    restore(store(disk), None)
    index = FileIndex(path, store(disk).lines)
    assert index.proposals(["p1", "p8"]) == digests_of([1, 8])
    at = store(disk)
    intend(at, continued(at), 20, 21)
    assert index.proposals(["p1", "p20"]) == digests_of([1, 20])


def test_an_index_ahead_of_a_journal_from_a_backup_forgets_nothing(tmp_path: Path) -> None:
    disk = MemoryDisk()
    written(disk, 3)
    backup = disk.copy()
    at = store(disk)
    intend(at, continued(at), 20, 21)
    path = tmp_path / "index"
    FileIndex(path, store(disk).lines).proposals(["p20"])
    assert FileIndex(path, store(backup).lines).proposals(["p1", "p20"]) == digests_of([1, 20])


def test_a_damaged_journal_is_a_fault_and_not_an_unknown_id(tmp_path: Path) -> None:
    disk = MemoryDisk()
    written(disk, 3)
    first = Path("/home/main/paper/journal/000001.jsonl")
    disk.put(first, disk.read(first).replace(b'"p1"', b'"q1"'))
    with pytest.raises(NeedsHuman):
        FileIndex(tmp_path / "index", store(disk).lines).proposals(["p1"])


def test_a_cache_that_cannot_be_written_is_a_clear_fault(tmp_path: Path) -> None:
    disk = MemoryDisk()
    written(disk, 1)
    (tmp_path / "index").mkdir()
    (tmp_path / "cache").write_text("a file where a folder belongs")
    for path in (tmp_path / "index", tmp_path / "cache" / "index", tmp_path / "no" / "such" / "index"):
        with pytest.raises(NeedsHuman) as refused:
            FileIndex(path, store(disk).lines).proposals(["p1"])
        assert refused.value.problems[0].code == "cache_unusable"
