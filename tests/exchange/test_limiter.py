"""The shared request budget: never more than the bucket gives, across processes, crashes, clocks and damaged files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig import VirtualTime
from tradekit.adapters.exchange.limiter import Banned, Budget, RequestLedger
from tradekit.domain.errors import NeedsHuman

BUDGET = Budget(capacity=10, ms_per_unit=100)


def ledger(path: Path, clock: VirtualTime, longest_wait_ms: int = 10_000) -> RequestLedger:
    return RequestLedger(path, BUDGET, clock.now, clock.sleep, longest_wait_ms)


def test_a_burst_is_free_and_then_units_come_back_one_by_one(tmp_path: Path) -> None:
    clock = VirtualTime(1_000_000)
    shared = ledger(tmp_path / "r", clock)
    for _ in range(10):
        shared.acquire(1)
    assert clock.now() == 1_000_000
    shared.acquire(1)
    assert clock.now() == 1_000_101
    ledger(tmp_path / "r", clock).acquire(5)  # the next run knows what this one used
    assert 1_000_590 <= clock.now() <= 1_000_602


@given(st.lists(st.tuples(st.floats(0, 4), st.integers(0, 900)), max_size=40))
def test_no_span_of_time_has_more_than_the_bucket_gives(costs: list[tuple[float, int]]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        clock, spent = VirtualTime(1_000_000), [(1_000_000, 0.0)]
        for cost, pause in costs:
            ledger(Path(folder) / "r", clock, 10**9).acquire(cost)
            spent.append((clock.now(), cost))
            clock.sleep(pause)
        for first in range(len(spent)):
            for last in range(first, len(spent)):
                span = spent[last][0] - spent[first][0]
                used = sum(cost for _, cost in spent[first : last + 1])
                assert used <= BUDGET.capacity + span / BUDGET.ms_per_unit + 0.1


def test_a_wait_that_is_too_long_is_refused_and_takes_nothing(tmp_path: Path) -> None:
    clock = VirtualTime()
    shared = ledger(tmp_path / "r", clock, longest_wait_ms=500)
    shared.acquire(10)
    with pytest.raises(Banned):
        shared.acquire(8)
    before = clock.now()
    shared.acquire(4)
    assert clock.now() - before == 401


def test_silence_holds_across_runs_and_ends(tmp_path: Path) -> None:
    clock = VirtualTime()
    ledger(tmp_path / "r", clock).ban(3_600_000)
    clock.sleep(3_599_000)
    with pytest.raises(Banned, match="2 seconds"):
        ledger(tmp_path / "r", clock).acquire(1)
    clock.sleep(1000)
    ledger(tmp_path / "r", clock).acquire(1)


def test_no_ban_is_longer_than_a_day_also_when_the_clock_is_set_back(tmp_path: Path) -> None:
    clock = VirtualTime()
    shared = ledger(tmp_path / "r", clock)
    shared.ban(10**12)
    clock.ms -= 40 * 86_400_000
    assert shared.banned_until() - clock.now() == 86_400_000


def test_a_clock_that_is_set_back_gives_no_units(tmp_path: Path) -> None:
    clock = VirtualTime()
    shared = ledger(tmp_path / "r", clock)
    shared.acquire(10)
    clock.ms -= 3_600_000
    before = clock.now()
    shared.acquire(1)
    assert clock.now() - before == 101


@pytest.mark.parametrize("text", ["{", "[]", '{"units": 1}', '{"units":"x","at":0,"banned":0,"nonce":0}', "\0" * 50])
def test_a_damaged_file_is_an_empty_bucket(tmp_path: Path, text: str) -> None:
    clock = VirtualTime()
    (tmp_path / "r").write_text(text)
    ledger(tmp_path / "r", clock).acquire(1)
    assert clock.now() > 1_760_000_000_000


def test_a_file_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "r").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NeedsHuman):
        ledger(tmp_path / "r", VirtualTime()).acquire(1)
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_nonces_rise_whatever_the_clock_does(tmp_path: Path) -> None:
    clock = VirtualTime()
    given_out = []
    for jump in (0, 0, 5, -3_600_000, 0, 10_000_000):
        clock.ms += jump
        given_out.append(ledger(tmp_path / "r", clock).next_nonce(clock.now()))
    assert given_out == sorted(set(given_out))
    assert given_out[0] == 1_760_000_000_000


_MANY = """
import sys
sys.path[:0] = {path!r}
from pathlib import Path
from tradekit.adapters.exchange.limiter import Banned, Budget, RequestLedger
taken = 0
shared = RequestLedger(Path(sys.argv[1]), Budget(100, 10_000_000), lambda: 1_000_000, lambda ms: None, 0)
nonces = []
for _ in range(60):
    try:
        shared.acquire(1)
        taken += 1
    except Banned:
        pass
    nonces.append(shared.next_nonce(5))
print(taken, *nonces)
"""


def test_processes_share_one_bucket_and_never_a_nonce(tmp_path: Path) -> None:
    script = _MANY.format(path=sys.path)
    runs = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "r")], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    printed = [[int(word) for word in run.communicate(timeout=300)[0].split()] for run in runs]
    assert sum(words[0] for words in printed) == 100
    nonces = [nonce for words in printed for nonce in words[1:]]
    assert len(nonces) == len(set(nonces)) == 180
    assert json.loads((tmp_path / "r").read_text())["nonce"] == max(nonces)
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o600
