"""Start-up, one idle paper cycle, and how both depend on the length of the history.

Each figure is the median of several runs as whole processes. Bytes and calls are the kernel's own count
(`/proc/self/io`) of one run of the command in its process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from tradekit.adapters.paper.ledger import Ledger, PaperOrder, PaperTrade
from tradekit.adapters.paper.world import LEDGER_NAME, PaperWorld
from tradekit.adapters.store.account_store import AccountStore
from tradekit.adapters.store.disk import RealDisk
from tradekit.cli.main import run
from tradekit.cli.paper_desk import paper_setup
from tradekit.cli.wiring import find_account
from tradekit.decide.fold import fold, replay
from tradekit.domain.event import Event, FillBooked
from tradekit.domain.fill import Fill
from tradekit.domain.money import Money
from tradekit.domain.order import TimeInForce
from tradekit.domain.outcome import ReportedStatus
from tradekit.domain.proposal import Side

RUNS = 15
BATCH = 500
COMMAND = [sys.executable, "-m", "tradekit"]
COUNTED = """
import json, sys
def counts():
    return {k: int(v) for k, v in (line.split(": ") for line in open("/proc/self/io").read().splitlines())}
from tradekit.cli.main import run
before = counts()
code = run(["cycle", "--quiet"])
after = counts()
print(json.dumps({k: after[k] - before[k] for k in ("rchar", "wchar", "syscr", "syscw")}))
sys.exit(0 if code in (0, 10) else 1)
"""


def main() -> None:
    """Prints all figures."""
    with tempfile.TemporaryDirectory() as folder:
        short, long = Path(folder) / "short", Path(folder) / "long"
        for home, fills in ((short, 100), (long, 100_000)):
            grow(home, fills)
        print(f"python {sys.version.split()[0]}, {os.cpu_count()} processors, median of {RUNS} runs\n")
        start_up(short)
        idle_cycle(short, long)
        flatness(short, long)


def start_up(home: Path) -> None:
    """`tradekit status` on a warm home against the library that every command line of this kind pays for."""
    base, status = [], []
    for _ in range(RUNS):
        base.append(wall([sys.executable, "-c", "import typer"], home))
        status.append(wall([*COMMAND, "status"], home))
    pairs = statistics.median(mine / theirs for mine, theirs in zip(status, base, strict=True))
    print(f"status             {statistics.median(status) * 1000:6.0f} ms")
    print(f"import typer       {statistics.median(base) * 1000:6.0f} ms")
    print(f"ratio              {pairs:6.2f}  (bound: 2)")
    print(f"peak memory        {peak([*COMMAND, 'status'], home):6.1f} MiB  (bound: 45)\n")


def idle_cycle(short: Path, long: Path) -> None:
    """A whole cycle process over 50 symbols with nothing to wait for."""
    for name, home in (("100 fills", short), ("100,000 fills", long)):
        times = [wall([*COMMAND, "cycle", "--quiet"], home) for _ in range(RUNS)]
        print(f"idle cycle, {name:14s} {statistics.median(times) * 1000:6.0f} ms  (bound: 500)")
    print()


def flatness(short: Path, long: Path) -> None:
    """What one cycle reads and writes, and the size of the state."""
    rows = {}
    for name, home in (("100 fills", short), ("100,000 fills", long)):
        done = subprocess.run([sys.executable, "-c", COUNTED], env=environment(home), capture_output=True, check=True)
        counted = json.loads(done.stdout.splitlines()[-1])
        rows[name] = {**counted, "state.json": (home / "main" / "paper" / "state.json").stat().st_size}
    print(f"{'one cycle':16s} {'100 fills':>12s} {'100,000 fills':>14s} {'ratio':>6s}")
    labels = {"rchar": "bytes read", "wchar": "bytes written", "syscr": "reads", "syscw": "writes"}
    for key in ("rchar", "wchar", "syscr", "syscw", "state.json"):
        few, many = (row[key] for row in rows.values())
        print(f"{labels.get(key, key):16s} {few:12,d} {many:14,d} {many / few:6.2f}")


def grow(home: Path, fills: int) -> None:
    """An account with a history: `fills` round trips of ETH, one a minute, in the journal and at the paper exchange."""
    os.environ["TRADEKIT_HOME"] = str(home)
    policy = home / "policy.toml"
    home.mkdir(parents=True)
    policy.write_text("[rules]\nenabled = false\n")
    policy.chmod(0o600)
    assert run(["cycle", "--quiet"]) == 0
    account = find_account(None, None)
    store = AccountStore(RealDisk(), account.folder, account.stamp, may_write=True)
    loaded = store.load()
    assert loaded.state is not None
    state = replay(loaded.state, loaded.tail)
    with PaperWorld(account.folder / LEDGER_NAME, paper_setup(account.policy)) as world:
        first, ledger = state.time, world._ledger  # the history is laid down at the exchange's own door
        for start in range(0, fills, BATCH):
            numbers = range(start, min(start + BATCH, fills))
            booked = [fill(number, first + number * 60_000) for number in numbers]
            with ledger.transaction():
                for number, item in zip(numbers, booked, strict=True):
                    settle_at_exchange(ledger, number, item)
            events: list[Event] = [FillBooked(item) for item in booked]
            for record in store.append(events, booked[-1].time, reduces_risk=True):
                state = fold(state, record)
        world.clock.sleep(fills * 60_000)
    store.save(state)


def fill(number: int, moment: int) -> Fill:
    """Buys and sells in turn, so that the position stays small. The exchange counts its trades from 1."""
    side = Side.BUY if number % 2 == 0 else Side.SELL
    amount, price = Decimal("0.01"), Decimal(2600)
    fee = Money(amount * price * Decimal("0.006"), "USDT")
    exchange_id, trade_id = f"paper-{number + 1}", str(number + 1)
    return Fill("ETH/USDT", trade_id, exchange_id, None, side, amount, price, amount * price, (fee,), moment)


def settle_at_exchange(ledger: Ledger, number: int, item: Fill) -> None:
    """The same fill in the paper exchange's own books."""
    fee = item.fees[0]
    order = ledger.add_order(
        PaperOrder(
            0,
            f"h{number}",
            item.symbol,
            item.side,
            TimeInForce.PO,
            item.price,
            item.amount,
            item.amount,
            ReportedStatus.FILLED,
            Decimal("0.006"),
            fee.asset,
            0,
            item.time,
            item.time,
        )
    )
    ledger.add_trade(
        PaperTrade(
            0,
            order.id,
            order.client_id,
            item.symbol,
            item.side,
            item.amount,
            item.price,
            item.cost,
            fee.amount,
            fee.asset,
            maker=True,
            time=item.time,
        )
    )
    sign = 1 if item.side is Side.BUY else -1
    ledger.move({"ETH": sign * item.amount, "USDT": -sign * item.cost - fee.amount})


def environment(home: Path) -> dict[str, str]:
    """A bare one, as cron's."""
    return {"TRADEKIT_HOME": str(home), "PATH": "/usr/bin:/bin", "HOME": str(home)}


def wall(command: list[str], home: Path) -> float:
    """Seconds that one run of a command takes."""
    start = time.perf_counter()
    done = subprocess.run(command, env=environment(home), stdout=subprocess.DEVNULL, check=False)
    assert done.returncode in (0, 10), command
    return time.perf_counter() - start


def peak(command: list[str], home: Path) -> float:
    """MiB that one run of a command had resident at the most."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], env=environment(home), capture_output=True, check=True
    )
    return int(done.stdout) / 1024


if __name__ == "__main__":
    main()
