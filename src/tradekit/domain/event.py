"""What happened, in the past tense: the only things that ever change a state. Each is one line of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.domain.account import Stamp
from tradekit.domain.books import BookedFill, Books, CostMethod, Owner, RecentFills
from tradekit.domain.conversion import ConversionEnd, ConversionIntent
from tradekit.domain.decision import Nothing, WouldPass
from tradekit.domain.fill import Fill
from tradekit.domain.hold import Hold
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.memory import Mark
from tradekit.domain.order import FinalWord, OrderIntent
from tradekit.domain.outcome import OrderReport, RejectCode
from tradekit.domain.proposal import Origin, Side
from tradekit.domain.purge import PurgeEnd, PurgePlan
from tradekit.domain.universe import TierMemory


class Holding(NamedTuple):
    """An opening lot: what was there before tradekit, valued at `price` quote currency a unit."""

    asset: str
    quantity: Decimal
    price: Decimal
    managed: bool


class AccountOpened(NamedTuple):
    """The first event of every journal: the account's stamp, its cash, its opening lots and its cost method."""

    stamp: Stamp
    identity: str
    cash: Decimal
    holdings: tuple[Holding, ...]
    method: CostMethod = CostMethod.AVERAGE


class AssetAdopted(NamedTuple):
    """The policy now manages what was held outside: it enters the books at `price`."""

    asset: str
    price: Decimal


class AssetReleased(NamedTuple):
    """The policy no longer manages the asset: what was adopted and is still held goes back outside, worth `price`."""

    asset: str
    price: Decimal


class FlowRecorded(NamedTuple):
    """A difference to the exchange was put down to a deposit, or a withdrawal if `amount` is negative.

    `price` is what a unit was worth in quote currency (0: unknown). `by_hand`: a person said so, not the policy.
    """

    asset: str
    amount: Decimal
    price: Decimal
    by_hand: bool


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


class OrderKept(NamedTuple):
    """The order may rest until `deadline` (milliseconds): a new one would stand no better."""

    client_order_id: ClientOrderId
    deadline: int


class OrderFinal(NamedTuple):
    """The exchange's last word. Closed only when the booked fills add up to `reported_filled` base units."""

    client_order_id: ClientOrderId
    word: FinalWord
    reported_filled: Decimal


class FilledPart(NamedTuple):
    """What is booked of one order: `amount` base units for `cost` quote currency."""

    amount: Decimal
    cost: Decimal


class OrderAdopted(NamedTuple):
    """An order with our id that this journal didn't know was found open: it is ours from here on.

    `counted` is the part of it that is in the books without being a fill there: it was filled before they were opened.
    """

    intent: OrderIntent
    exchange_id: str
    counted: FilledPart


class ForeignOrdersSeen(NamedTuple):
    """All open orders on the account that are not ours. They count in exposure and are never touched."""

    orders: tuple[OrderReport, ...]


class FillBooked(NamedTuple):
    """A fill entered the books."""

    fill: Fill
    owner: Owner = Owner.TRADEKIT


class HoldPlaced(NamedTuple):
    """Something about the books is in doubt."""

    hold: Hold


class HoldsLifted(NamedTuple):
    """A person looked and resumed: all holds end. `by` names what lifted them."""

    by: str


class StateRestored(NamedTuple):
    """A human went back to the books of an older generation, made from the events up to `books_seq`.

    Orders and consumed proposals stay: what was sent can't be unsent. Fills since then are asked for again, from the
    older cursors; `filled` is what the orders had booked by then.
    """

    generation: str
    books_seq: int
    books: Books
    recent: RecentFills
    counted_until: int
    cursors: Mapping[str, int]
    filled: Mapping[ClientOrderId, FilledPart]


class BooksRebuilt(NamedTuple):
    """A human, or a late fill, had the books folded anew from `source`: the journal, the exchange or a file.

    After a `restore` of a journal without its beginning they are taken as they are.

    Trades up to `counted_until` (milliseconds; 0: as before) are inside `books`, and so are the `fills`, the only ones
    after that. `filled` is what orders had booked by then, where the source knows it.
    """

    source: str
    books: Books
    fills: tuple[BookedFill, ...]
    counted_until: int
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


