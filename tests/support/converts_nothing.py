"""The part of an exchange that converts, of one that doesn't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tradekit.domain.conversion import (
    Conversion,
    ConversionAnswer,
    ConversionIntent,
    ConversionWish,
    ConvertOutcome,
    NotOffered,
    OfferAnswer,
)
from tradekit.domain.ids import ClientOrderId


class ConvertsNothing:
    """No offers, and so nothing that could be taken or looked up."""

    def offers(self, wishes: Sequence[ConversionWish]) -> Mapping[str, OfferAnswer]:
        """See `Exchange.offers`."""
        return {wish.asset: NotOffered("not offered here") for wish in wishes}

    def convert(self, intents: Sequence[ConversionIntent]) -> Mapping[ClientOrderId, ConvertOutcome]:
        """See `Exchange.convert`."""
        raise AssertionError("nothing was offered")

    def conversions(self, open: Sequence[Conversion]) -> Mapping[ClientOrderId, ConversionAnswer]:
        """See `Exchange.conversions`."""
        raise AssertionError("nothing was ever taken")
