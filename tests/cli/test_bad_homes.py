"""A home that is none, or none of ours. All other bad input is in the catalogue."""

from __future__ import annotations

import os

import pytest

from cases import file_of
from command_line import CommandLine, sell


@pytest.mark.parametrize("kind", ["fifo", "loop", "device", "file"])
@pytest.mark.parametrize("command", ["cycle", "status", "state verify", "halt", "init"])
def test_a_home_that_is_no_folder(tradekit: CommandLine, kind: str, command: str) -> None:
    home = file_of(tradekit, kind)
    ran = tradekit(f"{command} --home {home}")
    assert ran.code in (2, 12)
    assert ran.out == "" and len(ran.err.splitlines()) == 1 and str(home) in ran.err
    assert "bug" not in ran.problems


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tradekit: CommandLine) -> None:
    tradekit("cycle")
    tradekit.folder.chmod(0o500)
    try:
        ran = tradekit(f"cycle --proposals {tradekit.proposals(sell('s9'))}")
        assert (ran.code, ran.problems) == (12, ["home_unwritable"])
    finally:
        tradekit.folder.chmod(0o700)


def test_a_folder_that_was_closed_again_is_used_again(tradekit: CommandLine) -> None:
    tradekit("cycle")
    tradekit.folder.chmod(0o755)
    assert tradekit("cycle").code == 12
    tradekit.folder.chmod(0o700)
    assert tradekit("cycle").code == 0
