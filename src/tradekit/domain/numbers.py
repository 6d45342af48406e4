"""The one door for numbers: text to `Decimal`, `Decimal` to text, and rounding in a named direction.

Must never see a float. Importing this module widens the decimal context to 100 digits, so that sums and products
of amounts (15 integer digits and 18 decimals each) are exact instead of being cut at 28 digits in silence.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)
BP: Final = Decimal("0.0001")
PERCENT: Final = Decimal("0.01")
COST_PLACES: Final = 18
DIGITS: Final = 100

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,18})?", re.ASCII)
_SIGNED = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,18})?", re.ASCII)
_QUANTUM: Final = Decimal(1).scaleb(-COST_PLACES)

for _context in (decimal.DefaultContext, decimal.getcontext()):
    _context.prec = DIGITS
    _context.rounding = decimal.ROUND_HALF_EVEN


class NotAnAmount(ValueError):
    """The text is not a plain decimal number such as `12` or `0.5` (no sign, exponent, NaN or blank)."""


def parse_amount(text: str) -> Decimal:
    """A non-negative amount of at most 15 integer digits and 18 decimals.

    Raises `NotAnAmount` for anything else: signs, exponents, NaN, blanks, underscores, foreign digits.
    """
    if not _AMOUNT.fullmatch(text):
        raise NotAnAmount(text)
    return Decimal(text)


def parse_signed(text: str) -> Decimal:
    """Like `parse_amount`, with an optional leading minus sign."""
    if not _SIGNED.fullmatch(text):
        raise NotAnAmount(text)
    return Decimal(text)


def plain(number: Decimal) -> str:
    """The shortest plain text of a number: no exponent, no trailing zeros, never `-0`."""
    if number == 0:
        return "0"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def floor_to(number: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `number`."""
    return (number / step).to_integral_value(decimal.ROUND_FLOOR) * step


def ceil_to(number: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below `number`."""
    return (number / step).to_integral_value(decimal.ROUND_CEILING) * step


def divide(numerator: Decimal, denominator: Decimal) -> Decimal:
    """A quotient rounded once, to 18 decimals, half even. Raises `decimal.DivisionByZero`."""
    return (numerator / denominator).quantize(_QUANTUM, decimal.ROUND_HALF_EVEN)


def total(numbers: Iterable[Decimal]) -> Decimal:
    """The exact sum, a `Decimal` also when there is nothing to add."""
    return sum(numbers, ZERO)
