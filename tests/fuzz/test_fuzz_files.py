"""Any bytes in any file are read as they stand or refused with a problem that the docs know; more with TRADEKIT_FUZZ.

`TRADEKIT_FUZZ=20000` is the number of examples for each file; the default takes a few seconds.
"""

from __future__ import annotations

import json
import os
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seeds import seeds
from spoiling import Choose, spoiled_answer, spoiled_bytes
from texts import TARGETS

EXAMPLES: Final = int(os.environ.get("TRADEKIT_FUZZ", "60"))
JSON: Final = ("proposals", "snapshot", "state", "journal", "fills")


def choosing(data: st.DataObject) -> Choose:
    return lambda below: data.draw(st.integers(0, below - 1))


@pytest.mark.parametrize("target", TARGETS)
def test_good_files_are_read(target: str) -> None:
    assert [TARGETS[target](seed) for seed in seeds(target)] == [True] * len(seeds(target))


@settings(max_examples=EXAMPLES, derandomize="TRADEKIT_FUZZ" not in os.environ, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.parametrize("target", TARGETS)
def test_any_bytes_are_read_or_refused(target: str, data: st.DataObject) -> None:
    choose = choosing(data)
    seed = seeds(target)[choose(len(seeds(target)))]
    TARGETS[target](data.draw(st.binary(max_size=200)) if choose(8) == 0 else spoiled_bytes(seed, choose))


@settings(max_examples=EXAMPLES, derandomize="TRADEKIT_FUZZ" not in os.environ, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.parametrize("target", JSON)
def test_any_value_at_any_place_is_read_or_refused(target: str, data: st.DataObject) -> None:
    choose = choosing(data)
    seed = seeds(target)[choose(len(seeds(target)))]
    TARGETS[target](whole(target, spoiled_answer(tree_of(target, seed), choose)))


@settings(max_examples=EXAMPLES, derandomize="TRADEKIT_FUZZ" not in os.environ, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_value_of_any_policy_key_is_read_or_refused(data: st.DataObject) -> None:
    choose = choosing(data)
    lines = seeds("policy")[choose(len(seeds("policy")))].decode().splitlines()
    keys = [number for number, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    number = keys[choose(len(keys))]
    values = ("nan", "-inf", "true", "''", '"\\u001b"', "[]", "{}", "1e9", "-0", "0x7fffffffffffffff", "1979-05-27")
    lines[number] = f"{lines[number].partition(' = ')[0]} = {values[choose(len(values))]}"
    TARGETS["policy"]("\n".join(lines).encode())


def tree_of(target: str, seed: bytes) -> Any:
    text = seed.decode()
    return json.loads({"state": "{" + text}.get(target, text.splitlines()[0] if target == "fills" else text))


def whole(target: str, told: bytes) -> bytes:
    return told.removeprefix(b"{") if target == "state" else told
