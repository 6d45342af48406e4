"""What came back from the exchange. Everything that is not a certain yes or a certain no is `Unanswered`."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.domain.ids import ClientOrderId
from tradekit.domain.proposal import Side


class RejectCode(StrEnum):
    """Why an exchange certainly refused an order."""

    POST_ONLY_WOULD_CROSS = "post_only_would_cross"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    BELOW_MINIMUM = "below_minimum"
    BAD_PRECISION = "bad_precision"
    MARKET_CLOSED = "market_closed"
    RATE_LIMITED = "rate_limited"
    AUTHENTICATION = "authentication"
    INVALID_ORDER = "invalid_order"


class Acknowledged(NamedTuple):
    """The exchange has the order under its own id. Says nothing about fills."""

    exchange_id: str


class Rejected(NamedTuple):
    """The exchange certainly does not have the order. `text` is foreign: print it safely."""

    code: RejectCode
    text: str


class Unanswered(NamedTuple):
    """Timeout, broken answer, server error: the exchange may or may not have acted."""

    reason: str


SendOutcome = Acknowledged | Rejected | Unanswered


class CancelAccepted(NamedTuple):
    """The exchange took the cancel; the order is final only once a look-up says so."""

    exchange_id: str


class NotOpen(NamedTuple):
    """There is no such open order: filled, canceled or never there. Look it up."""

    text: str


CancelOutcome = CancelAccepted | NotOpen | Unanswered


class ReportedStatus(StrEnum):
    """An exchange's status word, reduced to what can be relied on. What is not understood is `UNCLEAR`, never final."""

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNCLEAR = "unclear"


class OrderReport(NamedTuple):
    """One order as the exchange tells it. `amount` and `filled` are base units, None where it doesn't say.

    `time` is when it was placed, in milliseconds.
    """

    client_order_id: ClientOrderId | None
    exchange_id: str
    symbol: str
    side: Side
    status: ReportedStatus
    price: Decimal | None
    amount: Decimal | None
    filled: Decimal | None
    time: int


class NotFound(NamedTuple):
    """The exchange answered that it doesn't know the order. Proof of nothing before its horizon has passed."""

    text: str


LookupAnswer = OrderReport | NotFound | Unanswered
