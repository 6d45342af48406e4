"""Two runs of one account at once: the second is turned away or waits, whatever the first is just doing, and takes
over where the first is killed. Nothing is sent twice, and the books are the exchange's.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from kill_homes import Case, Ended, Run, Step, carry_out
from kill_live import buying, purging
from kill_table import FULL, Scenario, Show, census, faults_after, gone_on, spread

LOCK = Step("flock main/live/state.lock", 1)
FREE = 2
MOST = 9


def stops(scenario: Scenario, folder: Path) -> list[Step]:
    """Where a run is stopped: at the first FREE of these places it doesn't hold the lock yet."""
    steps = census(scenario, folder).steps
    locked = steps.index(LOCK) + 1
    places = [*spread(locked, FREE), *(locked + n for n in spread(len(steps) - locked, 10_000 if FULL else MOST))]
    return [steps[n] for n in places]


def is_turned_away(ended: Ended) -> bool:
    """Whether a run found the lock held, told it, and asked the exchange nothing."""
    silent = not any(label.startswith(("connect", "send")) for label in ended.points)
    return ended.exit == 75 and ended.codes[0] == "busy" and silent


@pytest.mark.parametrize(("make", "other"), [(buying, ()), (purging, ("cycle", "--json"))])
def test_a_second_run_is_turned_away_and_nothing_happens_twice(
    make: Callable[[Path], Scenario], other: tuple[str, ...], tmp_path: Path, show: Show
) -> None:
    scenario = make(tmp_path)
    places = stops(scenario, tmp_path)
    second = Run(other or scenario.arguments)
    cases = [
        Case(
            scenario.home,
            tmp_path / f"beside-{n}",
            [Run(scenario.arguments, place.at("before", "stop"), meanwhile=(second,))],
        )
        for n, place in enumerate(places)
    ]
    ended = [found for [found] in carry_out(cases)]
    assert {found.exit for found in ended} <= {0, 10}, [found.problems for found in ended]
    seconds = [found.meanwhile[0] for found in ended]
    assert [found.exit for found in seconds[:FREE]] == [0] * FREE, "before the lock the second one is the first"
    assert all(is_turned_away(found) for found in seconds[FREE:])
    wrong = gone_on(scenario, [case.home for case in cases])
    show(f"{scenario.name}, and another run at {len(places)} of its steps: {len(wrong)} faults")
    assert not wrong


def test_a_run_that_waits_takes_over_from_one_that_is_killed(tmp_path: Path, show: Show) -> None:
    scenario = buying(tmp_path)
    places = stops(scenario, tmp_path)
    second = Run((*scenario.arguments, "--wait", "60"), waits=True)
    cases = [
        Case(
            scenario.home,
            tmp_path / f"after-{n}",
            [Run(scenario.arguments, place.at("before", "stop"), meanwhile=(second,), then="kill")],
        )
        for n, place in enumerate(places[FREE:])
    ]
    ended = [found for [found] in carry_out(cases)]
    assert {found.exit for found in ended} == {-signal.SIGKILL}
    seconds = [found.meanwhile[0] for found in ended]
    assert all(found.waited for found in seconds)
    assert {found.exit for found in seconds} <= {0, 10, 11}, [found.problems for found in seconds]
    homes = [case.home for case in cases]
    wrong = faults_after(homes)
    wrong += gone_on(scenario, homes)
    show(f"{scenario.name}, killed at {len(homes)} of its steps while another run waits: {len(wrong)} faults")
    assert not wrong
