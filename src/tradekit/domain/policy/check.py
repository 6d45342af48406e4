"""From the plain data of a policy file to a `Policy`, with all problems at once. Reads no file itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from tradekit.domain.account import Mode
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.numbers import NotAnAmount, parse_amount, plain
from tradekit.domain.policy.contradictions import contradictions
from tradekit.domain.policy.keys import AMOUNTS, BOOL, COUNT, COUNTS, LISTS, NUMBER, TABLE, TEXT, Key, NumberText
from tradekit.domain.policy.sections import SECTIONS, Policy, all_keys

# Each suggestion takes a millisecond to find.
_MOST_UNKNOWN: Final = 20
# Longer integers can be more than the interpreter is willing to print.
_BEYOND_ANY: Final = 10**15
_UNQUOTED: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
_BARE: Final = re.compile("[A-Za-z0-9_-]+")


class _WrongValue(ValueError):
    """Says what is wrong with a value, in words that follow the key's name."""


def read_policy(raw: Mapping[str, Any], file: str) -> Policy:
    """The policy that `raw` (a parsed TOML document, floats as `NumberText`) describes.

    Raises `BadInput` with one problem per key: unknown (with the nearest known one), of the wrong type, out of
    bounds, missing in live mode, or at odds with another key that is sound.
    """
    keys = {key.path: key for key in all_keys()}
    written, unsound, problems = _flatten(raw, keys, file)
    mode = "live" if written.get("account.mode") == "live" else "paper"
    values: dict[str, Any] = {}
    for path, key in keys.items():
        if path not in written:
            values[path] = key.default_for(mode)
            if mode == "live" and key.live_required:
                problems.append(_problem("policy_missing", file, path, "has to be written out in live mode", key.help))
                unsound.add(path)
            continue
        try:
            values[path] = _value(key, written[path])
        except _WrongValue as wrong:
            problems.append(_problem("policy_bad_value", file, path, str(wrong), _hint(key)))
            unsound.add(path)
    sound = {path: value for path, value in values.items() if path not in unsound}
    caps = keys["risk.max_theme_pct"].default
    problems += [_problem("policy_contradiction", file, *found) for found in contradictions(sound, caps)]
    if problems:
        raise BadInput(*problems)
    values["account.mode"] = Mode(values["account.mode"])
    return Policy(**{name: _build(name, section, values) for name, section in SECTIONS.items()})


