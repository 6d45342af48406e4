"""One proposal's fields, from JSON values to the domain's own. Must never see a float, and never mend a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from tradekit.adapters.safe_text import is_safe, quoted
from tradekit.domain.numbers import ONE, NotAnAmount, parse_amount
from tradekit.domain.proposal import Amount, Notional, Origin, Side

FIELDS: Final[Mapping[str, str]] = {
    "id": "up to 64 of A-Z a-z 0-9 . _ : - with a letter or digit first",
    "symbol": 'BASE/QUOTE in capitals, such as "BTC/USDT"',
    "side": '"buy" or "sell"',
    "notional": "a decimal above zero in quote currency, or amount instead",
    "amount": "a decimal above zero in base units, or notional instead",
    "confidence": "a decimal from 0 to 1",
    "reason": "a text of up to 200 characters on one line",
    "expires": 'UTC such as "2030-01-31T12:00:00Z", or whole milliseconds since 1970',
}
MAX_REASON: Final = 200

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", re.ASCII)
_SYMBOL: Final = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}", re.ASCII)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z", re.ASCII)
# From the year 2001 on; seconds, the usual mistake, are far below.
_MILLISECONDS: Final = re.compile(r"[1-9][0-9]{12}", re.ASCII)


class JsonNumber(str):
    """A JSON number as it stands in the text, so that no float ever comes between."""

    __slots__ = ()


class JsonObject(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that a repeated key is seen."""

    __slots__ = ()


class BadField(NamedTuple):
    """What is wrong with a field, in words that follow its name."""

    field: str
    what: str


class _Wrong(ValueError):
    """Carries those words."""


def read_fields(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[BadField]]:
    """The arguments of a `Proposal` from the fields that are there, and what is wrong with the others.

    Missing required fields are the caller's to report; they are missing in the result as well.
    """
    values: dict[str, Any] = {"confidence": ONE, "reason": "", "origin": Origin.EXTERNAL}
    problems = []
    for field, (name, read) in _READERS.items():
        if field in raw:
            try:
                values[name] = read(raw[field])
            except _Wrong as wrong:
                problems.append(BadField(field, str(wrong)))
    if "notional" in raw and "amount" in raw:
        problems.append(BadField("amount", "stands beside notional, and only one of the two may"))
    return values, problems


def _matching(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def read(raw: Any) -> str:
        text = _text(raw)
        if not pattern.fullmatch(text):
            raise _Wrong(f"is {quoted(text)}")
        return text

    return read


def _text(raw: Any) -> str:
    if isinstance(raw, JsonNumber) or not isinstance(raw, str):
        raise _Wrong(f"is {_kind(raw)}, not a text")
    return raw


def _side(raw: Any) -> Side:
    text = _text(raw)
    for side in Side:
        if text == side.value:
            return side
    raise _Wrong(f"is {quoted(text)}")


def _number(raw: Any) -> Decimal:
    if not isinstance(raw, str):
        raise _Wrong(f"is {_kind(raw)}, not a decimal")
    try:
        return parse_amount(raw)
    except NotAnAmount:
        raise _Wrong(f"is {quoted(raw)}, not a plain decimal of at most 15 digits and 18 decimals") from None


def _positive(raw: Any) -> Decimal:
    number = _number(raw)
    if number == 0:
        raise _Wrong("is zero")
    return number


def _confidence(raw: Any) -> Decimal:
    number = _number(raw)
    if number > 1:
        raise _Wrong(f"is {quoted(raw)}, above 1")
    return number


def _reason(raw: Any) -> str:
    text = _text(raw)
    if len(text) > MAX_REASON:
        raise _Wrong(f"has {len(text)} characters, more than {MAX_REASON}")
    if not is_safe(text):
        raise _Wrong(f"is {quoted(text)}, with characters that can't be printed")
    return text


def _expires(raw: Any) -> int:
    if isinstance(raw, JsonNumber):
        if not _MILLISECONDS.fullmatch(raw):
            raise _Wrong(f"is {quoted(raw)}, not milliseconds since 1970")
        return int(raw)
    text = _text(raw)
    if not _TIME.fullmatch(text):
        raise _Wrong(f"is {quoted(text)}, not a time in UTC")
    from datetime import UTC, datetime, timedelta

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Wrong(f"is {quoted(text)}, which no calendar has") from None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _kind(raw: Any) -> str:
    match raw:
        case None:
            return "null"
        case bool():
            return "true or false"
        case JsonNumber():
            return "a number"
        case JsonObject():
            return "an object"
        case list():
            return "a list"
        case _:
            return "a text"


_READERS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "id": ("id", _matching(_ID)),
    "symbol": ("symbol", _matching(_SYMBOL)),
    "side": ("side", _side),
    "notional": ("size", lambda raw: Notional(_positive(raw))),
    "amount": ("size", lambda raw: Amount(_positive(raw))),
    "confidence": ("confidence", _confidence),
    "reason": ("reason", _reason),
    "expires": ("expires", _expires),
}
