"""The numbers of a fills file: texts or JSON numbers, with or without an exponent, within bounds.

Must never see a float and never mend a text. A number keeps its digits; where it has more than 18 decimals, which only
the floats of other programs leave there, it is rounded once to 18, half even.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Rounded
from typing import Any, Final

from tradekit.adapters.safe_text import quoted
from tradekit.domain.numbers import COST_PLACES, ZERO

NUMBER: Final = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?"
MAX_LENGTH: Final = 80
INTEGER_DIGITS: Final = 15
BOUND: Final = Decimal(10) ** INTEGER_DIGITS
QUANTUM: Final = Decimal(1).scaleb(-COST_PLACES)
# Lets `quantize` find out whether a number has at most 15 digits before the point and 18 after it.
EXACT: Final = Context(prec=INTEGER_DIGITS + COST_PLACES, traps=[InvalidOperation, Inexact, Rounded])

_number: Final = re.compile(NUMBER, re.ASCII)


class BadField(ValueError):
    """Carries a field's name, and what is wrong with it in words that follow the name."""


def read_number(field: str, raw: Any) -> Decimal | None:
    """The number that a JSON value tells, None for null. Raises `BadField`."""
    match raw:
        case None:
            return None
        case str() if len(raw) <= MAX_LENGTH and _number.fullmatch(raw):
            number = Decimal(raw)
        case Decimal():
            number = raw
        case int() if not isinstance(raw, bool):
            number = Decimal(raw)
        case str():
            raise BadField(field, f"is {quoted(raw)}")
        case _:
            raise BadField(field, f"is {kind_of(raw)}, not a number")
    return bounded(field, number)


def bounded(field: str, number: Decimal) -> Decimal:
    """The number with at most 18 decimals. Raises `BadField` where it is too large, or would be rounded to zero."""
    if not number:
        return ZERO
    if not -COST_PLACES <= number.adjusted() < INTEGER_DIGITS:
        raise BadField(field, f"is {quoted(str(number))}, not between 1e-{COST_PLACES} and 1e{INTEGER_DIGITS}")
    try:
        number.quantize(QUANTUM, context=EXACT)
    except (Inexact, Rounded):
        return number.quantize(QUANTUM)
    return number


def kind_of(raw: Any) -> str:
    """What a JSON value is, in words."""
    match raw:
        case bool():
            return "true or false"
        case int() | Decimal():
            return f"the number {quoted(str(Decimal(raw)))}"
        case str():
            return f"the text {quoted(raw)}"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return "null"
