"""A long row of cycles, purges and sweeps against each server under random faults: both sets of books agree to the
digit, nothing twice.

TRADEKIT_CYCLES makes them longer: 1440 is a day, a minute each. CONTRIBUTING.md has the command.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from live_home import LiveHome, books_of, wish
from rig import WIRED, D, Rig
from tradekit.adapters.proposals_file import parse_proposals
from tradekit.domain.errors import ExitCode, Unreachable
from tradekit.domain.order import Closed
from tradekit.domain.purge import PurgeTerms, TakerUse
from tradekit.domain.state import State
from tradekit.flows.cycle import Wanted, cycle
from tradekit.flows.dust_sweep import dust_sweep
from tradekit.flows.purge import Wanted as ToPurge
from tradekit.flows.purge import purge
from tradekit.flows.reconcile_fills import Wanted as ToReconcile
from tradekit.flows.reconcile_fills import reconcile_fills
from weather import market, quiet, shake

CYCLES = int(os.environ.get("TRADEKIT_CYCLES", "40"))
MINUTE_MS = 60_000


class Day:
    """Cycles a minute apart, each with its own wishes; the market moves while orders wait."""

    def __init__(self, rig: Rig, folder: Path, seed: str) -> None:
        self.rig, self.random = rig, Random(seed)
        self.live = LiveHome(rig, folder, exchange={"workers": 1}, dust={"actions": ["top_up", "ride"]})
        self.silent = self.cycles = self.purges = self.sweeps = 0

    def run(self) -> None:
        """One more cycle, whatever becomes of it."""
        self.cycles += 1
        begun = self.rig.time.now()
        wishes = [wish(self.rig, self.random, self.cycles * 10 + n) for n in range(self.random.randint(0, 2))]
        try:
            with self.live.desk(self.wait) as desk:
                cycle(desk, Wanted(parse_proposals(json.dumps(wishes), "wishes")))
        except Unreachable:
            self.silent += 1
        with suppress(Unreachable):
            self.by_hand()
        self.rig.time.sleep(max(MINUTE_MS - (self.rig.time.now() - begun), 0))
        market(self.rig, self.random)

    def by_hand(self) -> None:
        """What a person does between two cycles, now and then."""
        if self.cycles % 15 == 4:
            self.purges += 1
            terms = PurgeTerms(
                ttl_seconds=self.random.choice([None, 5, 25]),
                slice_notional=self.random.choice([None, D(20), D(100)]),
                taker=self.random.choice([None, *TakerUse]),
                rests=self.random.random() < 0.3,
            )
            with self.live.desk(self.wait) as desk:
                purge(desk, ToPurge((self.random.choice(["ETH", "SOL", "DOGE"]),), terms=terms))
        elif self.cycles % 15 == 10:
            self.sweeps += 1
            with self.live.desk(self.wait) as desk:
                dust_sweep(desk)

    def wait(self, ms: int) -> None:
        """While tradekit waits, the market goes on."""
        self.rig.time.sleep(ms)
        if self.random.random() < 0.5:
            market(self.rig, self.random)


@pytest.mark.parametrize("name", WIRED)
def test_the_books_agree_after_a_day_of_faults(tmp_path: Path, name: str) -> None:
    with Rig(name, tmp_path) as rig:
        rig.engine.totals["BNB"] = D(10)
        day = Day(rig, tmp_path, name)
        day.run()
        for number in range(CYCLES):
            if number % 20 == 0:
                shake(rig, day.random)
            day.run()
        quiet(rig)
        state = settled(rig, day.live)
        assert day.live.sent_twice() == {}
        assert sum(rig.engine.accepted.values()) > CYCLES // 4, "too little happened to prove anything"
        assert books_of(state) == {asset: total for asset, total in rig.engine.totals.items() if total}
        assert day.purges > 0 < day.sweeps
        assert day.silent < CYCLES * 3 // 4
        assert day.silent or CYCLES < 100, "some minutes have no silence at all"


def settled(rig: Rig, live: LiveHome) -> State:
    """The books once everything has come to rest: some quiet hours, then a reconciliation."""
    for _ in range(8):
        rig.time.sleep(20 * MINUTE_MS)
        rig.engine.run_due()
        with live.desk() as desk:
            report = reconcile_fills(desk, ToReconcile())
            unfinished = [order for order in desk.state.orders.values() if not isinstance(order.state, Closed)]
            if not unfinished and report.exit_code is ExitCode.DONE:
                break
    assert not unfinished
    assert [problem.code for problem in report.problems] == []
    return desk.state
