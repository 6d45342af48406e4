"""Gives every test of the command line a home of its own and an environment without anything of ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from command_line import CommandLine


@pytest.fixture
def tradekit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line in an empty home."""
    for name in [name for name in os.environ if name.startswith("TRADEKIT_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    monkeypatch.setenv("TRADEKIT_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return CommandLine(home, capsys)
