"""What can be traded and at what price: markets with their filters, quotes, candles, and one look at them all.

Prices are in quote currency per unit of base, amounts in base units, times in milliseconds since 1970 (exchange time).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.domain.account import Balance


class Source(StrEnum):
    """Where a market's prices come from; everything that is not `LIVE` is marked wherever it is shown. `PUBLIC`: real
    markets, practice money.
    """

    LIVE = "live"
    PUBLIC = "public"
    RECORDED = "recorded"
    SYNTHETIC = "synthetic"


class Market(NamedTuple):
    """One spot market and its filters. Fees are fractions (0.001 is 10 bp)."""

    symbol: str
    base: str
    quote: str
    price_tick: Decimal
    amount_step: Decimal
    min_amount: Decimal
    min_notional: Decimal
    maker_fee: Decimal
    taker_fee: Decimal
    active: bool = True
    source: Source = Source.LIVE


class Quote(NamedTuple):
    """Best bid and ask with the amounts shown there. `volume_24h` is in quote currency."""

    symbol: str
    time: int
    bid: Decimal
    ask: Decimal
    bid_amount: Decimal
    ask_amount: Decimal
    volume_24h: Decimal

    @property
    def is_whole(self) -> bool:
        """Whether both sides are told and don't cross: else it is a broken reading, and its mid says nothing."""
        return 0 < self.bid <= self.ask

    @property
    def mid(self) -> Decimal:
        """Halfway between bid and ask."""
        return (self.bid + self.ask) / 2

    @property
    def spread_bp(self) -> Decimal:
        """Ask less bid, in basis points of the mid."""
        return (self.ask - self.bid) / self.mid * 10_000

    @property
    def touch_depth(self) -> Decimal:
        """Quote currency shown at the thinner of the two best prices."""
        return min(self.bid * self.bid_amount, self.ask * self.ask_amount)


class Candle(NamedTuple):
    """One minute of trades. `time` is its start, `volume` is in base units; a minute without a trade has volume 0."""

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Snapshot(NamedTuple):
    """Everything one cycle decides on, read in one round. A symbol without a quote has no entry in `quotes`."""

    time: int
    markets: Mapping[str, Market]
    quotes: Mapping[str, Quote]
    balances: Mapping[str, Balance]

    @property
    def source(self) -> Source:
        """The least real source of any of its prices."""
        sources = {market.source for market in self.markets.values()}
        marked = (Source.SYNTHETIC, Source.RECORDED, Source.PUBLIC)
        return next((mark for mark in marked if mark in sources), Source.LIVE)
