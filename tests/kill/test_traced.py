"""The real program, `python -m tradekit cycle` of a live account, killed by `strace` at its system calls, and given a
disk that fails there; then everything has to add up, as in the tables. Nothing of it is replaced, and time is real.

`TRADEKIT_KILL_TABLE=full` tries every call that changes something in the home or goes out into the network.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Final, NamedTuple

import pytest

from command_line import SRC, python
from kill_homes import proposals
from kill_table import FULL, Scenario, Show, faults_after, gone_on, spread
from kill_world import Market, World, move_in, world_of
from live_home import LiveHome
from rig import Rig
from tracer import Call, Traced, calls_in, run, towards, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

KILL: Final = "signal=KILL"
SENT_FIRST: Final = """
from tradekit.domain.event import OrderIntended
from tradekit.steps import place as placing, work
def place(desk, intents):
    outcomes = desk.exchange.place(intents)
    desk.record(*(OrderIntended(intent) for intent in intents))
    desk.record(*(placing._answer(intent, outcomes[intent.client_order_id]) for intent in intents))
    return ()
work.place = place
"""
"""A planted bug, which Python reads at its start: an order is sent before its intent is durable."""
ERRORS: Final = {
    "openat": ("error=ENOSPC", "error=EIO"),
    "write": ("error=ENOSPC+", "error=ENOSPC", "error=EIO"),
    "pwrite64": ("error=EIO",),
    "ftruncate": ("error=EIO",),
    "fsync": ("error=EIO", "error=EIO+", "error=ENOSPC"),
    "rename": ("error=EIO", "error=ENOSPC"),
    "link": ("error=EIO",),
    "unlink": ("error=EIO",),
    "mkdir": ("error=ENOSPC",),
}


class Blow(NamedTuple):
    """What strace does to one call of a run; with a `+` to all of its name from there on."""

    call: Call
    what: str

    @property
    def inject(self) -> str:
        return f"{self.call.name}:{self.what.rstrip('+')}:when={self.call.number}{'+' * self.what.endswith('+')}"

    @property
    def ends(self) -> tuple[int, ...]:
        """The exit codes that it may lead to. Where no write succeeds any more, not even one to /dev/null, Python's own
        is 120.
        """
        mute = (120,) if (self.call.name, self.what[-1]) == ("write", "+") else ()
        return (0, 10, 11, 12, 13, -signal.SIGKILL, *mute)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """An account that was opened, and a cycle in which stops sell everything while a purchase rests for a second."""
    folder = tmp_path_factory.mktemp("traced")
    with Rig("binance", folder, real_time=True) as rig:
        live = LiveHome(
            rig,
            folder,
            exits={"stop_loss_pct": "0.0001"},
            rules={"enabled": False},
            exchange={"workers": 1, "timeout_ms": 60_000},
        )
        assert live.apart("reconcile-fills").code == 0
        World.of(rig, {}).save(world_of(live.home))
    wishes = proposals(folder / "wishes.json", {"id": "a", "symbol": "BTC/USDT", "side": "buy", "notional": "60"})
    return Scenario("traced", live.home, ("cycle", "--json", "--proposals", str(wishes)), live=True)


@contextmanager
def alive(home: Path) -> Iterator[None]:
    """The exchange of a home, in real time, while the block runs; then it is beside the home again."""
    with Rig("binance", home.parent, real_time=True) as rig:
        world = World.load(world_of(home))
        rig.engine = rig.dialect.engine = Market(rig.time.now, **world.kept)
        move_in(home, rig.server.listener)
        yield
        rig.server.drain()
        World.of(rig, {}).save(world_of(home))


def traced(scenario: Scenario, home: Path, inject: str = "", planted: Path = SRC) -> Traced:
    """The scenario's run in a copy of its home. `planted` is a folder with a bug."""
    copytree(scenario.home, home)
    world_of(home).write_bytes(world_of(scenario.home).read_bytes())
    bare = {
        "PYTHONPATH": f"{planted}{os.pathsep}{SRC}",
        "TRADEKIT_HOME": str(home),
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with alive(home):
        return run(python(*scenario.arguments), bare, home.with_name(f"{home.name}.strace"), inject)


def census(scenario: Scenario, folder: Path, planted: Path = SRC) -> list[Call]:
    """The calls of an undisturbed run that matter."""
    home = folder / "census"
    assert traced(scenario, home, planted=planted).exit == 0
    return towards(calls_in(home.with_name("census.strace")), home)


def blows(calls: Sequence[Call]) -> list[Blow]:
    """A kill at every call and every error that it may bring; or a few of each name, none near the end."""
    found = []
    for name in dict.fromkeys(call.name for call in calls):
        mine = [call for call in calls if call.name == name]
        found += [Blow(mine[n], KILL) for n in (range(len(mine)) if FULL else spread(-(-len(mine) * 2 // 3), 2))]
        for number, error in enumerate(ERRORS.get(name, ())[: None if FULL else 1]):
            few = mine if FULL else [mine[(len(mine) // 2 + number) % len(mine)]]
            found += [Blow(call, error) for call in few]
    return found


def test_the_real_program_under_a_tracer(scenario: Scenario, tmp_path: Path, show: Show) -> None:
    calls = census(scenario, tmp_path)
    tried = blows(calls)
    homes = [tmp_path / f"traced-{number}" for number in range(len(tried))]
    with ThreadPoolExecutor(1 if "PYTEST_XDIST_WORKER" in os.environ else 2) as threads:
        ended = list(threads.map(lambda n: traced(scenario, homes[n], tried[n].inject), range(len(tried))))
    wrong = []
    for blow, found in zip(tried, ended, strict=True):
        if found.exit not in blow.ends or "Traceback" in found.err:
            told = json.loads(found.out)["problems"] if found.out.startswith("{") else found.err
            wrong.append(f"{blow}: exit {found.exit}, {told}")
    wrong += faults_after(homes)
    wrong += gone_on(scenario, homes)
    kills, hits = sum(blow.what == KILL for blow in tried), sum(found.exit < 0 for found in ended)
    show(
        f"strace: {len(calls)} calls that matter, {hits} of {kills} kills hit, {len(tried) - kills} errors;"
        f" {len(wrong)} faults"
    )
    assert not wrong, "\n".join(wrong)
    assert hits > kills * 0.7, "a run that is a little shorter than the census misses the last few"
    assert {call.name for call in calls} >= {"openat", "write", "fsync", "connect", "sendto", "flock"}


def test_the_tracer_finds_an_order_that_is_sent_before_its_intent_is_durable(
    scenario: Scenario, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(SENT_FIRST)
    calls = census(scenario, tmp_path, tmp_path)
    sent = next(n for n, call in enumerate(calls) if call.name == "sendto" and "POST /api/v3/order" in call.text)
    noted = next(call for call in calls[sent:] if call.name == "write" and "/journal/" in call.text)
    home = tmp_path / "mutant"
    assert traced(scenario, home, Blow(noted, KILL).inject, tmp_path).exit == -signal.SIGKILL
    assert any("no durable intent" in fault for fault in faults_after([home]))
