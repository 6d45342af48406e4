"""Nobody reads on, or the disk under the output is full: told once at most, and never mistaken for a bug."""

from __future__ import annotations

import os
import subprocess
from typing import IO

import pytest

from command_line import CommandLine, Ran, bare, python
from commands import COMMANDS, called

PRINTERS = ("policy show", "policy schema")
HELP = ("--help", "--version", "cycle --help", "policy --help")


def into(tradekit: CommandLine, line: str, stream: int | IO[bytes]) -> Ran:
    """Runs it with this for stdout."""
    done = subprocess.run(
        python(*line.split()),
        env=bare(tradekit.home),
        cwd=tradekit.home.parent,
        stdin=subprocess.DEVNULL,
        stdout=stream,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
    )
    return Ran(done.returncode, "", done.stderr)


@pytest.mark.parametrize("line", [*map(called, sorted({*COMMANDS} - {"rehearse"})), "rehearse --days 1", *HELP])
def test_a_pipe_that_nobody_reads_ends_quietly(tradekit: CommandLine, line: str) -> None:
    tradekit("cycle --quiet")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = into(tradekit, line, writing)
    finally:
        os.close(writing)
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("line", ["status", *PRINTERS, *HELP])
def test_a_full_disk_under_the_output_is_told_once(tradekit: CommandLine, line: str) -> None:
    tradekit("cycle --quiet")
    with open("/dev/full", "wb") as full:
        ran = into(tradekit, line, full)
    assert ran.problems == ["output_lost"] and ran.err.count("\n") == 1
    assert ran.code == (12 if line in PRINTERS else 0), "where printing is all the work, it was not done"
