"""Trades come out in order, each once, whatever the order of the file; nothing is left behind."""

from __future__ import annotations

import gc
import gzip
import itertools
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fills_files import TIME, line, write
from tradekit.adapters import fills_order
from tradekit.adapters.fills_fields import MissingField, NotATrade, Row, read_trade
from tradekit.adapters.fills_file import read_trades
from tradekit.adapters.fills_numbers import BadField
from tradekit.domain.errors import BadInput
from tradekit.domain.fill import BrokenTrade, TradeRow

SRC = Path(__file__).parents[2] / "src"


def place(row: Row) -> tuple[int, str, str]:
    return row.time, row.symbol, row.trade_id


def expected(lines: list[str]) -> list[Row]:
    """By definition: each line read alone, then sorted; trades of one place keep their order."""
    return sorted((read_trade(text.encode()) for text in lines), key=place)


SHUFFLED = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["BTC/USD", "ETH-USD", "A/B"]), st.integers(8, 11), st.booleans()),
    min_size=1,
    max_size=30,
).map(
    lambda rows: [
        line(id=str(name), timestamp=TIME + time, symbol=symbol, amount="2" if good else "0", info={"n": number})
        for number, (time, symbol, name, good) in enumerate(rows)
    ]
)


@given(SHUFFLED, st.sampled_from([1, 100, 400, 1000, 65536]), st.integers(1, 7), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_in_any_order_come_out_in_order_and_complete(
    tmp_path: Path, lines: list[str], block: int, run_rows: int, ascending: bool, packed: bool
) -> None:
    if ascending:
        lines.sort(key=lambda text: json.loads(text)["timestamp"])
    path = write(tmp_path, *lines, packed=packed)
    assert list(read_trades(path, block=block, run_rows=run_rows)) == expected(lines)


@pytest.mark.parametrize("packed", [False, True])
def test_blocks_may_end_at_any_byte(tmp_path: Path, packed: bool) -> None:
    lines = [line(number, info="é" * (number % 3), amount=number % 4, datetime=..., fee=...) for number in range(5)]
    lines[2] = lines[3].replace('"t3"', '"z3"')
    path = write(tmp_path, *lines, "", packed=packed)
    rows = expected(lines)
    for block in range(1, len("".join(lines)) + 15):
        assert list(read_trades(path, block=block, run_rows=2)) == rows


@given(st.binary(max_size=200) | st.lists(st.text('{}[]",:\\ \r0.1eaINu-', max_size=30)).map("\n".join).map(str.encode))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(b"\x1f\x8b")
@example(b"\x1f\x8b\x08\x00" + bytes(30))
@example(gzip.compress(b"{}", mtime=0) * 2)
def test_any_bytes_are_trades_or_are_refused(tmp_path: Path, written: bytes) -> None:
    (tmp_path / "any").write_bytes(written)
    with pytest.raises(BadInput) as caught:
        list(read_trades(str(tmp_path / "any")))
    (problem,) = caught.value.problems
    assert problem.message.isprintable()
    assert problem.fix.isprintable()


@given(st.dictionaries(st.sampled_from(["id", "amount", "fee", "symbol", "x"]), st.text() | st.floats() | st.none()))
def test_the_words_for_a_bad_line_are_printable(changed: dict[str, Any]) -> None:
    try:
        row = read_trade(line(**changed).encode())
    except (NotATrade, MissingField, BadField) as error:
        assert all(str(words).isprintable() for words in error.args)
    else:
        assert isinstance(row, TradeRow) or row.why.isprintable()


def no_scratch(*_: Any, **__: Any) -> Any:
    raise AssertionError("a temporary file was made")


def test_an_ascending_file_needs_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", no_scratch)
    lines = [line(number, timestamp=TIME + number // 2, id=f"t{-number % 10}") for number in range(2000)]
    assert list(read_trades(write(tmp_path, *lines))) == expected(lines)
    with pytest.raises(AssertionError, match="temporary"):
        list(read_trades(write(tmp_path, *lines, lines[0])))


def test_many_trades_of_one_millisecond_are_not_all_held(tmp_path: Path) -> None:
    """A file may be one big tie: then it is sorted like any other."""
    assert fills_order.is_ascending([b'{"timestamp": 1}\n{"timestamp": 2}\n', b'{"timestamp": 2}\n{"timestamp": 3}\n'])
    assert not fills_order.is_ascending([b'{"timestamp": 1}\n{"timestamp": 2}\n', b'{"timestamp": 2}\n' * 2])
    lines = [line(number, timestamp=TIME) for number in range(1000)]
    assert list(read_trades(write(tmp_path, *lines), run_rows=100)) == expected(lines)


def files_in(folder: Path) -> list[str]:
    return [name for _, folders, files in os.walk(folder) for name in folders + files]


def test_nothing_is_left_behind_whenever_the_reading_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    lines = [line(number) for number in (3, 1, 2)] * 20
    path, open_before = write(tmp_path, *lines), len(os.listdir("/proc/self/fd"))
    for taken in (0, 1, 5, 59, 60):
        rows = read_trades(path, run_rows=7)
        assert len(list(itertools.islice(rows, taken))) == taken
        assert files_in(scratch) == []
        assert taken == 0 or len(os.listdir("/proc/self/fd")) == open_before + 2
        rows.close()
        assert len(os.listdir("/proc/self/fd")) == open_before
    bad = write(tmp_path, *lines, "{}", name="bad.jsonl")
    with pytest.raises(BadInput, match="line 61: id is missing"):
        next(read_trades(bad, run_rows=7))
    gc.collect()
    assert files_in(scratch) == []
    assert len(os.listdir("/proc/self/fd")) == open_before


def test_no_room_to_sort_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, line(2), line(1))
    full = partial(open, "/dev/full", "r+b", buffering=0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full())
    with pytest.raises(BadInput, match="temporary file: No space left on device") as caught:
        next(read_trades(path))
    assert caught.value.problems[0].code == "fills_not_sorted"


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path, *(line(number) for number in range(500)))
    rows = read_trades(path)
    next(rows)
    with open(path, "a", encoding="utf-8") as file:
        file.write(line(600) + "\n")
    assert len(list(rows)) == 500
    rows = read_trades(path)
    next(rows)
    with open(path, "a", encoding="utf-8") as file:
        file.write(line(1) + "\n")
    with pytest.raises(BadInput, match="changed while it was read"):
        list(rows)


def test_a_trade_that_makes_no_sense_survives_the_sorting_as_it_is(tmp_path: Path) -> None:
    written = {"symbol": "BTC-USD", "fees": [{"cost": "1.50", "currency": None}]}
    path = write(
        tmp_path,
        line(9),
        line(2, **written),
        line(2, **written),
        line(1, amount=1e-7, cost=..., order=7, fees=[{"cost": 7, "currency": "BNB"}]),
    )
    rows = list(read_trades(path, run_rows=1))
    assert rows[1:3] == [BrokenTrade("BTC/USD", "t2", TIME + 2, "a fee of 1.5 has no currency")] * 2
    assert rows[0] == TradeRow(
        "BTC/USD", "t1", "7", True, Decimal("1e-7"), Decimal("5e-6"), (("BNB", Decimal(7)),), TIME + 1
    )  # fmt: skip


def numbered(count: int) -> Iterator[str]:
    shuffled = random.Random(7).sample(range(count), count)
    return (line(number, info="x" * 1500) for number in shuffled)


_COUNT = """
import sys
from tradekit.adapters.fills_file import read_trades
last, total = 0, 0
for row in read_trades(sys.argv[1]):
    assert row.time > last
    last, total = row.time, total + 1
print(total)
"""


@pytest.mark.parametrize("packed", [False, True])
def test_memory_is_bounded_however_long_and_unordered_the_file_is(tmp_path: Path, packed: bool) -> None:
    path = write(tmp_path, *numbered(60_000), packed=packed)
    done = subprocess.run(
        [sys.executable, "-c", _COUNT, path],
        env={"PATH": os.defpath, "PYTHONPATH": str(SRC), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (110 * 1024**2,) * 2),
    )
    assert (done.stdout, done.stderr) == ("60000\n", "")


def test_msgspec_is_not_there_before_a_file_is_read() -> None:
    probe = "import sys; import tradekit.adapters.fills_file; print('msgspec' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe],
        env={"PATH": os.defpath, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
