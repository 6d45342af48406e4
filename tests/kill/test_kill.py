"""SIGKILL at every step of a paper cycle: whatever it hits, the next run goes on and the books stay the exchange's.

The harness is `kill_at.py`. How many kills landed in the two windows that matter is printed, and must not be none.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from kill_homes import Case, Run, Step, carry_out, killed_from_outside, new_home, proposals
from kill_table import FULL, Row, Scenario, Show, census, faults_after, gone_on, killed, sampled, spread, unanswered

MOST = 30


def first_cycle(folder: Path) -> Scenario:
    """A fresh account that buys twice and sells something it held before."""
    wishes = proposals(
        folder / "first.json",
        {"id": "a", "symbol": "ETH/USDT", "side": "buy", "notional": "60"},
        {"id": "b", "symbol": "SOL/USDT", "side": "buy", "notional": "60"},
        {"id": "c", "symbol": "ZK/USDT", "side": "sell", "amount": "400"},
    )
    return Scenario("first cycle", new_home(folder / "fresh"), ("cycle", "--proposals", str(wishes)))


def later_cycle(folder: Path) -> Scenario:
    """An account that holds what it bought, with fees in the asset received; it sells that and buys something else."""
    earlier = first_cycle(folder)
    home = new_home(folder / "later", "received")
    carry_out([Case(home, home, [Run(earlier.arguments), Run(("cycle",))])])
    (home / "wire.log").unlink()
    wishes = proposals(
        folder / "later.json",
        {"id": "d", "symbol": "ETH/USDT", "side": "sell", "amount": "0.01"},
        {"id": "e", "symbol": "BTC/USDT", "side": "buy", "notional": "50"},
        {"id": "f", "symbol": "SOL/USDT", "side": "sell", "notional": "20"},
    )
    return Scenario("later cycle", home, ("cycle", "--proposals", str(wishes)))


def commits(steps: Sequence[Step]) -> list[tuple[Step, str]]:
    """Right after each commit of the exchange, where an order may be there and its answer is not recorded."""
    return [(step, "after") for step in steps if step.label == "sqlite commit"]


def is_unsynced_append(row: Row) -> bool:
    """Whether the kill came between the write of a journal line and its sync."""
    action = row.case.runs[0].action
    assert action is not None
    call, _, path = action.label.partition(" ")
    return path.startswith("main/paper/journal/0") and (call, action.when) in (("write", "after"), ("fsync", "before"))


@pytest.mark.parametrize("make", [first_cycle, later_cycle])
def test_a_kill_at_every_step_of_a_cycle(make: Callable[[Path], Scenario], tmp_path: Path, show: Show) -> None:
    scenario = make(tmp_path)
    steps = census(scenario, tmp_path).steps
    window = [(step, "after") for step in steps if step.label.startswith("write main/paper/journal/0")]
    rows = killed(scenario, tmp_path, [*dict.fromkeys([*sampled(steps, MOST), *window])])
    homes = [row.home for row in rows]
    wrong, open_ones = faults_after(homes), unanswered(homes)
    wrong += gone_on(scenario, homes)
    unsynced = sum(is_unsynced_append(row) for row in rows)
    show(
        f"{scenario.name}: {len(steps)} steps, {len(rows)} kills; {unsynced} between an append's write and its sync,"
        f" {open_ones} between a durable intent and its recorded answer; {len(wrong)} faults"
    )
    assert not wrong
    assert unsynced > 0
    assert open_ones > 0


def test_a_second_kill_while_the_next_run_repairs_what_the_first_one_left(tmp_path: Path, show: Show) -> None:
    scenario = later_cycle(tmp_path)
    steps = census(scenario, tmp_path).steps
    first = killed(scenario, tmp_path, sampled([steps[n] for n in spread(len(steps), 12)[2:-1]], 12))
    repairs = carry_out([Case(row.home, row.home.with_suffix(".census"), [Run(("cycle",))]) for row in first])
    cases = []
    for row, [repair] in zip(first, repairs, strict=True):
        for n in spread(len(repair.steps), len(repair.steps) if FULL else 3):
            home = row.home.with_suffix(f".{n}")
            cases.append(Case(row.home, home, [Run(("cycle",), repair.steps[n].at("after"))]))
    ended = carry_out(cases)
    assert {found.exit for [found] in ended} == {-signal.SIGKILL}
    homes = [case.home for case in cases]
    wrong, open_ones = faults_after(homes), unanswered(homes)
    wrong += gone_on(scenario, homes)
    show(f"killed twice: {len(cases)} pairs, {open_ones} with an unanswered intent left; {len(wrong)} faults")
    assert not wrong
    assert open_ones > 0


def test_kills_from_outside_at_any_time(tmp_path: Path, show: Show) -> None:
    scenario = first_cycle(tmp_path)
    homes = [tmp_path / f"outside-{number}" for number in range(13)]
    carry_out([Case(scenario.home, home, []) for home in homes])
    begin = time.monotonic()
    assert killed_from_outside(homes[0], scenario.arguments, 60) == 0
    whole = time.monotonic() - begin
    exits = [
        killed_from_outside(home, scenario.arguments, whole * (0.3 + 0.7 * number / len(homes)))
        for number, home in enumerate(homes[1:])
    ]
    wrong = faults_after(homes)
    wrong += gone_on(scenario, homes)
    show(f"killed from outside: {exits.count(-signal.SIGKILL)} of {len(exits)}; {len(wrong)} faults")
    assert not wrong
    assert set(exits) <= {0, -signal.SIGKILL}


def test_the_harness_finds_an_order_that_is_sent_before_its_intent_is_durable(tmp_path: Path) -> None:
    scenario = first_cycle(tmp_path)
    points = commits(census(scenario, tmp_path, mutant="send_first").steps)
    rows = killed(scenario, tmp_path, points[:8], mutant="send_first")
    assert any("no durable intent" in fault for fault in faults_after([row.home for row in rows]))


def test_the_harness_finds_an_order_that_is_sent_again_without_a_look(tmp_path: Path) -> None:
    scenario = first_cycle(tmp_path)
    rows = killed(scenario, tmp_path, commits(census(scenario, tmp_path).steps)[:8])
    homes = [row.home for row in rows]
    assert any("was sent 2 times" in fault for fault in gone_on(scenario, homes, mutant="send_again"))
