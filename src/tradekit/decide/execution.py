"""What became of each order, read from the journal's events: when it filled, as what, and what that cost against the
price of its decision.

Streams over the events and keeps only the orders sent since a time. Times are exchange time in milliseconds, money is
in quote currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.domain.event import (
    BooksRebuilt,
    CancelRequested,
    CycleFinished,
    FillBooked,
    OrderAcknowledged,
    OrderAdopted,
    OrderFinal,
    OrderIntended,
    OrderNotPlaced,
    OrderRejected,
    Record,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import ZERO, divide
from tradekit.domain.order import FinalWord, OrderIntent, Place, TimeInForce
from tradekit.domain.proposal import Origin, Side
from tradekit.domain.times import MINUTE_MS
from tradekit.domain.universe import Tier

WAITED_MS: Final = 10 * MINUTE_MS
"""What the market does later than this after an attempt is not a cost of its waiting."""
STILL_OPEN: Final = "open"


class OrderStory(NamedTuple):
    """One order. `lived_ms` is the time from its intent to its end, or to the last event where it has none.

    `cost` is what `filled` base units were worth as traded, `maker_cost` the part of it that rested; `fees` are those
    in quote or base currency, `other_fees` lists assets of further ones. `ending` is the exchange's last word, or
    `open`. `shortfall` is what trading at `decision_price` without fees would have been better by, `shortfall_bp` that
    in basis points of the worth at that price; None without fills and for orders that were adopted. `drift_bp` is how
    far the mid moved against it from its own quote to that of the next order of the symbol, where a part stayed
    unfilled; None where no order followed within ten minutes.
    """

    id: ClientOrderId
    symbol: str
    side: Side
    origin: Origin
    proposal: str
    attempt: int
    tier: Tier
    place: Place
    time_in_force: TimeInForce
    created: int
    ttl_ms: int
    lived_ms: int
    ending: str
    amount: Decimal
    price: Decimal
    decision_price: Decimal
    filled: Decimal = ZERO
    cost: Decimal = ZERO
    maker_cost: Decimal = ZERO
    fees: Decimal = ZERO
    other_fees: tuple[str, ...] = ()
    first_fill_ms: int | None = None
    last_fill_ms: int | None = None
    shortfall: Decimal | None = None
    shortfall_bp: Decimal | None = None
    drift_bp: Decimal | None = None

    @property
    def was_live(self) -> bool:
        """Whether the exchange had it, as far as we know."""
        return self.ending not in (FinalWord.REJECTED, FinalWord.NOT_PLACED)

    @property
    def rested(self) -> bool:
        """Whether it waited in the book, so that its time tells something of how fast orders fill."""
        return self.was_live and self.time_in_force is TimeInForce.PO and self.origin is not Origin.ADOPTED

    @property
    def is_full(self) -> bool:
        """Whether all of it traded."""
        return self.filled >= self.amount


def read_orders(records: Iterable[Record], since: int) -> tuple[OrderStory, ...]:
    """The story of every order that was sent at or after `since`, oldest first."""
    reader = _Reader(since)
    for record in records:
        reader.read(record)
    return tuple(reader.stories())


class _Reader:
    """What is known so far. A cycle tells its new tiers when it ends, so its orders learn theirs then."""

    def __init__(self, since: int) -> None:
        self._since, self._now = since, 0
        self._stories: dict[ClientOrderId, OrderStory] = {}
        self._named: dict[tuple[str, str], ClientOrderId] = {}
        self._booked: set[tuple[str, str]] = set()
        self._tiers: dict[str, Tier] = {}
        self._of_cycle: list[ClientOrderId] = []
        self._mids: dict[ClientOrderId, Decimal] = {}
        self._waited: dict[str, list[ClientOrderId]] = {}
        self._canceled: dict[ClientOrderId, int] = {}

    def stories(self) -> Iterator[OrderStory]:
        """All of them. One that filled lived until then, one without an end has lived until now."""
        for story in self._stories.values():
            lived = self._now - story.created if story.ending == STILL_OPEN else story.lived_ms
            if story.last_fill_ms is not None:
                lived = story.last_fill_ms if story.is_full else max(lived, story.last_fill_ms)
            lost = _shortfall(story)
            relative = None if lost is None else divide(lost * 10_000, story.filled * story.decision_price)
            yield story._replace(lived_ms=lived, shortfall=lost, shortfall_bp=relative)

    def read(self, record: Record) -> None:  # noqa: C901 - one case an event, nothing nested
        """One event more."""
        self._now = max(self._now, record.time)
        match record.event:
            case OrderIntended(intent):
                self._note_quote(intent)
                self._begin(intent, intent.approved.proposal.origin)
            case OrderAdopted(intent, exchange_id):
                self._begin(intent, Origin.ADOPTED)
                self._named[intent.symbol, exchange_id] = intent.client_order_id
            case OrderAcknowledged(id, exchange_id) if id in self._stories:
                self._named[self._stories[id].symbol, exchange_id] = id
            case CancelRequested(id) if id in self._stories:
                self._canceled.setdefault(id, record.time)
            case OrderRejected(id):
                self._end(id, FinalWord.REJECTED, record.time)
            case OrderNotPlaced(id):
                self._end(id, FinalWord.NOT_PLACED, record.time)
            case OrderFinal(id, word):
                self._end(id, word, record.time)
            case FillBooked(fill):
                self._fill(fill)
            case BooksRebuilt(fills=fills):
                for booked in fills:
                    self._fill(booked.fill)
            case CycleFinished() as finished:
                self._finish(finished)
            case _:
                pass

    def _begin(self, intent: OrderIntent, origin: Origin) -> None:
        if intent.created < self._since or intent.client_order_id in self._stories:
            return
        self._of_cycle.append(intent.client_order_id)
        self._mids[intent.client_order_id] = _mid(intent)
        self._stories[intent.client_order_id] = OrderStory(
            id=intent.client_order_id,
            symbol=intent.symbol,
            side=intent.side,
            origin=origin,
            proposal=intent.approved.proposal.id,
            attempt=intent.attempt,
            tier=self._tiers.get(intent.symbol, Tier.NONE),
            place=intent.place,
            time_in_force=intent.time_in_force,
            created=intent.created,
            ttl_ms=intent.deadline - intent.created,
            lived_ms=0,
            ending=STILL_OPEN,
            amount=intent.amount,
            price=intent.price,
            decision_price=intent.approved.decision_price,
        )

    def _note_quote(self, intent: OrderIntent) -> None:
        """The quote that this order was priced on is what those before it have waited for."""
        for id in self._waited.pop(intent.symbol, ()):
            story = self._stories[id]
            if not story.is_full and intent.created - story.created - story.lived_ms <= WAITED_MS:
                sign = 1 if story.side is Side.BUY else -1
                moved = sign * (_mid(intent) - self._mids[id])
                self._stories[id] = story._replace(drift_bp=divide(moved * 10_000, self._mids[id]))

    def _end(self, id: ClientOrderId, word: FinalWord, time: int) -> None:
        story = self._stories.get(id)
        if story is None:
            return
        # an order that ran out between two runs is found final much later
        over = min(time, self._canceled.get(id, time))
        self._stories[id] = story = story._replace(ending=str(word), lived_ms=max(over - story.created, 0))
        if story.rested:
            self._waited.setdefault(story.symbol, []).append(id)

    def _fill(self, fill: Fill) -> None:
        """Books may be taken back and fills be booked again: each counts once."""
        id = fill.client_order_id or self._named.get((fill.symbol, fill.exchange_id))
        story = self._stories.get(id) if id is not None else None
        if story is None or (fill.symbol, fill.trade_id) in self._booked:
            return
        self._booked.add((fill.symbol, fill.trade_id))
        rested = story.time_in_force is TimeInForce.PO if fill.maker is None else fill.maker
        after, (valued, others) = max(fill.time - story.created, 0), _fees(fill)
        self._stories[story.id] = story._replace(
            filled=story.filled + fill.amount,
            cost=story.cost + fill.cost,
            maker_cost=story.maker_cost + (fill.cost if rested else ZERO),
            fees=story.fees + valued,
            other_fees=tuple(sorted({*story.other_fees, *others})),
            first_fill_ms=after if story.first_fill_ms is None else min(after, story.first_fill_ms),
            last_fill_ms=after if story.last_fill_ms is None else max(after, story.last_fill_ms),
        )

    def _finish(self, finished: CycleFinished) -> None:
        self._tiers.update((symbol, memory.tier) for symbol, memory in finished.tiers.items())
        for symbol in finished.gone:
            self._tiers.pop(symbol, None)
        for id in self._of_cycle:
            story = self._stories[id]
            self._stories[id] = story._replace(tier=self._tiers.get(story.symbol, Tier.NONE))
        self._of_cycle.clear()


def _mid(intent: OrderIntent) -> Decimal:
    """That of the quote that an order was priced on, as far as it is known."""
    return intent.mid or intent.approved.decision_price


def _shortfall(story: OrderStory) -> Decimal | None:
    if not story.filled or story.origin is Origin.ADOPTED:
        return None
    apart = story.cost - story.filled * story.decision_price
    return story.fees + (apart if story.side is Side.BUY else -apart)


def _fees(fill: Fill) -> tuple[Decimal, list[str]]:
    """Fees in quote currency, those in base currency at the fill's price, and the assets of all others."""
    valued, others = ZERO, []
    for fee in fill.fees:
        if fee.asset == fill.quote:
            valued += fee.amount
        elif fee.asset == fill.base:
            valued += fee.amount * fill.price
        else:
            others.append(fee.asset)
    return valued, others
