"""Whatever is wrong outside: one clear line that names file and field, an exit code, and not a byte changed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from command_line import CommandLine, Ran, bare, buy, contents, python, sell

GOOD: Final = json.dumps(buy("g1"))


def check(tradekit: CommandLine, line: str, code: int, problem: str, *words: str) -> None:
    """The refusal as people and as programs see it, with the home compared before and after."""
    before = contents(tradekit.home)
    ran = tradekit(line)
    check_refusal(ran, code, problem, *words)
    as_json = tradekit(f"{line} --json")
    assert (as_json.code, as_json.err) == (code, "")
    assert problem in as_json.problems
    assert as_json.document["data"] is None
    assert "\x1b" not in as_json.out
    assert contents(tradekit.home) == before


def check_refusal(ran: Ran, code: int, problem: str, *words: str) -> None:
    assert (ran.code, ran.out) == (code, "")
    assert problem in ran.problems
    lines = ran.err.splitlines()
    assert all(line.startswith("tradekit: ") and line.isprintable() and len(line) < 700 for line in lines)
    assert "Traceback" not in ran.err
    (said,) = [line for line in lines if line.startswith(f"tradekit: {problem}: ")][:1]
    for word in words:
        assert word in said


def field(name: str, raw: str) -> str:
    """A proposal with one field written as it stands."""
    fields = {name_: json.dumps(value) for name_, value in buy("g1").items()} | {name: raw}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


@pytest.mark.parametrize(
    ("text", "problem", "words"),
    [
        (field("notional", "NaN"), "proposals_syntax", "NaN"),
        (field("notional", "-Infinity"), "proposals_syntax", "-Infinity"),
        (field("notional", '"nan"'), "proposal_bad_value", "notional is 'nan'"),
        (field("notional", '"1e9"'), "proposal_bad_value", "notional"),
        (field("notional", "1e9"), "proposal_bad_value", "notional"),
        (field("notional", '"-1"'), "proposal_bad_value", "notional"),
        (field("notional", '"0"'), "proposal_bad_value", "notional is zero"),
        (field("notional", '"0.000"'), "proposal_bad_value", "notional is zero"),
        (field("notional", '"1_000"'), "proposal_bad_value", "notional"),
        (field("notional", '" 5 "'), "proposal_bad_value", "notional"),
        (field("notional", '"\uff11\uff12"'), "proposal_bad_value", "notional is '\\uff11\\uff12'"),
        (field("notional", '"0.0000000000000000001"'), "proposal_bad_value", "notional"),
        (field("notional", "9" * 5000), "proposal_bad_value", "notional"),
        (field("notional", "true"), "proposal_bad_value", "notional is true or false"),
        (field("notional", "null"), "proposal_bad_value", "notional is null"),
        (field("notional", "{}"), "proposal_bad_value", "notional is an object"),
        (field("amount", '"1"'), "proposal_bad_value", "amount stands beside notional"),
        (field("symbol", '"BTC[/red]USDT"'), "proposal_bad_value", "symbol is 'BTC[/red]USDT'"),
        (field("symbol", '"A\\u001b[2J/USDT"'), "proposal_bad_value", "symbol is 'A\\x1b[2J/USDT'"),
        (field("symbol", '"../../etc/passwd"'), "proposal_bad_value", "symbol"),
        (field("side", '"BUY "'), "proposal_bad_value", "side is 'BUY '"),
        (field("side", '"bu\\u0443"'), "proposal_bad_value", "side is 'bu\\u0443'"),
        (field("id", '"../x"'), "proposal_bad_value", "id is '../x'"),
        (field("id", '"\\ud800"'), "proposal_bad_value", "id"),
        (field("confidence", "2"), "proposal_bad_value", "confidence"),
        (field("reason", '"a\\u202eb"'), "proposal_bad_value", "reason"),
        (field("expires", '"tomorrow"'), "proposal_bad_value", "expires"),
        (field("expires", '"2024-02-30T00:00:00Z"'), "proposal_bad_value", "which no calendar has"),
        (field("expires", "1723161600"), "proposal_bad_value", "not milliseconds"),
        (field("exchange_url", '"https://x"'), "proposal_unknown_field", "'exchange_url'"),
        (field("notinal", '"1"'), "proposal_unknown_field", "did you mean notional"),
        (GOOD[:-1] + ', "notional": "1000"}', "proposal_bad_value", "notional is given twice"),
        ('{"id": "g1", "side": "buy", "notional": "1"}', "proposal_missing_field", "symbol is missing"),
        (f"[{GOOD}, {GOOD.replace('30', '31')}]", "proposal_duplicate_id", "item 2"),
        (f"{GOOD}\nnonsense", "proposals_syntax", "line 2"),
        (GOOD[:40], "proposals_syntax", "line 1"),
        ("[" * 100_000, "proposals_syntax", "nested too deeply"),
        ("[1]", "proposal_bad_value", "item 1: is not a JSON object"),
        ("\x1b[2J", "proposals_syntax", "line 1"),
        (f"{GOOD}\x00", "file_not_utf8", "NUL"),
        ("\n".join(json.dumps(buy(f"g{n}")) for n in range(10_000)), "proposals_too_many", "10000"),
        (" " * 1_048_577, "file_too_large", "larger than 1048576"),
    ],
    ids=lambda value: value[:40].encode("unicode_escape").decode() if isinstance(value, str) else None,
)
def test_proposals(tradekit: CommandLine, text: str, problem: str, words: str) -> None:
    tradekit("cycle")
    path = tradekit.proposals(text)
    check(tradekit, f"cycle --proposals {path}", 2, problem, "ideas.json: ", words)


def test_one_bad_proposal_refuses_all_and_all_faults_are_told_at_once(tradekit: CommandLine) -> None:
    tradekit("cycle")
    path = tradekit.proposals(GOOD, field("side", '"up"'), field("id", '"!"'))
    assert tradekit(f"cycle --proposals {path}").problems == ["proposal_bad_value"] * 2 + ["proposal_duplicate_id"]
    path = tradekit.proposals(*(field("side", '"up"') for _ in range(500)))
    assert len(tradekit(f"cycle --proposals {path}").err.splitlines()) == 20


def test_too_small_and_unknown_are_decisions_with_figures(tradekit: CommandLine) -> None:
    path = tradekit.proposals(sell("s1", amount="0.000000001"), buy("b1", "NOSUCH/USDT"), buy("b2", "BTC/EUR"))
    ran = tradekit(f"cycle --json --proposals {path}")
    assert ran.code == 10
    assert {d["proposal"]["id"]: (d["code"], d["limit"] is not None) for d in ran.data["decisions"]} == {
        "s1": ("below_exchange_minimum", True),
        "b1": ("unknown_symbol", False),
        "b2": ("unknown_symbol", False),
    }


RISK: Final = b"[risk]\n"


@pytest.mark.parametrize(
    ("text", "problem", "words"),
    [
        (RISK + b"max_asset_pct = nan", "policy_bad_value", "risk.max_asset_pct is 'nan'"),
        (RISK + b"max_asset_pct = inf", "policy_bad_value", "risk.max_asset_pct is 'inf'"),
        (RISK + b"max_asset_pct = true", "policy_bad_value", "risk.max_asset_pct is not a number"),
        (RISK + b"max_asset_pct = -5", "policy_bad_value", "below zero"),
        (RISK + b"max_asset_pct = 5e0", "policy_bad_value", "risk.max_asset_pct"),
        (RISK + b"max_aset_pct = 5", "policy_unknown_key", "did you mean risk.max_asset_pct"),
        (RISK + b"max_asset_pct = 5\nmax_asset_pct = 6", "policy_syntax", "line 3"),
        (RISK + b"max_asset_pct = ", "policy_syntax", "line 2"),
        (b"a" + b".a" * 20_000 + b" = 1", "policy_syntax", "line 1"),
        (b"# Z\xfcrich\n", "file_not_utf8", "line 1"),
        (b"[risk]\x00", "file_not_utf8", "NUL"),
        (b"#" * 70_000, "file_too_large", "65536"),
        (b"[account]\nname = '../../etc'", "policy_bad_value", "account.name"),
        (b"[account]\nmode = 'real'", "policy_bad_value", "account.mode"),
        (b"[account]\nmode = 'live'", "policy_missing", "account.quote"),
        (b"[execution]\nbudget_seconds = 61", "policy_contradiction", "execution.budget_seconds"),
        (b"[proposals]\ncommand = 'rm -rf'", "policy_bad_value", "proposals.command is not a list"),
    ],
    ids=lambda value: value[:30].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_policies(tradekit: CommandLine, text: bytes, problem: str, words: str) -> None:
    tradekit("cycle")
    (tradekit.home / "policy.toml").write_bytes(text)
    for command in ("cycle", "status", "policy check", "state restore", "resume"):
        check(tradekit, command, 2, problem, "policy.toml: ", words)


def test_a_policy_with_bom_and_crlf_is_read_and_one_that_others_write_is_not(tradekit: CommandLine) -> None:
    path = tradekit.policy("")
    path.write_bytes(b"\xef\xbb\xbf[risk]\r\nmax_asset_pct = 0.1\r\n")
    assert "max_asset_pct = 0.1\n" in tradekit("policy show").out
    path.chmod(0o606)
    check(tradekit, "cycle", 2, "file_insecure", "policy.toml", "chmod")


def _file(tradekit: CommandLine, kind: str) -> Path:
    path = tradekit.home.parent / kind
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "file":
            path.write_text("")
        case "loop":
            path.symlink_to(path)
        case "device":
            return Path("/dev/zero")
    return path


@pytest.mark.parametrize("option", ["--policy", "--proposals"])
@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("fifo", "file_not_regular"),
        ("folder", "file_not_regular"),
        ("device", "file_not_regular"),
        ("missing", "file_missing"),
        ("loop", "file_unreadable"),
    ],
)
def test_things_that_are_no_files(tradekit: CommandLine, option: str, kind: str, problem: str) -> None:
    path = _file(tradekit, kind)
    check(tradekit, f"cycle {option} {path}", 2, problem, str(path))
    assert not tradekit.home.exists()


@pytest.mark.parametrize(
    ("line", "problem", "word"),
    [
        ("cycle --api-secret X", "usage", "--api-secret"),
        ("cycle --wait -1", "usage", "--wait"),
        ("cycle --wait 1e9", "usage", "--wait"),
        ("cycle --wait soon", "usage", "--wait"),
        ("cycle --home ''", "home_unknown", "--home"),
        ("cycle --policy ''", "file_missing", "--policy"),
        ("cycle --proposals ''", "file_missing", "--proposals"),
        ("state restore ../../etc/passwd", "generation_unknown", "../../etc/passwd"),
        ("state restore 'a\x1b[2J'", "generation_unknown", "a?[2J"),
        ("'\x1b[2J'", "usage", "[2J"),
        ("cycle '\x1b[2J'", "usage", "[2J"),
    ],
)
def test_options(tradekit: CommandLine, line: str, problem: str, word: str) -> None:
    tradekit("cycle")
    check(tradekit, line, 2, problem, word)


@pytest.mark.parametrize("kind", ["fifo", "loop", "device", "file"])
@pytest.mark.parametrize("command", ["cycle", "status", "state verify", "halt", "init"])
def test_a_home_that_is_no_folder(tradekit: CommandLine, kind: str, command: str) -> None:
    home = _file(tradekit, kind)
    ran = tradekit(f"{command} --home {home}")
    assert ran.code in (2, 12)
    assert ran.out == "" and len(ran.err.splitlines()) == 1 and str(home) in ran.err
    assert "bug" not in ran.problems


def test_stdin_that_holds_nothing_to_read(tradekit: CommandLine) -> None:
    line = "cycle --proposals -"
    main, terminal = os.openpty()
    try:
        check_refusal(tradekit.apart(line, stdin=terminal), 2, "stdin_missing", "standard input is a terminal")
    finally:
        os.close(main)
        os.close(terminal)
    closed = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *python("cycle", "--proposals", "-")]
    done = subprocess.run(closed, env=bare(tradekit.home), capture_output=True, text=True, check=False, timeout=60)
    check_refusal(Ran(done.returncode, done.stdout, done.stderr), 2, "stdin_missing", "standard input is closed")
    with open("/dev/zero", "rb") as endless:
        check_refusal(tradekit.apart(line, stdin=endless.fileno()), 2, "file_too_large", "standard input")
    check_refusal(tradekit.apart(line, stdin=b'{"id": 1}'), 2, "proposal_bad_value", "standard input: line 1: id")
    assert not tradekit.home.exists()
