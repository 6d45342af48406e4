"""The table of kills: which steps of a scenario are tried, what is run afterwards, and what was wrong.

By default a spread of the steps; `TRADEKIT_KILL_TABLE=full` tries every one, before and after.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from kill_facts import after_a_kill, facts_of, in_the_end
from kill_homes import Case, Ended, Run, Step, carry_out

FULL: Final = os.environ.get("TRADEKIT_KILL_TABLE") == "full"
WHEN: Final = ("before", "after")
HORIZON_MS: Final = 20 * 60_000
CREATES: Final = ("send POST /api/v3/order", "send POST /0/private/AddOrder", "send POST /api/v3/brokerage/orders")
Show = Callable[[str], None]


class Scenario(NamedTuple):
    """A home, the command in it that is to be killed, whether its exchange is a live one, and what ends it all."""

    name: str
    home: Path
    arguments: tuple[str, ...]
    live: bool = False
    ending: tuple[str, ...] = ("cycle",)  # takes back what rests

    @property
    def quiet(self) -> list[Run]:
        """What is run until nothing is left to do: the same again, and more."""
        again = Run(self.arguments)
        if self.live:
            return [again, Run(("reconcile-fills", "--json"), later_ms=HORIZON_MS)]
        return [Run(("cycle",)), again, Run(self.ending)]


class Row(NamedTuple):
    """One kill of a table, and how its run ended."""

    case: Case
    ended: Ended

    @property
    def home(self) -> Path:
        return self.case.home


def spread(count: int, most: int) -> list[int]:
    """At most so many numbers from 0 on, below `count`, evenly spread, both ends among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(number * (count - 1) / (most - 1)) for number in range(most)})


def sampled(steps: Sequence[Step], most: int) -> list[tuple[Step, str]]:
    """Steps with `before` or `after`: all with both, or the first of each kind and some more with one in turn."""
    if FULL:
        return [(step, when) for step in steps for when in WHEN]
    firsts = [step for step in steps if step.number == 1]
    others = [step for step in steps if step.number > 1]
    wanted = {*(firsts[n] for n in spread(len(firsts), most)), *(others[n] for n in spread(len(others), most // 2))}
    return [(step, WHEN[n % 2]) for n, step in enumerate(step for step in steps if step in wanted)]


def census(scenario: Scenario, folder: Path, mutant: str = "") -> Ended:
    """The scenario's run, undisturbed."""
    name = f"{scenario.home.name}-census{mutant}"
    [[ended]] = carry_out([Case(scenario.home, folder / name, [Run(scenario.arguments)])], mutant=mutant)
    assert ended.exit == 0, ended.err
    return ended


def send_window(steps: Sequence[Step]) -> list[Step]:
    """The steps of a live run from the write of its first intents until the answers are durable."""
    sends = [n for n, step in enumerate(steps) if step.label in CREATES]
    begin = max(n for n in range(sends[0]) if _is_journal(steps[n], "write"))
    end = min(n for n in range(sends[0], len(steps)) if _is_journal(steps[n], "fsync"))
    return list(steps[begin : end + 1])


def _is_journal(step: Step, call: str) -> bool:
    name, _, place = step.label.partition(" ")
    return name == call and "/journal/0" in place


def killed(scenario: Scenario, folder: Path, where: Sequence[tuple[Step, str]], *, mutant: str = "") -> list[Row]:
    """One home for each step, its run killed there."""
    name = f"{scenario.home.name}{mutant}"
    cases = [
        Case(scenario.home, folder / f"{name}-{n}-{when}", [Run(scenario.arguments, step.at(when))])
        for n, (step, when) in enumerate(where)
    ]
    ended = carry_out(cases, mutant=mutant)
    rows = [Row(case, found) for case, [found] in zip(cases, ended, strict=True)]
    assert are_killed([row.ended for row in rows]), [row.case.runs for row in rows if row.ended.exit >= 0]
    return rows


def are_killed(ended: Sequence[Ended]) -> bool:
    """Whether the runs were killed; of twenty one may take a step less than the census did, where threads race."""
    exits = [found.exit for found in ended]
    return {*exits} <= {-signal.SIGKILL, 0, 10, 11} and sum(exit >= 0 for exit in exits) <= len(exits) // 20


def faults_after(homes: Sequence[Path]) -> list[str]:
    """What is wrong in each home right after a kill."""
    return [f"{home.name}: {fault}" for home in homes for fault in after_a_kill(home)]


def unanswered(homes: Sequence[Path]) -> int:
    """In how many homes an intent was left without an answer."""
    return sum(bool(facts_of(home).unanswered) for home in homes)


def gone_on(scenario: Scenario, homes: Sequence[Path], mutant: str = "") -> list[str]:
    """Goes on to the end in each home; tells what went wrong."""
    cases = [Case(home, home, scenario.quiet) for home in homes]
    wrong = []
    for home, ended in zip(homes, carry_out(cases, mutant=mutant), strict=True):
        exits = [found.exit for found in ended]
        fine = {*exits} <= {0, 10, 11} and (exits[-1] == 0 or not scenario.live)
        complaints = [] if fine else [f"exit codes {exits}, {[found.problems for found in ended]} {ended[-1].err}"]
        wrong += [f"{home.name}: {complaint}" for complaint in (*complaints, *in_the_end(home))]
    return wrong
