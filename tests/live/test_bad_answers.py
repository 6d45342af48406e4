"""Bad answers and bad surroundings, through the whole program: what it decides and sends, and what its books say."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from command_line import bare
from live_home import LiveHome, books_of
from rig import WIRED, D, Rig
from tradekit.domain.times import DAY_MS
from tradekit.flows.cycle import Wanted, cycle

LOST = ("drop", "truncate", "502", "524", "409", "empty", "html", "null", "hollow")


def ideas(live: LiveHome, id: str = "a") -> str:
    return live.proposals({"id": id, "symbol": live.rig.symbol(), "side": "buy", "notional": "30"})


def totals(live: LiveHome) -> dict[str, Any]:
    return {asset: total for asset, total in live.rig.engine.totals.items() if total}


def sent(live: LiveHome) -> int:
    return live.requests().count("create")


@pytest.mark.parametrize("word", LOST)
@pytest.mark.parametrize("name", WIRED)
def test_an_order_whose_answer_is_lost_is_found_and_not_sent_again(tmp_path: Path, name: str, word: str) -> None:
    with Rig(name, tmp_path) as rig:
        live = LiveHome(rig, tmp_path)
        with live.desk() as desk:
            cycle(desk, Wanted())
        rig.faults.put("create", word)
        with live.desk() as desk:
            cycle(desk, wish(live))
        assert sent(live) == 1
        rig.time.sleep(60_000)
        with live.desk() as desk:
            cycle(desk, wish(live))
            assert books_of(desk.state) == totals(live)
        assert sent(live) == 1
        assert rig.engine.open_orders() == []
        assert live.sent_twice() == {}


def wish(live: LiveHome) -> Wanted:
    from tradekit.adapters.proposals_file import load_proposals

    return Wanted(load_proposals(ideas(live).split()[1]))


def test_an_order_of_somebody_else_is_counted_and_never_touched(live: LiveHome) -> None:
    rig = live.rig
    live("cycle")
    rig.engine.place("", rig.symbol(), "buy", "limit", D(1), D(2400))
    for _ in range(2):
        assert live("cycle --json").code == 0
    assert "cancel" not in live.requests()
    assert len(rig.engine.open_orders()) == 1
    assert [order["symbol"] for order in live("status --json").data["foreign"]] == [rig.symbol()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_ended_while_its_order_is_on_the_way_loses_nothing(live: LiveHome, number: int) -> None:
    rig = live.rig
    live.policy(exchange={"timeout_ms": 60_000})
    live("cycle")
    live.full_budget()
    rig.faults.put("create", "hang")
    with subprocess.Popen(
        [sys.executable, "-m", "tradekit", "cycle", *ideas(live).split()], env=bare(live.home), stderr=subprocess.PIPE
    ) as process:
        give_up = time.monotonic() + 20
        while not rig.engine.orders and time.monotonic() < give_up:
            time.sleep(0.01)
        process.send_signal(number)
        if number == signal.SIGTERM:
            rig.faults.released.set()
        process.communicate(timeout=300)
    assert process.returncode in (-signal.SIGKILL, 11)
    live.policy()
    give_up = time.monotonic() + 20
    while rig.engine.open_orders() and time.monotonic() < give_up:  # until its deadline it may rest
        ran = live(f"cycle --json {ideas(live)}")
        assert ran.data["repeated"] == ["a"]
    assert live("cycle").code == 0
    assert rig.engine.open_orders() == []
    assert live.sent_twice() == {} and sent(live) == 1


@pytest.mark.parametrize("shift", [-DAY_MS, DAY_MS])
def test_a_clock_that_is_wrong_by_a_day_decides_nothing(tmp_path: Path, shift: int) -> None:
    with Rig("binance", tmp_path) as rig:
        live = LiveHome(rig, tmp_path)
        decided = []
        for wrong in (0, shift, 0):
            with live.desk(shift=wrong) as desk:
                report = cycle(desk, wish(live))
                decided.append([type(decision).__name__ for decision in report.decisions] or list(report.repeated))
                assert report.started == rig.time.now() or abs(report.started - rig.time.now()) < 5000
            rig.time.sleep(60_000)
        assert decided == [["Approved"], ["a"], ["a"]]
