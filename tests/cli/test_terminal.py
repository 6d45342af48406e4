"""What a person sees on a terminal of a certain width: whole figures, whatever the width."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import subprocess
import termios

import pytest

from command_line import CommandLine, bare, python, sell

FIGURES = ("0.0145005", "0.014508", "61659.995", "PENGU/USDT")


def on_terminal(tradekit: CommandLine, columns: int, *words: str) -> str:
    """What a command writes to a terminal of so many columns."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = bare(tradekit.home) | {"TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    written = b""
    with subprocess.Popen(python(*words), stdin=subprocess.DEVNULL, stdout=theirs, env=environment) as process:
        os.close(theirs)
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            written += chunk
    os.close(ours)
    assert process.returncode == 0
    return re.sub("\x1b\\[[0-9;]*m", "", written.decode()).replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_no_width_breaks_a_figure(tradekit: CommandLine, columns: int) -> None:
    tradekit(f"cycle --proposals {tradekit.proposals(sell('p', 'PENGU/USDT', '1525'))}")
    piped = tradekit("status").out
    shown = on_terminal(tradekit, columns, "status")
    assert all(figure in piped and figure in shown for figure in FIGURES)
    assert [line.split() for line in piped.splitlines()] == [
        words
        for line in shown.splitlines()
        if (words := line.replace("\N{BOX DRAWINGS LIGHT HORIZONTAL}", " ").split())
    ]


def test_a_wide_terminal_gets_a_drawn_table_and_a_narrow_one_the_lines_of_a_pipe(tradekit: CommandLine) -> None:
    tradekit("cycle")
    assert "\N{BOX DRAWINGS LIGHT HORIZONTAL}" in on_terminal(tradekit, 200, "status")
    assert on_terminal(tradekit, 40, "status") == tradekit("status").out
