"""A rig per test: one exchange, one adapter, real HTTP between them, virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from rig import WIRED, Rig

MakeRig = Callable[..., Rig]


@pytest.fixture
def rig_of(tmp_path: Path) -> Iterator[MakeRig]:
    """Makes rigs that are closed at the end of the test."""
    with ExitStack() as stack:

        def make(name: str, **options: Any) -> Rig:
            return stack.enter_context(Rig(name, tmp_path, **options))

        yield make


@pytest.fixture(params=WIRED)
def rig(request: pytest.FixtureRequest, rig_of: MakeRig) -> Rig:
    """One rig for each of the three dialects."""
    return rig_of(request.param)
