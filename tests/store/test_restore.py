"""`state restore` through the store: from every kind of damage back to files that load, verify and go on."""

from __future__ import annotations

from collections.abc import Callable

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
    intent,
    lines,
    refused_with,
    segments,
    store,
    written,
)
from memory_disk import MemoryDisk, power_cuts
from tradekit.decide.fold import replay
from tradekit.domain.errors import BadInput, NeedsHuman
from tradekit.domain.event import BooksRebuilt, Event, OrderIntended, ProposalsConsumed, Record
from tradekit.domain.state import State
from tradekit.flows.restore import RestoreReport, restore


def mended(disk: MemoryDisk, name: str | None = None) -> tuple[RestoreReport, State]:
    """Restores, and shows that everything is whole afterwards and that the account goes on."""
    report = restore(store(disk), name)
    store(disk).verify()
    at = store(disk)
    state = continued(at)
    assert state.seq == report.seq
    at.save(replay(state, at.append([finished(START_TIME)], START_TIME, reduces_risk=True)))
    store(disk).verify()
    assert continued(store(disk)).seq == report.seq + 1
    return report, state


def rooted(state: State) -> State:
    """The state after its books went into a journal that had lost its beginning."""
    recent = state.recent
    events: list[Event] = [BooksRebuilt("restore", state.books, recent.fills, recent.forgotten, {})]
    events += [ProposalsConsumed(dict(state.consumed))] if state.consumed else []
    return replay(state, [Record(seq, state.time, event) for seq, event in enumerate(events, state.seq + 1)])


def account(cycles: int = 3, *, saved: bool = True, segment_bytes: int = 2**22) -> tuple[MemoryDisk, State]:
    disk = MemoryDisk()
    return disk, folded(written(disk, cycles, saved=saved, segment_bytes=segment_bytes))


def test_whole_files_stay_as_they_are() -> None:
    disk, state = account()
    before = disk.everything()
    assert restore(store(disk), None) == RestoreReport((), state.seq, 0, None)
    after = disk.everything()
    assert {path: after[path] for path in before} == before
    assert mended(disk)[1] == state


def test_a_restore_builds_only_on_what_a_power_cut_cannot_take_away() -> None:
    """A run that was killed before its sync leaves lines that are there and not durable."""
    whole, state = account(saved=False)
    last = max(number for number, step in enumerate(whole.steps) if step.kind == "sync")
    disk = MemoryDisk()
    for step in whole.steps[:last]:
        disk.repeat(step)
    assert restore(store(disk), None).seq == state.seq
    for words, left in power_cuts(disk.steps):
        assert continued(store(left)) == state, words
        store(left).verify()


def test_an_unsaved_tail_is_folded_in() -> None:
    disk, state = account(saved=False)
    report, now = mended(disk)
    assert now == state
    assert report.replayed == len(cycle_of(3)) + 1


@pytest.mark.parametrize("damage", [b"", b"garbage", bytes(3000)])
def test_a_damaged_state_comes_back_from_a_generation_and_the_journal(damage: bytes) -> None:
    disk, state = account()
    disk.put(STATE, damage)
    report, now = mended(disk)
    assert now == state
    assert report.set_aside == ("state.json.damaged1",)
    assert disk.read(FOLDER / "state.json.damaged1") == damage
    assert report.replayed > 0


def test_a_missing_state_comes_back() -> None:
    disk, state = account()
    disk.remove(STATE)
    assert mended(disk)[1] == state


def test_the_state_of_another_account_is_set_aside() -> None:
    disk, state = account()
    other = MemoryDisk()
    stranger = store(other, stamp=state.stamp._replace(quote="EUR"))
    stranger.create(State(state.stamp._replace(quote="EUR")))
    disk.put(STATE, other.read(STATE))
    assert mended(disk)[1] == state


def test_damage_in_the_journal_before_the_state_loses_nothing_that_came_after() -> None:
    disk, state = account(saved=False)
    content = disk.read(FIRST)
    disk.put(FIRST, content.replace(b'"amount":"0.001"', b'"amount":"0.002"', 1))
    report, now = mended(disk)
    assert now == rooted(state)
    assert report.set_aside == ("000001.jsonl.damaged1",)


def test_damage_in_an_old_segment_loses_nothing_that_came_after() -> None:
    disk, state = account(9, saved=False, segment_bytes=3000)
    second = segments(disk)[1]
    disk.put(second, disk.read(second)[:-20])
    assert mended(disk)[1] == rooted(state)


