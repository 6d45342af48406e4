"""Nouns to plain JSON data and back, driven by their type annotations alone.

Numbers become decimal strings, enums their words, a noun an object of its fields; a member of a union says which one
it is under `type`. Reading is strict: a missing, unknown or ill-typed field raises `BadShape`, so that
`from_plain(T, to_plain(T, x)) == x` and nothing else gets in.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from tradekit.domain.numbers import plain

# Products and quotients of amounts are longer than amounts: all the digits that a number of ours can have.
_NUMBER = re.compile(r"-?[0-9]{1,200}(\.[0-9]{1,200})?", re.ASCII)

_Encode = Callable[[Any], Any]
_Decode = Callable[[Any], Any]


class BadShape(ValueError):
    """The data is not of the form that the noun asks for. The message names the field."""


def to_plain(kind: Any, value: Any) -> Any:
    """Data that `json` can write, for a value of the annotated type `kind`."""
    encoded: Any = _encoder(kind)(value)
    return encoded


def from_plain(kind: Any, data: Any) -> Any:
    """The value of type `kind` that `to_plain` made `data` from. Raises `BadShape`."""
    return _decoder(kind)(data)


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    names = kind._fields if hasattr(kind, "_fields") else tuple(kind.__dataclass_fields__)
    return tuple((name, hints[name]) for name in names)


def tag_of(kind: type) -> str:
    """The word for a noun in the data: its class name in snake case."""
    return _snake(kind.__name__)


@cache
def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def _members(kind: Any) -> tuple[tuple[Any, ...], bool]:
    members = get_args(kind)
    nouns = tuple(member for member in members if member is not types.NoneType)
    return nouns, len(nouns) != len(members)


def _is_noun(kind: Any) -> bool:
    return hasattr(kind, "_fields") or hasattr(kind, "__dataclass_fields__")


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


@cache
def _encoder(kind: Any) -> _Encode:
    if isinstance(kind, NewType):
        return _encoder(kind.__supertype__)
    if kind is Decimal:
        return plain
    if kind in (str, int, bool, types.NoneType, Any):
        return _same
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_value
    if _is_noun(kind):
        return _noun_encoder(kind)
    if _is_union(kind):
        return _union_encoder(kind)
    item = get_args(kind)
    if get_origin(kind) is tuple:
        encode = _encoder(item[0])
        return lambda value: [encode(x) for x in value]
    encode_key, encode_value = _encoder(item[0]), _encoder(item[1])
    return lambda value: {encode_key(k): encode_value(v) for k, v in value.items()}


def _same(value: Any) -> Any:
    return value


def _enum_value(value: Enum) -> Any:
    return value.value


def _noun_encoder(kind: Any) -> _Encode:
    parts: list[tuple[str, _Encode]] = []

    def encode(value: Any) -> Any:
        if not parts:  # filled late: a noun may contain itself
            parts.extend((name, _encoder(hint)) for name, hint in _fields(kind))
        return {name: part(getattr(value, name)) for name, part in parts}

    return encode


def _union_encoder(kind: Any) -> _Encode:
    members, _ = _members(kind)
    if len(members) == 1:
        encode_one = _encoder(members[0])
        return lambda value: None if value is None else encode_one(value)
    encoders = {member: _encoder(member) for member in members}

    def encode(value: Any) -> Any:
        if value is None:
            return None
        return {"type": tag_of(type(value)), **encoders[type(value)](value)}

    return encode


@cache
def _decoder(kind: Any) -> _Decode:
    if isinstance(kind, NewType):
        return _decoder(kind.__supertype__)
    if kind is Decimal:
        return _decimal
    if kind in (str, int, bool):
        return _exact_type(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_decoder(kind)
    if _is_noun(kind):
        return _noun_decoder(kind)
    if _is_union(kind):
        return _union_decoder(kind)
    item = get_args(kind)
    if get_origin(kind) is tuple:
        return _tuple_decoder(_decoder(item[0]))
    return _mapping_decoder(_decoder(item[0]), _decoder(item[1]))


def _decimal(data: Any) -> Decimal:
    if not isinstance(data, str):
        raise BadShape("a number is not a decimal string")
    if not _NUMBER.fullmatch(data):
        raise BadShape(f"{data[:40]!r} is not a decimal number")
    return Decimal(data)


def _exact_type(kind: type) -> _Decode:
    def decode(data: Any) -> Any:
        if type(data) is not kind:
            raise BadShape(f"{data!r:.40} is not of type {kind.__name__}")
        return data

    return decode


def _enum_decoder(kind: type[Enum]) -> _Decode:
    words: Mapping[Any, Enum] = {member.value: member for member in kind}

    def decode(data: Any) -> Enum:
        if not isinstance(data, str) or data not in words:
            raise BadShape(f"{data!r:.40} is none of {', '.join(words)}")
        return words[data]

    return decode


def _noun_decoder(kind: Any) -> _Decode:
    parts: list[tuple[str, _Decode]] = []

    def decode(data: Any) -> Any:
        if not parts:
            parts.extend((name, _decoder(hint)) for name, hint in _fields(kind))
        if not isinstance(data, dict) or len(data) != len(parts):
            raise BadShape(f"{tag_of(kind)} has other fields than {', '.join(name for name, _ in parts)}")
        values = []
        for name, part in parts:
            if name not in data:
                raise BadShape(f"{tag_of(kind)}.{name} is missing")
            try:
                values.append(part(data[name]))
            except BadShape as shape:
                raise BadShape(f"{tag_of(kind)}.{name}: {shape}") from None
        return kind(*values)

    return decode


def _union_decoder(kind: Any) -> _Decode:
    members, optional = _members(kind)
    if len(members) == 1:
        decode_one = _decoder(members[0])
        return lambda data: None if data is None else decode_one(data)
    decoders = {tag_of(member): _decoder(member) for member in members}

    def decode(data: Any) -> Any:
        if data is None and optional:
            return None
        word = data.get("type") if isinstance(data, dict) else None
        if not isinstance(word, str) or word not in decoders:
            raise BadShape(f"type {word!r:.40} is none of {', '.join(decoders)}")
        return decoders[word]({name: value for name, value in data.items() if name != "type"})

    return decode


def _tuple_decoder(decode_item: _Decode) -> _Decode:
    def decode(data: Any) -> Any:
        if not isinstance(data, list):
            raise BadShape("is not a list")
        return tuple(decode_item(item) for item in data)

    return decode


def _mapping_decoder(decode_key: _Decode, decode_value: _Decode) -> _Decode:
    def decode(data: Any) -> Any:
        if not isinstance(data, dict):
            raise BadShape("is not an object")
        return {decode_key(name): decode_value(value) for name, value in data.items()}

    return decode
