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
    if kind == "file":
        assert ran.problems == ["home_not_folder"]


def test_doctor_says_that_a_home_is_no_folder(tradekit: CommandLine) -> None:
    home = file_of(tradekit, "file")
    checks = {check["name"]: check for check in tradekit(f"doctor --json --home {home}/below").data["checks"]}
    assert checks["home"]["health"] == "fail"
    assert checks["home"]["found"] == f"{home} is not a folder"


@pytest.mark.parametrize("mode", [0o755, 0o750, 0o777])
def test_doctor_refuses_the_home_that_init_refuses(tradekit: CommandLine, mode: int) -> None:
    home = tradekit.home.parent / "a b"
    home.mkdir()
    home.chmod(mode)
    ran = tradekit(["init", "--home", str(home)])
    assert (ran.code, ran.problems) == (12, ["home_insecure"])
    advice = f"chmod 700 '{home}'"
    assert advice in ran.err
    doctor = tradekit(["doctor", "--json", "--home", str(home)])
    assert [check["fix"] for check in doctor.data["checks"] if check["name"] == "home"] == [advice]
    home.chmod(0o700)
    assert tradekit(["init", "--home", str(home)]).code == 0
    assert "fail  home" not in tradekit(["doctor", "--home", str(home)]).out


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