def test_damage_after_the_state_goes_back_to_what_is_whole() -> None:
    disk, state = account(saved=False)
    bad = lines(disk)[-3]
    disk.put(FIRST, disk.read(FIRST).replace(bad, bad[:50].replace(b"seq", b"sea") + bad[50:]))
    assert refused_with(store(disk)) == "journal_damaged"
    report, now = mended(disk)
    assert now.seq == state.seq - 3
    assert report.set_aside == ("000001.jsonl.damaged1",)
    assert len(disk.read(JOURNAL / "000001.jsonl.damaged1")) > len(disk.read(FIRST)) - 700


def test_a_missing_journal_begins_anew_after_the_state() -> None:
    disk, state = account(9, segment_bytes=3000)
    for path in segments(disk):
        disk.remove(path)
    assert refused_with(store(disk)) == "journal_missing"
    report, now = mended(disk)
    assert (now, report.set_aside) == (rooted(state), ())


@pytest.mark.parametrize("kept", [0, 40, 300, -30])
def test_a_journal_shorter_than_the_state_begins_anew_after_it(kept: int) -> None:
    disk, state = account()
    disk.put(FIRST, disk.read(FIRST)[:kept])
    assert mended(disk)[1] == rooted(state)


def test_a_damaged_header_begins_anew_after_the_state() -> None:
    disk, state = account()
    disk.put(FIRST, b"x" + disk.read(FIRST)[1:])
    assert mended(disk)[1] == rooted(state)


def test_state_and_journal_damaged_at_once_leave_the_newest_whole_generation() -> None:
    disk, state = account()
    disk.put(STATE, b"")
    for path in segments(disk):
        disk.remove(path)
    newest = store(disk).generations()[-1]
    assert mended(disk)[1].seq == newest.seq + 2 < state.seq


def test_with_nothing_whole_left_it_says_so() -> None:
    disk, _ = account()
    disk.put(STATE, b"")
    for item in store(disk).generations():
        disk.put(GENERATIONS / item.name, b"")
    with pytest.raises(NeedsHuman) as refused:
        restore(store(disk), None)
    assert refused.value.problems[0].code == "nothing_to_restore"


def test_an_unknown_name_touches_nothing() -> None:
    disk, _ = account()
    disk.put(STATE, b"")
    before = disk.everything()
    for name in ("state-1-2.json", "../../state.json", "state.json", ""):
        with pytest.raises(BadInput):
            restore(store(disk), name)
    assert disk.everything() == before


def test_going_back_takes_the_books_and_keeps_orders_and_consumed_proposals() -> None:
    disk, state = account(5)
    at = store(disk)
    at.load()
    at.append([OrderIntended(intent(6))], START_TIME, reduces_risk=True)
    chosen = store(disk).generations()[-2]
    older = store(disk).old_state(chosen.name)
    report, now = mended(disk, chosen.name)
    assert (now.books, now.recent, now.cursors) == (older.books, older.recent, older.cursors)
    assert now.cash != state.cash
    assert now.orders.keys() == state.orders.keys() | {intent(6).client_order_id}
    assert list(now.consumed) == [*state.consumed, "p6"]
    assert report.books_of == chosen.name
    assert now.seq == state.seq + 2


def test_going_back_can_itself_be_taken_back() -> None:
    disk, state = account(5)
    restore(store(disk), store(disk).generations()[-3].name)
    last = next(item for item in store(disk).generations() if item.seq == state.seq)
    _, now = mended(disk, last.name)
    assert (now.cash, now.positions) == (state.cash, state.positions)


def _short(disk: MemoryDisk) -> None:
    disk.put(FIRST, disk.read(FIRST)[:300])


def _empty_state(disk: MemoryDisk) -> None:
    disk.put(STATE, b"")


def _early_damage(disk: MemoryDisk) -> None:
    disk.put(FIRST, disk.read(FIRST).replace(b'"amount":"0.001"', b'"amount":"0.002"', 1))


@pytest.mark.parametrize(
    ("damage", "saved", "roots"), [(_short, True, 1), (_empty_state, False, 0), (_early_damage, False, 1)]
)
def test_a_power_cut_in_the_middle_of_a_restore_can_be_restored_again(
    damage: Callable[[MemoryDisk], None], saved: bool, roots: int
) -> None:
    disk, state = account(saved=saved)
    damage(disk)
    begun = disk.copy()
    restore(store(begun), None)
    for count in range(len(begun.steps) + 1):
        for words, left in power_cuts_of(disk, begun, count):
            assert mended(left)[1].seq - state.seq in (roots, 2 * roots), f"after {begun.steps[:count][-1:]}: {words}"


def power_cuts_of(damaged: MemoryDisk, begun: MemoryDisk, count: int) -> list[tuple[str, MemoryDisk]]:
    """The disks that a power cut after `count` steps leaves of one that was damaged before."""
    return list(power_cuts(begun.steps[:count], damaged.copy()))
