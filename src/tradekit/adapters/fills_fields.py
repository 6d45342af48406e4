"""One trade of a file, field by field, from a line to a row of the books or to words for what is wrong with it.

Must never guess, and never book what no exchange can have done. Fields that are not read are not judged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, DecimalException
from functools import lru_cache
from typing import Any, Final, NamedTuple

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from tradekit.adapters.fills_numbers import BOUND, BadField, bounded, kind_of, read_number
from tradekit.adapters.fills_source import A_LIST, ONE_A_LINE, is_list
from tradekit.adapters.safe_text import quoted, safe
from tradekit.domain.fill import BrokenTrade, TradeRow
from tradekit.domain.numbers import ZERO, divide, plain

Row = TradeRow | BrokenTrade

FIELDS: Final[Mapping[str, str]] = {
    "id": "a text of up to 128 characters, or a whole number",
    "timestamp": "whole milliseconds since 1970, from 2009 on",
    "symbol": 'a spot market in capitals, such as "BTC/USD"',
    "side": '"buy" or "sell"',
    "amount": 'a decimal in base units, such as "0.5", 0.5 or 5e-1, below 1e15',
    "price": "a decimal in quote currency, below 1e15",
    "cost": "a decimal in quote currency, below 1e15; it is amount x price where it is left out",
    "order": "a text of up to 128 characters, a whole number or null",
    "fee": 'an object such as {"cost": "0.1", "currency": "USD"}, or null',
    "fees": "a list of such objects as fee is one, or null",
}
MAX_ID: Final = 128
# Spot trading began in 2009; seconds are far below, microseconds far above.
FIRST_TIME: Final = 1_230_768_000_000
LAST_TIME: Final = 4_102_444_800_000
COSTS_DIFFER: Final = Decimal("0.01")

_MARKET: Final = re.compile(r"([A-Z0-9]{1,20})[/-]([A-Z0-9]{1,20})", re.ASCII)
ASSET: Final = re.compile(r"[A-Z0-9]{1,20}", re.ASCII)


class Market(NamedTuple):
    """A symbol in its one form, and its two assets."""

    symbol: str
    base: str
    quote: str


class NotATrade(ValueError):
    """The line is no JSON object."""


class MissingField(ValueError):
    """Carries the field's name."""


class _Trade(Struct, gc=False):
    """A unified trade of ccxt, nothing of it checked: numbers may be texts, ints or `Decimal`, and anything null."""

    id: Any = None
    timestamp: Any = None
    symbol: Any = None
    side: Any = None
    amount: Any = None
    price: Any = None
    cost: Any = None
    order: Any = None
    fee: Any = None
    fees: Any = None


_decode: Final = Decoder(_Trade, float_hook=Decimal).decode


@lru_cache(maxsize=4096)
def market_of(symbol: str) -> Market:
    """The market of `BTC/USD`, or of the native form `BTC-USD`. Raises `BadField`."""
    found = _MARKET.fullmatch(symbol)
    if not found:
        derivative = ", a derivative; only spot trades are booked" if ":" in symbol else ""
        raise BadField("symbol", f"is {quoted(symbol)}{derivative}")
    if found[1] == found[2]:
        raise BadField("symbol", f"is {quoted(symbol)}, the same asset twice")
    return Market("/".join(found.groups()), *found.groups())


def read_trade(line: bytes) -> Row:
    """The trade on one line. Raises `NotATrade`, `MissingField` or `BadField`."""
    trade = _decoded(line)
    trade_id = _identifier("id", trade.id)
    if trade_id is None:
        raise MissingField("id")
    time = _time(trade.timestamp)
    market = market_of(_text("symbol", trade.symbol))
    side = _text("side", trade.side)
    if side not in ("buy", "sell"):
        raise BadField("side", f"is {quoted(side)}")
    order, fees = _identifier("order", trade.order), _fees(trade)
    amount, price, cost = (read_number(name, getattr(trade, name)) for name in ("amount", "price", "cost"))
    if amount is None:
        if price is None or cost is None:
            raise MissingField("amount")
        amount = bounded("amount", divide(cost, price)) if price else ZERO
    elif cost is None:
        if price is None:
            raise MissingField("price")
        cost = amount * price
        if cost >= BOUND:
            raise BadField("cost", f"is left out, and amount x price is {quoted(str(cost))}")
    why = _nonsense(market, amount, price, cost, fees)
    if why:
        return BrokenTrade(market.symbol, trade_id, time, why)
    paid = tuple((asset, units) for units, asset in fees if asset is not None)
    return TradeRow(market.symbol, trade_id, order, side == "buy", amount, cost, paid, time)


