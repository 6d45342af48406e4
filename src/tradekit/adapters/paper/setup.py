"""What a paper account is opened with."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.domain.ids import content_digest
from tradekit.domain.numbers import plain


class FeeAsset(StrEnum):
    """What fees are paid in: always quote currency, or whatever the trade brought in."""

    QUOTE = "quote"
    RECEIVED = "received"


class PaperSetup(NamedTuple):
    """`balances` by asset, applied when the ledger is created and never again. Fees are fractions (0.001 is 10 bp).

    `latency_ms` passes between a call and its arrival at the exchange.
    """

    quote: str
    balances: Mapping[str, Decimal]
    maker_fee: Decimal
    taker_fee: Decimal
    fee_asset: FeeAsset = FeeAsset.QUOTE
    latency_ms: int = 300

    @property
    def digest(self) -> str:
        """A fingerprint of everything above."""
        held = (f"{asset} {plain(amount)}" for asset, amount in sorted(self.balances.items()))
        fees = f"{plain(self.maker_fee)} {plain(self.taker_fee)} {self.fee_asset} {self.latency_ms}"
        return content_digest(self.quote, fees, *held)
