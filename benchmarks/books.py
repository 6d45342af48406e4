"""Books: a rebuild from a file of trades against plainly decoding it, and a reconcile that finds nothing new.

Rebuild and decoding read the same lines in turn, each in a process of its own, so that peak memory is theirs alone.
The time of a reconcile is our own: what passes inside the exchange's calls is taken off.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from spine import environment, grow

from tradekit.cli.signals import StopFlag
from tradekit.cli.watchers import Silent
from tradekit.cli.wiring import find_account, trading_desk
from tradekit.flows.reconcile_fills import Wanted, reconcile_fills

SYMBOLS = 50
SIZES = (10_000, 100_000, 1_000_000)
RUNS = 5
DECODE = """
import msgspec
from decimal import Decimal
class Fee(msgspec.Struct, gc=False):
    cost: Decimal
    currency: str
class Trade(msgspec.Struct, gc=False):
    id: str
    order: str
    timestamp: int
    symbol: str
    side: str
    amount: Decimal
    price: Decimal
    cost: Decimal
    fee: Fee
decoder = msgspec.json.Decoder(Trade)
def work(path):
    count = 0
    with open(path, "rb") as file:
        while chunk := file.read(2**20):
            count += len(decoder.decode_lines(chunk + file.readline()))
    return count
"""
REBUILD = """
import msgspec
from tradekit.adapters.fills_file import trades_as_written
from tradekit.decide.rebuild import fold_history
from tradekit.domain.books import CostMethod, Owner
def work(path):
    found = fold_history(trades_as_written(path), "USDT", CostMethod.METHOD, lambda symbol: Owner.MANAGED)
    return found.trades
"""
MEASURED = """
import json, resource, sys, time
begin = time.process_time()
count = work(sys.argv[1])
took = time.process_time() - begin
print(json.dumps([count, took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def main() -> None:
    """Prints all figures."""
    with tempfile.TemporaryDirectory() as folder:
        print(f"python {sys.version.split()[0]}, {os.cpu_count()} processors, median of {RUNS} runs\n")
        rebuild(Path(folder))
        reconcile(Path(folder))


def rebuild(folder: Path) -> None:
    """Fills per second of decoding alone and of the whole rebuild, and what a fill costs as the file grows."""
    print(
        f"{'rebuild from a file':24s} {'fills':>9s} {'decode/s':>10s} {'rebuild/s':>10s} {'ratio':>6s} {'peak MiB':>9s}"
    )
    per_fill = {}
    for size in SIZES:
        path = folder / f"{size}.jsonl"
        write_fills(path, size)
        for method in ("AVERAGE", "FIFO") if size == SIZES[-1] else ("AVERAGE",):
            ratios, decoded, rebuilt, peaks = [], [], [], []
            for _ in range(RUNS):
                plain, whole = measured(DECODE, path), measured(REBUILD.replace("METHOD", method), path)
                assert plain[0] == whole[0] == size
                ratios.append(plain[1] / whole[1])
                decoded.append(size / plain[1])
                rebuilt.append(size / whole[1])
                peaks.append(whole[2])
            if method == "AVERAGE":
                per_fill[size] = 1 / statistics.median(rebuilt)
            print(
                f"costs by {method.lower():15s} {size:9,d} {statistics.median(decoded):10,.0f}"
                f" {statistics.median(rebuilt):10,.0f} {statistics.median(ratios):6.2f} {max(peaks):9.0f}"
            )
    growth = per_fill[SIZES[-1]] / per_fill[SIZES[0]]
    print("bounds: ratio at least 0.4, peak at most 300 MiB")
    print(f"time of a fill at {SIZES[-1]:,} against {SIZES[0]:,}: {growth:.2f}  (bound: 1.3)\n")


def reconcile(folder: Path) -> None:
    """Our own time and the exchange's rounds where nothing is new."""
    print(
        f"{'reconcile, nothing new':24s} {'own ms':>8s} {'rounds':>7s} {'bytes written':>14s}  (bounds: 50 ms, 1 round)"
    )
    for fills in (100, 100_000):
        home = folder / f"home{fills}"
        grow(home, fills)
        os.environ["TRADEKIT_HOME"] = str(home)
        subprocess.run(
            [sys.executable, "-m", "tradekit", "reconcile-fills"],
            env=environment(home),
            check=True,
            capture_output=True,
        )
        before = {path: path.stat().st_mtime_ns for path in (home / "main" / "paper").rglob("*.json*")}
        times, rounds = [], 0
        for _ in range(RUNS):
            own, rounds = one_reconcile()
            times.append(own)
        touched = [path for path, moment in before.items() if path.stat().st_mtime_ns != moment]
        print(f"{fills:9,d} fills          {statistics.median(times) * 1000:8.1f} {rounds:7d} {len(touched):14d}")


def one_reconcile() -> tuple[float, int]:
    """Our own seconds, loading and saving included, and how many calls the exchange got."""
    account, stop = find_account(None, None), StopFlag()
    begin = time.perf_counter()
    with trading_desk(account, Silent(), stop, wait_seconds=0, dry_run=False, begins_cycle=False) as desk:
        watched = Watched(desk.exchange)
        desk.exchange = watched
        opening = time.perf_counter() - begin  # the paper exchange's own start is in here
        begin = time.perf_counter()
        report = reconcile_fills(desk, Wanted())
        own = time.perf_counter() - begin - watched.seconds
    assert report.exit_code == 0
    del opening
    return own, watched.calls


class Watched:
    """An exchange that counts the calls and the time inside them."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self.calls = 0
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._exchange, name)
        return self._timed(found) if callable(found) else found

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            begin = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                self.calls += 1
                self.seconds += time.perf_counter() - begin

        return timed


def measured(work: str, path: Path) -> tuple[int, float, float]:
    """How many, processor seconds, and peak MiB of some work in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", work + MEASURED, str(path)], capture_output=True, check=True, text=True
    )
    count, took, peak = json.loads(done.stdout)
    return count, took, peak


def write_fills(path: Path, count: int) -> None:
    """Trades of 50 coins in their order, as ccxt gives them; nothing is sold that was not bought."""
    chance = random.Random(1)
    moment, held = 1_700_000_000_000, dict.fromkeys(range(SYMBOLS), 0)
    with path.open("w", encoding="ascii") as file:
        for number in range(count):
            moment += chance.randrange(1, 2000)
            coin, amount, price = chance.randrange(SYMBOLS), chance.randrange(1, 10**7), chance.randrange(1000, 100_000)
            buys = held[coin] < amount or chance.random() < 0.5
            held[coin] += amount if buys else -amount
            units, each = Decimal(amount).scaleb(-4), Decimal(price).scaleb(-3)
            trade = {
                "id": str(100_000 + number),
                "order": str(5000 + number // 2),
                "timestamp": moment,
                "datetime": "2025-01-01T00:00:00.000Z",
                "symbol": f"C{coin:02}/USDT",
                "type": "limit",
                "side": "buy" if buys else "sell",
                "takerOrMaker": "maker",
                "price": str(each),
                "amount": str(units),
                "cost": str(units * each),
                "fee": {"cost": str(units * each * Decimal("0.001")), "currency": "USDT"},
                "info": {},
            }
            file.write(json.dumps(trade) + "\n")


if __name__ == "__main__":
    main()
