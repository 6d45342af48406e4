"""Requests and rounds of the real adapter against loopback servers that take 100 ms a request, and the cost of imports.

A round is what runs side by side: rounds in sequence are what a run waits for. Each time is the median of several runs;
starts are whole processes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / part) for part in ("servers", "support")]

from live_home import LiveHome  # noqa: E402 - the servers of the tests are found by path
from rig import WIRED, Rig  # noqa: E402

RUNS: Final = 5
STARTS: Final = 15
LATENCY: Final = 0.1
BASES: Final = tuple(f"C{number}" for number in range(46))


def main() -> None:
    """Prints all figures."""
    print(
        f"python {sys.version.split()[0]}, {os.cpu_count()} processors, {LATENCY * 1000:.0f} ms a request, 50 symbols\n"
    )
    print(f"{'':10s} {'what':34s} {'requests':>8s} {'rounds':>7s} {'ms':>6s}")
    for name in WIRED:
        with (
            tempfile.TemporaryDirectory() as folder,
            Rig(name, Path(folder), latency=LATENCY, real_time=True, bases=BASES, workers=20) as rig,
        ):
            measure(rig)
    print()
    print(f"{'':10s} {'the whole program, `tradekit cycle`':34s} {'requests':>8s} {'rounds':>7s} {'ms':>6s}")
    for name in WIRED:
        with (
            tempfile.TemporaryDirectory() as folder,
            Rig(name, Path(folder), latency=LATENCY, real_time=True, bases=BASES) as rig,
        ):
            whole_cycle(rig, Path(folder))
    print()
    imports()


def measure(rig: Rig) -> None:
    """One exchange."""
    rig.exchange.symbols()
    symbols = list(rig.exchange.symbols())
    since = {symbol: rig.time.now() - 60_000 for symbol in symbols[:3]}
    show(rig, "open, markets cached", rig.reopen)
    resting = [rig.placed(rig.intent(price=f"{2300 + n}.00")) for n in range(3)]
    show(rig, "snapshot of 50 symbols", lambda: rig.exchange.snapshot(symbols))
    show(rig, "review, nothing open or traded", lambda: rig.exchange.review([], {}))
    show(rig, "review, 3 orders, trades of 3", lambda: rig.exchange.review(resting, since))
    intents = iter([[rig.intent(price=f"{2400 + n}.00") for n in range(20)] for _ in range(RUNS)])
    show(rig, "place 20 orders", lambda: rig.exchange.place(next(intents)))
    show(rig, "idle cycle: open, review, snapshot", lambda: idle(rig, symbols))
    if rig.name == "kraken":
        rig.options["nonce_window"], rig.dialect.nonce_window = True, 10_000
        rig.reopen()
        more = iter([[rig.intent(price=f"{2450 + n}.00") for n in range(20)] for _ in range(RUNS)])
        show(rig, "place 20 orders, nonce window", lambda: rig.exchange.place(next(more)))


def idle(rig: Rig, symbols: list[str]) -> None:
    """What a cycle with nothing to do asks."""
    exchange = rig.reopen()
    exchange.review([], {})
    exchange.snapshot(symbols)


def whole_cycle(rig: Rig, folder: Path) -> None:
    """A live cycle with nothing to do, its start included."""
    live = LiveHome(rig, folder, exchange={"workers": 8})
    live.apart("cycle")
    walls, starts, passes = [], [], []
    for _ in range(RUNS):
        passes.append(wall_ms([sys.executable, "-c", "pass"]))
        live.full_budget()
        rig.server.times.clear()
        start = time.perf_counter()
        ran = live.apart("cycle --json")
        walls.append((time.perf_counter() - start) * 1000)
        starts.append((min(begun for begun, _ in rig.server.times) - start) * 1000)
        assert ran.code == 0, ran
    requests, rounds = ran.data["requests"], longest_chain(rig.server.times)
    print(f"{rig.name:10s} {'idle':34s} {requests:8d} {rounds:7d} {statistics.median(walls):6.0f}")
    first, base = statistics.median(starts), statistics.median(passes)
    print(f"{'':10s} {f'its first request, {first / base:.0f} x pass':34s} {'':8s} {'':7s} {first:6.0f}")


def show(rig: Rig, what: str, task: Callable[[], object]) -> None:
    """Runs a task several times and prints its figures."""
    walls, requests, rounds = [], 0, 0
    for _ in range(RUNS):
        after_a_quiet_minute(rig)
        before, start = len(rig.server.requests), time.perf_counter()
        rig.server.times.clear()
        task()
        walls.append((time.perf_counter() - start) * 1000)
        requests, rounds = len(rig.server.requests) - before, longest_chain(rig.server.times)
    print(f"{rig.name:10s} {what:34s} {requests:8d} {rounds:7d} {statistics.median(walls):6.0f}")


def after_a_quiet_minute(rig: Rig) -> None:
    """The request budget is full again, and what rested is gone."""
    for path in rig.folder.glob("requests-*"):
        ledger = json.loads(path.read_text())
        path.write_text(json.dumps({**ledger, "units": 10**9}))
    open_orders = rig.engine.open_orders()
    for order in open_orders[: max(len(open_orders) - 20, 0)]:
        rig.engine.cancel(order)


def longest_chain(spans: list[tuple[float, float]]) -> int:
    """How many of these spans of time follow one another at the most."""
    chain, end = 0, 0.0
    for began, ended in sorted(spans, key=lambda span: span[1]):
        if began >= end:
            chain, end = chain + 1, ended
    return chain


def wall_ms(command: list[str]) -> float:
    """How long a process takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True)
    return (time.perf_counter() - start) * 1000


def imports() -> None:
    """Starts of whole processes against `python -c pass` in the same run."""
    load = "from tradekit.adapters.exchange.loading import exchange_class; exchange_class({!r})()"
    rows = {"python -c pass": "pass", "import ccxt": "import ccxt", "import requests": "import requests"}
    rows |= {f"one class: {name}": load.format(name) for name in WIRED}
    rows["the adapter, nothing opened"] = "import tradekit.adapters.exchange.opening"
    times: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(STARTS):
        for name, script in rows.items():
            times[name].append(wall_ms([sys.executable, "-c", script]))
    base = statistics.median(times["python -c pass"])
    print(f"{'a start of':28s} {'ms':>6s} {'x pass':>7s}")
    for name, walls in times.items():
        print(f"{name:28s} {statistics.median(walls):6.0f} {statistics.median(walls) / base:7.1f}")


if __name__ == "__main__":
    main()
