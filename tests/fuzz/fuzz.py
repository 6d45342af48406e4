"""`python tests/fuzz/fuzz.py TARGET --seconds 300`: feeds one reader for so long, led by coverage where atheris is.

Targets are the files (policy, proposals, fills, snapshot, state, journal) and the dialects (binance, coinbase, kraken).
Without atheris, which is no dependency of the tests, it draws blindly. The first input that breaks something is written
into the current folder and ends the run.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
for room in (HERE, HERE.parent / "support", HERE.parent / "servers", HERE.parents[1] / "src"):
    sys.path.insert(0, str(room))

BYTES_A_CASE = 2048


class Drawn:
    """Numbers below a bound, read off bytes; zeros where they end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __call__(self, below: int) -> int:
        width = 1 if below <= 256 else 2
        part = self._data[self._at : self._at + width]
        self._at += width
        return int.from_bytes(part, "little") % below


def feed_of(target: str, folder: Path) -> tuple[Callable[[bytes], object], list[bytes]]:
    """What to do with some bytes, and bytes to begin with."""
    from rig import WIRED

    if target in WIRED:
        from answers import CALLS, ask_spoiled, bench_of

        bench = bench_of(target, folder)
        calls = [call for call in CALLS if call != "candles" or target == "binance"]

        def ask(data: bytes) -> None:
            choose = Drawn(data)
            ask_spoiled(bench, calls[choose(len(calls))], choose)

        return ask, []
    from seeds import seeds
    from spoiling import spoiled_answer, spoiled_bytes
    from texts import TARGETS

    whole, read = seeds(target), TARGETS[target]

    def spoil(data: bytes) -> None:
        """The first byte says whether these are the file itself, or how a good file is spoiled."""
        choose = Drawn(data[1:])
        match data[0] % 4 if data else 0:
            case 0:
                read(data[1:])
            case 1:
                read(spoiled_bytes(whole[choose(len(whole))], choose))
            case _:
                seed = whole[choose(len(whole))].decode()
                if target in ("policy", "fills"):
                    read(spoiled_bytes(spoiled_bytes(seed.encode(), choose), choose))
                else:
                    told = spoiled_answer(json.loads("{" + seed if target == "state" else seed), choose)
                    read(told.removeprefix(b"{") if target == "state" else told)

    return spoil, [b"\x00" + seed[:BYTES_A_CASE] for seed in whole]


def blindly(feed: Callable[[bytes], object], seconds: float, most: int, seed: int) -> int:
    """Random bytes until the time is over, or so many cases; returns how many cases that were."""
    draw, end, count = random.Random(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end and count < most:
        data = draw.randbytes(draw.choice((8, 64, 512)))
        count += 1
        try:
            feed(data)
        except Exception:
            Path("crash-blind").write_bytes(data)
            traceback.print_exc()
            print(f"case {count} of seed {seed} is in crash-blind", file=sys.stderr)
            raise SystemExit(1) from None
    return count


def led(feed: Callable[[bytes], object], start: list[bytes], seconds: float, folder: Path) -> None:
    """By coverage of tradekit's own code. Ends the process."""
    atheris: Any = import_module("atheris")
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate([*start, *(random.Random(n).randbytes(300) for n in range(20))]):
        (corpus / str(number)).write_bytes(seed)
    words = ["fuzz", f"-max_total_time={int(seconds)}", f"-max_len={BYTES_A_CASE}", "-timeout=20", str(corpus)]
    atheris.Setup(words, feed)
    atheris.Fuzz()


def main() -> None:
    """One target, for so many seconds."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("target")
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--cases", type=int, default=sys.maxsize, help="with --blind: no more than so many")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--blind", action="store_true", help="don't use atheris")
    wanted = asked.parse_args()
    wanted.blind = wanted.blind or find_spec("atheris") is None
    with TemporaryDirectory() as folder:
        if wanted.blind:
            feed, _ = feed_of(wanted.target, Path(folder))
            print(f"{wanted.target}: {blindly(feed, wanted.seconds, wanted.cases, wanted.seed)} cases, nothing found")
            return
        atheris: Any = import_module("atheris")
        with atheris.instrument_imports(include=["tradekit"]):
            feed, start = feed_of(wanted.target, Path(folder))
        led(feed, start, wanted.seconds, Path(folder))


if __name__ == "__main__":
    main()
