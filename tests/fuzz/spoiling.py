"""Spoils a JSON answer or any bytes, one small wrong thing at a time. Where and how is chosen by who calls.

`Choose` gives a number below its argument: hypothesis draws it, and a coverage-guided fuzzer reads it off its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

Choose = Callable[[int], int]


class Raw(NamedTuple):
    """Stands in a tree for text that is written as it is."""

    text: str


class Twice(NamedTuple):
    """An object in which one name stands a second time, with another value."""

    whole: dict[str, Any]
    name: str


DEEP: Final = Raw("[" * 3000 + "]" * 3000)
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, 10**30, Raw("9" * 5000), Raw("1e999999999"), Raw("NaN"), Raw("-Infinity"), DEEP,
    "", " ", "nan", "1e999999", "-1", "0x10", "\uff11", "a\x1b[2J", "pending_new_v2", "\u202e", "x" * 9000,
    Raw('"\\ud800"'), [], {}, [None], [[]], [{}], {"a": None},
)  # fmt: skip


def write(value: Any) -> str:
    """JSON, with the spoiled parts as they are."""
    match value:
        case Raw(text):
            return text
        case Twice(whole, name):
            return write(whole)[:-1] + f",{json.dumps(name)}:{write(VALUES[3])}" + "}"
        case dict():
            return "{" + ",".join(f"{json.dumps(name)}:{write(part)}" for name, part in value.items()) + "}"
        case list():
            return "[" + ",".join(map(write, value)) + "]"
        case _:
            return json.dumps(value)


def spoiled_answer(body: Any, choose: Choose) -> bytes:
    """The text of an answer with one or two wrong things in it."""
    tree = json.loads(json.dumps(body))
    for _ in range(1 + choose(2)):
        tree = spoiled_tree(tree, choose)
    return spoiled_bytes(write(tree).encode(), choose) if choose(4) == 0 else write(tree).encode()


def spoiled_tree(tree: Any, choose: Choose) -> Any:
    """The tree with one place of it changed: a field left out or given twice, or a value of another kind."""
    if isinstance(tree, dict) and tree and choose(8):
        names = list(tree)
        name = names[choose(len(names))]
        match choose(8):
            case 0 if not all(isinstance(part, dict) for part in tree.values()):  # one of a table's entries: a lie
                return {key: part for key, part in tree.items() if key != name}
            case 1:
                return Twice(tree, name)
            case _:
                return {**tree, name: spoiled_tree(tree[name], choose)}
    if isinstance(tree, list) and tree and choose(8):
        place = choose(len(tree))
        return [*tree[:place], spoiled_tree(tree[place], choose), *tree[place + 1 :]]
    return VALUES[choose(len(VALUES))]


def spoiled_bytes(data: bytes, choose: Choose) -> bytes:
    """The bytes cut, in another encoding, with one byte changed, or with something before or behind them."""
    place = choose(len(data)) if data else 0
    match choose(8):
        case 0:
            return data[:place]
        case 1:
            return data[:place] + bytes([choose(256)]) + data[place + 1 :]
        case 2:
            return data.decode("utf-8", "replace").encode("utf-16")
        case 3:
            return b"\xef\xbb\xbf" + data
        case 4:
            return data + b"\x00"
        case 5:
            return data + b"<html>"
        case 6:
            return data[:place] + b"\xff\xfe" + data[place:]
        case _:
            return data + data
