"""What happened, in the past tense: the only things that ever change a state. Each is one line of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.domain.account import Stamp
from tradekit.domain.decision import Nothing, WouldPass
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.memory import Mark
from tradekit.domain.order import FinalWord, OrderIntent
from tradekit.domain.outcome import RejectCode
from tradekit.domain.position import Position
from tradekit.domain.proposal import Origin, Side
from tradekit.domain.universe import TierMemory


class Holding(NamedTuple):
    """An opening lot: what was there before tradekit, valued at `price` quote currency a unit."""

    asset: str
    quantity: Decimal
    price: Decimal
    managed: bool


class AccountOpened(NamedTuple):
    """The first event of every journal: the account's stamp, its cash and its opening lots."""

    stamp: Stamp
    identity: str
    cash: Decimal
    holdings: tuple[Holding, ...]


class AssetAdopted(NamedTuple):
    """The policy now manages what was held outside: it enters the books at `price`."""

    asset: str
    price: Decimal


class OrderIntended(NamedTuple):
    """Written and synced before the order goes over the wire."""

    intent: OrderIntent


class OrderAcknowledged(NamedTuple):
    """The exchange has it, under `exchange_id`. Says nothing about fills."""

    client_order_id: ClientOrderId
    exchange_id: str


class OrderUnanswered(NamedTuple):
    """Sent, with neither a certain yes nor a certain no."""

    client_order_id: ClientOrderId
    reason: str


class OrderRejected(NamedTuple):
    """The exchange certainly doesn't have it."""

    client_order_id: ClientOrderId
    code: RejectCode
    text: str


class OrderNotPlaced(NamedTuple):
    """Unanswered, and not found after the exchange's horizon: a tombstone from now on."""

    client_order_id: ClientOrderId


class CancelRequested(NamedTuple):
    """Written before the cancel goes over the wire."""

    client_order_id: ClientOrderId
    reason: str


class OrderFinal(NamedTuple):
    """The exchange's last word. Closed only when the booked fills add up to `reported_filled` base units."""

    client_order_id: ClientOrderId
    word: FinalWord
    reported_filled: Decimal


class FillBooked(NamedTuple):
    """A fill entered the books."""

    fill: Fill


class FilledPart(NamedTuple):
    """What is booked of one order: `amount` base units for `cost` quote currency."""

    amount: Decimal
    cost: Decimal


class StateRestored(NamedTuple):
    """A human went back to the books of an older generation. Orders and consumed proposals stay: what was sent
    can't be unsent. Fills since then are asked for again, from the older cursors; `filled` is what the orders had
    booked by then.
    """

    generation: str
    cash: Decimal
    positions: Mapping[str, Position]
    cursors: Mapping[str, int]
    seen_fills: Mapping[str, Mapping[str, int]]
    filled: Mapping[ClientOrderId, FilledPart]


class ProposalsConsumed(NamedTuple):
    """Ids (with their digests) of external proposals that a damaged part of the journal had carried out."""

    digests: Mapping[str, str]


class Refusal(NamedTuple):
    """A refused proposal as the journal keeps it; the fields are those of `Refused`."""

    proposal_id: str
    symbol: str
    side: Side
    origin: Origin
    code: str
    rule: str
    limit: Decimal | None
    actual: Decimal | None
    unit: str
    would_pass: WouldPass = Nothing()
    also: tuple[str, ...] = ()


class CycleFinished(NamedTuple):
    """What one cycle saw and did, under the policy with the fingerprint `policy`.

    `peaks`, `tiers` and `marks` hold only what changed; `gone` symbols are not traded any more. `equity` is None when
    a quote was missing or wild. `refused` counts all refusals by code, `refusals` holds the details of some of them.
    `placed` counts orders, `filled` those of them that traded. `in_drawdown` says that a drawdown stops opens.
    """

    started: int
    took_ms: int
    equity: Decimal | None
    peaks: Mapping[str, Decimal]
    tiers: Mapping[str, TierMemory]
    gone: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    placed: int
    filled: int
    policy: str = ""
    refused: Mapping[str, int] = {}
    marks: Mapping[str, Mark] = {}
    in_drawdown: bool = False


class PeakReset(NamedTuple):
    """A human goes on after a drawdown: it is measured from `peak` (quote currency) from now on."""

    peak: Decimal


class ExchangeSilent(NamedTuple):
    """The exchange gave no answer where a cycle needed one; `reason` is the problem's code."""

    reason: str


Event = (
    AccountOpened
    | AssetAdopted
    | OrderIntended
    | OrderAcknowledged
    | OrderUnanswered
    | OrderRejected
    | OrderNotPlaced
    | CancelRequested
    | OrderFinal
    | FillBooked
    | StateRestored
    | ProposalsConsumed
    | CycleFinished
    | PeakReset
    | ExchangeSilent
)

EVENT_TYPES: Final[tuple[type[Event], ...]] = (
    AccountOpened,
    AssetAdopted,
    OrderIntended,
    OrderAcknowledged,
    OrderUnanswered,
    OrderRejected,
    OrderNotPlaced,
    CancelRequested,
    OrderFinal,
    FillBooked,
    StateRestored,
    ProposalsConsumed,
    CycleFinished,
    PeakReset,
    ExchangeSilent,
)


class Record(NamedTuple):
    """An event with its place in the journal. `time` is exchange time in milliseconds."""

    seq: int
    time: int
    event: Event
