"""An account's files that exist in memory only, and survive every crash of a rehearsal. Nothing is ever written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tradekit.domain.event import Event, FillBooked, OrderAdopted, OrderIntended, Record
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.ports import Loaded
from tradekit.domain.proposal import Origin
from tradekit.domain.state import State


class ScratchStore:
    """Implements `Store` and `JournalIndex`. `halted` is for the rehearsal to set."""

    def __init__(self) -> None:
        self._saved: State | None = None
        self._records: list[Record] = []
        self._proposals: dict[str, str] = {}
        self._fills: dict[tuple[str, str], str] = {}
        self._orders: set[ClientOrderId] = set()
        self.halted = False

    def load(self) -> Loaded:
        """The newest state and every record after it."""
        if self._saved is None:
            return Loaded(None, ())
        return Loaded(self._saved, tuple(self._records[self._saved.seq :]))

    def create(self, state: State) -> None:
        """The empty state of a fresh account."""
        self._saved = state

    def append(self, events: Sequence[Event], time: int, *, reduces_risk: bool) -> tuple[Record, ...]:
        """Records are durable at once."""
        first = len(self._records) + 1
        records = tuple(Record(seq, time, event) for seq, event in enumerate(events, start=first))
        self._records += records
        for event in events:
            self._note(event)
        return records

    def save(self, state: State) -> None:
        """Replaces the state."""
        self._saved = state

    def held(self) -> tuple[str, ...]:
        """Managed assets as the last saved state has them."""
        positions = {} if self._saved is None else self._saved.positions
        return tuple(asset for asset, position in sorted(positions.items()) if position.quantity > 0)

    def is_halted(self) -> bool:
        """Whether the rehearsal set the kill switch."""
        return self.halted

    def history(self) -> Iterator[Record]:
        """Every record."""
        yield from self._records

    def proposals(self, ids: Sequence[str]) -> Mapping[str, str]:
        """The digests of those proposals that were consumed."""
        return {id: self._proposals[id] for id in ids if id in self._proposals}

    def fills(self, ids: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """The digests of those trades that are booked."""
        return {id: self._fills[id] for id in ids if id in self._fills}

    def orders(self, ids: Sequence[ClientOrderId]) -> frozenset[ClientOrderId]:
        """Those orders that were sent."""
        return frozenset(ids) & self._orders

    def _note(self, event: Event) -> None:
        match event:
            case OrderIntended(intent) | OrderAdopted(intent):
                self._orders.add(intent.client_order_id)
                proposal = intent.approved.proposal
                if proposal.origin is Origin.EXTERNAL:
                    self._proposals[proposal.id] = proposal.digest
            case FillBooked(fill):
                self._fills[fill.symbol, fill.trade_id] = fill.digest
            case _:
                pass
