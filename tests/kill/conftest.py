"""What all tests of killed processes share: a word to their reader."""

from __future__ import annotations

import sys

import pytest

from kill_table import Show


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Show:
    """Prints past pytest's capture, to stderr because that is the only way out of a worker process."""

    def printed(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", file=sys.stderr, flush=True)

    return printed
