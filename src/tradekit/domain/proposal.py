"""A wish to trade, from our own rules or from any program. Not yet judged, so it can't become an order."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.domain.ids import content_digest
from tradekit.domain.numbers import plain


class Side(StrEnum):
    """ccxt's words."""

    BUY = "buy"
    SELL = "sell"


class Origin(StrEnum):
    """Who asks. External proposals are consumed by id; rules, exits, purges and the dust desk ask anew in each cycle.

    `ADOPTED` stands for the unknown proposal behind an order of ours that was found on the exchange.
    """

    EXTERNAL = "external"
    RULE = "rule"
    EXIT = "exit"
    PURGE = "purge"
    DUST = "dust"
    ADOPTED = "adopted"


class Urgency(StrEnum):
    """How the order goes out: resting as a maker, or at once as a bounded immediate-or-cancel."""

    MAKER = "maker"
    AT_ONCE = "at_once"


class Notional(NamedTuple):
    """A size in quote currency."""

    value: Decimal


class Amount(NamedTuple):
    """A size in base units."""

    value: Decimal


Size = Notional | Amount


class Proposal(NamedTuple):
    """`confidence` is 0 to 1; `expires` is in milliseconds, None for never."""

    id: str
    symbol: str
    side: Side
    size: Size
    confidence: Decimal
    reason: str
    origin: Origin
    urgency: Urgency = Urgency.MAKER
    expires: int | None = None

    @property
    def base(self) -> str:
        """The asset that is bought or sold."""
        return self.symbol.partition("/")[0]

    @property
    def opens(self) -> bool:
        """Whether it adds risk. On a spot account buys open and sells reduce."""
        return self.side is Side.BUY

    @property
    def digest(self) -> str:
        """Tells a repeated proposal from another one under the same id."""
        kind = "notional" if isinstance(self.size, Notional) else "amount"
        expires = "" if self.expires is None else str(self.expires)
        return content_digest(self.symbol, self.side, kind, plain(self.size.value), plain(self.confidence), expires)