class PurgeStarted(NamedTuple):
    """An asset is to be sold off, or goes on under other terms: progress of an older plan is kept."""

    plan: PurgePlan


class PurgeEnded(NamedTuple):
    """A plan is over; what is left of the asset is nobody's task any more."""

    asset: str
    reason: PurgeEnd


class DustWrittenOff(NamedTuple):
    """So much of an asset is too small to be sold, and nothing is done about it any more."""

    asset: str
    quantity: Decimal


class ConversionIntended(NamedTuple):
    """Written and synced before the exchange is asked to convert."""

    intent: ConversionIntent


class ConversionAccepted(NamedTuple):
    """The exchange took the conversion. Says nothing about money."""

    id: ClientOrderId
    exchange_id: str


class ConversionDone(NamedTuple):
    """A conversion was carried out. Its fill stands before this, in the same write."""

    id: ClientOrderId


class ConversionEnded(NamedTuple):
    """A conversion came to nothing."""

    id: ClientOrderId
    end: ConversionEnd
    text: str


class CycleFinished(NamedTuple):
    """What one cycle saw and did, under the policy with the fingerprint `policy`.

    `peaks`, `tiers` and `marks` hold only what changed; `gone` symbols are not traded any more. In `equity` a holding
    whose quote was missing or wild has its last good price. `refused` counts all refusals by code, `refusals` holds the
    details of some of them. `placed` counts orders, `filled` those of them that traded. `in_drawdown` says that a
    drawdown stops opens. `asked_ms` is the time that the cycle's work asked for, deferred work included; `governor` the
    step of the budget governor after it.
    """

    started: int
    took_ms: int
    equity: Decimal
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
    asked_ms: int = 0
    governor: int = 0


class PeakReset(NamedTuple):
    """A human goes on after a drawdown: it is measured from `peak` (quote currency) from now on."""

    peak: Decimal


class ExchangeSilent(NamedTuple):
    """The exchange gave no answer where a cycle needed one; `reason` is the problem's code."""

    reason: str


Event = (
    AccountOpened
    | AssetAdopted
    | AssetReleased
    | FlowRecorded
    | OrderIntended
    | OrderAcknowledged
    | OrderUnanswered
    | OrderRejected
    | OrderNotPlaced
    | CancelRequested
    | OrderKept
    | OrderFinal
    | OrderAdopted
    | ForeignOrdersSeen
    | FillBooked
    | HoldPlaced
    | HoldsLifted
    | StateRestored
    | BooksRebuilt
    | ProposalsConsumed
    | PurgeStarted
    | PurgeEnded
    | DustWrittenOff
    | ConversionIntended
    | ConversionAccepted
    | ConversionDone
    | ConversionEnded
    | CycleFinished
    | PeakReset
    | ExchangeSilent
)

EVENT_TYPES: Final[tuple[type[Event], ...]] = (
    AccountOpened,
    AssetAdopted,
    AssetReleased,
    FlowRecorded,
    OrderIntended,
    OrderAcknowledged,
    OrderUnanswered,
    OrderRejected,
    OrderNotPlaced,
    CancelRequested,
    OrderKept,
    OrderFinal,
    OrderAdopted,
    ForeignOrdersSeen,
    FillBooked,
    HoldPlaced,
    HoldsLifted,
    StateRestored,
    BooksRebuilt,
    ProposalsConsumed,
    PurgeStarted,
    PurgeEnded,
    DustWrittenOff,
    ConversionIntended,
    ConversionAccepted,
    ConversionDone,
    ConversionEnded,
    CycleFinished,
    PeakReset,
    ExchangeSilent,
)


class Record(NamedTuple):
    """An event with its place in the journal. `time` is exchange time in milliseconds."""

    seq: int
    time: int
    event: Event
