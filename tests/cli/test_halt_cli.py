"""The kill switch: it works when nothing else does, and only a human takes it back."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from command_line import CommandLine, buy, contents, sell


def ideas(tradekit: CommandLine) -> str:
    return f"cycle --json --proposals {tradekit.proposals(buy('b1'), sell('s1'))}"


def verdicts(tradekit: CommandLine) -> dict[str, str]:
    """What became of each proposal: approved, or the refusal's code."""
    decisions = tradekit(ideas(tradekit)).data["decisions"]
    return {item["proposal"]["id"]: item.get("code", item["type"]) for item in decisions}


def test_halt_stops_opens_and_lets_sales_go_on(tradekit: CommandLine) -> None:
    tradekit('halt --reason "bad news"')
    assert verdicts(tradekit) == {"s1": "approved", "b1": "halted"}
    assert "HALTED: bad news" in tradekit("status").out
    assert tradekit("resume").code == 0
    tradekit.proposals(buy("b1"))
    ran = tradekit(f"cycle --json --proposals {tradekit.home.parent / 'ideas.json'}")
    assert [item["type"] for item in ran.data["decisions"]] == ["approved"]
    assert "HALTED" not in tradekit("status").out


@pytest.mark.parametrize("where", ["main/paper", ""])
def test_a_file_touched_by_hand_is_a_halt(tradekit: CommandLine, where: str) -> None:
    tradekit("cycle")
    (tradekit.home / where / "HALT").touch()
    assert verdicts(tradekit) == {"s1": "approved", "b1": "halted"}
    assert "HALTED: no reason given" in tradekit("status").out
    tradekit("resume")
    assert not (tradekit.home / where / "HALT").exists()


def test_even_a_folder_or_a_dead_link_named_halt_is_a_halt(tradekit: CommandLine) -> None:
    tradekit("cycle")
    (tradekit.folder / "HALT").symlink_to("nowhere")
    assert verdicts(tradekit)["b1"] == "halted"
    assert "HALTED" in tradekit("status").out
    tradekit("resume")
    (tradekit.folder / "HALT").mkdir()
    assert tradekit("cycle").code == 10
    assert "HALTED" in tradekit("status").out


def test_the_policy_may_stop_sales_too(tradekit: CommandLine) -> None:
    tradekit.policy("[risk]\nexits_when_halted = false\n")
    tradekit("halt")
    assert verdicts(tradekit) == {"s1": "halted", "b1": "halted"}


@pytest.mark.parametrize("text", ["[risk]\nmax_asset_pct = 900\n", "not toml", "\x00", '[account]\nmode = "live"\n'])
def test_halt_without_a_valid_policy_halts_every_account(tradekit: CommandLine, text: str) -> None:
    path = tradekit.policy(text)
    ran = tradekit("halt --json")
    assert ran.code == 0
    assert ran.data["halted"] == str(tradekit.home)
    assert (tradekit.home / "HALT").is_file()
    assert ran.document["problems"], "it says why every account was halted"
    path.unlink()
    assert verdicts(tradekit)["b1"] == "halted"
    tradekit.policy('[account]\nname = "other"\n')
    assert verdicts(tradekit)["b1"] == "halted"
    assert tradekit("resume").code == 0
    assert not (tradekit.home / "HALT").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"\x00" * 4096])
def test_halt_and_resume_with_an_unreadable_state(tradekit: CommandLine, damage: bytes) -> None:
    tradekit("cycle")
    (tradekit.folder / "state.json").write_bytes(damage)
    assert tradekit("cycle").code == 12
    before = contents(tradekit.home)
    assert tradekit("halt").code == 0
    assert (tradekit.folder / "HALT").is_file()
    assert tradekit("resume").code == 0
    assert contents(tradekit.home) == before


def test_halt_while_another_run_holds_the_lock(tradekit: CommandLine) -> None:
    tradekit("cycle")
    with open(tradekit.folder / "state.lock", "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert tradekit("cycle").code == 75
        assert tradekit("halt").code == 0
        assert tradekit("status").out.count("HALTED") == 1
        assert tradekit("resume").code == 0


def test_halt_in_the_middle_of_a_cycle_stops_its_opens(tradekit: CommandLine) -> None:
    """The proposal program runs inside the cycle, and halts while the cycle waits for it."""
    script = tradekit.home.parent / "halt-and-propose"
    script.write_text(f'#!/bin/sh\n: > "{tradekit.folder}/HALT"\necho \'{{"id":"b1","symbol":"ETH/USDT",')
    script.write_text(script.read_text() + '"side":"buy","notional":"30"}\'\n')
    script.chmod(0o700)
    tradekit.policy(f'[proposals]\ncommand = ["{script}"]\n')
    ran = tradekit("cycle --json")
    assert ran.code == 10
    assert [item["code"] for item in ran.data["decisions"]] == ["halted"]


def test_halt_of_an_account_that_was_never_used_halts_the_home(tradekit: CommandLine) -> None:
    ran = tradekit("halt")
    assert ran.code == 0
    assert f"Halted every account under {tradekit.home}." in ran.out  # the one that trades may go by another name
    assert [path.name for path in tradekit.home.iterdir()] == ["HALT"]
    assert oct(tradekit.home.stat().st_mode)[-3:] == "700"
    assert oct((tradekit.home / "HALT").stat().st_mode)[-3:] == "600"
    assert verdicts(tradekit)["b1"] == "halted"


def test_a_second_halt_keeps_the_first_reason(tradekit: CommandLine) -> None:
    tradekit("cycle")
    assert tradekit("halt --reason first --json").data["fresh"] is True
    assert tradekit("halt --reason second --json").data["fresh"] is False
    assert "HALTED: first" in tradekit("status").out
    assert tradekit("resume --json").data["resumed"] == [str(tradekit.folder)]
    assert tradekit("resume --json").data["resumed"] == []


def test_a_reason_with_escapes_is_shown_harmless(tradekit: CommandLine) -> None:
    tradekit("cycle")
    tradekit(["halt", "--reason", "\x1b[2J\nboo \u202etxt"])
    out = tradekit("status").out
    assert "HALTED: ?[2J boo ?txt" in out
    Path(tradekit.folder / "HALT").write_bytes(b"\x1b]0;x\x07 \xff\n")
    out = tradekit("status").out
    assert "\x1b" not in out and "HALTED" in out
