"""What an answer has to look like before anybody believes it. A broken answer is *unknown*, never *empty*.

ccxt turns a maintenance page, an empty body or a missing field into an empty list or an order without an id. Here the
body is read strictly, once, and the answer of each known endpoint is held against its shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

LARGEST_ANSWER: Final = 64 * 1024 * 1024
_NAMES: Final = frozenset({"asset", "currency", "symbol", "product_id", "orderId", "order_id", "trade_id"})
_ERROR_KEYS: Final = frozenset({"error", "errors", "msg", "message", "code", "retCode", "retMsg"})


class BrokenAnswer(Exception):
    """The exchange said something that can't be what it means."""


class Holds(StrEnum):
    """What stands at the place of the payload: one object, a list (`SOME`: not empty), or a table by id."""

    ONE = "one"
    LIST = "list"
    SOME = "some"
    BY_ID = "by_id"


class Shape(NamedTuple):
    """The whole answer of one endpoint: where its payload is, what that holds, and fields that each object must have.

    `a|b` is a field under either name; `a?` has to be there and may be empty, as a client id is of an order by hand.
    """

    at: tuple[str, ...]
    holds: Holds
    needs: tuple[str, ...] = ()


def read_json(text: str) -> Any:
    """A JSON object or list, with fractions as texts. Raises `BrokenAnswer` for everything else."""
    if len(text) > LARGEST_ANSWER:
        raise BrokenAnswer(f"an answer of {len(text)} characters")
    try:
        value = json.loads(text, parse_float=str, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise BrokenAnswer("not JSON" if text.strip() else "an empty answer") from None
    if not isinstance(value, dict | list):
        raise BrokenAnswer(f"{type(value).__name__} instead of an object")
    return value


def check_shape(answer: Any, shape: Shape) -> None:
    """Raises `BrokenAnswer` where the answer is not whole."""
    found = answer
    for name in shape.at:
        if not isinstance(found, dict) or name not in found:
            raise BrokenAnswer(f"{name} is missing")
        found = found[name]
    for item in _objects(found, shape.holds):
        if not isinstance(item, dict):
            raise BrokenAnswer(f"{type(item).__name__} instead of an object")
        for need in shape.needs:
            if not any(_is_told(item, name) for name in need.split("|")):
                raise BrokenAnswer(f"{need} is missing")


def check_unknown_shape(answer: Any) -> None:
    """The least that an answer of an endpoint without a known shape has to be."""
    if answer == {}:
        raise BrokenAnswer("an empty object")


def proves_emptiness(answer: Any) -> bool:
    """Whether an answer of unknown shape really holds an empty list or table somewhere, errors aside."""
    if isinstance(answer, list):
        return not answer or any(proves_emptiness(item) for item in answer)
    if not isinstance(answer, Mapping):
        return False
    parts = [value for key, value in answer.items() if key not in _ERROR_KEYS]
    return any(part in ([], {}) or proves_emptiness(part) for part in parts)


def _objects(found: Any, holds: Holds) -> Iterable[Any]:
    match holds:
        case Holds.ONE:
            return [found]
        case Holds.LIST if isinstance(found, list):
            return found
        case Holds.SOME if isinstance(found, list) and found:
            return found
        case Holds.BY_ID if isinstance(found, dict):
            return list(found.values())
        case _:
            raise BrokenAnswer(f"{type(found).__name__} instead of a {holds}")


def _is_told(item: dict[str, Any], name: str) -> bool:
    if name.endswith("?"):
        return name[:-1] in item
    value = item.get(name)
    if name in _NAMES:  # ccxt leaves out what has no name that it can read
        return type(value) in (str, int) and value != ""
    return value is not None and value != ""


def _refuse_constant(name: str) -> Any:
    raise BrokenAnswer(f"{name} instead of a number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BrokenAnswer("a name stands twice")
    return found
