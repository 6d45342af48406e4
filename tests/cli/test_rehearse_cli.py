"""`tradekit rehearse` as a user runs it: a report, and no trace of it anywhere."""

from __future__ import annotations

import json
from decimal import Decimal

from command_line import CommandLine


def test_the_command_prints_a_report_and_leaves_no_trace(tradekit: CommandLine) -> None:
    tradekit.policy("[execution]\ninterval_seconds = 3600\n")
    before = sorted(tradekit.home.rglob("*"))
    ran = tradekit("rehearse --severity hostile --seed x --json")
    assert ran.code == 0
    assert ran.data["cycles"] == 24
    assert json.loads(ran.out)["data"]["is_sound"] is True
    assert Decimal(ran.data["worst"][0]["limit"]) == 25
    assert sorted(tradekit.home.rglob("*")) == before
    assert tradekit("rehearse --severity wild").code == 2
