"""The paper account on live public markets: an exchange without a key, and the paper world on top of it.

Must never look for a key: nothing here could use one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.public import ONE_BY_ONE, PublicMarkets
from tradekit.adapters.paper.live_world import LivePaperWorld
from tradekit.adapters.paper.world import PaperWorld
from tradekit.cli.live_desk import connect_live, machine_time
from tradekit.domain.errors import BadInput, Problem

if TYPE_CHECKING:
    from tradekit.adapters.paper.setup import PaperSetup
    from tradekit.cli.live_desk import MachineTime
    from tradekit.cli.signals import StopFlag
    from tradekit.cli.wiring import Account


@contextmanager
def live_paper_world(
    account: Account,
    ledger: Path,
    setup: PaperSetup,
    stop: StopFlag,
    *,
    must_exist: bool,
    dry_run: bool,
    machine: MachineTime | None = None,
) -> Iterator[PaperWorld]:
    """The world of one run. A dry run works on a copy of the books. Raises `BadInput`, `Unreachable`."""
    machine = machine or machine_time(stop.is_set)
    clock = ExchangeClock(machine.now, machine.sleep, stop.is_set)
    exchange = connect_live(account, None, clock)
    try:
        only = account.policy.universe.only
        if exchange.venue.keyless_quotes is not None and not 0 < len(only) <= ONE_BY_ONE:
            what = f"without a key {exchange.venue.name} tells best prices market by market"
            raise BadInput(Problem("paper_markets", what, f"name up to {ONE_BY_ONE} assets in universe.only"))
        memory = None if dry_run else account.folder / "cache" / "books.json"
        if memory is not None:
            memory.parent.mkdir(mode=0o700, exist_ok=True)
        with LivePaperWorld(
            ledger,
            setup,
            PublicMarkets(exchange),
            clock,
            memory=memory,
            only=only,
            must_exist=must_exist,
            scratch=dry_run,
        ) as world:
            yield world
    finally:
        exchange.close()
