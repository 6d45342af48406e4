"""Keys that don't fit together: told beside all other problems, and only where the keys themselves are sound."""

from __future__ import annotations

from typing import Any

import pytest

from command_line import CommandLine
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.keys import NumberText

OTHER_THEMES = {"themes": {"ONE": ["ETH"]}}


def problems(document: dict[str, Any]) -> list[Problem]:
    with pytest.raises(BadInput) as caught:
        read_policy(document, "p.toml")
    return list(caught.value.problems)


def codes(document: dict[str, Any]) -> list[str]:
    return [problem.code for problem in problems(document)]


def test_a_cap_for_a_theme_that_is_none_is_refused_with_a_suggestion() -> None:
    (found,) = problems({"risk": {"max_theme_pct": {"MEMES": 4}}})
    assert found == Problem(
        "policy_contradiction",
        "p.toml: risk.max_theme_pct.MEMES is a cap for a theme that risk.themes doesn't have",
        "did you mean MEME?",
    )


def test_a_cap_that_is_like_no_theme_gets_no_suggestion() -> None:
    (found,) = problems({"risk": {"max_theme_pct": {"ZQX": 4}}})
    assert (found.code, "did you mean" in found.fix) == ("policy_contradiction", False)


def test_other_themes_may_leave_the_default_caps_as_they_are() -> None:
    read_policy({"risk": OTHER_THEMES}, "p.toml")
    written_out = {"MEME": NumberText("4.0"), "LAYER2": 6, "DEFI": 5, "ONE": 3}
    read_policy({"risk": {**OTHER_THEMES, "max_theme_pct": written_out}}, "p.toml")
    assert codes({"risk": {**OTHER_THEMES, "max_theme_pct": {"MEME": 3}}}) == ["policy_contradiction"]


def test_a_policy_with_other_themes_can_be_written_out(tradekit: CommandLine) -> None:
    mine = tradekit.home.parent / "mine.toml"
    mine.write_text('[risk]\nthemes = { ONE = ["ETH"] }\n')
    assert tradekit(f"init --policy {mine}").code == 0
    assert tradekit("policy check").code == 0


def test_contradictions_are_told_beside_other_problems() -> None:
    document = {
        "risk": {"max_asset_pct": 90, "max_positions": -1, "max_theme_pct": {"MEMES": 4}},
        "account": {"quote": "USDT", "managed": ["USDT"]},
        "colour": {},
    }
    assert sorted(codes(document)) == [
        "policy_bad_value",
        "policy_contradiction",
        "policy_contradiction",
        "policy_contradiction",
        "policy_unknown_key",
    ]


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"risk": {"max_asset_pct": 90, "max_total_at_risk_pct": True}}, "policy_bad_value"),
        ({"risk": {"max_asset_pct": 90, "max_total_at_risk_pc": 95}}, "policy_unknown_key"),
        ({"execution": 5, "proposals": {"command": ["x"], "command_timeout_seconds": 30}}, "policy_bad_value"),
        ({"exchnge": {"sandbox": True}, "paper": {"markets": "live"}}, "policy_unknown_key"),
        ({"risk": {"themes": 5, "max_theme_pct": {"ONE": 4}}}, "policy_bad_value"),
        (
            {"account": {"mode": "live", "quote": "USD"}, "exchange": {"id": "kraken"}, "risk": {"max_asset_pct": 90}},
            "policy_missing",
        ),
    ],
)
def test_a_key_without_a_sound_value_contradicts_nothing(document: dict[str, Any], code: str) -> None:
    assert codes(document) == [code]
