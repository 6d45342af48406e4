"""Trades of a file by the hundred: whole columns are checked and converted at once, as a million of them asks for.

Must never tell anything but what `fills_fields.read_trade` tells of the same lines, one by one. Where a line has
anything unusual in it, good or bad, this finds only that there is something, and the lines are left to that function.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, DecimalException
from functools import partial
from itertools import repeat
from operator import le, mul, sub
from typing import Annotated, Any, Final, Literal

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder

from tradekit.adapters.fills_fields import ASSET, COSTS_DIFFER, FIRST_TIME, LAST_TIME, MAX_ID, Row, market_of
from tradekit.adapters.fills_numbers import BOUND, EXACT, MAX_LENGTH, NUMBER, QUANTUM, BadField
from tradekit.domain.fill import TradeRow
from tradekit.domain.numbers import ZERO

_Identifier = Annotated[str, Meta(min_length=1, max_length=MAX_ID)] | Annotated[int, Meta(ge=0)]


class _Fee(Struct, gc=False):
    """A fee as ccxt tells it, also where there was none."""

    cost: Any = None
    currency: str | None = None


class _Trade(Struct, gc=False):
    """A trade with all that most trades have. The numbers are texts, ints or `Decimal`."""

    id: _Identifier
    timestamp: Annotated[int, Meta(ge=FIRST_TIME, le=LAST_TIME)]
    symbol: str
    side: Literal["buy", "sell"]
    amount: Any
    price: Any
    cost: Any = None
    order: _Identifier | None = None
    fee: _Fee | None = None
    fees: list[_Fee] | None = None


_decode: Final = Decoder(_Trade, float_hook=Decimal).decode
_row: Final = partial(tuple.__new__, TradeRow)
_not_digits: Final = re.compile(r"[^0-9.,]").search
_are_numbers: Final = re.compile(f"{NUMBER}(?:,{NUMBER})*+", re.ASCII).fullmatch
# A text no longer than that can't have too many digits on either side of the point.
_SHORT: Final = 15


class _Unusual(ValueError):
    """Some line has to be looked at."""


def plain_rows(lines: list[bytes]) -> list[Row] | None:
    """The rows of lines of which every one is a trade like most are; None if one may not be."""
    try:
        return _rows(list(map(_decode, lines)))
    except (_Unusual, BadField, DecodeError, DecimalException, UnicodeDecodeError, RecursionError):
        return None


def _rows(trades: list[_Trade]) -> list[Row]:
    symbols, bases, quotes = zip(*map(market_of, [trade.symbol for trade in trades]), strict=True)
    amounts, prices = _numbers([trade.amount for trade in trades]), _numbers([trade.price for trade in trades])
    gross, told = list(map(mul, amounts, prices)), [trade.cost for trade in trades]
    costs = _bounded(gross) if told.count(None) == len(told) else _numbers(told)
    if min(amounts) <= 0 or min(costs) <= 0:  # then no price is, as cost and amount x price agree
        raise _Unusual
    if costs != gross:
        differences = map(abs, map(sub, gross, costs))
        if not all(map(le, differences, map(mul, gross, repeat(COSTS_DIFFER)))):
            raise _Unusual
    columns = (
        symbols,
        _texts([trade.id for trade in trades]),
        _texts([trade.order for trade in trades]),
        [trade.side == "buy" for trade in trades],
        amounts,
        costs,
        _fees(trades, bases, quotes, amounts, costs),
        [trade.timestamp for trade in trades],
    )
    return list(map(_row, zip(*columns, strict=True)))


def _fees(
    trades: list[_Trade], bases: tuple[str, ...], quotes: tuple[str, ...], amounts: list[Decimal], costs: list[Decimal]
) -> Iterable[tuple[tuple[str, Decimal], ...]]:
    """Each trade's fees: none, or one, told in `fee` or in `fees`."""
    fees = _single_fees(trades)
    told = [fee.cost if fee else None for fee in fees]
    missing = told.count(None)
    if missing == len(told):
        return repeat((), len(trades))
    assets: tuple[Any, ...] = tuple([fee.currency if fee else None for fee in fees])
    if missing:  # nothing was paid, in an asset that is good
        nothing = "0" if str in set(map(type, told)) else 0
        assets = tuple([quotes[n] if cost is None else assets[n] for n, cost in enumerate(told)])
        told = [nothing if cost is None else cost for cost in told]
    units, wholes = _numbers(told), costs
    if assets == quotes:
        assets = quotes  # the same texts, once instead of once a trade
    else:
        wholes = _wholes(assets, bases, quotes, amounts, costs)
    sizes = units if min(units) >= 0 else map(abs, units)
    if not all(map(le, sizes, wholes)):
        raise _Unusual
    pairs = zip(assets, units, strict=True)
    return zip(pairs) if all(units) else [(pair,) if pair[1] else () for pair in pairs]


def _single_fees(trades: list[_Trade]) -> list[_Fee | None]:
    several, fees = [trade.fees for trade in trades], [trade.fee for trade in trades]
    if not any(several):
        return fees
    if max(map(len, filter(None, several))) > 1:
        raise _Unusual
    return [listed[0] if listed else fee for listed, fee in zip(several, fees, strict=True)]


def _wholes(
    assets: tuple[str | None, ...],
    bases: tuple[str, ...],
    quotes: tuple[str, ...],
    amounts: list[Decimal],
    costs: list[Decimal],
) -> list[Decimal]:
    """What a fee can't be larger than: its own asset's side of the trade; a third asset knows no such bound."""
    if not all(asset and ASSET.fullmatch(asset) for asset in set(assets)):
        raise _Unusual
    return [
        cost if asset == quote else amount if asset == base else BOUND
        for asset, base, quote, amount, cost in zip(assets, bases, quotes, amounts, costs, strict=True)
    ]


def _numbers(column: list[Any]) -> list[Decimal]:
    """Texts or JSON numbers as `Decimal`, all of them within the bounds."""
    try:
        joined = ",".join(column)
    except TypeError:
        if not set(map(type, column)) <= {Decimal, int}:
            raise _Unusual from None
        return _bounded(list(map(Decimal, column)))
    longest, digits = len(max(column, key=len)), not _not_digits(joined)
    if longest > MAX_LENGTH or not (digits or _are_numbers(joined)):
        raise _Unusual
    numbers = list(map(Decimal, column))
    return numbers if digits and longest <= _SHORT else _bounded(numbers)


def _bounded(numbers: list[Decimal]) -> list[Decimal]:
    """The numbers: the sum of their sizes has all the digits, before and after the point, that any of them has."""
    sizes = numbers if min(numbers) >= 0 else map(abs, numbers)
    sum(sizes, ZERO).quantize(QUANTUM, context=EXACT)
    return numbers


def _texts(column: list[Any]) -> list[Any]:
    kinds = set(map(type, column))
    if int not in kinds:
        return column
    if len(kinds) > 1:
        raise _Unusual
    return list(map(str, column))
