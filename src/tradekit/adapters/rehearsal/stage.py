"""The stage of one rehearsal: paper markets in memory, an unruly exchange, files that survive crashes, a person.

Everything is drawn from one seed: the same seed plays the same piece.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final

from tradekit.adapters.paper.setup import PaperSetup
from tradekit.adapters.paper.world import PaperWorld
from tradekit.adapters.rehearsal.scratch_store import ScratchStore
from tradekit.adapters.rehearsal.severity import WEATHER, Severity
from tradekit.adapters.rehearsal.unruly_exchange import UnrulyExchange
from tradekit.domain.market import Quote
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Amount, Notional, Origin, Proposal, Side

_NOWHERE: Final = Path("/nonexistent/rehearsal.sqlite3")
_HALT_CYCLES: Final = 30


class RehearsalStage:
    """What a rehearsal needs of the world. `store` is the account's, `exchange` the unruly one; use it in a `with`."""

    def __init__(self, policy: Policy, setup: PaperSetup, severity: Severity, seed: str, wishes_per_hour: int) -> None:
        self._policy = policy
        self._luck = Random(f"{severity} {seed}")  # noqa: S311 - chance has to come back the same
        self._chances = WEATHER[severity]
        self._world = PaperWorld.scratch(_NOWHERE, setup)
        self._wishes_per_hour, self._wish, self._halt_left = wishes_per_hour, 0, 0
        self.store = ScratchStore()
        self.clock = self._world.clock
        self.exchange = UnrulyExchange(self._world.exchange, self.clock, self._chances, self._luck)

    def begin_cycle(self) -> None:
        """Time moves on to the next cycle, or past some that nobody runs. Now and then a person halts and resumes."""
        self._world.begin_run(self._policy.execution.interval_seconds * 1000)
        while self._luck.randrange(1000) < self._chances.missed_cycle:
            self.exchange.faults["cycles that nobody ran"] += 1
            self._world.begin_run(self._policy.execution.interval_seconds * 1000)
        self.exchange.begin_cycle()
        self._halt_left = max(self._halt_left - 1, 0)
        if not self._halt_left and self._luck.randrange(1000) < self._chances.halt:
            self._halt_left = _HALT_CYCLES
            self.exchange.faults["halts by hand"] += 1
        self.store.halted = self._halt_left > 0

    def wishes(self, quotes: Mapping[str, Quote]) -> tuple[Proposal, ...]:
        """What other programs might ask for, so many times an hour: buys and sales of the size of the policy."""
        per_hour = 3_600_000 // (self._policy.execution.interval_seconds * 1000)
        if not quotes or self._luck.randrange(max(per_hour, 1)) >= self._wishes_per_hour:
            return ()
        self._wish += 1
        side = self._luck.choice((Side.BUY, Side.SELL))
        held = {f"{asset}/{self._policy.account.quote}" for asset in self.store.held()}
        symbols = sorted(held & quotes.keys()) if side is Side.SELL else sorted(quotes)
        if not symbols:
            return ()
        symbol = self._luck.choice(symbols)
        confidence = Decimal(self._luck.randrange(50, 100)) / 100
        size = self._policy.risk.min_order_notional * self._luck.choice((1, 2, 3))
        wanted = Notional(size) if side is Side.BUY else Amount(size / quotes[symbol].mid)
        reason = "asked for in the rehearsal"
        return (Proposal(f"wish-{self._wish}", symbol, side, wanted, confidence, reason, Origin.EXTERNAL),)

    def quotes(self) -> Mapping[str, Quote]:
        """The true prices."""
        return self._world.exchange.quotes(self._world.exchange.symbols())

    @property
    def index(self) -> ScratchStore:
        """What the journal still knows: all of it."""
        return self.store

    def totals(self) -> Mapping[str, Decimal]:
        """What the exchange's own books hold for the account."""
        return self._world.totals()

    def behave(self) -> None:
        """The weather clears: what was left behind can be settled."""
        self.exchange.behave()
        self.store.halted, self._halt_left = False, 0
        self._chances = self._chances._replace(missed_cycle=0, halt=0)

    @property
    def faults(self) -> Mapping[str, int]:
        """What the world did, by name."""
        return dict(sorted(self.exchange.faults.items()))

    def __enter__(self) -> RehearsalStage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._world.close()
