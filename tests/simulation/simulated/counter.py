"""The counter at which the exchange itself converts: it promises, takes, and tells later what became of it.

The same things happen on the way as to orders. What an exchange promises it keeps: it takes an offer once and only
while it lasts, and one that is not told of by the horizon was never taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Final, Protocol

from simulated.border import Border
from simulated.venue import Venue
from simulated.weather import Weather
from tradekit.domain.conversion import (
    Conversion,
    ConversionAnswer,
    ConversionFailed,
    ConversionIntent,
    ConversionOffer,
    ConversionPending,
    ConversionTaken,
    ConversionWish,
    Converted,
    ConvertOutcome,
    NotOffered,
    OfferAnswer,
)
from tradekit.domain.numbers import ZERO, floor_to
from tradekit.domain.outcome import NotFound, RejectCode, Rejected, Unanswered

_LASTS_MS: Final = (4_000, 20_000)
_LONGEST_WORK_MS: Final = 90_000
_MARGIN_MS: Final = 3_000
_CENT: Final = Decimal("0.00000001")


class Witness(Protocol):
    """Hears what is converted. Must not change anything."""

    def converting(self, intent: ConversionIntent) -> None:
        """An offer is about to be taken."""
        ...


@dataclass
class Deal:
    """An offer that was taken at `taken` and is told of from `shown` on. `received` is None until it is carried out."""

    offer: ConversionOffer
    taken: int
    shown: int
    received: Decimal | None = None
    failed: bool = False


class Counter:
    """Draws from a luck of its own. `weather` is that of the way to it."""

    def __init__(self, venue: Venue, border: Border, luck: Random, witness: Witness, horizon_ms: int) -> None:
        self.deals: dict[str, Deal] = {}
        self._venue = venue
        self._border = border
        self._luck = luck
        self._witness = witness
        self._horizon_ms = horizon_ms
        self._offers = 0

    def offer(self, wish: ConversionWish) -> OfferAnswer:
        """A promise, up to 3 % worse than the bid; now and then none."""
        now, luck = self._venue.agenda.now, self._luck
        if luck.random() < 0.1:
            return NotOffered("not now")
        self._offers += 1
        quote_id = f"q{self._offers:04}"
        bid = self._venue.quotes[f"{wish.asset}/{wish.quote_asset}"].bid
        promised = floor_to(wish.amount * bid * (1000 - luck.randint(0, 30)) / 1000, _CENT)
        return ConversionOffer(
            quote_id, wish.asset, wish.quote_asset, wish.amount, promised, now + luck.randint(*_LASTS_MS)
        )

    def take(self, intent: ConversionIntent, weather: Weather) -> ConvertOutcome:
        """A request to take an offer goes out, and perhaps comes back."""
        self._border.effect("convert", f"{intent.offer.amount:f} {intent.symbol} under {intent.offer.quote_id}")
        self._witness.converting(intent)
        draw = self._luck.random()
        if draw < weather.request_lost:
            return Unanswered("timeout")
        draw -= weather.request_lost
        if draw < weather.late:
            self._venue.agenda.after(self._luck.randint(1, _LASTS_MS[1]), lambda: self._arrived(intent.offer, weather))
            return Unanswered("timeout")
        draw -= weather.late
        if draw < weather.refused:
            return Rejected(RejectCode.RATE_LIMITED, "too many requests")
        outcome = self._arrived(intent.offer, weather)
        return Unanswered("reply lost") if self._luck.random() < weather.reply_lost else outcome

    def tell(self, item: Conversion, weather: Weather) -> ConversionAnswer:
        """What is known of a conversion."""
        if self._luck.random() < weather.unanswered:
            return Unanswered("timeout")
        deal = self.deals.get(item.intent.offer.quote_id)
        if deal is None or deal.shown > self._venue.agenda.now:
            return NotFound("no such conversion")
        exchange_id = f"c{deal.offer.quote_id}"
        if deal.failed:
            return ConversionFailed("the market moved")
        if deal.received is None:
            return ConversionPending(exchange_id)
        return Converted(exchange_id, deal.offer.amount, deal.received, deal.taken)

    def _arrived(self, offer: ConversionOffer, weather: Weather) -> ConvertOutcome:
        now, luck = self._venue.agenda.now, self._luck
        if offer.quote_id in self.deals or now >= offer.expires or offer.amount > self._venue.free(offer.asset):
            return Rejected(RejectCode.INVALID_ORDER, "no")
        lag = luck.randint(1, self._horizon_ms - _MARGIN_MS) if luck.random() < weather.lagging / 4 else 0
        deal = self.deals[offer.quote_id] = Deal(offer, now, now + lag)
        if luck.random() < 0.7:
            self._carry_out(deal)
        else:
            self._venue.agenda.after(luck.randint(1, _LONGEST_WORK_MS), lambda: self._carry_out(deal))
        return ConversionTaken(f"c{offer.quote_id}")

    def _carry_out(self, deal: Deal) -> None:
        """Both sides move at once, for what was promised or a little beside it. It fails where nothing is left."""
        offer, totals = deal.offer, self._venue.totals
        if offer.amount > self._venue.free(offer.asset) or self._luck.random() < 0.1:
            deal.failed = True
            return
        deal.received = floor_to(offer.promised * self._luck.randint(998, 1001) / 1000, _CENT)
        totals[offer.asset] -= offer.amount
        totals[offer.quote_asset] = totals.get(offer.quote_asset, ZERO) + deal.received

    def clear(self) -> None:
        """All that was late has come."""
        for deal in self.deals.values():
            deal.shown = deal.taken

    def carried_out(self) -> Mapping[str, Deal]:
        """What was really converted, by the ids of the offers."""
        return {id: deal for id, deal in self.deals.items() if deal.received is not None}
