"""SIGKILL at every step of a live run towards its disk and towards an exchange server, also at the connect and at the
send of every request: nothing is sent twice, nothing is lost, and the books are the exchange's to the last digit.

The processes and the wire are real; time is the harness's, so that a horizon of 15 minutes goes by at once.
`TRADEKIT_KILL_TABLE=full` tries every step before and after, of all three exchanges.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kill_homes import Case, Run, carry_out
from kill_live import buying, purging, selling
from kill_table import (
    CREATES,
    FULL,
    Scenario,
    Show,
    are_killed,
    census,
    faults_after,
    gone_on,
    killed,
    sampled,
    send_window,
    spread,
    unanswered,
)

Make = Callable[[Path, str], Scenario]
TABLE = [(make, exchange) for exchange in ("binance", "kraken", "coinbase") for make in (buying, selling, purging)]
BY_DEFAULT = ((buying, "binance"), (selling, "kraken"), (purging, "coinbase"))
MOST = 12


@pytest.mark.parametrize(("make", "exchange"), TABLE if FULL else BY_DEFAULT)
def test_a_kill_at_any_step_of_a_live_run_loses_nothing(make: Make, exchange: str, tmp_path: Path, show: Show) -> None:
    scenario = make(tmp_path, exchange)
    steps = census(scenario, tmp_path).steps
    window = send_window(steps)
    where = [*dict.fromkeys([*sampled(steps, MOST), *((step, "after") for step in window[::4])])]
    rows = killed(scenario, tmp_path, where)
    homes, inside = [row.home for row in rows], sum(step in window for step, _ in where)
    wrong, open_ones = faults_after(homes), unanswered(homes)
    wrong += gone_on(scenario, homes)
    show(
        f"{scenario.name}: {len(steps)} steps, {len(rows)} kills, {inside} of them in the send window;"
        f" {open_ones} left an order without an answer; {len(wrong)} faults"
    )
    assert not wrong
    assert open_ones > 0


@pytest.mark.parametrize(("make", "exchange"), TABLE if FULL else BY_DEFAULT[:1])
def test_a_second_kill_while_a_live_send_is_repaired(make: Make, exchange: str, tmp_path: Path, show: Show) -> None:
    scenario = make(tmp_path, exchange)
    window = send_window(census(scenario, tmp_path).steps)
    first = killed(scenario, tmp_path, [(step, "after") for step in (window if FULL else window[::6])])
    repairs = carry_out([Case(row.home, row.home.with_suffix(".census"), [Run(("cycle",))]) for row in first])
    cases = []
    for row, [repair] in zip(first, repairs, strict=True):
        for n in spread(len(repair.steps), 40 if FULL else 3):
            home = row.home.with_suffix(f".{n}")
            cases.append(Case(row.home, home, [Run(("cycle",), repair.steps[n].at("after"))]))
    ended = carry_out(cases)
    assert are_killed([found for [found] in ended])
    homes = [case.home for case in cases]
    wrong, open_ones = faults_after(homes), unanswered(homes)
    wrong += gone_on(scenario, homes)
    show(f"{scenario.name}, killed twice: {len(cases)} pairs, {open_ones} without an answer; {len(wrong)} faults")
    assert not wrong
    assert open_ones > 0


def test_the_live_table_finds_an_order_that_is_sent_before_its_intent_is_durable(tmp_path: Path) -> None:
    scenario = buying(tmp_path)
    steps = census(scenario, tmp_path, mutant="send_first").steps
    sends = [n for n, step in enumerate(steps) if step.label in CREATES]
    window = steps[sends[0] : sends[-1] + 12]
    rows = killed(scenario, tmp_path, [(step, "after") for step in window[::4]], mutant="send_first")
    assert any("no durable intent" in fault for fault in faults_after([row.home for row in rows]))


def test_the_live_table_finds_an_order_that_is_sent_again_without_a_look(tmp_path: Path) -> None:
    scenario = buying(tmp_path)
    rows = killed(scenario, tmp_path, [(step, "after") for step in send_window(census(scenario, tmp_path).steps)[::4]])
    assert any("was sent 2 times" in fault for fault in gone_on(scenario, [row.home for row in rows], "send_again"))
