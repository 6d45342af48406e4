"""Getting rid of a holding on recorded markets: what people do today against tradekit's own purge, and whether the
queue that both stand in is an honest one.

Give it the folder with the recordings (`python benchmarks/execution.py FOLDER`, or TRADEKIT_RECORDINGS): order logs,
quote logs, and the tables of reference figures. They are too big for the repository; without them it says so and runs
on what is shipped. `--quick` takes a tenth of the start times. Nobody on a tape reacts to our orders.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from replay.account import Purged, purge, purge_in_vain
from replay.exit import CHEAP, DEAR, Exit, all_buyers, cut_short, has_mid, lots_of
from replay.habits import HABITS, LATENCY, MINUTE, Outcome, follow
from replay.reference import RateCheck, check_orders, check_rates, read_csv, told_purges
from replay.shelf import Recorded, from_folder, shipped

from tradekit.domain.proposal import Side

_T = TypeVar("_T")
_U = TypeVar("_U")
CORES: Final = 2
WARM_UP: Final = 5000
WORTHS: Final = (Decimal(16), Decimal(200))
LAST_STEPS: Final = (1, 2, 3, 5, 8, 10)
"""Tenths of the time there is: what it would cost to take the rest from the bids then."""
MANY: Final = (1, 2, 5, 10, 20)
OURS: Final = "E"
TITLES: Final = {**{key: habit.name for key, habit in HABITS.items()}, OURS: "tradekit's purge, default policy"}


def main() -> None:
    """Prints all figures."""
    parser = argparse.ArgumentParser(description="Exits from a holding on recorded markets.")
    parser.add_argument("folder", nargs="?", default=os.environ.get("TRADEKIT_RECORDINGS"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the start times")
    options = parser.parse_args()
    began = time.perf_counter()
    print(f"python {sys.version.split()[0]}, {CORES} processes{', a tenth of the start times' * options.quick}\n")
    found = from_folder(Path(options.folder)) if options.folder else []
    if not found:
        print("No recordings: they are not in the repository. What follows is played on shipped markets.\n")
    for recorded in found or shipped():
        print(f"== {recorded.title}")
        describe(recorded)
        if not moments(recorded, quick=options.quick):
            print("Too short: no holding can be followed to its end.\n")
            continue
        if found:
            compare(recorded, Path(options.folder))
        table(recorded, quick=options.quick)
        many(recorded, quick=options.quick)
    in_vain()
    print(f"All of this took {time.perf_counter() - began:.0f} s.")


def describe(recorded: Recorded) -> None:
    """What kind of market it is."""
    tape = recorded.tape
    minutes = (tape.end - tape.start) / MINUTE
    takers = sum(1 for _ in tape.printed(tape.start, tape.end + 1)) / minutes
    spreads = []
    for moment in range(tape.start + WARM_UP, tape.end, max((tape.end - tape.start) // 500, 1)):
        book = tape.book(moment)
        if book.best_ask is not None and book.best_bid is not None:
            spreads.append(book.best_ask - book.best_bid)
    print(
        f"{minutes:.0f} minutes, {takers:.1f} prints a minute, spread {statistics.median(spreads):.0f} ticks,"
        f" tick {tape.grid.tick:f}, lot {tape.grid.step:f}\n"
    )


def compare(recorded: Recorded, folder: Path) -> None:
    """Our queues beside the reference figures, where there are some for this recording."""
    orders = [row for row in read_csv(folder / "fill_fixture_orders.csv") if row["dataset"] in recorded.names]
    rates = [row for row in read_csv(folder / "fill_targets.csv") if row["dataset"] in recorded.names]
    if orders:
        print("Single orders of the fixture, agreeing within 1 ms")
        for order in check_orders(recorded.tape, recorded.fifo, orders):
            print(f"  {order.model}  of {order.orders} full fill {order.full}, first fill {order.first}")
            if order.emptied:
                print(
                    f"     the other {order.emptied} are told for the moment at which the queue ahead was used up,"
                    " exactly: a remainder of a float there, nothing here"
                )
    if rates:
        sides = [[row for row in rates if row["side"] == side] for side in Side]
        checks = [check for part in spread(recorded, compare_rates, sides) for check in part]
        checks.sort(key=lambda check: -check.furthest)
        within = sum(check.furthest <= Decimal("0.5") for check in checks)
        print(f"Fill rates by side, place, size and model: {within} of {len(checks)} rows within 0.5 percentage points")
        for check in checks[:3]:
            row = check.row
            name = f"{row['side']} {row['place']} {row['model']} ${row['usd']}"
            print(f"  furthest: {name}: {check.furthest:.2f} ({check.orders} orders, there {row['n']})")
    if orders or rates:
        print()


def compare_rates(rows: Sequence[Mapping[str, str]]) -> list[RateCheck]:
    """Some rows of the targets."""
    recorded = _on_shelf[0]
    return check_rates(recorded.tape, recorded.fifo, rows)


class Job(NamedTuple):
    """One way of selling one holding, for a process to do."""

    way: str
    worth: Decimal
    start: int
    whole_only: bool = False


_on_shelf: list[Recorded] = []  # processes are forked, so that the tape is read once


def sell(job: Job) -> Outcome:
    """What became of it."""
    recorded = _on_shelf[0]
    if job.way == OURS:
        purged = purge(recorded.tape, [job.start], job.worth, recorded.horizon)
        return Outcome(purged.exits[0], purged.took)
    lots = lots_of(recorded.tape, job.start, job.worth)
    return follow(HABITS[job.way], recorded.tape, job.start, lots, recorded.horizon, whole_only=job.whole_only)


def sell_many(job: tuple[int, int]) -> Purged:
    """What became of so many holdings that were sold at once, from moments 37 s apart."""
    count, start = job
    recorded = _on_shelf[0]
    last = recorded.tape.end - recorded.horizon
    starts = [
        recorded.tape.start + WARM_UP + (start + 37_000 * number) % (last - WARM_UP - recorded.tape.start)
        for number in range(count)
    ]
    return purge(recorded.tape, starts, WORTHS[0], recorded.horizon)


def table(recorded: Recorded, *, quick: bool) -> None:
    """Every policy on every start time."""
    starts = moments(recorded, quick=quick)
    for worth in WORTHS:
        print(
            f"${worth} sold within {recorded.horizon // 1000} s, {len(starts)} start times. Shortfall against the"
            f" decision's mid in bp, fees {DEAR.maker}/{DEAR.taker} and {CHEAP.maker}/{CHEAP.taker}, the rest to bids"
        )
        told = told_purges(recorded.names, worth)
        print(f"  {'':36s} {'sold %':>6s} {'median s':>8s} {'60/120':>7s} {'10/10':>6s}" + "   reference" * bool(told))
        show("-  if every buyer bought of it", [all_buyers(recorded.tape, s, worth, recorded.horizon) for s in starts])
        ours: list[Exit] = []
        for way, title in TITLES.items():
            ours = [out.exit for out in played(recorded, way, worth, starts)]
            show(f"{way:3s}{title}", ours, told.get(way, ""))
        for tenths in LAST_STEPS:
            after = recorded.horizon * tenths // 10 - LATENCY
            cut = [cut_short(recorded.tape, start, exit, after) for start, exit in zip(starts, ours, strict=True)]
            show(f"   and a taker after {after // 1000} s", cut)
        if told and worth == WORTHS[1]:
            print("  An order counted only when it filled whole, as in the reference:")
            for way in told:
                exits = [out.exit for out in played(recorded, way, worth, starts, whole_only=True)]
                show(f"{way:3s}{TITLES[way]}", exits, told[way])
        print()


def show(title: str, exits: Sequence[Exit], told: str = "") -> None:
    """One line of the table."""
    done = 100 * sum(exit.is_done for exit in exits) / len(exits)
    times = [exit.done_at for exit in exits]
    late = max(time for time in times if time is not None) + 1 if any(time is not None for time in times) else 1
    middle = statistics.median(late if time is None else time for time in times)
    median = "never" if middle >= late else f"{middle / 1000:.0f}"
    dear, cheap = (statistics.mean(exit.shortfall(fees) for exit in exits) for fees in (DEAR, CHEAP))
    print(f"  {title:36s} {done:6.1f} {median:>8s} {dear:7.1f} {cheap:6.1f}   {told}".rstrip())


def many(recorded: Recorded, *, quick: bool) -> None:
    """How much of the minute the work takes with several assets at once."""
    starts = moments(recorded, quick=quick)
    print("Time that a cycle's work takes, percent of a minute, with so many assets of $16 to sell at once")
    print(f"  {'':36s} " + " ".join(f"{count:6d}" for count in MANY))
    for way in ("A", "B", "B2", "I2"):
        first = statistics.mean(out.busy[0] for out in played(recorded, way, WORTHS[0], starts))
        cells = " ".join(f"{100 * count * first / MINUTE:6.0f}" for count in MANY)
        print(f"  {f'{way:3s}{TITLES[way]}':36s} {cells}   one after another, first minute")
    worlds = [number * 97_000 for number in range(4 if quick else 12)]
    runs = {count: spread(recorded, sell_many, [(count, start) for start in worlds]) for count in MANY}
    for title, figure in USE.items():
        cells = " ".join(f"{100 * figure(runs[count]) / MINUTE:6.0f}" for count in MANY)
        print(f"  {f'{OURS:3s}{TITLES[OURS]}':36s} {cells}   {title}")
    print()


USE: Final[dict[str, Callable[[Sequence[Purged]], float]]] = {
    "asked for, first minute": lambda runs: statistics.mean(run.asked[0] for run in runs),
    "taken, first minute": lambda runs: statistics.mean(run.took[0] for run in runs),
    "taken, mean of all minutes": lambda runs: statistics.mean(took for run in runs for took in run.took),
    "taken, longest": lambda runs: max(took for run in runs for took in run.took),
}


def in_vain() -> None:
    """Purges that nobody ever trades with."""
    print("A cycle with so many purges that never fill, against an exchange 100 ms away, in seconds")
    print(f"  {'':36s} " + " ".join(f"{count:6d}" for count in MANY))
    for title, attempts in (("one attempt each, TTL 25 s", 1), ("attempts unlimited, budget 50 s", 0)):
        cells = " ".join(f"{max(purge_in_vain(count, attempts, latency_ms=100)) / 1000:6.1f}" for count in MANY)
        print(f"  {title:36s} {cells}")
    print()


def moments(recorded: Recorded, *, quick: bool) -> list[int]:
    """Start times from which the whole horizon is on the tape: every 20 s of a long one, every 2 s of a short one.

    Moments at which a side is empty are left out: there is no mid.
    """
    stride = (20_000 if recorded.horizon > 5 * MINUTE else 2000) * (10 if quick else 1)
    tape = recorded.tape
    return [
        time for time in range(tape.start + WARM_UP, tape.end - recorded.horizon - 1000, stride) if has_mid(tape, time)
    ]


def played(
    recorded: Recorded, way: str, worth: Decimal, starts: Sequence[int], *, whole_only: bool = False
) -> list[Outcome]:
    """One policy from every start time."""
    return spread(recorded, sell, [Job(way, worth, start, whole_only) for start in starts])


def spread(recorded: Recorded, work: Callable[[_T], _U], jobs: Sequence[_T]) -> list[_U]:
    """Jobs over the processes."""
    _on_shelf[:] = [recorded]
    with multiprocessing.get_context("fork").Pool(CORES) as pool:
        return pool.map(work, jobs, chunksize=max(len(jobs) // (4 * CORES), 1))


if __name__ == "__main__":
    main()
