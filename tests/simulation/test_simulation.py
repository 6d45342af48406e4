"""Thousands of hostile schedules, the same under any hash seed. A seed that fails tells its story."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from named_seeds import NAMED
from schedule import play
from story import short

HERE = Path(__file__).parent
SEEDS = 2000
CHUNK = 100
FIRST_EFFECTS = 40


def check(seed: int, folder: Path) -> None:
    if play(seed, folder / "state.lock").broken:
        told = play(seed, folder / "state.lock", telling=True)
        replay = f"python tests/simulation --seed {seed}"
        pytest.fail(f"{short(told.story)}\nseed {seed}: {told.broken}\nthe whole story: {replay}", pytrace=False)


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_whatever_happens_every_promise_is_kept(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + CHUNK):
        check(seed, tmp_path)


@pytest.mark.parametrize("seed", NAMED)
def test_a_bug_that_was_found_stays_away(seed: int, tmp_path: Path) -> None:
    check(seed, tmp_path)


def test_the_schedules_are_as_hostile_as_they_should_be(tmp_path: Path) -> None:
    results = [play(seed, tmp_path / "state.lock") for seed in range(100)]
    died, busy, silent, refused = (
        sum(result.runs.get(name, 0) for result in results) for name in ("died", "busy", "unreachable", "refused")
    )
    assert min(died, busy, silent) > 20
    assert refused > 5
    assert sum(result.orders for result in results) > 150
    assert sum(result.trades for result in results) > 150
    assert sum(result.converted for result in results) > 3


def test_a_seed_plays_the_same_under_any_hash_seed() -> None:
    traces = set()
    for number in ("0", "1", "4242"):
        command = [sys.executable, str(HERE), "--seeds", "25", "--trace"]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": number}, capture_output=True, text=True, check=True
        )
        traces.add(done.stdout.splitlines()[-1])
    assert len(traces) == 1
    assert len(traces.pop()) == 64


def test_another_seed_is_another_schedule(tmp_path: Path) -> None:
    traces = {play(seed, tmp_path / "state.lock").trace for seed in range(30)}
    assert len(traces) == 30


def test_a_story_tells_what_happened(tmp_path: Path) -> None:
    result = play(3, tmp_path / "state.lock", telling=True)
    assert result.story[0] == "run 1: opening"
    assert not result.broken
    assert "will be sent" in short(result.story)
