"""One run at a time: the lock is the kernel's, so it goes away with its holder and with nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tradekit.adapters.store.lock import AccountLock
from tradekit.domain.errors import Busy, NeedsHuman

SRC = Path(__file__).parents[2] / "src"
HOLD = """
import subprocess, sys
from pathlib import Path
from tradekit.adapters.store.lock import AccountLock
with AccountLock(Path(sys.argv[1]), 0):
    {inside}
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(path: Path, inside: str = "pass") -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock until its stdin ends."""
    words = [sys.executable, "-c", HOLD.format(inside=inside), str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env={"PYTHONPATH": str(SRC)}) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def is_free(path: Path, wait_seconds: float = 0) -> bool:
    try:
        with AccountLock(path, wait_seconds):
            return True
    except Busy:
        return False


def test_the_second_process_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    with holder(path), pytest.raises(Busy) as busy, AccountLock(path, 0):
        pytest.fail("two holders")
    assert busy.value.problems[0].code == "busy"


def test_the_same_process_cannot_take_it_twice(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    with AccountLock(path, 0):
        assert not is_free(path)
    assert is_free(path)


def test_a_killed_holder_frees_it_and_leaves_the_file(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    with holder(path) as process:
        assert not is_free(path)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert is_free(path)
    assert path.exists()


def test_whoever_waits_gets_it_when_the_holder_ends(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    with holder(path) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert is_free(path, wait_seconds=30)


def test_waiting_ends(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    with holder(path):
        assert not is_free(path, wait_seconds=0.01)


def test_a_wait_is_told_once_and_ends_when_the_run_has_to(tmp_path: Path) -> None:
    path, said, looks = tmp_path / "state.lock", list[str](), iter([False, False, True])
    patient = AccountLock(path, 3600, must_stop=lambda: next(looks), waits=lambda: said.append("waiting"))
    with holder(path), pytest.raises(Busy), patient:
        pytest.fail("two holders")
    assert (said, next(looks, None)) == (["waiting"], None)
    with AccountLock(path, 3600, waits=lambda: said.append("again")):
        assert said == ["waiting"]


def test_a_child_of_the_holder_does_not_keep_it(tmp_path: Path) -> None:
    path, child = tmp_path / "state.lock", tmp_path / "child"
    start = (
        "child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'],"
        " stdin=subprocess.PIPE, close_fds=False); "
        f"open({str(child)!r}, 'w').write(str(child.pid))"
    )
    with holder(path, start) as process:
        pid = int(child.read_text())
        process.kill()
        process.wait()
        os.kill(pid, 0)
        assert is_free(path)
        # its stdin was the holder's, so it ends by itself


def test_closing_another_descriptor_of_the_file_does_not_lose_it(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    with AccountLock(path, 0):
        path.read_bytes()
        assert not is_free(path)


def test_the_file_is_never_renamed_or_unlinked(tmp_path: Path) -> None:
    path = tmp_path / "state.lock"
    with AccountLock(path, 0):
        first = path.stat().st_ino
    with AccountLock(path, 0):
        assert path.stat().st_ino == first
    assert path.stat().st_ino == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_lock_that_cannot_be_opened_is_a_clear_fault(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    link = tmp_path / "state.lock"
    link.symlink_to(victim)
    for path in (link, tmp_path, tmp_path / "missing" / "state.lock"):
        with pytest.raises(NeedsHuman) as refused, AccountLock(path, 0):
            pytest.fail("locked")
        assert refused.value.problems[0].code == "home_unwritable"
    assert not victim.exists()
