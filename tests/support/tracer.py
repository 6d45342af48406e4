"""`strace` as a hand that kills a real program at a system call, or lets that call fail.

A number counts the calls of one name in one thread, so the program that is traced has to work in one. Must not be used
with `--seccomp-bpf`: strace 6.1 then kills nothing and says nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

CALLS: Final = (
    *("openat", "write", "pwrite64", "ftruncate", "fsync", "fdatasync", "rename", "renameat", "renameat2"),
    *("link", "linkat", "unlink", "unlinkat", "mkdir", "flock", "connect", "sendto", "sendmsg"),
)
_LINE: Final = re.compile(r"^(?:[0-9]+ +)?([a-z0-9_]+)\((.*)")


class Call(NamedTuple):
    """One system call of a program: its name, its number among those of its name, and what it was about."""

    name: str
    number: int
    text: str


class Traced(NamedTuple):
    """How a traced program ended, negative for a signal."""

    exit: int
    out: str
    err: str


@cache
def why_not() -> str:
    """Why nothing can be traced here; empty where it can."""
    if shutil.which("strace") is None:
        return "there is no strace here (apt-get install strace)"
    try:
        ended = run(["true"], {"PATH": os.defpath}, Path("/dev/null"), "exit_group:signal=KILL:when=1")
    except subprocess.TimeoutExpired:
        return "strace hangs here"
    return "" if ended.exit == -signal.SIGKILL else f"strace may not trace here: {ended.err.strip()[:200]}"


def run(words: Sequence[str], environment: Mapping[str, str], log: Path, inject: str = "") -> Traced:
    """Runs a program under strace. `inject` is what strace calls so, such as `fsync:error=EIO:when=3`."""
    options = ["-e", f"inject={inject}"] if inject else []
    trace = ",".join({*CALLS, *([inject.partition(":")[0]] if inject else [])})
    done = subprocess.run(
        ["strace", "-f", "-qq", "-y", "-s", "200", "-o", str(log), "-e", f"trace={trace}", *options, *words],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    return Traced(-signal.SIGKILL if killed else done.returncode, done.stdout, done.stderr)


def calls_in(log: Path) -> list[Call]:
    """Everything in a log, in its order."""
    counts: Counter[str] = Counter()
    found = []
    for line in log.read_text(errors="replace").splitlines():
        parts = _LINE.match(line)
        if parts is not None:
            counts[parts[1]] += 1
            found.append(Call(parts[1], counts[parts[1]], parts[2]))
    return found


def towards(calls: Sequence[Call], home: Path) -> list[Call]:
    """Those that change something in a home, or go out into the network."""
    return [call for call in calls if _matters(call, home)]


def _matters(call: Call, home: Path) -> bool:
    if call.name in ("connect", "sendto", "sendmsg"):
        return "127.0.0.1" in call.text or "TCP" in call.text or "socket" in call.text
    if call.name == "openat" and not re.search("O_WRONLY|O_RDWR|O_CREAT", call.text):
        return False
    return f"{home}/" in call.text or f"{home}>" in call.text
