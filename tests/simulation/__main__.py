"""`python tests/simulation --seeds 100000 --jobs 2`: plays seeds and tells what broke. `--seed N` tells one story."""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from schedule import Result, play

_BATCH = 50
_SHOWN = 25


def main(arguments: Sequence[str]) -> int:
    """Returns 1 when a seed broke an invariant."""
    parser = argparse.ArgumentParser(prog="python tests/simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=2000, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, help="play one seed and tell its story")
    parser.add_argument("--trace", action="store_true", help="a last line with one digest of all that happened")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return _tell_one(given.seed)
    began, broken, total, trace = time.perf_counter(), [], Counter[str](), hashlib.sha256()
    starts = range(given.first, given.first + given.seeds, _BATCH)
    ends = [min(start + _BATCH, given.first + given.seeds) for start in starts]
    with ProcessPoolExecutor(given.jobs) as pool:
        for results in pool.map(play_some, starts, ends):
            for result in results:
                trace.update(result.trace.encode())
                total.update(result.runs)
                total.update(orders=result.orders, trades=result.trades, converted=result.converted)
                if result.broken:
                    broken.append(result.seed)
                if result.broken and len(broken) <= _SHOWN:
                    print(f"seed {result.seed}: {result.broken}", flush=True)
    spent = time.perf_counter() - began
    print(f"{given.seeds} seeds in {spent:.1f} s ({given.seeds / spent * 60:.0f} a minute), {len(broken)} broken")
    print(", ".join(f"{count} {name}" for name, count in sorted(total.items())))
    if broken:
        print(f"the story of the first: python tests/simulation --seed {broken[0]}")
    if given.trace:
        print(trace.hexdigest())
    return 1 if broken else 0


def play_some(start: int, end: int) -> list[Result]:
    """Plays the seeds from `start` up to, and without, `end`."""
    with tempfile.TemporaryDirectory() as folder:
        return [play(seed, Path(folder) / "state.lock") for seed in range(start, end)]


def _tell_one(seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        result = play(seed, Path(folder) / "state.lock", telling=True)
    print("\n".join(result.story))
    print(f"seed {seed}: {result.broken or 'everything held'}; trace {result.trace[:16]}")
    return 1 if result.broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
