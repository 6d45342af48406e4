"""The desk: the policy and the ports of one run, and the one way to change the state: write it down first."""

from __future__ import annotations

from dataclasses import dataclass

from tradekit.decide.fold import fold, replay
from tradekit.domain.event import Event
from tradekit.domain.policy.sections import Policy
from tradekit.domain.ports import Clock, Exchange, ProposalArchive, Store, Watcher
from tradekit.domain.state import State


@dataclass
class Desk:
    """One run's view of the world. `state` is always the fold of what is durable in the store.

    With `dry_run` nothing is sent and the store keeps what it is given in memory. `identity` seeds the client order
    ids of an account that is opened in this run.
    """

    policy: Policy
    exchange: Exchange
    clock: Clock
    store: Store
    archive: ProposalArchive
    watcher: Watcher
    state: State
    identity: str
    dry_run: bool = False

    def load(self) -> None:
        """Takes over what earlier runs left: the newest state and the journal after it."""
        loaded = self.store.load()
        if loaded.state is None:
            self.store.create(self.state)
        else:
            self.state = replay(loaded.state, loaded.tail)

    def record(self, *events: Event, reduces_risk: bool = True) -> None:
        """Makes events durable in one write, then folds them in. Raises `NeedsHuman` when the disk refuses."""
        if not events:
            return
        for record in self.store.append(events, self.clock.now(), reduces_risk=reduces_risk):
            before, self.state = self.state, fold(self.state, record)
            self.watcher.recorded(record, before, self.state)

    def save(self) -> None:
        """Writes the state as a snapshot, so that the next run has little to replay."""
        self.store.save(self.state)
