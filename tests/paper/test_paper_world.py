"""The paper world between runs: time, durability, damage, rehearsal. Nothing here waits."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from tests.paper.hand_feed import HandFeed, as_order, asked, bought, intent, setup

from tradekit.adapters.paper.setup import PaperSetup
from tradekit.adapters.paper.world import BEGINNING, LEDGER_NAME, PaperWorld
from tradekit.domain.errors import NeedsHuman
from tradekit.domain.outcome import OrderReport, ReportedStatus

MINUTE = 60_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / LEDGER_NAME


def footprint(folder: Path) -> dict[str, tuple[str, int, int]]:
    return {
        file.name: (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns, file.stat().st_mode)
        for file in sorted(folder.iterdir())
    }


def test_cycles_start_a_minute_apart(path: Path) -> None:
    starts = []
    for busy_ms in (0, 40_000, 60_000, 60_001, 200_000, 0):
        with PaperWorld(path, setup(), feed=HandFeed()) as world:
            world.begin_run(MINUTE)
            starts.append((world.clock.now() - BEGINNING) // 1000)
            world.clock.sleep(busy_ms)
    assert starts == [0, 60, 120, 180, 300, 540]  # 180 + 60.001 is past 240; 300 + 200 is past 480


def test_a_run_that_died_before_its_first_answer_is_not_repeated(path: Path) -> None:
    for expected in (0, 60, 120):
        world = PaperWorld(path, setup(), feed=HandFeed())
        world.begin_run(MINUTE)
        assert world.clock.now() == BEGINNING + expected * 1000


def test_world_time_outlives_the_run_and_never_goes_back(path: Path) -> None:
    with PaperWorld(path, setup(), feed=HandFeed()) as world:
        world.clock.sleep(12_345)
        world.clock.sleep(-5)
    with PaperWorld(path, setup(), feed=HandFeed()) as world:
        assert world.clock.now() == BEGINNING + 12_345


def test_an_order_rests_between_runs(path: Path) -> None:
    feed = HandFeed([asked(30_000, 7, 1000), bought(50_000, 27, 1000), bought(70_000, 99, 1000)])
    order = intent("sell 5 X/USDT @ 10")
    with PaperWorld(path, setup(), feed=feed) as world:
        world.begin_run(MINUTE)
        world.exchange.place([order])
    with PaperWorld(path, setup(), feed=feed) as world:
        world.begin_run(MINUTE)
        (answer,) = world.exchange.review((), {}).open_orders
        assert answer.filled == 2  # 27 - 7 ahead
        world.clock.sleep(10_001)
        assert world.exchange.review((), {}).open_orders == []


def test_balances_of_the_setup_are_for_the_first_time_only(path: Path) -> None:
    PaperWorld(path, setup(USDT="5"), feed=HandFeed()).close()
    with PaperWorld(path, setup(USDT="7", X="9"), feed=HandFeed()) as world:
        assert world.totals() == {"USDT": 5}


def test_files_are_private_whatever_the_umask(path: Path) -> None:
    old = os.umask(0)
    try:
        world = PaperWorld(path, setup(), feed=HandFeed())
        world.begin_run(MINUTE)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(old)
    assert LEDGER_NAME in modes
    assert set(modes.values()) == {0o600}


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.paper.hand_feed import HandFeed, bought, intent, setup
from tradekit.adapters.paper.world import PaperWorld
world = PaperWorld(Path(sys.argv[1]), setup(), feed=HandFeed([bought(2000, 57, 1000)]))
world.begin_run(60_000)
world.exchange.place([intent("sell 5 X/USDT @ 10", name="survivor")])
world.clock.sleep(2000)
world.exchange.review((), {}).open_orders
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_answered_survives_kill_9(path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", KILLED, str(path), str(Path(__file__).parents[2])], check=False)
    assert run.returncode == -signal.SIGKILL
    with PaperWorld(path, setup(), feed=HandFeed(), must_exist=True) as world:
        order = intent("sell 5 X/USDT @ 10", name="survivor")
        answer = world.exchange.lookup([as_order(order)])[order.client_order_id]
        assert isinstance(answer, OrderReport)
        assert (answer.status, answer.filled) == (ReportedStatus.OPEN, Decimal("0.7"))
        assert world.clock.now() == BEGINNING + 2300


def test_an_unfinished_creation_is_started_over(path: Path) -> None:
    path.with_name(LEDGER_NAME + ".new").write_bytes(b"half a ledger")
    PaperWorld(path, setup(), feed=HandFeed()).close()
    assert [file.name for file in path.parent.iterdir()] == [LEDGER_NAME]


def refused(path: Path, wanted: PaperSetup, *, must_exist: bool = False) -> str:
    with pytest.raises(NeedsHuman) as caught:
        PaperWorld(path, wanted, feed=HandFeed(), must_exist=must_exist)
    (problem,) = caught.value.problems
    assert str(path) in problem.message
    assert problem.fix
    return problem.code


def test_a_vanished_ledger_needs_a_human(path: Path) -> None:
    assert refused(path, setup(), must_exist=True) == "paper_ledger_missing"
    assert list(path.parent.iterdir()) == []


def test_a_log_without_its_ledger_is_not_written_over(path: Path) -> None:
    path.with_name(LEDGER_NAME + "-wal").write_bytes(b"the last trades")
    assert refused(path, setup()) == "paper_ledger_missing"


def test_another_quote_needs_a_human(path: Path) -> None:
    PaperWorld(path, setup(), feed=HandFeed()).close()
    assert refused(path, setup()._replace(quote="EUR")) == "paper_ledger_mismatch"


@pytest.mark.parametrize("content", [b"", b"garbage" * 400, b"SQLite format 3\0" + b"\0" * 2000])
def test_a_damaged_ledger_is_never_replaced(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path, setup()) == "paper_ledger_damaged"
    with pytest.raises(NeedsHuman):
        PaperWorld.scratch(path, setup(), feed=HandFeed())
    assert path.read_bytes() == content


def test_a_foreign_database_is_not_taken_over(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE meta(name, value)")
    assert refused(path, setup()) == "paper_ledger_damaged"


def test_damage_inside_the_file_is_reported_as_such(path: Path) -> None:
    PaperWorld(path, setup(), feed=HandFeed()).close()
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(bytes(data))
    with pytest.raises(NeedsHuman) as caught:
        PaperWorld(path, setup(), feed=HandFeed()).exchange.snapshot([])
    assert caught.value.problems[0].code == "paper_ledger_damaged"


@pytest.mark.parametrize("while_open", [False, True])
def test_a_rehearsal_touches_no_byte(path: Path, *, while_open: bool) -> None:
    feed = HandFeed([bought(1000, 110, 1000)])
    world = PaperWorld(path, setup(), feed=feed)
    world.exchange.place([intent("sell 5 X/USDT @ 10")])
    if not while_open:
        world.close()
    before = footprint(path.parent)
    with PaperWorld.scratch(path, setup(), feed=feed) as rehearsal:
        rehearsal.begin_run(MINUTE)
        rehearsal.clock.sleep(1000)
        rehearsal.exchange.place([intent("sell 5 X/USDT @ 10.10")])
        assert len(rehearsal.exchange.review((), {}).open_orders) == 1
        assert len(rehearsal.exchange.fills_since({"X/USDT": 0})) == 1
    assert footprint(path.parent) == before


def test_a_rehearsal_works_without_a_ledger(path: Path) -> None:
    with PaperWorld.scratch(path, setup()) as rehearsal:
        rehearsal.begin_run(MINUTE)
        assert rehearsal.clock.now() == BEGINNING
        assert len(rehearsal.exchange.symbols()) == 50
    assert list(path.parent.iterdir()) == []


def work_per_call(path: Path) -> int:
    """Instructions of the database for one order, one poll and the latest fills."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with PaperWorld(path, setup(), feed=HandFeed()) as world:
        world._ledger._db.set_progress_handler(count, 1)
        order = intent("buy 1 X/USDT @ 9.90")
        world.exchange.place([order])
        world.exchange.lookup([as_order(order)])
        world.exchange.fills_since({"X/USDT": BEGINNING + 1_000_000_000})
        world.exchange.cancel([as_order(order)])
    return steps


def test_history_makes_no_call_slower(path: Path) -> None:
    PaperWorld(path, setup(), feed=HandFeed()).close()
    young = work_per_call(path)
    told = ("X/USDT", "sell", "PO", "1", "1", "1", "filled", "0", "USDT", 0, 0, 0)
    rows = [(n, f"old {n}", *told) for n in range(9, 20_009)]
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        db.executemany(
            "INSERT INTO trade VALUES (NULL, ?, 'X/USDT', 'sell', '1', '1', '1', '0', 'USDT', 1, ?)",
            ((row[0], BEGINNING + row[0]) for row in rows),
        )
    assert work_per_call(path) <= young * 1.2
