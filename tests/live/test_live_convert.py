"""Dust converted by the real program on the server of Binance's dialect: once, whatever the wire does to it."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

from live_home import LiveHome, books_of
from rig import D, Rig
from tradekit.domain.errors import Unreachable
from tradekit.domain.state import State
from tradekit.flows.dust_sweep import dust_sweep
from tradekit.flows.reconcile_fills import Wanted, reconcile_fills

ROUNDS = int(os.environ.get("TRADEKIT_CYCLES", "40"))
CONVERTING = {"dust": {"actions": ["convert"]}}
MINUTE_MS = 60_000


def engine_books(rig: Rig) -> dict[str, object]:
    return {asset: amount for asset, amount in rig.engine.totals.items() if amount}


def test_a_sweep_of_the_real_program(binance: LiveHome) -> None:
    binance.policy(**CONVERTING)
    rig = binance.rig
    rig.engine.totals["DOGE"] = D(30)
    assert binance("cycle").code == 0
    dry = binance("dust-sweep --dry-run")
    assert (dry.code, dry.err) == (0, "")
    assert "converted by the exchange" in dry.out
    assert {"offer"} <= {*binance.requests()} and "convert" not in binance.requests()
    swept = binance("dust-sweep --json")
    assert (swept.code, swept.problems) == (0, [])
    (told,) = swept.data["conversions"]
    assert (told["fate"], told["amount"], told["received"]) == ("converted", "30", told["promised"])
    assert rig.engine.totals["DOGE"] == 0
    assert [p["asset"] for p in binance("status --json").data["positions"] if p["quantity"] != "0"] == ["ETH", "SOL"]
    assert (binance("reconcile-fills --json").code, binance("state verify").code) == (0, 0)
    assert binance("dust-sweep --quiet").out == ""


def test_one_without_an_answer_is_shown_and_found_by_the_next_run(binance: LiveHome) -> None:
    binance.policy(**CONVERTING)
    binance.rig.engine.totals["DOGE"] = D(30)
    assert binance("cycle").code == 0
    binance.rig.faults.put("convert", "drop")
    binance.rig.faults.put("conversion", *["502"] * 3)
    swept = binance("dust-sweep")
    assert "its end is open" in swept.out
    assert binance.rig.engine.totals["DOGE"] == 0
    status = binance("status")
    assert "Unfinished conversions" in status.out
    assert binance("reconcile-fills --json").code == 0
    assert binance.rig.dialect.converts.accepts == 1
    assert books_now(binance) == engine_books(binance.rig)


def books_now(live: LiveHome) -> dict[str, object]:
    with live.desk() as desk:
        return {asset: amount for asset, amount in books_of(desk.state).items() if amount}


def test_the_books_agree_after_a_row_of_sweeps_under_faults(tmp_path: Path) -> None:
    """Dust comes in, is converted or not, answers are lost, late or broken; in the end all of it is in the books."""
    words = ("drop", "drop_before", "502", "502_before", "hang_before", "html", "late:4000", "429:1", "hollow")
    random = Random("conversions")

    def draw(kind: str) -> str:
        return (
            random.choice(words)
            if kind in ("offer", "convert", "conversion", "conversions") and random.random() < 0.4
            else ""
        )

    with Rig("binance", tmp_path, timeout_ms=300) as rig:
        live = LiveHome(rig, tmp_path, **CONVERTING, books={"record_differences": "all"})
        converts = rig.dialect.converts
        rig.engine.totals["DOGE"] = D(30)
        with live.desk() as desk:
            reconcile_fills(desk, Wanted())
        rig.faults.draw = draw
        for _ in range(ROUNDS):
            if not rig.engine.totals["DOGE"] and random.random() < 0.7:
                rig.engine.totals["DOGE"] = D(random.randint(10, 45))
            converts.process_ms, converts.fails = random.choice((0, 0, 90_000)), random.random() < 0.2
            live.full_budget()
            try:
                with live.desk() as desk:
                    dust_sweep(desk)
            except Unreachable:
                pass
            rig.time.sleep(random.randint(1, 9) * MINUTE_MS)
        rig.faults.draw = None
        state = settled(rig, live)
        carried_out = [quote for quote in converts.quotes if quote.status == "SUCCESS"]
        assert len(carried_out) > ROUNDS // 8
        assert books_of(state) == engine_books(rig)
        sold = sum((quote.amount for quote in carried_out), D(0))
        assert state.books.tallies["DOGE"].sold == sold, "booked as a withdrawal, twice or not at all"


def settled(rig: Rig, live: LiveHome) -> State:
    for _ in range(6):
        rig.time.sleep(20 * MINUTE_MS)
        live.full_budget()
        with live.desk() as desk:
            report = reconcile_fills(desk, Wanted())
    assert desk.state.conversions == {}
    assert [problem.code for problem in report.problems] == []
    return desk.state
