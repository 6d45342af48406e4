"""Any wrong thing in any answer of any dialect: a value or `Unreachable`, and never less than there is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from answers import CALLS, Bench, ask_spoiled, bench_of, straight, untouched
from rig import WIRED

EXAMPLES: Final = int(os.environ.get("TRADEKIT_FUZZ", "25"))
_FOLDERS: Final[list[TemporaryDirectory[str]]] = []


@cache
def bench(name: str) -> Bench:
    _FOLDERS.append(TemporaryDirectory())
    return bench_of(name, Path(_FOLDERS[-1].name))


@pytest.fixture(scope="module", autouse=True)
def closing() -> Iterator[None]:
    yield
    for name in WIRED:
        bench(name).rig.__exit__(None, None, None)
    for folder in _FOLDERS:
        folder.cleanup()


ASKED: Final = [(name, call) for name in WIRED for call in CALLS if call != "candles" or name == "binance"]


@pytest.mark.parametrize(("name", "call"), ASKED)
def test_a_whole_answer_brings_a_value(name: str, call: str) -> None:
    with untouched(bench(name)), straight(bench(name).rig):
        CALLS[call](bench(name))


@settings(max_examples=EXAMPLES, derandomize="TRADEKIT_FUZZ" not in os.environ, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32 - 1))
@pytest.mark.parametrize(("name", "call"), ASKED)
def test_a_spoiled_answer_is_a_value_or_none(name: str, call: str, seed: int) -> None:
    ask_spoiled(bench(name), call, Random(seed).randrange)  # how much is drawn follows from the answer
