"""Getting rid of a holding: the plan that outlives the process, and how far it has come."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.domain.numbers import ZERO, divide


class TakerUse(StrEnum):
    """When an order may cross the spread: never, as the last step, or at once. The price bound holds always."""

    NEVER = "never"
    LAST = "last"
    NOW = "now"


class PurgeTerms(NamedTuple):
    """What a person asked for by hand; None leaves it to the policy.

    `slice_notional` (quote currency) is the most that is sold in one cycle. `rests` lets an order outlast its cycle
    for as long as its time to live.
    """

    ttl_seconds: int | None = None
    slice_notional: Decimal | None = None
    taker: TakerUse | None = None
    rests: bool = False


class PurgePlan(NamedTuple):
    """One asset that is being sold off. Progress only ever grows.

    `decision_price` is the mid when it began (quote currency), `started` is in milliseconds. `sold` units brought
    `proceeds` in quote currency before fees. `failures` counts rejections and errors since the last fill, `failed_at`
    is the time of the last one.
    """

    asset: str
    started: int
    decision_price: Decimal
    by_hand: bool
    terms: PurgeTerms = PurgeTerms()
    sold: Decimal = ZERO
    proceeds: Decimal = ZERO
    orders: int = 0
    failures: int = 0
    failed_at: int = 0

    @property
    def average(self) -> Decimal | None:
        """Mean price of what was sold, rounded to 18 decimals; None before the first fill."""
        return divide(self.proceeds, self.sold) if self.sold else None


class PurgeEnd(StrEnum):
    """Why a plan is over."""

    SOLD = "sold"
    TOO_SMALL = "too_small"
    NOT_WANTED = "not_wanted"
    STOPPED = "stopped"
