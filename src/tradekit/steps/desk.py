"""The desk: the policy and the ports of one run, and the one way to change the state: write it down first."""

from __future__ import annotations

from dataclasses import dataclass, field

from tradekit.decide.fold import fold, replay
from tradekit.domain.event import Event, Record
from tradekit.domain.policy.sections import Policy
from tradekit.domain.ports import Clock, Exchange, JournalIndex, Loaded, Store, Watcher
from tradekit.domain.state import State


@dataclass
class Desk:
    """One run's view of the world. `state` is always the fold of what is durable in the store.

    With `dry_run` nothing is sent and the store keeps what it is given in memory. `identity` seeds the client order
    ids of an account that is opened in this run, `policy_digest` tells in the journal which policy was followed.
    `recorded` are the events of this run, in their order.
    """

    policy: Policy
    exchange: Exchange
    clock: Clock
    store: Store
    index: JournalIndex
    watcher: Watcher
    state: State
    identity: str
    dry_run: bool = False
    policy_digest: str = ""
    recorded: list[Event] = field(default_factory=list)

    def load(self) -> None:
        """Takes over what earlier runs left. Raises `NeedsHuman` for damage."""
        self.take_over(self.store.load())

    def take_over(self, loaded: Loaded) -> None:
        """Goes on from the newest state and the journal after it, or begins a fresh account."""
        if loaded.state is None:
            self.store.create(self.state)
        else:
            self.state = replay(loaded.state, loaded.tail)

    def record(self, *events: Event, reduces_risk: bool = True) -> None:
        """Makes events durable in one write, then folds them in. Raises `NeedsHuman` when the disk refuses."""
        if not events:
            return
        now = self.clock.now()
        # what can't be folded must never become durable: no later run could read past it
        replay(self.state, [Record(seq, now, event) for seq, event in enumerate(events, self.state.seq + 1)])
        for record in self.store.append(events, now, reduces_risk=reduces_risk):
            before, self.state = self.state, fold(self.state, record)
            self.recorded.append(record.event)
            self.watcher.recorded(record, before, self.state)

    def save(self) -> None:
        """Writes the state as a snapshot, so that the next run has little to replay."""
        self.store.save(self.state)
