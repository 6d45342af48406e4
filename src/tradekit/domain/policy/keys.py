"""What a policy key is: default, unit, bounds and one line of help, kept beside the field that holds its value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Final, NamedTuple


class Kind(NamedTuple):
    """The shape of a value: its name for people and its JSON Schema type."""

    name: str
    schema_type: str


BOOL: Final = Kind("true or false", "boolean")
COUNT: Final = Kind("a whole number", "integer")
NUMBER: Final = Kind("a number", "number")
TEXT: Final = Kind("a text", "string")
TEXTS: Final = Kind("a list of texts", "array")
COUNTS: Final = Kind("a list of whole numbers", "array")
AMOUNTS: Final = Kind("a table of amounts", "object")


SAME_AS_PAPER: Final = object()


@dataclass(frozen=True)
class Key:
    """One policy key. Bounds are inclusive; `choices` and `pattern` bind texts, also those in lists and tables.

    `live_default` replaces `default` in live mode; a `live_required` key has to be written out there.
    """

    path: str
    kind: Kind
    default: Any
    help: str
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    live_default: Any = SAME_AS_PAPER
    live_required: bool = False

    def default_for(self, mode: str) -> Any:
        """The value when the key isn't written."""
        return self.live_default if mode == "live" and self.live_default is not SAME_AS_PAPER else self.default


def key(kind: Kind, default: Any, help: str, *, low: str = "", high: str = "", **more: Any) -> Any:
    """Declares a field of a policy section. Bounds are decimal texts."""
    metadata = {
        "kind": kind,
        "default": default,
        "help": help,
        "low": Decimal(low) if low else None,
        "high": Decimal(high) if high else None,
        **more,
    }
    return field(metadata=metadata)


def keys_of(section_name: str, section: Any) -> Iterator[Key]:
    """The keys of one section class, in the order they are written there."""
    for item in fields(section):
        yield Key(path=f"{section_name}.{item.name}", **item.metadata)
