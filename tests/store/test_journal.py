"""The journal: a chain that shows every change, an end that a crash may leave unfinished, and nothing else cut."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

import pytest

from account_files import (
    FIRST,
    JOURNAL,
    START_TIME,
    continued,
    cycle_of,
    finished,
    folded,
    intent,
    lines,
    refused_with,
    segments,
    seq_of,
    store,
    written,
)
from memory_disk import MemoryDisk
from some_books import books_of
from tradekit.adapters.store.journal import Journal
from tradekit.adapters.store.record_line import GENESIS, START
from tradekit.domain.errors import NeedsHuman
from tradekit.domain.event import OrderAcknowledged, OrderIntended, Record


def whole(cycles: int = 2, *, saved: bool = False) -> MemoryDisk:
    disk = MemoryDisk()
    written(disk, cycles, saved=saved)
    return disk


def refused_unchanged(disk: MemoryDisk, *, segment_bytes: int = 2**22) -> str:
    before = disk.everything()
    code = refused_with(store(disk, segment_bytes=segment_bytes))
    assert disk.everything() == before
    return code


def test_every_line_names_the_hash_of_the_line_before_and_seals_itself() -> None:
    disk = whole()
    before = GENESIS
    for number, line in enumerate(lines(disk), start=1):
        fields = json.loads(line)
        assert list(fields) == ["seq", "prev", "time", "type", "body", "write", "hash"]
        assert (fields["seq"], fields["prev"]) == (number, before)
        before = hashlib.sha256(line[: line.rindex(b',"hash":"')]).hexdigest()
        assert fields["hash"] == before


def test_a_line_names_the_write_that_brought_it() -> None:
    assert [json.loads(line)["write"] for line in lines(whole(1))] == [1, 2, 3, 4, 4, 6]


def test_the_last_line_torn_at_any_byte_is_cut_and_the_journal_goes_on() -> None:
    disk = whole()
    content = disk.read(FIRST)
    last = lines(disk)[-1]
    good = len(content) - len(last)
    for torn in range(len(last)):
        copy = disk.copy()
        copy.put(FIRST, content[: good + torn])
        at = store(copy)
        state = continued(at)
        assert state.seq == seq_of(last) - 1
        assert copy.read(FIRST) == content[:good]
        at.append([finished(START_TIME)], START_TIME, reduces_risk=True)
        assert store(copy).verify().records == seq_of(last)


def test_a_line_that_lacks_only_its_line_end_is_unfinished() -> None:
    disk = whole()
    disk.put(FIRST, disk.read(FIRST)[:-1])
    assert continued(store(disk)).seq == seq_of(lines(whole())[-1]) - 1


def test_a_reader_sees_the_torn_end_and_leaves_it_there() -> None:
    disk = whole()
    disk.put(FIRST, disk.read(FIRST)[:-5])
    before = disk.everything()
    at = store(disk, may_write=False)
    assert len(at.load().tail) == 4
    assert at.verify().unfinished_bytes == len(lines(whole())[-1]) - 5
    assert disk.everything() == before


@pytest.mark.parametrize("missing", range(4))
def test_a_write_of_several_lines_torn_in_any_block_is_cut_as_a_whole_end(missing: int) -> None:
    disk = MemoryDisk()
    at = store(disk)
    continued(at)
    at.append([cycle_of(1)[0][0]], START_TIME, reduces_risk=True)
    good = len(disk.read(FIRST))
    at.append([OrderIntended(intent(number)) for number in range(4)], START_TIME, reduces_risk=True)
    content = disk.read(FIRST)
    spans, offset = [], good
    for line in content[good:].splitlines(keepends=True):
        spans.append((offset, offset + len(line)))
        offset += len(line)
    begin, end = spans[missing]
    for first, last in ((begin, end), (begin, begin + 9), (end - 9, end), (begin + 30, end - 30)):
        copy = disk.copy()
        copy.put(FIRST, content[:first] + bytes(last - first) + content[last:])
        assert continued(store(copy)).seq == 1 + missing
        assert copy.read(FIRST) == content[:begin]


@pytest.mark.parametrize("zeros", [1, 63, 512, 4096])
def test_an_end_filled_with_zeros_is_cut(zeros: int) -> None:
    disk = whole()
    content = disk.read(FIRST)
    disk.put(FIRST, content + bytes(zeros))
    assert continued(store(disk)).seq == seq_of(lines(whole())[-1])
    assert disk.read(FIRST) == content


def test_one_flipped_bit_in_any_earlier_write_is_refused() -> None:
    disk = whole()
    content = disk.read(FIRST)
    header = content.index(b"\n") + 1
    last = len(content) - len(lines(disk)[-1])
    for place in (*range(header, last, 7), last - 1):
        copy = disk.copy()
        copy.put(FIRST, content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        with_state_behind_it = refused_with(store(copy)) if _is_in_tail(disk, place) else "journal_damaged"
        assert with_state_behind_it == "journal_damaged"
        with pytest.raises(Exception, match="is bad after record") as damage:
            store(copy).verify()
        assert "in the middle" in str(damage.value)


def _is_in_tail(disk: MemoryDisk, place: int) -> bool:
    loaded = store(disk, may_write=False).load()
    assert loaded.state is not None
    folded_in = sum(len(line) for line in lines(disk)[: loaded.state.seq])
    return place >= disk.read(FIRST).index(b"\n") + 1 + folded_in


@pytest.mark.parametrize("damage", [b"", b"\n", b"{}\n", b"not json\n", bytes(200) + b"\n"])
def test_a_bad_line_in_the_middle_is_refused_and_nothing_is_changed(damage: bytes) -> None:
    disk = whole(1)
    found = lines(disk)
    disk.put(FIRST, disk.read(FIRST).replace(found[2], damage))
    disk.put(JOURNAL.parent / "state.json", whole_state_of_a_fresh_account())
    assert refused_unchanged(disk) == "journal_damaged"


def whole_state_of_a_fresh_account() -> bytes:
    disk = MemoryDisk()
    continued(store(disk))
    return disk.read(JOURNAL.parent / "state.json")


def test_a_gap_and_a_repeated_line_are_refused() -> None:
    found = lines(whole(1))
    for changed in (found[:1] + found[2:], found[:2] + found[1:]):
        disk = whole(1)
        header = disk.read(FIRST).partition(b"\n")[0] + b"\n"
        disk.put(FIRST, header + b"".join(changed))
        assert refused_unchanged(disk) == "journal_damaged"


def test_a_whole_last_line_that_this_version_cannot_read_is_never_cut() -> None:
    disk = whole(1)
    body = lines(disk)[-1].rpartition(b',"hash"')[0].replace(b"cycle_finished", b"cycle_exploded")
    sealed = body + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n'
    disk.put(FIRST, disk.read(FIRST).replace(lines(disk)[-1], sealed))
    assert refused_unchanged(disk) == "journal_damaged"


def test_a_tail_is_read_only_behind_the_very_record_that_the_state_saw() -> None:
    ours, theirs = whole(2, saved=True), MemoryDisk()
    other = store(theirs)
    continued(other)
    for number in range(20):
        other.append([OrderAcknowledged(intent(number).client_order_id, "x" * 99)], START_TIME, reduces_risk=True)
    ours.put(FIRST, theirs.read(FIRST)[: len(ours.read(FIRST))] + b"\n")
    assert refused_unchanged(ours) == "journal_damaged"


@pytest.mark.parametrize("kept", [0, 1, 50, -400])
def test_a_journal_shorter_than_its_state_is_refused(kept: int) -> None:
    disk = whole(2, saved=True)
    disk.put(FIRST, disk.read(FIRST)[:kept])
    assert refused_unchanged(disk) == "journal_shorter"


def test_a_missing_journal_is_refused() -> None:
    disk = whole(2, saved=True)
    disk.remove(FIRST)
    assert refused_unchanged(disk) == "journal_missing"


def test_segments_follow_one_another_and_give_the_same_state() -> None:
    disk, one = MemoryDisk(), MemoryDisk()
    records = written(disk, 12, segment_bytes=3000)
    assert len(segments(disk)) > 4
    assert records == written(one, 12)
    assert store(disk).load().state == folded(records) == store(one).load().state
    assert [line.record for line in store(disk).lines()] == records
    assert store(disk).verify().records == len(records)


def test_a_tail_over_several_segments_is_replayed() -> None:
    disk = MemoryDisk()
    at = store(disk, segment_bytes=1000)
    state = continued(at)
    records: list[Record] = []
    for number in range(1, 6):
        for events in cycle_of(number):
            records.extend(at.append(events, START_TIME, reduces_risk=True))
    assert len(segments(disk)) > 5
    assert store(disk).load() == (state, tuple(records))
    assert store(disk).verify().records == len(records)


def test_a_missing_or_swapped_segment_is_refused() -> None:
    disk = MemoryDisk()
    at = store(disk, segment_bytes=1000)
    continued(at)
    for number in range(1, 6):
        for events in cycle_of(number):
            at.append(events, START_TIME, reduces_risk=True)
    gap, swapped = disk.copy(), disk.copy()
    gap.remove(segments(disk)[2])
    assert refused_unchanged(gap) == "journal_damaged"
    second, third = segments(disk)[1:3]
    swapped.put(second, disk.read(third))
    assert refused_unchanged(swapped) == "journal_damaged"
    first_gone = disk.copy()
    first_gone.remove(segments(disk)[0])
    assert refused_unchanged(first_gone) == "journal_damaged"


def test_a_torn_end_is_only_cut_in_the_last_segment() -> None:
    disk = MemoryDisk()
    at = store(disk, segment_bytes=1000)
    continued(at)
    for events in cycle_of(1):
        at.append(events, START_TIME, reduces_risk=True)
    path = segments(disk)[1]
    disk.put(path, disk.read(path)[:-3])
    assert refused_unchanged(disk) == "journal_damaged"


def test_a_crash_right_after_a_rotation_leaves_an_empty_segment_that_is_used() -> None:
    disk = MemoryDisk()
    records = written(disk, 3, segment_bytes=2000)
    journal = Journal(disk, JOURNAL, 2000)
    end = journal.tail(START).end
    journal._begin_segment(end)
    at = store(disk)
    state = continued(at)
    assert state == folded(records)
    at.save(state._replace(books=books_of(Decimal(1))))
    assert store(disk).verify().records == len(records)
    at.append([finished(START_TIME)], START_TIME, reduces_risk=True)
    assert len(store(disk).load().tail) == 1


def test_one_flipped_bit_anywhere_in_a_header_is_refused() -> None:
    disk = MemoryDisk()
    written(disk, 3, saved=False, segment_bytes=2000)
    for path in segments(disk)[:2]:
        content = disk.read(path)
        for bit in range(0, 8 * (content.index(b"\n") + 1), 3):
            copy = disk.copy()
            place = bit // 8
            copy.put(path, content[:place] + bytes([content[place] ^ 1 << bit % 8]) + content[place + 1 :])
            with pytest.raises(NeedsHuman) as refused:
                store(copy).verify()
            assert refused.value.problems[0].code in ("journal_damaged", "journal_newer")


def test_a_journal_that_was_not_read_is_not_overwritten() -> None:
    disk = whole(1)
    before = disk.everything()
    with pytest.raises(NeedsHuman):
        store(disk).append([finished(START_TIME)], START_TIME, reduces_risk=True)
    assert disk.everything() == before


def test_a_newer_schema_is_refused_also_for_writing() -> None:
    disk = whole(1)
    disk.put(FIRST, disk.read(FIRST).replace(b'"schema_version":1', b'"schema_version":2'))
    assert refused_unchanged(disk) == "journal_newer"
