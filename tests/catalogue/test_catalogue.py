"""The catalogue of bad input, in full: each case through the real command line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Final

import pytest

import answer_cases
import command_cases
import file_cases
import policy_cases
import proposal_cases
import surrounding_cases
from cases import ROWS, LiveStory, Refusal, Story, check_refused
from command_line import CommandLine, run_in, sell
from live_home import LiveHome
from rig import Rig

CASES: Final[list[Refusal | Story | LiveStory]] = [
    *command_cases.CASES,
    *policy_cases.CASES,
    *file_cases.CASES,
    *proposal_cases.CASES,
    *answer_cases.CASES,
    *surrounding_cases.CASES,
]


def label(case: Refusal | Story | LiveStory) -> str:
    return f"{case.row:02} {ROWS[case.row]}: {case.name}"[:110].encode("unicode_escape").decode()


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A paper account that has traded, to be copied."""
    home = tmp_path_factory.mktemp("traded") / "home"
    for number in range(2):
        ideas = home.parent / "ideas.json"
        ideas.write_text(json.dumps(sell(f"s{number}")))
        assert run_in(home, "cycle", "--proposals", str(ideas)) == 0
    return home


@pytest.fixture
def tradekit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    for name in [name for name in os.environ if name.startswith("TRADEKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRADEKIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path / "home", capsys)


def test_every_row_has_a_case() -> None:
    assert {case.row for case in CASES} == set(ROWS) == set(range(1, 69))


@pytest.mark.parametrize("case", [c for c in CASES if isinstance(c, Refusal)], ids=label)
def test_bad_input_is_refused_and_changes_nothing(tradekit: CommandLine, traded: Path, case: Refusal) -> None:
    if not case.fresh:
        shutil.copytree(traded, tradekit.home)
    check_refused(tradekit, case)


@pytest.mark.parametrize("case", [c for c in CASES if isinstance(c, Story)], ids=label)
def test_what_is_lived_with(tradekit: CommandLine, case: Story) -> None:
    tradekit("cycle")
    case.tell(tradekit)


@pytest.mark.parametrize("case", [c for c in CASES if isinstance(c, LiveStory)], ids=label)
def test_what_is_lived_with_on_a_live_account(tmp_path: Path, case: LiveStory) -> None:
    with Rig("binance", tmp_path, real_time=True) as rig:
        live = LiveHome(rig, tmp_path)
        assert live("cycle").code == 0
        case.tell(live)
        assert live.sent_twice() == {}
