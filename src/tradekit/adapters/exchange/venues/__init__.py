"""The table of exchanges: one small file each, found by id. An id without a file gets the generic record."""

from __future__ import annotations

import importlib
from typing import Any, Final, cast

from tradekit.adapters.exchange.venues.venue import Venue

KNOWN: Final = (
    "binance",
    "bitget",
    "bitstamp",
    "bybit",
    "coinbase",
    "cryptocom",
    "gate",
    "kraken",
    "kucoin",
    "okx",
)


def venue_of(id: str, api: Any) -> Venue:
    """The record of an exchange; for one without a file it is made from what its ccxt class `api` says of itself."""
    if id in KNOWN:
        return cast(Venue, importlib.import_module(f"tradekit.adapters.exchange.venues.{id}").VENUE)
    from tradekit.adapters.exchange.venues.generic import generic

    return generic(id, api)
