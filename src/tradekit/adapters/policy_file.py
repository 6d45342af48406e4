"""Finds and reads the policy file: TOML text to a `Policy`, through a door that no float passes.

Must never fall back to the built-in policy when a file was named, and never hand a text to the TOML parser that it
would chew on for seconds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradekit.adapters.input_file import read_text_file
from tradekit.adapters.safe_text import safe
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.ids import content_digest
from tradekit.domain.numbers import plain
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.keys import AMOUNTS, NumberText
from tradekit.domain.policy.sections import Policy, all_keys

BUILT_IN: Final = "built-in paper policy"
BUILT_IN_POLICY: Final = """\
# The policy that holds while there is none: practice money, and every key at its default.
# `tradekit policy show` writes all of them out, to be saved as policy.toml and changed.

[account]
mode = "paper"
"""
MAX_BYTES: Final = 64 * 1024
MAX_LINE: Final = 8192
MAX_KEY_PARTS: Final = 32

# tomllib takes time that grows with the square of a key's parts: 12 s for 20,000. Possessive and anchored behind
# what may come before a key, so that this look itself stays linear.
_LONG_KEY: Final = re.compile(
    r"""(?<![^\s\[{,])(?:(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+)"""
    f"{{{MAX_KEY_PARTS}}}"
)
_DEEP_BRACKETS: Final = re.compile(rf"(?:[\[{{]\s*+){{{MAX_KEY_PARTS}}}")
_PLACE: Final = re.compile(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)\Z")
_LONG_NUMBER: Final = re.compile(r"[0-9_]{4000}")


class LoadedPolicy(NamedTuple):
    """A policy with where it came from. `digest` is a fingerprint of `text`, which is what was read."""

    policy: Policy
    source: str
    digest: str
    text: str


def policy_source(home: Path, option: str | None, environment: Mapping[str, str]) -> Path | None:
    """The file to read: `--policy FILE`, else `TRADEKIT_POLICY`, else `policy.toml` in `home`; None for the built-in.

    Raises `BadInput` with `file_missing` when `--policy` is empty. Whether a named file exists is not looked at.
    """
    if option is not None:
        if not option:
            raise BadInput(Problem("file_missing", "--policy is empty", "name a file"))
        return Path(option)
    if named := environment.get("TRADEKIT_POLICY"):
        return Path(named)
    path = home / "policy.toml"
    try:
        # Looks at the link itself: one that leads nowhere is a mistake to report, not a missing policy.
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return path
    return path


def load_policy(path: Path | None) -> LoadedPolicy:
    """The policy in `path`, or the built-in one for None.

    Raises `BadInput`: what `read_text_file` raises (`file_insecure` included), `policy_empty`, `policy_syntax` with the
    line, or everything that `read_policy` finds.
    """
    if path is None:
        # Its text says no more than the defaults, so parsing it would only cost time; a test compares the two.
        return LoadedPolicy(read_policy({}, BUILT_IN), BUILT_IN, content_digest(BUILT_IN_POLICY), BUILT_IN_POLICY)
    source = safe(str(path))
    text = read_text_file(path, MAX_BYTES, trusted=True)
    if not text.strip():  # what a power cut leaves of a file must not turn a live account into one on paper
        fix = "`tradekit policy show` prints a whole one; without any file the built-in paper policy is in force"
        raise BadInput(Problem("policy_empty", f"{source}: is empty", fix))
    return LoadedPolicy(parse_policy(text, source), source, content_digest(text), text)


def parse_policy(text: str, source: str) -> Policy:
    """The policy that a TOML text describes; `source` names it in messages. Raises `BadInput`."""
    return read_policy(_parse_toml(text, source), source)


def change_policy(loaded: LoadedPolicy, changes: Sequence[tuple[str, str]]) -> Policy:
    """The policy with some keys changed; a value is TOML, a bare word a text. Raises `BadInput` as for a file.

    Of a key that is a table of amounts one entry can be changed, as in `risk.max_theme_pct.MEME`: the others stay.
    """
    raw = _parse_toml(loaded.text, loaded.source)
    for path, text in changes:
        section, _, key = path.partition(".")
        table = raw.setdefault(section, {})
        if isinstance(table, dict):
            name, _, entry = key.partition(".")
            if entry and f"{section}.{name}" in _tables_of_amounts():
                table = table.setdefault(name, _written(getattr(getattr(loaded.policy, section), name)))
                key = entry
        if isinstance(table, dict):
            table[key] = _toml_value(text)
    return read_policy(raw, "--what-if")


def _tables_of_amounts() -> frozenset[str]:
    return frozenset(key.path for key in all_keys() if key.kind is AMOUNTS)


def _written(amounts: Mapping[str, Decimal]) -> dict[str, NumberText]:
    """The entries of a table as they would stand in a file."""
    return {name: NumberText(plain(amount)) for name, amount in amounts.items()}


def _toml_value(text: str) -> Any:
    try:
        found = _parse_toml(f"value = {text}", "--what-if")
    except BadInput:
        return text
    return found["value"] if found.keys() == {"value"} else text


def _parse_toml(text: str, source: str) -> dict[str, Any]:
    import tomllib

    _refuse_slow_texts(text, source)
    try:
        return tomllib.loads(text, parse_float=NumberText)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        what = safe(message[: place.start()] if place else message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        raise _syntax(source, line, what[:1].lower() + what[1:]) from None
    except RecursionError:
        raise _syntax(source, 1, "nested too deeply") from None
    except ValueError:
        # The interpreter refuses to convert integers of more than 4,300 digits.
        number = _LONG_NUMBER.search(text)
        raise _syntax(source, _line_of(text, number.start() if number else 0), "a number has too many digits") from None


def _refuse_slow_texts(text: str, source: str) -> None:
    if len(text) > MAX_BYTES:
        raise BadInput(Problem("file_too_large", f"{source}: larger than {MAX_BYTES} bytes", "make it smaller"))
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            raise _syntax(source, number, f"longer than {MAX_LINE} characters")
    if found := _LONG_KEY.search(text):
        raise _syntax(source, _line_of(text, found.start()), f"a key has more than {MAX_KEY_PARTS} parts")
    if found := _DEEP_BRACKETS.search(text):
        raise _syntax(source, _line_of(text, found.start()), "nested too deeply")


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _syntax(source: str, line: int, what: str) -> BadInput:
    return BadInput(Problem("policy_syntax", f"{source}: line {line}: {what}", "the file has to be valid TOML"))