def _decoded(line: bytes) -> _Trade:
    if is_list(line):
        raise NotATrade(A_LIST, ONE_A_LINE)
    try:
        return _decode(line)
    except DecodeError as error:
        raise NotATrade(f"not a trade: {safe(str(error))}", ONE_A_LINE) from None
    except UnicodeDecodeError:
        raise NotATrade("not UTF-8 text", "save it with the encoding UTF-8") from None
    except RecursionError:
        raise NotATrade("nested too deeply", ONE_A_LINE) from None
    except DecimalException:
        raise NotATrade("has a number beyond all bounds", "mend the line, or leave it out") from None


def _text(field: str, raw: Any) -> str:
    if raw is None:
        raise MissingField(field)
    if not isinstance(raw, str):
        raise BadField(field, f"is {kind_of(raw)}, not a text")
    return raw


def _identifier(field: str, raw: Any) -> str | None:
    if raw is None or raw == "":
        return None
    text = str(raw) if type(raw) is int and raw >= 0 else raw
    if not isinstance(text, str):
        raise BadField(field, f"is {kind_of(raw)}")
    if len(text) > MAX_ID:
        raise BadField(field, f"has {len(text)} characters, more than {MAX_ID}")
    return text


def _time(raw: Any) -> int:
    if raw is None:
        raise MissingField("timestamp")
    if type(raw) is not int:
        raise BadField("timestamp", f"is {kind_of(raw)}, not whole milliseconds")
    if FIRST_TIME <= raw <= LAST_TIME:
        return raw
    for unit, scaled in (("seconds", raw * 1000), ("microseconds", raw // 1000), ("nanoseconds", raw // 1_000_000)):
        if FIRST_TIME <= scaled <= LAST_TIME:
            raise BadField("timestamp", f"is {raw}: {unit}, not milliseconds")
    raise BadField("timestamp", f"is {quoted(str(raw))}, " + ("before 2009" if raw < FIRST_TIME else "after 2099"))


def _fees(trade: _Trade) -> list[tuple[Decimal, str | None]]:
    """The fees that cost anything; ccxt tells a single one twice, in `fees` and in `fee`."""
    several = [] if trade.fees is None else trade.fees
    if not isinstance(several, list):
        raise BadField("fees", f"is {kind_of(several)}, not a list")
    return [fee for raw in several for fee in _fee("fees", raw)] if several else list(_fee("fee", trade.fee))


def _fee(field: str, raw: Any) -> list[tuple[Decimal, str | None]]:
    if raw is None:
        return []
    if not isinstance(raw, dict):
        raise BadField(field, f"is {kind_of(raw)}, not an object")
    cost, asset = read_number(f"{field}.cost", raw.get("cost")), raw.get("currency")
    if not cost:
        return []
    if asset is not None and not (isinstance(asset, str) and ASSET.fullmatch(asset)):
        raise BadField(f"{field}.currency", f"is {quoted(asset) if isinstance(asset, str) else kind_of(asset)}")
    return [(cost, asset)]


def _nonsense(
    market: Market, amount: Decimal, price: Decimal | None, cost: Decimal, fees: list[tuple[Decimal, str | None]]
) -> str:
    """Why no exchange can have made this trade; blank if nothing speaks against it."""
    for name, number in (("price", price), ("cost", cost), ("amount", amount)):
        if number is not None and number <= 0:
            return f"{name} is {plain(number)}"
    if price is not None and abs(amount * price - cost) > amount * price * COSTS_DIFFER:
        return f"cost is {plain(cost)}, and amount x price is {plain(amount * price)}"
    for units, asset in fees:
        if asset is None:
            return f"a fee of {plain(units)} has no currency"
        for name, traded, whole in (("cost", market.quote, cost), ("amount", market.base, amount)):
            if asset == traded and abs(units) > whole:
                return f"a fee of {plain(units)} {asset} is larger than the {name}, {plain(whole)} {asset}"
    return ""
