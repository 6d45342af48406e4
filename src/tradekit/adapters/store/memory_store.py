"""A store for rehearsals: reads the account's real files and keeps everything new to itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tradekit.domain.event import Event, Record
from tradekit.domain.ports import Loaded, Store
from tradekit.domain.state import State


class MemoryStore:
    """Implements `Store` over another one without ever writing to it."""

    def __init__(self, real: Store) -> None:
        self._real = real
        self._seq = 0
        self._records: list[Record] = []

    def load(self) -> Loaded:
        """What is durable."""
        loaded = self._real.load()
        last = loaded.tail[-1].seq if loaded.tail else None
        self._seq = last or (loaded.state.seq if loaded.state else 0)
        return loaded

    def create(self, state: State) -> None:
        """Nothing: the account stays as it is."""

    def append(self, events: Sequence[Event], time: int, *, reduces_risk: bool) -> tuple[Record, ...]:
        """The records that a real journal would have got."""
        records = tuple(Record(self._seq + number, time, event) for number, event in enumerate(events, start=1))
        self._seq += len(records)
        self._records += records
        return records

    def save(self, state: State) -> None:
        """Nothing: the account stays as it is."""

    def history(self) -> Iterator[Record]:
        """What is durable, and then what this rehearsal added."""
        yield from self._real.history()
        yield from self._records

    def is_halted(self) -> bool:
        """Whether the account is halted."""
        return self._real.is_halted()
