"""Rows 15 to 26: the policy."""

from __future__ import annotations

from typing import Final

from cases import Refusal, Story
from command_line import CommandLine, buy

RISK: Final = b"[risk]\n"
PLACES: Final = ("cycle", "status", "policy check", "state restore", "resume", "purge ETH", "rebuild-positions")
BAD: Final[list[tuple[int, bytes, str, str]]] = [
    (15, b"[account]\nmode = 'live'", "policy_missing", "account.quote"),
    (16, b"", "policy_empty", "policy.toml"),
    (16, b" \r\n\t\n", "policy_empty", "policy.toml"),
    (17, RISK + b"max_asset_pct = nan", "policy_bad_value", "risk.max_asset_pct is 'nan'"),
    (17, RISK + b"max_asset_pct = inf", "policy_bad_value", "risk.max_asset_pct is 'inf'"),
    (17, RISK + b"max_asset_pct = -inf", "policy_bad_value", "risk.max_asset_pct is '-inf'"),
    (17, RISK + b"max_asset_pct = 5e0", "policy_bad_value", "risk.max_asset_pct"),
    (18, RISK + b"max_asset_pct = true", "policy_bad_value", "risk.max_asset_pct is not a number"),
    (18, RISK + b"max_positions = 1.5", "policy_bad_value", "risk.max_positions"),
    (19, RISK + b"max_asset_pct = -5", "policy_bad_value", "below zero"),
    (19, b"[paper.balances]\nUSDT = -1", "policy_bad_value", "paper.balances"),
    (20, RISK + b"max_aset_pct = 5", "policy_unknown_key", "did you mean risk.max_asset_pct"),
    (20, b"[rsik]\nmax_asset_pct = 5", "policy_unknown_key", "rsik"),
    (21, RISK + b"max_asset_pct = 5\nmax_asset_pct = 6", "policy_syntax", "line 3"),
    (21, RISK + b"max_asset_pct = 5\n[risk]\n", "policy_syntax", "line 3"),
    (21, RISK + b"max_asset_pct = ", "policy_syntax", "line 2"),
    (22, b"a" + b".a" * 20_000 + b" = 1", "policy_syntax", "line 1"),
    (22, b"a = " + b"[" * 20_000, "policy_syntax", "line 1"),
    (22, b"a = " + b"9" * 5000, "policy_syntax", "line 1"),
    (22, b"#" * 70_000, "file_too_large", "65536"),
    (24, b"# Z\xfcrich\n", "file_not_utf8", "line 1"),
    (24, b"\xff\xfe[\x00r\x00", "file_not_utf8", "line 1"),
    (24, b"[risk]\x00", "file_not_utf8", "NUL"),
    (8, b"[account]\nname = '../../etc'", "policy_bad_value", "account.name"),
    (20, b"[account]\nmode = 'real'", "policy_bad_value", "account.mode"),
    (20, b"[execution]\nbudget_seconds = 61", "policy_contradiction", "execution.budget_seconds"),
    (20, b"[proposals]\ncommand = 'rm -rf'", "policy_bad_value", "proposals.command is not a list"),
    (20, b"[account]\nquote = 'EUR'", "paper_quote", "EUR"),
]  # fmt: skip


def _written(text: bytes, command: str) -> Refusal:
    """The text as the home's policy, for one command; each text meets another one."""

    def put(tradekit: CommandLine) -> str:
        (tradekit.home / "policy.toml").write_bytes(text)
        return command

    row, _, problem, word = next(bad for bad in BAD if bad[1] == text)
    shown = f"{text[:40].decode('latin-1')} for {command}"
    return Refusal(row, shown, put, problem, word)


def _all() -> list[Refusal]:
    """Every text for five commands, and for one of two others in turn."""
    pairs = [
        (bad[1], command)
        for number, bad in enumerate(BAD)
        for command in (*PLACES[:5], PLACES[5 + number % 2])
        if bad[2] != "paper_quote" or command == "cycle"
    ]
    return [_written(text, command) for text, command in pairs]


def _open_to_all(tradekit: CommandLine) -> str:
    tradekit.policy("[risk]\nmax_asset_pct = 5\n").chmod(0o606)
    return "cycle"


def _no_trade(tradekit: CommandLine) -> None:
    tradekit.policy("[risk]\nmax_asset_pct = 0\nmax_total_at_risk_pct = 0\n")
    ran = tradekit(f"cycle --json --proposals {tradekit.proposals(buy('b'))}")
    if ran.code == 2:
        assert ran.problems
    else:
        assert (ran.code, [decision["type"] for decision in ran.data["decisions"]]) == (10, ["refused"])


def _marked(tradekit: CommandLine) -> None:
    tradekit.policy("").write_bytes(b"\xef\xbb\xbf[risk]\r\nmax_asset_pct = 7\r\n")
    assert "max_asset_pct = 7\n" in tradekit("policy show").out


def _exact(tradekit: CommandLine) -> None:
    tradekit.policy("[risk]\nmax_asset_pct = 0.1\n")
    assert "max_asset_pct = 0.1\n" in tradekit("policy show").out
    ran = tradekit(f"cycle --json --proposals {tradekit.proposals(buy('b'))}")
    (decision,) = ran.data["decisions"]
    assert (decision["type"], "0000000000000000555" in ran.out) == ("refused", False)


def _changed_in_between(tradekit: CommandLine) -> None:
    ideas = tradekit.proposals(buy("b"))
    checked = tradekit(f"risk-check --json --proposals {ideas}")
    assert [explained["decision"]["type"] for explained in checked.data["now"]["explanations"]] == ["approved"]
    before = tradekit("policy check --json").data["digest"]
    tradekit.policy("[risk]\nmin_order_notional = 100\n")
    ran = tradekit(f"cycle --json --proposals {ideas}")
    assert [decision["code"] for decision in ran.data["decisions"]] == ["below_min_notional"]
    after = tradekit("policy check --json").data["digest"]
    journal = (tradekit.folder / "journal" / "000001.jsonl").read_text()
    assert before != after and after in journal, "which policy a cycle followed is written down"


CASES: Final[list[Refusal | Story]] = [
    Refusal(
        15, "--policy names none", "cycle --policy /nonexistent/p.toml", "file_missing", "/nonexistent", fresh=True
    ),
    *_all(),
    Story(19, "a cap of zero buys nothing", _no_trade),
    Refusal(23, "everybody may write it", _open_to_all, "file_insecure", "chmod"),
    Story(24, "a BOM and CRLF are read", _marked),
    Story(25, "0.1 is 0.1", _exact),
    Story(26, "the policy in force decides, and its digest is kept", _changed_in_between),
]