def show_value(value: Any) -> str:
    """A policy value as TOML."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + _UNQUOTED.sub(_escape, value) + '"'
        case Decimal():
            return plain(value)
        case Mapping():
            shown = ((name if _BARE.fullmatch(name) else show_value(name), item) for name, item in value.items())
            return "{ " + ", ".join(f"{name} = {show_value(item)}" for name, item in shown) + " }"
        case Sequence():
            return "[" + ", ".join(show_value(item) for item in value) + "]"
        case _:
            return str(value)


def _escape(found: re.Match[str]) -> str:
    return "\\" + found[0] if found[0] in '"\\' else f"\\u{ord(found[0]):04x}"


def _flatten(
    raw: Mapping[str, Any], keys: Mapping[str, Key], file: str
) -> tuple[dict[str, Any], set[str], list[Problem]]:
    """What is written by key, the keys that it leaves in doubt, and what is wrong with its sections and names."""
    written: dict[str, Any] = {}
    doubtful: set[str] = set()
    problems: list[Problem] = []
    unknown: list[tuple[str, Mapping[str, Any]]] = []
    for name, section in raw.items():
        if name not in SECTIONS:
            unknown.append((name, SECTIONS))
        elif not isinstance(section, dict):
            problems.append(_problem("policy_bad_value", file, name, "is a section, not a value", f"write [{name}]"))
            doubtful |= _under(name, keys)
        else:
            for item, value in section.items():
                path = f"{name}.{item}"
                if path in keys:
                    written[path] = value
                else:
                    unknown.append((path, keys))
    for path, known in unknown[:_MOST_UNKNOWN]:
        near = _nearest(path, known)
        problems.append(_unknown(file, path, near))
        doubtful |= _under(near, keys) - written.keys()  # what is written there may be meant for it
    if more := len(unknown[_MOST_UNKNOWN:]):
        problems.append(Problem("policy_unknown_key", f"{file}: {more} more keys are unknown", "mend the first ones"))
        doubtful |= keys.keys() - written.keys()
    return written, doubtful, problems


def _under(name: str, keys: Mapping[str, Key]) -> set[str]:
    """The key of that name, or those of the section."""
    return {path for path in keys if name and (path == name or path.startswith(f"{name}."))}


def _nearest(path: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches  # only a misspelling pays for it

    return next(iter(get_close_matches(path, list(known), n=1, cutoff=0.5)), "")


def _unknown(file: str, path: str, near: str) -> Problem:
    fix = f"did you mean {near}?" if near else "`tradekit policy show` lists the keys"
    shown = path[:80].encode("unicode_escape").decode()
    return _problem("policy_unknown_key", file, shown, "is not a policy key", fix)


def _problem(code: str, file: str, path: str, what: str, fix: str) -> Problem:
    return Problem(code, f"{file}: {path} {what}", fix)


def _hint(key: Key) -> str:
    bounds = []
    if key.low is not None:
        bounds.append(f"from {plain(key.low)}")
    if key.high is not None:
        bounds.append(f"up to {plain(key.high)}")
    if key.choices:
        bounds.append("one of " + ", ".join(key.choices))
    unit = f" ({key.unit})" if key.unit else ""
    return f"{key.kind.name} {' '.join(bounds)}".strip() + f"{unit}: {key.help}"


def _value(key: Key, raw: Any) -> Any:
    if key.kind in (AMOUNTS, LISTS, TABLE):
        return _table(key, raw)
    if key.kind is BOOL:
        if not isinstance(raw, bool):
            raise _WrongValue("is neither true nor false")
        return raw
    if key.kind is COUNT:
        return int(_number(key, raw, whole=True))
    if key.kind is NUMBER:
        return _number(key, raw, whole=False)
    if key.kind is TEXT:
        return _text(key, raw)
    if not isinstance(raw, list):
        raise _WrongValue("is not a list")
    if key.kind is COUNTS:
        return tuple(int(_number(key, item, whole=True)) for item in raw)
    return tuple(_text(key, item) for item in raw)


def _table(key: Key, raw: Any) -> Any:
    if not isinstance(raw, dict):
        raise _WrongValue("is not a table")
    if key.kind is TABLE:
        return _free(raw)
    if key.kind is AMOUNTS:
        return {_text(key, name): _number(key, item, whole=False) for name, item in raw.items()}
    if not all(isinstance(items, list) for items in raw.values()):
        raise _WrongValue("is not a table of lists")
    return {_text(key, name): tuple(_text(key, item) for item in items) for name, items in raw.items()}


def _free(raw: Any) -> Any:
    """A value that another program understands: texts, numbers, lists and tables pass as they are."""
    match raw:
        case bool() | int():
            return raw
        case NumberText():
            try:
                return parse_amount(raw)
            except NotAnAmount:
                raise _WrongValue(f"holds {raw[:40]!r}, not a plain decimal number") from None
        case str():
            return raw
        case list():
            return tuple(_free(item) for item in raw)
        case dict():
            return {name: _free(item) for name, item in raw.items()}
        case _:
            raise _WrongValue("holds a date or a time")


def _number(key: Key, raw: Any, *, whole: bool) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise _WrongValue("is not a number")
    if isinstance(raw, int) and abs(raw) >= _BEYOND_ANY:
        raise _WrongValue("has too many digits")
    text = str(raw).replace("_", "") if isinstance(raw, NumberText) else str(raw)
    if text.startswith("-"):
        raise _WrongValue(f"is {text[:40]!r}, below zero")
    try:
        number = parse_amount(text)
    except NotAnAmount:
        raise _WrongValue(f"is {text[:40]!r}, not a plain decimal number") from None
    if whole and number != number.to_integral_value():
        raise _WrongValue(f"is {plain(number)}, not a whole number")
    if key.low is not None and number < key.low:
        raise _WrongValue(f"is {plain(number)}, below {plain(key.low)}")
    if key.high is not None and number > key.high:
        raise _WrongValue(f"is {plain(number)}, above {plain(key.high)}")
    return number


def _text(key: Key, raw: Any) -> str:
    if not isinstance(raw, str) or isinstance(raw, NumberText):
        raise _WrongValue("is not a text in quotes")
    if key.choices and raw not in key.choices:
        raise _WrongValue(f"is {raw[:40]!r}")
    if key.pattern and not re.fullmatch(key.pattern, raw, re.ASCII):
        raise _WrongValue(f"has {raw[:40]!r}, which doesn't look like {key.pattern}")
    return raw


def _build(name: str, section: Any, values: Mapping[str, Any]) -> Any:
    prefix = name + "."
    return section(**{path.removeprefix(prefix): value for path, value in values.items() if path.startswith(prefix)})
