"""SIGKILL at every step of a real cycle: whatever it hits, the next run goes on and the books stay the exchange's.

The harness is `kill_at.py`. How many kills landed in the two windows that matter is printed, and must not be none.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from kill_homes import Case, Ended, Facts, Run, carry_out, killed_from_outside, new_home, proposals
from tradekit.domain.errors import TradekitError

MOST_POINTS = 150
WHEN = ("before", "after")
Show = Callable[[str], None]


class Scenario(NamedTuple):
    """A home, and the cycle in it that is to be killed."""

    name: str
    home: Path
    arguments: tuple[str, ...]


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Show:
    """Prints past pytest's capture, to stderr because that is the only way out of a worker process."""

    def printed(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", file=sys.stderr, flush=True)

    return printed


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
    carry_out([Case(home, home, [Run(earlier.arguments), Run(("cycle",))])], processes=1)
    (home / "wire.log").unlink()
    wishes = proposals(
        folder / "later.json",
        {"id": "d", "symbol": "ETH/USDT", "side": "sell", "amount": "0.01"},
        {"id": "e", "symbol": "BTC/USDT", "side": "buy", "notional": "50"},
        {"id": "f", "symbol": "SOL/USDT", "side": "sell", "notional": "20"},
    )
    return Scenario("later cycle", home, ("cycle", "--proposals", str(wishes)))


def spread(count: int, most: int) -> list[int]:
    """At most so many numbers from 1 to `count`, evenly spread, both ends among them."""
    if count <= most:
        return list(range(1, count + 1))
    return sorted({1 + round(number * (count - 1) / (most - 1)) for number in range(most)})


def census(scenario: Scenario, folder: Path, mutant: str = "") -> Sequence[str]:
    """The steps of the cycle when nobody kills it."""
    case = Case(scenario.home, folder / "census", [Run(scenario.arguments)])
    [[ended]] = carry_out([case], processes=1, mutant=mutant)
    assert ended.exit in (0, 11)
    return ended.points


def commits(points: Sequence[str]) -> list[int]:
    """Where the paper exchange commits what it was told."""
    return [number for number, label in enumerate(points, start=1) if label == "sqlite commit"]


def killed(scenario: Scenario, folder: Path, points: Sequence[int], mutant: str = "") -> dict[Case, Ended]:
    """One killed cycle for each point, before and after it."""
    cases = [
        Case(scenario.home, folder / f"{point}-{when}", (Run(scenario.arguments, point, when),))
        for point in points
        for when in WHEN
    ]
    ended = carry_out(cases, mutant=mutant)
    assert {found.exit for [found] in ended} == {-signal.SIGKILL}
    return {case: found for case, [found] in zip(cases, ended, strict=True)}


def after_a_kill(home: Path) -> list[str]:
    """What is wrong right after a kill."""
    facts = Facts(home)
    try:
        facts.verify()
    except TradekitError as damage:
        return [f"damage: {damage}"]
    return [f"no durable intent for {id}" for id in facts.on_exchange if id not in facts.intents]


def in_the_end(home: Path) -> list[str]:
    """What is wrong when the runs after a kill are done."""
    facts = Facts(home)
    wrong = after_a_kill(home)
    wrong += [f"{asset}: {books} and {exchange}" for asset, (books, exchange) in facts.differences().items()]
    wrong += [f"{id} was sent {count} times" for id, count in Counter(facts.sent).items() if count > 1]
    wrong += [f"{id} is on the exchange twice" for id, count in Counter(facts.on_exchange).items() if count > 1]
    wrong += [f"{id} has no end" for id in facts.unfinished]
    wrong += [f"{proposal} was carried out twice" for proposal in facts.carried_out_twice]
    wrong += [f"{path.name} was left behind" for path in home.rglob("*") if path.name.endswith((".tmp", ".new"))]
    wrong += [f"{path.name} is open to others" for path in (home / "main").rglob("*") if path.stat().st_mode & 0o077]
    return wrong


def gone_on(scenario: Scenario, homes: Sequence[Path], mutant: str = "") -> list[str]:
    """Runs a plain cycle and then the same proposals again in each home; tells what went wrong."""
    runs = [Run(("cycle",)), Run(scenario.arguments), Run(("cycle",))]  # the last one takes back what rests
    wrong = []
    for home, ended in zip(homes, carry_out([Case(home, home, runs) for home in homes], mutant=mutant), strict=True):
        exits = [found.exit for found in ended]
        complaints = [] if set(exits) <= {0, 10} else [f"exit codes {exits}: {home.with_suffix('.err')}"]
        wrong += [f"{home.name}: {complaint}" for complaint in (*complaints, *in_the_end(home))]
    return wrong


def is_unsynced_append(run: Run, ended: Ended) -> bool:
    """Whether the kill came between the write of a journal line and its sync."""
    call, _, path = ended.points[-1].partition(" ")
    return path.startswith("main/paper/journal/0") and (call, run.when) in (("write", "after"), ("fsync", "before"))


@pytest.mark.parametrize("make", [first_cycle, later_cycle])
def test_a_kill_at_every_step_of_a_cycle(make: Callable[[Path], Scenario], tmp_path: Path, show: Show) -> None:
    scenario = make(tmp_path)
    points = census(scenario, tmp_path)
    cases = killed(scenario, tmp_path, spread(len(points), MOST_POINTS))
    wrong = [f"{case.home.name}: {fault}" for case in cases for fault in after_a_kill(case.home)]
    unsynced = sum(is_unsynced_append(case.runs[0], ended) for case, ended in cases.items())
    unanswered = sum(bool(Facts(case.home).unanswered) for case in cases)
    wrong += gone_on(scenario, [case.home for case in cases])
    show(
        f"{scenario.name}: {len(points)} steps, {len(cases)} kills; {unsynced} between an append's write and its sync,"
        f" {unanswered} between a durable intent and its recorded answer; {len(wrong)} faults"
    )
    assert not wrong
    assert unsynced > 0
    assert unanswered > 0


def test_a_second_kill_while_the_next_run_repairs_what_the_first_one_left(tmp_path: Path, show: Show) -> None:
    scenario = later_cycle(tmp_path)
    points = census(scenario, tmp_path)
    first = killed(scenario, tmp_path, spread(len(points), 12)[2:-1])
    repairs = carry_out([Case(case.home, case.home.with_suffix(".census"), [Run(("cycle",))]) for case in first])
    cases = []
    for case, [repair] in zip(first, repairs, strict=True):
        for point in spread(len(repair.points), 4):
            home = case.home.with_suffix(f".{point}")
            cases.append(Case(case.home, home, [Run(("cycle",), point, "after")]))
    ended = carry_out(cases)
    assert {found.exit for [found] in ended} == {-signal.SIGKILL}
    wrong = [f"{case.home.name}: {fault}" for case in cases for fault in after_a_kill(case.home)]
    unanswered = sum(bool(Facts(case.home).unanswered) for case in cases)
    wrong += gone_on(scenario, [case.home for case in cases])
    show(f"killed twice: {len(cases)} pairs, {unanswered} with an unanswered intent left; {len(wrong)} faults")
    assert not wrong
    assert unanswered > 0


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
    wrong = [f"{home.name}: {fault}" for home in homes for fault in after_a_kill(home)]
    wrong += gone_on(scenario, homes)
    show(f"killed from outside: {exits.count(-signal.SIGKILL)} of {len(exits)}; {len(wrong)} faults")
    assert not wrong
    assert set(exits) <= {0, -signal.SIGKILL}


def test_the_harness_finds_an_order_that_is_sent_before_its_intent_is_durable(tmp_path: Path) -> None:
    scenario = first_cycle(tmp_path)
    points = commits(census(scenario, tmp_path, mutant="send_first"))
    cases = killed(scenario, tmp_path, points, mutant="send_first")
    wrong = [fault for case in cases for fault in after_a_kill(case.home)]
    assert any("no durable intent" in fault for fault in wrong)


def test_the_harness_finds_an_order_that_is_sent_again_without_a_look(tmp_path: Path) -> None:
    scenario = first_cycle(tmp_path)
    points = commits(census(scenario, tmp_path))
    homes = [case.home for case in killed(scenario, tmp_path, points)]
    assert any("was sent 2 times" in fault for fault in gone_on(scenario, homes, mutant="send_again"))
