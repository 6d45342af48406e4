"""The account's files together: full and failing disks, leftovers of crashes, and the way back from damage."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from account_files import (
    FIRST,
    FOLDER,
    GENERATIONS,
    JOURNAL,
    START_TIME,
    STATE,
    continued,
    cycle_of,
    finished,
    folded,
    refused_with,
    store,
    written,
)
from memory_disk import Fault, MemoryDisk
from tradekit.adapters.store.account_store import (
    BALLAST_BYTES,
    RESERVE_BYTES,
    AccountStore,
    open_folder,
)
from tradekit.adapters.store.disk import RealDisk
from tradekit.adapters.store.memory_store import MemoryStore
from tradekit.decide.fold import replay
from tradekit.domain.errors import NeedsHuman, TradekitError

BALLAST = FOLDER / "ballast"


def code_of(refused: pytest.ExceptionInfo[TradekitError]) -> str:
    return refused.value.problems[0].code


def ready(disk: MemoryDisk, cycles: int = 1) -> AccountStore:
    """A store that was loaded after so many cycles."""
    written(disk, cycles)
    at = store(disk)
    continued(at)
    return at


def grow(at: AccountStore, *, reduces_risk: bool = True) -> int:
    return at.append([finished(START_TIME)], START_TIME, reduces_risk=reduces_risk)[-1].seq


def test_a_fresh_account_is_empty_until_something_is_written() -> None:
    disk = MemoryDisk()
    at = store(disk)
    assert at.load() == (None, ())
    assert not at.is_opened()
    assert at.verify().records == 0
    continued(at)
    assert store(disk).is_opened()


def test_an_append_is_durable_when_it_returns() -> None:
    disk = MemoryDisk()
    at = ready(disk)
    grow(at)
    assert disk.steps[-2:] == [disk.steps[-2]._replace(kind="write"), disk.steps[-2]._replace(kind="sync", data=b"")]
    assert not disk.has_unsynced_data() or disk.steps[-1].kind == "sync"


@pytest.mark.parametrize("kind", ["write", "sync"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("short", [0, 1, 200])
def test_after_an_append_that_failed_nothing_is_written_and_the_next_run_goes_on(
    kind: str, number: int, short: int
) -> None:
    disk = MemoryDisk()
    at = ready(disk)
    acknowledged = len(store(disk, may_write=False).load().tail)
    disk.fault = Fault(kind, "000001.jsonl", number, short if kind == "write" else 0)
    with pytest.raises(NeedsHuman) as refused:
        grow(at)
    assert code_of(refused) == "write_failed"
    steps = len(disk.steps)
    with pytest.raises(NeedsHuman):
        grow(at)
    assert len(disk.steps) == steps
    following = store(disk)
    assert len(following.load().tail) - acknowledged in ((0,) if kind == "write" else (0, 1))
    grow(following)
    store(disk).verify()


@pytest.mark.parametrize("kind", ["create", "write", "sync", "rename", "sync_folder", "link"])
def test_a_save_that_failed_leaves_the_old_state_or_the_new_one(kind: str) -> None:
    disk = MemoryDisk()
    at = ready(disk)
    seq = grow(at)
    state = continued(store(disk))
    folder = "state.json" if kind != "sync_folder" else "paper"
    disk.fault = Fault(kind, folder, errno.EIO, 10 if kind == "write" else 0)
    with pytest.raises(NeedsHuman) as refused:
        at.save(state)
    assert code_of(refused) == "disk_error"
    assert continued(store(disk)).seq == seq
    assert not [name for name in disk.names(FOLDER) if name.endswith(".tmp")]
    store(disk).verify()


def test_a_nearly_full_disk_refuses_opens_and_lets_reductions_through() -> None:
    disk = MemoryDisk()
    at = ready(disk)
    assert disk.size(BALLAST) == BALLAST_BYTES
    disk.capacity = disk.capacity - disk.free_bytes(FOLDER) + RESERVE_BYTES - 1
    before = disk.everything()
    with pytest.raises(NeedsHuman) as refused:
        grow(at, reduces_risk=False)
    assert code_of(refused) == "disk_full"
    assert disk.everything() == before
    seq = grow(at, reduces_risk=True)
    assert disk.size(BALLAST) is None
    assert continued(store(disk)).seq == seq


def test_the_ballast_makes_room_on_a_disk_without_a_free_byte() -> None:
    disk = MemoryDisk()
    at = ready(disk)
    disk.capacity = disk.capacity - disk.free_bytes(FOLDER)
    seq = grow(at, reduces_risk=True)
    assert continued(store(disk)).seq == seq


def test_the_ballast_comes_back_with_the_room_also_when_its_making_was_cut_short() -> None:
    for left_over in (None, 0, 4096):
        disk = MemoryDisk()
        at = ready(disk)
        disk.remove(BALLAST)
        if left_over is not None:
            disk.put(BALLAST, bytes(left_over))
        grow(at)
        assert disk.size(BALLAST) == BALLAST_BYTES


def test_leftover_temporary_files_go_only_with_the_lock() -> None:
    disk = MemoryDisk()
    written(disk, 1)
    leftovers = (FOLDER / ".state.json.0123.tmp", JOURNAL / ".000001.jsonl.0123.tmp")
    kept = (FOLDER / "notes.tmp", FOLDER / ".hidden")
    for path in (*leftovers, *kept):
        disk.put(path, b"half")
    store(disk, may_write=False).load()
    assert all(disk.size(path) == 4 for path in leftovers)
    store(disk).load()
    assert all(disk.size(path) is None for path in leftovers)
    assert all(disk.size(path) == 4 for path in kept)


def test_a_reader_changes_nothing() -> None:
    disk = MemoryDisk()
    written(disk, 2, saved=False)
    steps = len(disk.steps)
    at = store(disk, may_write=False)
    at.load()
    at.verify()
    at.generations()
    list(at.lines())
    assert len(disk.steps) == steps


def test_the_kill_switch_of_the_account_and_of_the_home() -> None:
    for path in (FOLDER / "HALT", FOLDER.parent.parent / "HALT"):
        disk = MemoryDisk()
        at = store(disk)
        assert not at.is_halted()
        disk.put(path, b"")
        assert at.is_halted()


def test_a_rehearsal_writes_nothing_and_numbers_its_records_like_the_real_one() -> None:
    disk = MemoryDisk()
    last = written(disk, 2, saved=False)[-1].seq
    rehearsal = MemoryStore(store(disk, may_write=False))
    steps = len(disk.steps)
    loaded = rehearsal.load()
    records = rehearsal.append([finished(1), finished(2)], START_TIME, reduces_risk=False)
    assert [record.seq for record in records] == [last + 1, last + 2]
    assert loaded.state is not None
    rehearsal.save(replay(replay(loaded.state, loaded.tail), records))
    rehearsal.create(loaded.state)
    assert not rehearsal.is_halted()
    assert len(disk.steps) == steps


def test_verify_reads_every_generation() -> None:
    disk = MemoryDisk()
    written(disk, 3)
    assert store(disk).verify().generations == 2
    name = store(disk).generations()[1].name
    disk.put(GENERATIONS / name, disk.read(GENERATIONS / name)[:-1])
    with pytest.raises(NeedsHuman) as refused:
        store(disk).verify()
    assert code_of(refused) == "state_damaged"
    assert name in str(refused.value)


def test_verify_finds_what_a_run_does_not_look_at() -> None:
    disk = MemoryDisk()
    written(disk, 3)
    content = disk.read(FIRST)
    disk.put(FIRST, content.replace(b'"amount":"0.001"', b'"amount":"0.002"', 1))
    assert store(disk).load().tail == ()
    with pytest.raises(NeedsHuman) as refused:
        store(disk).verify()
    assert code_of(refused) == "journal_damaged"


def test_verify_refuses_a_state_that_is_not_of_this_journal() -> None:
    ours, theirs = MemoryDisk(), MemoryDisk()
    written(ours, 2)
    other = ready(theirs)
    other.append(cycle_of(3)[0], START_TIME, reduces_risk=True)
    other.append(cycle_of(4)[0] * 4, START_TIME, reduces_risk=True)
    ours.put(FIRST, theirs.read(FIRST))
    with pytest.raises(NeedsHuman) as refused:
        store(ours).verify()
    assert code_of(refused) == "journal_damaged"


def test_the_real_disk_keeps_an_account_just_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "main" / "paper"
    records = written(RealDisk(), 3, folder=folder, segment_bytes=3000)
    at = store(RealDisk(), folder=folder)
    assert at.load() == (folded(records), ())
    assert at.verify().records == len(records)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (folder, folder / "journal", folder / "generations")} == {0o700}


def test_a_folder_open_to_others_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "main"
    open_folder(RealDisk(), folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o750)
    with pytest.raises(NeedsHuman) as refused:
        open_folder(RealDisk(), folder)
    assert code_of(refused) == "home_insecure"


def test_a_file_where_a_folder_belongs_is_a_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "main").write_text("")
    with pytest.raises(NeedsHuman):
        open_folder(RealDisk(), tmp_path / "main" / "paper")


def test_a_state_that_cannot_be_read_is_a_clear_fault(tmp_path: Path) -> None:
    folder = tmp_path / "main" / "paper"
    written(RealDisk(), 1, folder=folder)
    (folder / "state.json").rename(folder / "elsewhere")
    (folder / "state.json").symlink_to(folder / "elsewhere")
    assert refused_with(store(RealDisk(), folder=folder)) == "disk_error"
    (folder / "state.json").unlink()
    (folder / "state.json").mkdir()
    assert refused_with(store(RealDisk(), folder=folder)) == "disk_error"
    assert STATE.name == "state.json"
