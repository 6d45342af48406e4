"""What a policy key is: default, unit, bounds and one line of help, declared where its value is read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar, Final, NamedTuple


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
LISTS: Final = Kind("a table of lists of texts", "object")
TABLE: Final = Kind("a table", "object")
SAME_AS_PAPER: Final = object()


class NumberText(str):
    """A number as it stands in the file, so that no float ever comes between."""

    __slots__ = ()


class Key(NamedTuple):
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
    """Declares a key in a section; its path comes from where it stands. Bounds are decimal texts."""
    return Key("", kind, default, help, low=Decimal(low) if low else None, high=Decimal(high) if high else None, **more)


class Section:
    """A part of the policy. Its class says what may be written, an instance what is; never changed once made.

    Subclasses declare `name: type = key(...)`. A dataclass would do the same and cost each start 10 ms.
    """

    declared: ClassVar[dict[str, Key]] = {}

    def __init_subclass__(cls, name: str = "", **more: Any) -> None:
        super().__init_subclass__(**more)
        found = {field: item for field, item in vars(cls).items() if isinstance(item, Key)}
        cls.declared = {field: item._replace(path=f"{name}.{field}") for field, item in found.items()}
        for field in found:
            delattr(cls, field)

    def __init__(self, **values: Any) -> None:
        assert values.keys() == self.declared.keys()
        vars(self).update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a policy is not changed: {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def keys_of(section: type[Section]) -> Iterator[Key]:
    """The keys of one section, in the order they are declared."""
    yield from section.declared.values()
