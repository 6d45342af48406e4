"""The policy as a JSON Schema, for editors that complete and check TOML. Made from the keys, never written by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tradekit.domain.policy.keys import AMOUNTS, COUNTS, LISTS, TEXT, TEXTS, Key, keys_of
from tradekit.domain.policy.sections import SECTIONS


def policy_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) of the policy file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tradekit policy",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {
                "type": "object",
                "description": (section.__doc__ or "").strip(),
                "additionalProperties": False,
                "properties": {key.path.partition(".")[2]: _property(key) for key in keys_of(section)},
            }
            for name, section in SECTIONS.items()
        },
    }


def _property(key: Key) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": key.kind.schema_type,
        "description": key.help + (f" ({key.unit})" if key.unit else ""),
        "default": _plain(key.default),
    }
    if key.kind is AMOUNTS:
        described["additionalProperties"] = {"type": ["number", "string"]}
    elif key.kind is LISTS:
        described["additionalProperties"] = {"type": "array", "items": {"type": "string"}}
    elif key.kind in (TEXTS, COUNTS):
        described["items"] = {"type": "integer"} if key.kind is COUNTS else {"type": "string"}
        if key.choices:
            described["items"]["enum"] = list(key.choices)
    elif key.low is not None or key.high is not None:
        bounds = {"minimum": key.low, "maximum": key.high}
        described |= {word: _plain(bound) for word, bound in bounds.items() if bound is not None}
    if key.choices and key.kind is TEXT:
        described["enum"] = list(key.choices)
    return described


def _plain(value: Any) -> Any:
    """JSON numbers stay short and exact: whole ones as integers, others as the nearest JSON number."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case tuple():
            return [_plain(item) for item in value]
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case _:
            return value
