"""Reads proposals that other programs wrote. They are not trusted: the schema is strict, and one bad item refuses all.

Must never guess (a nearly right word, the last of two equal keys, a number that a float has touched) and never answer
with anything but proposals or `BadInput`. A text is a JSON array, or JSON lines with blank lines allowed; a blank text
holds no proposal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from tradekit.adapters.input_file import STDIN, read_stdin, read_text_file
from tradekit.adapters.proposal_fields import FIELDS, BadField, JsonNumber, JsonObject, read_fields
from tradekit.adapters.safe_text import quoted, safe
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.proposal import Proposal

MAX_BYTES: Final = 1024 * 1024
MAX_PROPOSALS: Final = 1000
MAX_PROBLEMS: Final = 20
_BLANK: Final = " \t\r\n"
_REQUIRED: Final = ("id", "symbol", "side")
_FORM: Final = "a JSON array of objects, or one JSON object on each line"


class _Item(NamedTuple):
    """A value of the text with its place in words: `item 3` or `line 3`."""

    place: str
    value: Any


class _NotJson(ValueError):
    """What the JSON parser would let pass: NaN and the infinities."""


class _Complaints:
    """The problems of one text, all of them counted, the first ones kept."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._kept: list[Problem] = []
        self._count = 0

    def add(self, code: str, place: str, what: str, fix: str) -> None:
        """Notes a problem; beyond the cap it is only counted."""
        self._count += 1
        if self._count <= MAX_PROBLEMS:
            self._kept.append(Problem(code, f"{self._source}: {place}: {what}", fix))

    @property
    def full(self) -> bool:
        """Whether what is added from now on will not be shown, so that finding words for it is wasted."""
        return self._count >= MAX_PROBLEMS

    def raise_any(self) -> None:
        """Raises `BadInput` with what was noted; the last one says how many more there are."""
        if self._count > MAX_PROBLEMS:
            more = self._count - MAX_PROBLEMS + 1
            last = Problem("proposals_more_problems", f"{self._source}: {more} more problems", "mend the first ones")
            raise BadInput(*self._kept[: MAX_PROBLEMS - 1], last)
        if self._kept:
            raise BadInput(*self._kept)


def load_proposals(where: str) -> tuple[Proposal, ...]:
    """The proposals in the file `where`, or on stdin for `-`. Raises `BadInput`."""
    if where == "-":
        return parse_proposals(read_stdin(MAX_BYTES), STDIN)
    if not where:
        raise BadInput(Problem("file_missing", "--proposals is empty", "name a file, or - for stdin"))
    return parse_proposals(read_text_file(Path(where), MAX_BYTES), where)


def parse_proposals(text: str, source: str) -> tuple[Proposal, ...]:
    """The proposals in `text`, in their order, of origin EXTERNAL; `source` names it in messages.

    Sizes and confidence may be JSON strings or JSON numbers; either way the digits are taken as they stand, and an
    exponent is refused. Raises `BadInput` with up to 20 problems: `proposals_syntax`, `proposals_too_many`,
    `proposal_unknown_field`, `proposal_missing_field`, `proposal_bad_value`, `proposal_duplicate_id`, and
    `proposals_more_problems` when there are others.
    """
    complaints = _Complaints(safe(source))
    proposals = []
    for item in _items(text, complaints):
        fields = _fields(item, complaints)
        if fields is not None:
            values, problems = read_fields(fields)
            _report(problems, item.place, complaints)
            proposals.append((item.place, values))
    _check_ids([(place, values["id"]) for place, values in proposals if "id" in values], complaints)
    complaints.raise_any()
    return tuple(Proposal(**values) for _, values in proposals)


def _items(text: str, complaints: _Complaints) -> Iterator[_Item]:
    if len(text) > MAX_BYTES:
        complaints.add("file_too_large", "the text", f"is longer than {MAX_BYTES} characters", "split it")
    elif text.lstrip(_BLANK).startswith("["):
        values = [value for array in _decode(text, "", complaints) for value in array]
        if not _too_many(len(values), complaints):
            yield from (_Item(f"item {number}", value) for number, value in enumerate(values, start=1))
    else:
        # Only LF ends a line: U+2028 and its like may stand inside a JSON string.
        lines = [(f"line {n}", line) for n, line in enumerate(text.split("\n"), start=1) if line.strip(_BLANK)]
        if not _too_many(len(lines), complaints):
            for place, line in lines:
                yield from (_Item(place, value) for value in _decode(line, place, complaints))


def _too_many(count: int, complaints: _Complaints) -> bool:
    if count <= MAX_PROPOSALS:
        return False
    complaints.add("proposals_too_many", "the text", f"has {count} proposals, {MAX_PROPOSALS} may be", "split it")
    return True


def _decode(text: str, line: str, complaints: _Complaints) -> Iterator[Any]:
    """The JSON value, objects as `JsonObject` and numbers as `JsonNumber`; nothing but a complaint if there is none."""
    place = line or "the array"
    try:
        yield json.loads(
            text,
            object_pairs_hook=JsonObject,
            parse_float=JsonNumber,
            parse_int=JsonNumber,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        place = f"{line or f'line {error.lineno}'} column {error.colno}"
        complaints.add("proposals_syntax", place, f"not JSON: {safe(error.msg)}", _FORM)
    except _NotJson as error:
        complaints.add("proposals_syntax", place, f"{error} is not a number", _FORM)
    except RecursionError:
        complaints.add("proposals_syntax", place, "nested too deeply", _FORM)


def _refuse_constant(name: str) -> NoReturn:
    raise _NotJson(name)


def _fields(item: _Item, complaints: _Complaints) -> dict[str, Any] | None:
    """The object's fields by name; complains about unknown, repeated and missing ones."""
    if not isinstance(item.value, JsonObject):
        complaints.add("proposal_bad_value", item.place, "is not a JSON object", _FORM)
        return None
    fields: dict[str, Any] = {}
    for name, value in item.value:
        if name not in FIELDS:
            fix = "" if complaints.full else _suggestion(name)
            complaints.add("proposal_unknown_field", item.place, f"{quoted(name)} is not a field of a proposal", fix)
        elif name in fields:
            complaints.add("proposal_bad_value", item.place, f"{name} is given twice", "give it once")
        fields[name] = value
    for name in _REQUIRED:
        if name not in fields:
            complaints.add("proposal_missing_field", item.place, f"{name} is missing", FIELDS[name])
    if "notional" not in fields and "amount" not in fields:
        complaints.add("proposal_missing_field", item.place, "notional or amount is missing", FIELDS["notional"])
    return fields


def _suggestion(name: str) -> str:
    from difflib import get_close_matches  # only a misspelling pays for it

    near = get_close_matches(name[:40], list(FIELDS), n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else "the fields are " + ", ".join(FIELDS)


def _report(problems: list[BadField], place: str, complaints: _Complaints) -> None:
    for problem in problems:
        complaints.add("proposal_bad_value", place, f"{problem.field} {problem.what}", FIELDS[problem.field])


def _check_ids(ids: list[tuple[str, str]], complaints: _Complaints) -> None:
    first: dict[str, str] = {}
    for place, name in ids:
        if name in first:
            what = f"id {quoted(name)} is that of {first[name]}"
            complaints.add("proposal_duplicate_id", place, what, "give every proposal an id of its own")
        first.setdefault(name, place)
