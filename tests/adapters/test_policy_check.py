"""The policy's checks: every problem at once, each with the key, the value and what would be right."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from tradekit.domain.account import Mode
from tradekit.domain.errors import BadInput
from tradekit.domain.policy.check import read_policy, show_value
from tradekit.domain.policy.keys import AMOUNTS, BOOL, COUNT, COUNTS, LISTS, NUMBER, TABLE, TEXT, TEXTS, Key, NumberText
from tradekit.domain.policy.schema import policy_schema
from tradekit.domain.policy.sections import all_keys

KEYS = list(all_keys())
NUMBERS = [key for key in KEYS if key.kind in (COUNT, NUMBER)]


def raw(path: str, value: Any) -> dict[str, Any]:
    section, _, name = path.partition(".")
    return {section: {name: value}}


def problems(document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(BadInput) as caught:
        read_policy(document, "p.toml")
    return [(problem.code, problem.message) for problem in caught.value.problems]


def fixes(document: dict[str, Any]) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read_policy(document, "p.toml")
    return [problem.fix for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("document", "suggestion"),
    [
        (raw("risk.max_asset_pc", 5), "did you mean risk.max_asset_pct?"),
        (raw("risk.max_notinal", 5), "did you mean risk."),
        ({"rsik": {}}, "did you mean risk?"),
        ({"execution": {"ttl_tier1_second": 5}}, "did you mean execution.ttl_tier1_seconds?"),
        ({"zzzzzzzz": {}}, "`tradekit policy show` lists the keys"),
    ],
)
def test_an_unknown_key_gets_a_suggestion(document: dict[str, Any], suggestion: str) -> None:
    assert [code for code, _ in problems(document)] == ["policy_unknown_key"]
    assert fixes(document)[0].startswith(suggestion)


def test_all_problems_are_told_at_once() -> None:
    document = {
        "account": {"mode": "live", "quote": "usdt"},
        "risk": {"max_asset_pct": True, "max_positions": -1, "max_assets": 3},
        "execution": 5,
        "colour": {},
    }
    assert sorted(problems(document)) == [
        ("policy_bad_value", "p.toml: account.quote has 'usdt', which doesn't look like [A-Z0-9]{1,20}"),
        ("policy_bad_value", "p.toml: execution is a section, not a value"),
        ("policy_bad_value", "p.toml: risk.max_asset_pct is not a number"),
        ("policy_bad_value", "p.toml: risk.max_positions is '-1', below zero"),
        ("policy_missing", "p.toml: exchange.id has to be written out in live mode"),
        ("policy_missing", "p.toml: risk.max_total_at_risk_pct has to be written out in live mode"),
        ("policy_unknown_key", "p.toml: colour is not a policy key"),
        ("policy_unknown_key", "p.toml: risk.max_assets is not a policy key"),
    ]


def test_thousands_of_unknown_keys_are_counted_instead_of_listed() -> None:
    found = problems({f"k{number}": {} for number in range(5000)})
    assert len(found) == 21
    assert found[-1] == ("policy_unknown_key", "p.toml: 4980 more keys are unknown")


@pytest.mark.parametrize("key", NUMBERS, ids=lambda key: key.path)
def test_bounds_belong_to_what_is_allowed(key: Key) -> None:
    assert key.low is not None, "a number without a lower bound"
    outside = [key.low - 1] if key.low > 0 else []
    if key.high is not None:
        outside.append(key.high + 1)
        assert key.low <= key.default <= key.high
    for value in outside:
        ((code, message),) = problems(raw(key.path, int(value)))
        assert code == "policy_bad_value"
        assert message.startswith(f"p.toml: {key.path} is {value}, ")
    for bound in filter(None, (key.low, key.high)):
        try:
            read_policy(raw(key.path, NumberText(bound)), "p.toml")
        except BadInput as refused:
            # A bound may be at odds with the default of another key, but never out of its own range.
            assert {problem.code for problem in refused.problems} == {"policy_contradiction"}


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_no_key_takes_a_value_of_another_kind(key: Key) -> None:
    foreign: list[Any] = [None, 5.5, b"bytes", [[]], ["a", 1], NumberText("nan")]
    foreign += [{"a": None}, {"a": [5.5]}, {"a": NumberText("nan")}] if key.kind is TABLE else [{"a": {}}]
    foreign += [] if key.kind is BOOL else [True, False]
    foreign += [] if key.kind in (TEXT,) else ["text"]
    foreign += [] if key.kind in (COUNT, NUMBER) else [1, NumberText("0.5"), "1"] if key.kind is not TEXT else [1]
    foreign += [] if key.kind in (AMOUNTS, LISTS, TABLE) else [{}]
    foreign += [[True], ["-1"]] if key.kind is COUNTS else []
    for value in foreign:
        ((code, message),) = problems(raw(key.path, value))
        assert (code, message.startswith(f"p.toml: {key.path} ")) == ("policy_bad_value", True), value


def test_live_needs_mode_quote_and_cap_written_and_has_defaults_of_its_own() -> None:
    assert [message for _, message in problems({"account": {"mode": "live"}})] == [
        "p.toml: account.quote has to be written out in live mode",
        "p.toml: exchange.id has to be written out in live mode",
        "p.toml: risk.max_total_at_risk_pct has to be written out in live mode",
    ]
    live = {
        "account": {"mode": "live", "quote": "USDT"},
        "exchange": {"id": "kraken"},
        "risk": {"max_total_at_risk_pct": 20},
    }
    policy = read_policy(live, "p.toml")
    assert policy.account.mode is Mode.LIVE
    assert (policy.rules.enabled, policy.account.managed) == (False, ())
    paper = read_policy({}, "p.toml")
    assert paper.account.mode is Mode.PAPER
    assert paper.rules.enabled


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"execution": {"budget_seconds": 61, "interval_seconds": 60}}, "execution.budget_seconds is above"),
        ({"risk": {"max_asset_pct": 26, "max_total_at_risk_pct": 25}}, "risk.max_asset_pct is above"),
        ({"universe": {"tier2_min_volume_notional": 10_000_001}}, "universe.tier2_min_volume_notional is above"),
        ({"universe": {"tier3_min_volume_notional": 5_000_001}}, "universe.tier3_min_volume_notional is above"),
        ({"account": {"managed": ["USDT"]}}, "account.managed names the quote currency"),
        ({"exchange": {"base_url": "http://evil.example"}}, "exchange.base_url is neither https nor this machine"),
        ({"exchange": {"base_url": "http://127.0.0.1.evil.example", "sandbox": True}}, "exchange.base_url is neither"),
        ({"exchange": {"base_url": "http://localhost@evil.example", "sandbox": True}}, "exchange.base_url is neither"),
        ({"exchange": {"base_url": "https://evil.example"}}, "exchange.base_url is not the exchange's own"),
        (
            {
                "account": {"mode": "live", "quote": "USDT"},
                "exchange": {"id": ""},
                "risk": {"max_total_at_risk_pct": 20},
            },
            "exchange.id is empty",
        ),
    ],
)
def test_keys_that_contradict_each_other(document: dict[str, Any], words: str) -> None:
    ((code, message),) = problems(document)
    assert code == "policy_contradiction"
    assert words in message


@pytest.mark.parametrize("value", [NumberText("0.1"), "0.1", NumberText("0.1_0")])
def test_decimals_are_exact(value: str) -> None:
    assert read_policy(raw("risk.max_asset_pct", value), "p").risk.max_asset_pct == Decimal("0.1")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "true"),
        (12, "12"),
        (Decimal("1E+3"), "1000"),
        (Mode.PAPER, '"paper"'),
        ('a"\\\n\x7f', '"a\\"\\\\\\u000a\\u007f"'),
        ((1, 2), "[1, 2]"),
        ({"USDT": Decimal("0.10")}, "{ USDT = 0.1 }"),
        ({"a b": {"c.d": (True,)}}, '{ "a b" = { "c.d" = [true] } }'),
    ],
)
def test_values_are_shown_as_toml(value: Any, shown: str) -> None:
    assert show_value(value) == shown


def test_the_schema_describes_every_key() -> None:
    schema = json.loads(json.dumps(policy_schema(), allow_nan=False))
    assert schema["additionalProperties"] is False
    described: dict[str, Any] = {}
    for name, section in schema["properties"].items():
        assert section["additionalProperties"] is False
        described |= {f"{name}.{key}": item for key, item in section["properties"].items()}
    assert set(described) == {key.path for key in KEYS}
    for key in KEYS:
        item = described[key.path]
        assert item["type"] == key.kind.schema_type
        assert key.help in item["description"]
        if key.kind in (COUNT, NUMBER):
            assert item.get("minimum") == (None if key.low is None else float(key.low))
            assert item.get("maximum") == (None if key.high is None else float(key.high))
        held = item["items"] if key.kind is TEXTS else item
        assert held.get("enum") == (list(key.choices) or None)
