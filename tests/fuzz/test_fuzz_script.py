"""The script that fuzzes for as long as is wanted works: blindly everywhere, led by coverage where atheris is."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("fuzz.py")


def fuzz(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *words], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not list(folder.glob("crash*"))
    return done.stdout + done.stderr


@pytest.mark.parametrize("target", ["journal", "kraken"])
def test_blindly(tmp_path: Path, target: str) -> None:
    assert "cases, nothing found" in fuzz(tmp_path, target, "--cases", "300", "--blind")


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed; docs/reliability.md says how")
@pytest.mark.parametrize("target", ["state", "proposals"])
def test_led_by_coverage(tmp_path: Path, target: str) -> None:
    assert "Done " in fuzz(tmp_path, target, "--seconds", "3")
