"""Orders: an intent that is durable before it is sent, and the states it may pass through afterwards.

*Placed*, *acknowledged* and *filled* are different facts. Nothing but a booked fill says that something was traded.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from tradekit.domain.decision import Approved
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import ZERO, divide
from tradekit.domain.proposal import Side, Urgency


class TimeInForce(StrEnum):
    """`PO` rests as a maker or is rejected; `IOC` trades at once within its limit and cancels the rest."""

    PO = "PO"
    IOC = "IOC"


class Place(StrEnum):
    """Where an order stands against the quote that it was priced on: better than the touch, at it, or behind it.

    `TAKER` crosses the spread.
    """

    INSIDE = "inside"
    TOUCH = "touch"
    BEHIND = "behind"
    TAKER = "taker"


class OrderIntent(NamedTuple):
    """One attempt under an `Approved`: exactly what goes over the wire, and until when it may live.

    `deadline` is the exchange time in milliseconds at which the order has to be canceled. `mid` is that of the quote
    it was priced on (0: not known), in quote currency; `smallest` the least amount that the exchange takes.
    """

    approved: Approved
    attempt: int
    client_order_id: ClientOrderId
    amount: Decimal
    price: Decimal
    time_in_force: TimeInForce
    created: int
    deadline: int
    place: Place = Place.TOUCH
    mid: Decimal = ZERO
    smallest: Decimal = ZERO

    @property
    def symbol(self) -> str:
        """The market, as in the proposal."""
        return self.approved.proposal.symbol

    @property
    def side(self) -> Side:
        """Buy or sell, as in the proposal."""
        return self.approved.proposal.side

    @property
    def notional(self) -> Decimal:
        """Amount at the limit price, in quote currency."""
        return self.amount * self.price

    @property
    def is_promoted(self) -> bool:
        """Whether an order that should have rested crosses the spread as its last step."""
        return self.time_in_force is TimeInForce.IOC and self.approved.proposal.urgency is Urgency.MAKER


class Unplaceable(NamedTuple):
    """An approval that no order can carry out, with the filter that forbids it."""

    approved: Approved
    code: str
    limit: Decimal
    actual: Decimal
    unit: str


class FinalWord(StrEnum):
    """The exchange's last word on an order, and our own for one that never reached it."""

    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NOT_PLACED = "not_placed"


class Intended(NamedTuple):
    """Durable here, and perhaps sent: no answer is recorded."""

    since: int


class Unknown(NamedTuple):
    """Sent, and the answer says neither yes nor no. Looked up, never sent again."""

    since: int
    reason: str


class Open(NamedTuple):
    """The exchange acknowledged it; it may be partly filled."""

    since: int


class Canceling(NamedTuple):
    """A cancel was asked for. The order counts as live until the exchange says it is final."""

    since: int
    reason: str


class Closing(NamedTuple):
    """Final on the exchange with `reported_filled`, while our booked fills don't add up to that yet."""

    since: int
    word: FinalWord
    reported_filled: Decimal


class Closed(NamedTuple):
    """Final, and every fill is booked. A `NOT_PLACED` is a tombstone that is still looked up for a day."""

    since: int
    word: FinalWord
    detail: str = ""


OrderState = Intended | Unknown | Open | Canceling | Closing | Closed

LEGAL_MOVES: Final[dict[type[OrderState], frozenset[type[OrderState]]]] = {
    Intended: frozenset({Unknown, Open, Canceling, Closing, Closed}),
    Unknown: frozenset({Unknown, Open, Canceling, Closing, Closed}),
    Open: frozenset({Canceling, Closing, Closed}),
    Canceling: frozenset({Canceling, Closing, Closed}),
    Closing: frozenset({Closing, Closed}),
    Closed: frozenset(),
}


class IllegalMove(ValueError):
    """An order was asked to go where the table of legal moves does not lead."""


class Order(NamedTuple):
    """An intent, what became of it, and what of it is booked: `filled` base units for `cost` quote currency.

    `counted` of them are in the books without being a fill there: an adopted order had filled before they were opened.
    `kept_until` is a later deadline than the intent's: the order rests on where a new one would stand no better.
    """

    intent: OrderIntent
    state: OrderState
    exchange_id: str | None = None
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    counted: Decimal = ZERO
    kept_until: int = 0

    @property
    def deadline(self) -> int:
        """The exchange time in milliseconds at which it has to be canceled."""
        return max(self.intent.deadline, self.kept_until)

    @property
    def id(self) -> ClientOrderId:
        """The client order id."""
        return self.intent.client_order_id

    @property
    def is_live(self) -> bool:
        """Whether it can still trade, or might."""
        return not isinstance(self.state, Closing | Closed)

    @property
    def is_unanswered(self) -> bool:
        """Whether we don't know if the exchange has it."""
        return isinstance(self.state, Intended | Unknown)

    @property
    def is_canceling(self) -> bool:
        """Whether a cancel was asked for and not answered by a last word."""
        return isinstance(self.state, Canceling)

    @property
    def is_tombstone(self) -> bool:
        """Whether it was given up as never placed."""
        return isinstance(self.state, Closed) and self.state.word is FinalWord.NOT_PLACED

    @property
    def average(self) -> Decimal | None:
        """Mean price of what was filled, rounded to 18 decimals; None when nothing was."""
        return divide(self.cost, self.filled) if self.filled else None

    @property
    def remaining(self) -> Decimal:
        """Base units that may still trade; nothing once it is closed."""
        match self.state:
            case Closed():
                return ZERO
            case Closing(reported_filled=reported):
                return max(reported - self.filled, ZERO)
            case _:
                return max(self.intent.amount - self.filled, ZERO)

    def move(self, state: OrderState) -> Order:
        """The order in its next state. Raises `IllegalMove` where the table forbids it.

        A tombstone may come back to life: the exchange knows more than we did.
        """
        if type(state) not in LEGAL_MOVES[type(self.state)] and not self.is_tombstone:
            raise IllegalMove(f"{self.id}: {type(self.state).__name__} to {type(state).__name__}")
        return self._replace(state=state)
