"""Numbers from an exchange: texts in every form that JSON and ccxt use, made into exact decimals within bounds.

Must never see a float. What can't be kept in the books to the last digit is no number.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.domain.numbers import COST_PLACES, NotAnAmount, parse_signed, plain

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,200})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_QUANTUM: Final = Decimal(1).scaleb(-COST_PLACES)


def exact(value: object, what: str) -> Decimal:
    """A number of at most 15 integer digits and 18 decimals. Raises `BrokenAnswer` for anything else."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise BrokenAnswer(f"{what} is no number")
    try:
        return parse_signed(plain(Decimal(text)))
    except NotAnAmount:
        raise BrokenAnswer(f"{what} has too many digits") from None


def rounded(value: object, what: str) -> Decimal:
    """A number that was computed, such as a mean price: cut to 18 decimals. Raises `BrokenAnswer` as above."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise BrokenAnswer(f"{what} is no number")
    number = Decimal(text)
    return exact(f"{number.quantize(_QUANTUM):f}" if number.adjusted() < 15 else text, what)


def exact_or_none(value: object, what: str) -> Decimal | None:
    """None where the exchange doesn't say."""
    return None if value is None else exact(value, what)
