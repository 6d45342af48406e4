"""Homes in which `tradekit` is killed, and the harness that does it, as its user sees it."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, NamedTuple

from kill_points import Action

SRC: Final = Path(__file__).parents[2] / "src"
CODE: Final = (SRC, Path(__file__).parent, Path(__file__).parents[1] / "servers")
HARNESS: Final = Path(__file__).parents[1] / "kill" / "kill_at.py"
POLICY: Final = """\
[paper]
fee_asset = "{fee_asset}"
[risk]
max_total_at_risk_pct = 100
max_asset_pct = 60
max_tier1_pct = 100
max_tier2_pct = 100
max_new_positions_per_cycle = 5
min_seconds_between_trades = 0
min_seconds_between_symbol_trades = 0
[rules]
enabled = false
"""


class Run(NamedTuple):
    """A command line, what happens at one of its steps, and the milliseconds that go by before it.

    `meanwhile`: what runs while it is stopped; `then` it goes on, or `"kill"`. `waits`: this one waits for a lock.
    """

    arguments: tuple[str, ...]
    action: Action | None = None
    later_ms: int = 0
    meanwhile: tuple[Run, ...] = ()
    then: str = ""
    waits: bool = False

    @property
    def plain(self) -> dict[str, Any]:
        """For the harness."""
        return {**self._asdict(), "meanwhile": [run.plain for run in self.meanwhile]}


class Case(NamedTuple):
    """A home to copy, and what is run in the copy."""

    template: Path
    home: Path
    runs: Sequence[Run]


class Step(NamedTuple):
    """One step of a run: the name of its kind, and its number among those."""

    label: str
    number: int

    def at(self, when: str, what: str = "kill", error: int = 0) -> Action:
        """Something that happens there."""
        return Action(*self, when, what, error)


class Ended(NamedTuple):
    """How one run ended, negative for a signal, the steps it took, and what it told."""

    exit: int
    points: Sequence[str]
    meanwhile: Sequence[Ended] = ()
    problems: Sequence[tuple[str, str]] = ()
    err: str = ""
    waited: bool = False

    @property
    def steps(self) -> list[Step]:
        """The steps by their names."""
        counts: Counter[str] = Counter()
        found = []
        for label in self.points:
            counts[label] += 1
            found.append(Step(label, counts[label]))
        return found

    @property
    def codes(self) -> list[str]:
        """The codes of its problems."""
        return [code for code, _ in self.problems]


def environment(**more: str) -> dict[str, str]:
    """Nothing of this process but where the code is."""
    return {"PYTHONPATH": os.pathsep.join(map(str, CODE)), **more}


class Harness:
    """A process that carries out cases, one after the other, as long as the tests run: starting one takes a second."""

    def __init__(self, mutant: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HARNESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(KILL_AT_MUTANT=mutant),
            text=True,
        )
        atexit.register(self.end)

    def carry_out(self, case: Case) -> list[Ended]:
        """All runs of a case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        runs = [run.plain for run in case.runs]
        line = json.dumps({"template": str(case.template), "home": str(case.home), "runs": runs})
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return [_ended(item) for item in json.loads(self._process.stdout.readline())]

    def end(self) -> None:
        """Its work is done."""
        self._process.communicate()


_harnesses: dict[str, list[Harness]] = {}


def carry_out(cases: Sequence[Case], *, mutant: str = "") -> list[list[Ended]]:
    """Runs all cases, in two processes unless the tests themselves run in several."""
    wanted = 1 if len(cases) == 1 or "PYTEST_XDIST_WORKER" in os.environ else 2
    idle = _harnesses.setdefault(mutant, [])
    while len(idle) < wanted:
        idle.append(Harness(mutant))
    free: SimpleQueue[Harness] = SimpleQueue()
    for harness in idle[:wanted]:
        free.put(harness)

    def one(case: Case) -> list[Ended]:
        harness = free.get()
        try:
            return harness.carry_out(case)
        finally:
            free.put(harness)

    with ThreadPoolExecutor(wanted) as threads:
        return list(threads.map(one, cases))


def _ended(item: dict[str, Any]) -> Ended:
    return Ended(**{**item, "meanwhile": [_ended(other) for other in item.get("meanwhile", ())]})


def new_home(folder: Path, fee_asset: str = "quote") -> Path:
    """A home with a policy that lets several orders a cycle through."""
    folder.mkdir(mode=0o700)
    (folder / "policy.toml").write_text(POLICY.format(fee_asset=fee_asset))
    return folder


def proposals(path: Path, *wishes: Mapping[str, str]) -> Path:
    """A proposals file: each wish has id, symbol, side and notional or amount."""
    path.write_text(json.dumps([{"confidence": "0.9", "reason": "proof", **wish} for wish in wishes]))
    return path


def killed_from_outside(home: Path, arguments: Sequence[str], seconds: float) -> int:
    """Starts the real program, kills it unless it ends within so many seconds, and returns how it ended."""
    words = [sys.executable, "-m", "tradekit", *arguments]
    with subprocess.Popen(
        words, env=environment(TRADEKIT_HOME=str(home)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait()
