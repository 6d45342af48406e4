"""`state.json`: any change of any bit is refused, and older states are kept by a rule."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from account_files import (
    FOLDER,
    GENERATIONS,
    JOURNAL,
    MINUTE,
    STAMP,
    START_TIME,
    STATE,
    continued,
    finished,
    folded,
    refused_with,
    store,
    written,
)
from memory_disk import MemoryDisk
from plain_values import UNHURRIED
from some_books import books_of
from tradekit.adapters.store.record_line import START
from tradekit.adapters.store.snapshot import Generations, Saved, parse, render
from tradekit.decide.fold import replay
from tradekit.domain.account import Mode
from tradekit.domain.errors import NeedsHuman
from tradekit.domain.event import CycleFinished, Refusal
from tradekit.domain.proposal import Origin, Side
from tradekit.domain.state import SCHEMA_VERSION, State

HOUR = 60 * MINUTE


def saved(cycles: int = 2) -> MemoryDisk:
    disk = MemoryDisk()
    written(disk, cycles)
    return disk


def refused(disk: MemoryDisk, content: bytes) -> str:
    disk.put(STATE, content)
    before = disk.everything()
    code = refused_with(store(disk))
    assert disk.everything() == before
    return code


def resealed(content: bytes, old: bytes, new: bytes) -> bytes:
    covered = content[len('{"checksum":"",') + 64 :].replace(old, new)
    return b'{"checksum":"' + hashlib.sha256(covered).hexdigest().encode() + b'",' + covered


def test_a_saved_state_is_read_back_with_nothing_to_replay() -> None:
    disk = MemoryDisk()
    records = written(disk, 3)
    assert store(disk).load() == (folded(records), ())


def test_the_file_is_one_json_object_of_known_fields() -> None:
    fields = json.loads(saved().read(STATE))
    assert list(fields) == ["checksum", "format", "schema_version", "journal", "state"]
    assert fields["schema_version"] == SCHEMA_VERSION


def test_an_empty_file_is_refused() -> None:
    assert refused(saved(), b"") == "state_damaged"


def test_a_file_cut_at_any_byte_is_refused() -> None:
    content = saved().read(STATE)
    for length in range(len(content)):
        with pytest.raises(NeedsHuman) as cut:
            parse(content[:length], STATE)
        assert cut.value.problems[0].code == "state_damaged"
    assert refused(saved(), content[:-1]) == "state_damaged"


def test_one_flipped_bit_anywhere_is_refused() -> None:
    content = saved(1).read(STATE)
    for bit in range(8 * len(content)):
        place = bit // 8
        with pytest.raises(NeedsHuman) as flipped:
            parse(content[:place] + bytes([content[place] ^ 1 << bit % 8]) + content[place + 1 :], STATE)
        assert flipped.value.problems[0].code == "state_damaged"


@UNHURRIED
@given(st.binary(max_size=400))
def test_no_bytes_at_all_end_in_a_traceback(content: bytes) -> None:
    with pytest.raises(NeedsHuman):
        parse(content, STATE)


@pytest.mark.parametrize("added", [b"\0", bytes(4096), b"\n", b"x"])
def test_anything_behind_the_end_is_refused(added: bytes) -> None:
    assert refused(saved(), saved().read(STATE) + added) == "state_damaged"


def test_zeros_of_the_right_length_are_refused() -> None:
    assert refused(saved(), bytes(len(saved().read(STATE)))) == "state_damaged"


def test_a_newer_version_is_refused() -> None:
    content = resealed(saved().read(STATE), b'"schema_version":1', b'"schema_version":2')
    assert refused(saved(), content) == "state_newer"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"start":"', b'"start":"NaN'),
        (b'"start":"', b'"start":"--'),
        (b'"start":', b'"hoard":'),
        (b'"cycles":2', b'"cycles":2.0'),
        (b'"cycles":2', b'"cycles":true'),
        (b'"type":"closed"', b'"type":"vanished"'),
    ],
)
def test_a_rightly_sealed_file_of_another_form_is_refused(old: bytes, new: bytes) -> None:
    content = saved().read(STATE)
    assert old in content
    assert refused(saved(), resealed(content, old, new)) == "state_damaged"


@pytest.mark.parametrize(
    "stamp",
    [
        STAMP._replace(exchange="kraken"),
        STAMP._replace(account="other"),
        STAMP._replace(mode=Mode.LIVE),
        STAMP._replace(quote="EUR"),
        STAMP._replace(key_fingerprint="0123"),
    ],
)
def test_the_state_of_another_account_is_refused(stamp: object) -> None:
    disk = saved()
    before = disk.everything()
    assert isinstance(stamp, type(STAMP))
    assert refused_with(store(disk, stamp=stamp)) == "state_of_other_account"
    assert disk.everything() == before


def test_a_missing_state_beside_a_journal_is_refused() -> None:
    disk = saved()
    disk.remove(STATE)
    before = disk.everything()
    assert refused_with(store(disk)) == "state_missing"
    assert disk.everything() == before


def test_numbers_as_long_as_our_own_arithmetic_makes_them_are_read_back() -> None:
    disk = MemoryDisk()
    at = store(disk)
    state = continued(at)
    third = Decimal(10**14) / Decimal(7)
    refusal = Refusal("p", "BTC/USDT", Side.BUY, Origin.EXTERNAL, "cash", "cash", third, third / 10**15, "USDT")
    event: CycleFinished = finished(START_TIME)._replace(refusals=(refusal,), equity=third * third)
    state = replay(state, at.append([event], START_TIME, reduces_risk=True))
    assert store(disk).load().tail[0].event == event
    at.save(state)
    assert store(disk).load() == (state, ())


@pytest.mark.parametrize("number", [Decimal("NaN"), Decimal("Infinity"), Decimal("1e300")])
def test_what_could_not_be_read_back_is_never_written(number: Decimal) -> None:
    disk = MemoryDisk()
    at = store(disk)
    state = continued(at)
    at.append([finished(START_TIME)], START_TIME, reduces_risk=True)
    before = disk.everything()
    with pytest.raises(ValueError, match=r"survive|number"):
        at.append([finished(START_TIME)._replace(equity=number)], START_TIME, reduces_risk=True)
    with pytest.raises((ValueError, NeedsHuman)):
        at.save(state._replace(books=books_of(number)))
    assert {path: data for path, data in disk.everything().items() if path.parent != GENERATIONS} == before


def test_the_state_that_is_replaced_becomes_a_generation() -> None:
    disk = saved(2)
    before = disk.read(STATE)
    written_more = store(disk)
    state = continued(written_more)
    for record in written_more.append([finished(START_TIME)], START_TIME, reduces_risk=True):
        state = replay(state, [record])
    written_more.save(state)
    newest = store(disk).generations()[-1]
    assert disk.read(GENERATIONS / newest.name) == before
    assert (newest.seq, newest.size) == (state.seq - 1, len(before))


def test_a_state_that_did_not_change_is_not_written_again() -> None:
    disk = saved()
    at = store(disk)
    state = continued(at)
    before = disk.everything()
    at.save(state)
    assert disk.everything() == before
    assert disk.steps[-1].kind == "sync_folder"


def test_a_damaged_state_is_never_kept_over_a_good_one() -> None:
    disk = saved(3)
    good = {path: data for path, data in disk.everything().items() if path.parent == GENERATIONS}
    disk.put(STATE, b"")
    assert refused_with(store(disk)) == "state_damaged"
    assert {path: data for path, data in disk.everything().items() if path.parent == GENERATIONS} == good


def kept_after(times: list[int]) -> list[int]:
    """The times of the generations left when states of these times were replaced one after another."""
    disk = MemoryDisk()
    disk.make_folder(FOLDER)
    disk.put(STATE, b"")
    generations = Generations(disk, GENERATIONS)
    for seq, time in enumerate(times, start=1):
        generations.keep(STATE, Saved(State(STAMP, seq=seq, time=time), START))
    return [item.time for item in generations.all()]


def test_the_newest_three_stay_and_the_first_of_the_hour() -> None:
    assert kept_after([START_TIME + n * MINUTE for n in range(30)]) == [
        START_TIME + n * MINUTE for n in (0, 27, 28, 29)
    ]


def test_the_first_of_each_hour_stays_for_a_day_and_the_first_of_each_day_for_a_week() -> None:
    begin = START_TIME - START_TIME % (24 * HOUR)
    last = begin + 235 * HOUR - 20 * MINUTE
    kept = kept_after(list(range(begin, last + 1, 20 * MINUTE)))
    newest = {last - n * 20 * MINUTE for n in range(3)}
    hourly = {begin + (234 - n) * HOUR for n in range(24)}
    daily = {begin + (9 - n) * 24 * HOUR for n in range(7)}
    assert set(kept) == newest | hourly | daily
    assert len(kept) == 2 + 24 + 6


@UNHURRIED
@given(st.lists(st.integers(0, 30 * 24 * 3600), min_size=1, max_size=60))
def test_however_runs_are_spaced_few_are_kept_and_the_newest_always(seconds: list[int]) -> None:
    times = sorted(START_TIME + second * 1000 for second in seconds)
    kept = kept_after(times)
    assert kept[-min(3, len(times)) :] == times[-3:]
    assert len(kept) <= 3 + 24 + 7


def test_a_foreign_file_among_the_generations_is_left_alone() -> None:
    disk = saved(2)
    disk.put(GENERATIONS / "notes-1-2.json", b"mine")
    disk.put(GENERATIONS / "state-x-y.json", b"mine")
    written_names = [item.name for item in store(disk).generations()]
    assert all(name.startswith("state-0") for name in written_names)
    at = store(disk)
    state = continued(at)
    at.save(replay(state, at.append([finished(START_TIME)], START_TIME, reduces_risk=True)))
    assert disk.read(GENERATIONS / "notes-1-2.json") == b"mine"


def test_history_does_not_make_the_state_grow() -> None:
    disk = MemoryDisk()
    written(disk, 60)
    middle = len(disk.read(STATE))
    written_on(disk, 60, 90)
    assert len(disk.read(STATE)) < middle * 1.3


def written_on(disk: MemoryDisk, first: int, last: int) -> None:
    from account_files import cycle_of

    at = store(disk)
    state = continued(at)
    for number in range(first + 1, last + 1):
        for events in cycle_of(number):
            state = replay(state, at.append(events, START_TIME + number * MINUTE, reduces_risk=True))
    at.save(state)


def test_render_and_parse_are_inverse() -> None:
    disk = MemoryDisk()
    state = folded(written(disk, 4))
    place = Saved(state, START)
    assert parse(render(*place), Path("x")) == place
    assert JOURNAL.parent == STATE.parent
