"""A disk that is full or broken at any step of a run, for that one call or until the run ends, and half a write.

Whatever fails: the run ends with a documented code, tells it in a documented way, sends no order whose intent is not
on the disk, and once the disk is well again everything settles and the books are the exchange's.
`TRADEKIT_KILL_TABLE=full` tries every step with every fault.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from errno import EIO, ENOSPC
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from kill_homes import Case, Ended, Run, Step, carry_out, new_home, proposals
from kill_live import buying, purging, selling
from kill_points import Action
from kill_table import FULL, Scenario, Show, census, faults_after, gone_on, spread

PROBLEMS: Final = Path(__file__).parents[2] / "docs" / "problems.md"
FAULTS: Final = (("fail", EIO), ("stay", ENOSPC), ("tear", ENOSPC), ("fail", ENOSPC), ("stay", EIO))
ENDS: Final = (0, 2, 10, 11, 12, 13)
MOST = 13


def paper_cycle(folder: Path) -> Scenario:
    """The first cycle of a paper account: it buys and sells."""
    wishes = proposals(
        folder / "paper.json",
        {"id": "a", "symbol": "ETH/USDT", "side": "buy", "notional": "60"},
        {"id": "b", "symbol": "ZK/USDT", "side": "sell", "amount": "400"},
    )
    return Scenario("paper: a cycle", new_home(folder / "paper"), ("cycle", "--json", "--proposals", str(wishes)))


def paper_purge(folder: Path) -> Scenario:
    """A purge on paper."""
    home = new_home(folder / "purge")
    carry_out([Case(home, home, [Run(("cycle",))])])
    return Scenario("paper: a purge", home, ("purge", "ZK", "--json"), ending=("purge", "ZK", "--stop"))


SCENARIOS: Final = (paper_cycle, paper_purge, buying, selling, purging)


@cache
def documented() -> Mapping[str, str]:
    """The problem codes of the docs, with the exit codes that stand there."""
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|", PROBLEMS.read_text(), re.MULTILINE)
    return dict(rows)


def broken(steps: Sequence[Step]) -> list[Action]:
    """Every step towards the disk with every fault that fits, or a spread of both: each kind of step at least once."""
    mine = [step for step in steps if not step.label.startswith(("connect", "send"))]
    if not FULL:
        firsts = [step for step in mine if step.number == 1]
        others = [step for step in mine if step.number > 1]
        mine = [firsts[n] for n in spread(len(firsts), MOST)] + [others[n] for n in spread(len(others), MOST // 2)]
    pairs = [(step, fault) for step in mine for fault in FAULTS if _fits(step, *fault)]
    return [step.at("before", *fault) for step, fault in (pairs if FULL else _in_turn(pairs))]


def _fits(step: Step, what: str, error: int) -> bool:
    if what == "tear":
        return step.label.startswith("write ")
    return error == EIO or not step.label.startswith(("open for reading", "flock", "unlink"))


def _in_turn(pairs: Sequence[tuple[Step, tuple[str, int]]]) -> list[tuple[Step, tuple[str, int]]]:
    """One fault a step, each in its turn."""
    of_step: dict[Step, list[tuple[str, int]]] = {}
    for step, fault in pairs:
        of_step.setdefault(step, []).append(fault)
    return [(step, faults[n % len(faults)]) for n, (step, faults) in enumerate(of_step.items())]


def complaints(action: Action, ended: Ended) -> list[str]:
    """What is wrong with how a run ended."""
    wrong = [] if ended.exit in ENDS else [f"exit {ended.exit}"]
    wrong += ["a traceback"] if "Traceback" in ended.err else []
    wrong += ["nothing is told"] if ended.exit in (2, 12, 13) and not ended.problems else []
    wrong += [f"{code} of whole files" for code in ended.codes if "damaged" in code]
    for code in ended.codes:
        told = documented().get(code, "")
        if not told or not ({str(ended.exit), "11"} & {*re.findall(r"[0-9]+", told)} or "as it" in told):
            wrong.append(f"{code} with exit {ended.exit}")
    return [f"{action}: {complaint}; {ended.problems} {ended.err}" for complaint in wrong]


@pytest.mark.parametrize("make", SCENARIOS)
def test_a_disk_that_fails_at_any_step(make: Callable[[Path], Scenario], tmp_path: Path, show: Show) -> None:
    scenario = make(tmp_path)
    actions = broken(census(scenario, tmp_path).steps)
    cases = [
        Case(scenario.home, tmp_path / f"broken-{n}", [Run(scenario.arguments, action)])
        for n, action in enumerate(actions)
    ]
    ended = [found for [found] in carry_out(cases)]
    homes = [case.home for case in cases]
    wrong = [item for action, found in zip(actions, ended, strict=True) for item in complaints(action, found)]
    wrong += faults_after(homes)
    wrong += gone_on(scenario, homes)
    codes = Counter(code for found in ended for code in dict.fromkeys(found.codes))
    exits = Counter(found.exit for found in ended)
    show(f"{scenario.name}: {len(actions)} faults of the disk; exits {dict(exits)}, {dict(codes)}; {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong)
    assert exits[12] > 0, "a disk that fails has to be noticed"
