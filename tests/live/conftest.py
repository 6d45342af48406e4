"""A server and a live account on it, for each of the three dialects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from live_home import LiveHome
from rig import WIRED, Rig


@pytest.fixture(params=WIRED)
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LiveHome]:
    """A live account on a server of each dialect, in real time."""
    with Rig(request.param, tmp_path, real_time=True) as rig:
        yield LiveHome(rig, tmp_path)


@pytest.fixture
def binance(tmp_path: Path) -> Iterator[LiveHome]:
    """A live account on the dialect that tells most of a key."""
    with Rig("binance", tmp_path, real_time=True) as rig:
        yield LiveHome(rig, tmp_path)
