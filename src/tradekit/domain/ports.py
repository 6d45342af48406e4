"""What the outside must offer: an exchange, a clock, a store. Batch-shaped and synchronous, so that an adapter may
run a batch in parallel while everything above stays sequential and easy to simulate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from tradekit.domain.account import Balance
from tradekit.domain.conversion import (
    Conversion,
    ConversionAnswer,
    ConversionIntent,
    ConversionWish,
    ConvertOutcome,
    OfferAnswer,
)
from tradekit.domain.event import Event, Record
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Quote, Snapshot
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.outcome import CancelOutcome, LookupAnswer, OrderReport, SendOutcome
from tradekit.domain.state import State


class ProcessEnded(BaseException):
    """In a rehearsal the run dies here, as by `kill -9`: nothing may catch it but the rehearsal."""


class Review(NamedTuple):
    """What the exchange knows of our orders, all open orders (foreign ones too), our trades, and all balances if they
    were asked for.
    """

    answers: Mapping[ClientOrderId, LookupAnswer]
    open_orders: Sequence[OrderReport]
    fills: Sequence[Fill | BrokenTrade]
    balances: Mapping[str, Balance]


class Exchange(Protocol):
    """One account on one exchange. Reads raise `Unreachable`; writes never raise, their outcome says it all."""

    @property
    def not_found_horizon_ms(self) -> int:
        """How long after the send a *not found* proves nothing."""
        ...

    def symbols(self) -> Sequence[str]:
        """All active spot symbols that are quoted in the account's quote currency, sorted."""
        ...

    def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """Markets, quotes and all balances in one round. A symbol that is unknown is left out."""
        ...

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """Best prices alone, in one round. A symbol without a quote is left out."""
        ...

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        """The last `minutes` complete one-minute candles per symbol, oldest first."""
        ...

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
        """Sends each intent once. Every intent gets an outcome."""
        ...

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        """Asks to cancel each order. Every order gets an outcome."""
        ...

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, LookupAnswer]:
        """What the exchange knows of each order, by client order id. Every order gets an answer."""
        ...

    def review(self, orders: Sequence[Order], since: Mapping[str, int], *, with_balances: bool = False) -> Review:
        """`lookup` of these orders, `fills_since` these times, all open orders, and balances: one round of reads."""
        ...

    def fills_since(self, since: Mapping[str, int]) -> Sequence[Fill | BrokenTrade]:
        """The account's trades of each symbol at or after its time, in any order, perhaps with duplicates."""
        ...

    def offers(self, wishes: Sequence[ConversionWish]) -> Mapping[str, OfferAnswer]:
        """What it promises for each asset. Every wish gets an answer. Asking binds nobody."""
        ...

    def convert(self, intents: Sequence[ConversionIntent]) -> Mapping[ClientOrderId, ConvertOutcome]:
        """Takes each offer once. Every intent gets an outcome."""
        ...

    def conversions(self, open: Sequence[Conversion]) -> Mapping[ClientOrderId, ConversionAnswer]:
        """What became of each, by the id of its quote. Every conversion gets an answer."""
        ...


class Clock(Protocol):
    """Exchange time. On a recording it is virtual: sleeping moves it and costs nothing."""

    def now(self) -> int:
        """Milliseconds since 1970."""
        ...

    def sleep(self, ms: int) -> None:
        """Returns once `now` is `ms` later, or earlier when a signal asks the run to stop."""
        ...

    def must_stop(self) -> bool:
        """Whether a signal asked the run to end: place nothing more, cancel, save, exit."""
        ...


class Loaded(NamedTuple):
    """What is durable: the newest snapshot and the journal's events after it. No state: a fresh account."""

    state: State | None
    tail: tuple[Record, ...]


class Store(Protocol):
    """The files of one account, with the lock held."""

    def load(self) -> Loaded:
        """Reads and checks state and journal tail. Raises `NeedsHuman` for damage; never resets anything."""
        ...

    def create(self, state: State) -> None:
        """Writes the empty state of a fresh account, before its first event."""
        ...

    def append(self, events: Sequence[Event], time: int, *, reduces_risk: bool) -> tuple[Record, ...]:
        """One write and one sync for all events; on return they are durable.

        When the disk is nearly full, only events that reduce risk still go in; others raise `NeedsHuman`.
        """
        ...

    def save(self, state: State) -> None:
        """Replaces the snapshot; generations are kept."""
        ...

    def is_halted(self) -> bool:
        """Whether the kill switch is set. Cheap: asked again before each send."""
        ...

    def history(self) -> Iterator[Record]:
        """Every event that is durable, from the first one kept. As long as the journal: only for rebuilding."""
        ...


class Generation(NamedTuple):
    """An older state file. `time` is the exchange time of its last event in milliseconds, `size` is in bytes."""

    name: str
    seq: int
    time: int
    size: int


class StateHistory(Protocol):
    """The older states of one account, with the lock held: the way back from damage and from mistakes."""

    def generations(self) -> Sequence[Generation]:
        """The older states, oldest first."""
        ...

    def set_aside_damage(self) -> Sequence[str]:
        """Gives damaged files another name, keeps what is whole of them, and tells the names."""
        ...

    def intents_set_aside(self) -> Sequence[Record]:
        """The intents that can still be read in journal files that were set aside, now or by an earlier restore."""
        ...

    def load_newest_whole(self) -> Loaded:
        """The newest state that is whole, with the journal after it. Raises `NeedsHuman` when there is none."""
        ...

    def history(self) -> Iterator[Record]:
        """See `Store.history`."""
        ...

    def old_state(self, name: str) -> State:
        """An older state. Raises `BadInput` for an unknown name, `NeedsHuman` for a damaged one."""
        ...

    def append(self, events: Sequence[Event], time: int, *, reduces_risk: bool) -> tuple[Record, ...]:
        """See `Store.append`."""
        ...

    def save(self, state: State) -> None:
        """See `Store.save`."""
        ...


class Watcher(Protocol):
    """Is told what happens while it happens: for logs and for a progress display. Must not change anything."""

    def recorded(self, record: Record, before: State, after: State) -> None:
        """An event is durable, and made one state into the next."""
        ...

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        """These orders rest until at most `until` (milliseconds, like `now`)."""
        ...


class JournalIndex(Protocol):
    """What the state no longer remembers and the journal still knows."""

    def proposals(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The digests of those external proposals that were consumed."""
        ...

    def fills(self, ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """The digests of those trades, by (symbol, trade id), that are booked."""
        ...

    def orders(self, ids: Sequence[ClientOrderId]) -> frozenset[ClientOrderId]:
        """Those orders that were sent, or adopted."""
        ...
