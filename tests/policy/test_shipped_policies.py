"""Every policy that comes with tradekit is loaded, checked and run for a while by the real command line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from command_line import CommandLine, buy, sell

POLICIES: Final = sorted((Path(__file__).parents[2] / "policies").glob("*.toml"))
CYCLES: Final = 8


def test_there_are_some() -> None:
    assert {path.name for path in POLICIES} >= {"paper.toml", "small-account.toml", "conservative.toml"}


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.name)
def test_a_shipped_policy_runs(tradekit: CommandLine, path: Path) -> None:
    checked = tradekit(f"policy check --policy {path}")
    assert (checked.code, checked.err) == (0, "")
    approved = 0
    for number in range(CYCLES):
        given = tradekit.proposals(
            buy(f"b{number}", "BTC/USDT" if number % 2 else "ETH/USDT", "20"), sell(f"s{number}")
        )
        ran = tradekit(f"cycle --json --policy {path} --proposals {given}")
        assert ran.code in (0, 10)
        assert (ran.problems, ran.data["differences"], ran.err) == ([], [], "")
        approved += sum(1 for item in ran.data["decisions"] if item["type"] == "approved")
    assert approved > 0, "a policy under which nothing can ever be traded is a mistake"
    status = tradekit(f"status --json --policy {path}").data
    assert (status["cycles"], status["orders"]) == (CYCLES, [])
    assert tradekit(f"state verify --policy {path}").code == 0


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.name)
def test_a_shipped_policy_can_be_taken_by_init(tradekit: CommandLine, path: Path) -> None:
    assert tradekit(f"init --policy {path}").code == 0
    assert tradekit("policy show").out == tradekit(f"policy show --policy {path}").out
