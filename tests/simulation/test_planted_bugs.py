"""A simulation that can't fail proves nothing: each planted bug has to be caught within its number of seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutants import MUTANTS, planted
from named_seeds import NAMED
from schedule import play


@pytest.mark.parametrize("name", MUTANTS)
def test_a_planted_bug_is_caught(name: str, tmp_path: Path) -> None:
    with planted(name):
        for seed in (*NAMED, *range(MUTANTS[name].seeds)):
            if play(seed, tmp_path / "state.lock").broken:
                return
    pytest.fail(f"{MUTANTS[name].what}: not caught within {MUTANTS[name].seeds} seeds", pytrace=False)


def test_nothing_is_left_of_a_planted_bug(tmp_path: Path) -> None:
    before = play(0, tmp_path / "state.lock")
    for name in MUTANTS:
        with planted(name):
            pass
    assert play(0, tmp_path / "state.lock") == before
    assert not before.broken
