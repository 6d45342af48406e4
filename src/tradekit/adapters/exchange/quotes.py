"""Best prices and balances out of what the exchange tells of them. A quote that makes no sense is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.numbers import exact, rounded
from tradekit.adapters.safe_text import is_safe
from tradekit.domain.account import Balance
from tradekit.domain.market import Quote
from tradekit.domain.numbers import ZERO


def quotes_of(answers: Sequence[Mapping[str, Any]], symbols: Iterable[str], now: int) -> dict[str, Quote]:
    """One quote per symbol out of several answers: what the later ones say of a field wins over the earlier ones.

    A price of zero means that nobody is there on that side. Amounts that aren't told are zero: nothing is known to be
    shown. Without any price, or with bid above ask, there is no quote.
    """
    quotes = {}
    for symbol in symbols:
        told: dict[str, Any] = {}
        for answer in answers:
            ticker = answer.get(symbol)
            told.update({name: value for name, value in (ticker or {}).items() if value is not None})
        quote = _quote(symbol, told, now)
        if quote is not None:
            quotes[symbol] = quote
    return quotes


def balances_of(told: Mapping[str, Any]) -> dict[str, Balance]:
    """All balances above zero. Raises `BrokenAnswer` where one can't be read: a missing asset looks sold.

    A debt is nothing that could be sold, and no reason to see nothing of the rest: the books' proof shows what it is.
    """
    totals = told.get("total")
    if not isinstance(totals, Mapping):
        raise BrokenAnswer("balances are missing")
    balances = {}
    for asset, number in totals.items():
        if not isinstance(asset, str) or not is_safe(asset) or number is None:
            raise BrokenAnswer("a balance without a name or an amount")
        total = exact(number, "balance")
        free = told["free"].get(asset) if isinstance(told.get("free"), Mapping) else None
        if total > 0:
            balances[asset] = Balance(asset, total if free is None else max(exact(free, "free balance"), ZERO), total)
    return balances


def _quote(symbol: str, told: Mapping[str, Any], now: int) -> Quote | None:
    try:
        bid, ask = _number(told, "bid"), _number(told, "ask")
        amounts = (_number(told, "bidVolume"), _number(told, "askVolume"))
        volume = _volume(told)
    except BrokenAnswer:
        return None
    if bid < 0 or ask < 0 or not (bid or ask) or (bid and ask and bid > ask):
        return None
    time = told.get("timestamp")
    return Quote(symbol, time if isinstance(time, int) and 0 < time <= now else now, bid, ask, *amounts, volume)


def _volume(told: Mapping[str, Any]) -> Decimal:
    """In quote currency; where only base units are told, at the last price."""
    if told.get("quoteVolume") is not None:
        return _number(told, "quoteVolume")
    return rounded(str(_number(told, "baseVolume") * _number(told, "last")), "volume")


def _number(told: Mapping[str, Any], name: str) -> Decimal:
    return ZERO if told.get(name) is None else rounded(told[name], name)
