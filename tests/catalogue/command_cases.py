"""Rows 1 to 14: options, stdin and stdout."""

from __future__ import annotations

import os
import subprocess
from typing import Final

from cases import Refusal, Story, check_line, file_of
from command_line import CommandLine, Ran, bare, python, sell

AMOUNTS: Final = {
    "purge ETH --slice {}": "--slice",
    "policy check --equity {}": "--equity",
    "risk-check --what-if equity={}": "--what-if",
    "cycle --wait {}": "--wait",
    "purge ETH --ttl {}": "--ttl",
    "rehearse --days {}": "--days",
    "rehearse --wishes {}": "--wishes",
}
WRONG: Final = {1: ("nan", "inf"), 2: ("1e9", "0x10", "1_000"), 3: ("-1",), 5: ("\uff11\uff12", "''")}
NO_FILES: Final = ("fifo", "folder", "device", "missing", "loop")
FOUND: Final = {"missing": "file_missing", "loop": "file_unreadable"}
READERS: Final = {
    "--policy": "cycle --policy {}",
    "--proposals": "cycle --proposals {}",
    "--from": "rebuild-positions --apply --from {}",
    "--snapshot": "risk-check --snapshot {}",
}


def _amounts() -> list[Refusal]:
    cases = [
        Refusal(row, f"{line.format(raw)}", line.format(raw), "usage", word)
        for row, values in WRONG.items()
        for raw in values
        for line, word in AMOUNTS.items()
    ]
    zeros = [line for line, word in AMOUNTS.items() if word in ("--slice", "--ttl", "--days")]
    return cases + [Refusal(3, line.format(0), line.format(0), "usage") for line in zeros]


def _no_files() -> list[Refusal]:
    def put(line: str, kind: str) -> Refusal:
        problem = FOUND.get(kind, "file_not_regular")
        return Refusal(9, f"{line} {kind}", lambda t: line.format(file_of(t, kind)), problem, kind, fresh=True)

    cases = [put(line, kind) for line in READERS.values() for kind in NO_FILES if kind != "device"]
    cases += [
        Refusal(9, f"{option} /dev/zero", line.format("/dev/zero"), "file_not_regular", "/dev/zero", fresh=True)
        for option, line in READERS.items()
    ]
    return cases


def _others_file(tradekit: CommandLine) -> str:
    path, link = tradekit.home.parent / "theirs.toml", tradekit.home.parent / "link.toml"
    path.write_text("# theirs\n")
    path.chmod(0o666)
    link.symlink_to(path)
    return f"cycle --policy {link}"


def _linked_snapshot(tradekit: CommandLine) -> str:
    path, link = tradekit.home.parent / "victim", tradekit.home.parent / "link"
    path.write_text("theirs")
    link.symlink_to(path)
    return f"status --save {link}"


UNKNOWN: Final = [
    Refusal(6, f"{line} {'fresh' if fresh else ''}", line, problem, word, fresh=fresh)
    for fresh in (False, True)
    for line, problem, word in (
        ("purge XYZ", "asset_unknown", "XYZ"),
        ("purge USDT", "purge_quote", "USDT"),
        ("dust-sweep --asset XYZ", "asset_unknown", "XYZ"),
        ("dust-sweep --asset USDT", "asset_unknown", "USDT"),
        ("reconcile-fills --symbol XYZ", "symbol_unknown", "XYZ/USDT"),
        ("reconcile-fills --symbol ETH/XYZ", "symbol_unknown", "XYZ"),
        ("reconcile-fills --symbol USDT", "symbol_unknown", "USDT/USDT"),
        ("reconcile-fills --record XYZ", "asset_unknown", "XYZ"),
        ("reconcile-fills --record 'x[/red]'", "asset_unknown", "x[/red]"),
        ("reconcile-fills --symbol 'BTC[/red]USDT'", "usage", "BTC[/red]USDT"),
        ("reconcile-fills --since soon", "usage", "soon"),
        ("purge 'BTC[/red]'", "usage", "BTC[/red]"),
        ("dust-sweep --asset '[link=http://x]a'", "usage", "[link=http://x]a"),
        ("rebuild-positions --apply --from journal --since 1d", "usage", "--since"),
        ("rebuild-positions --apply --dry-run", "usage", "--apply"),
        ("purge ETH --taker maybe", "usage", "--taker"),
        ("purge ETH --stop --rest", "usage", "--stop"),
        ("purge", "usage", "ASSET"),
        ("status --refusals nonsense", "usage", "nonsense"),
        ("status --since 1d", "usage", "--since"),
        ("risk-check --what-if nonsense", "usage", "nonsense"),
        ("risk-check --what-if risk.nosuch=5", "policy_unknown_key", "risk.nosuch"),
        ("rehearse --severity wild", "usage", "--severity"),
        ("init --exchange nosuch", "exchange_unknown", "nosuch"),
        ("init --quote 'x[/red]'", "usage", "--quote"),
        ("cycle --home ''", "home_unknown", "--home"),
        ("cycle --policy ''", "file_missing", "--policy"),
        ("cycle --proposals ''", "file_missing", "--proposals"),
        ("cycle --wait soon", "usage", "--wait"),
    )
]


def _small(tradekit: CommandLine) -> None:
    ran = tradekit(f"cycle --json --proposals {tradekit.proposals(sell('s1', amount='0.000000001'))}")
    (decision,) = ran.data["decisions"]
    assert (ran.code, decision["code"]) == (10, "below_exchange_minimum")
    assert decision["limit"] is not None and decision["actual"] is not None


def _from_stdin(tradekit: CommandLine) -> None:
    line, nothing = "cycle --proposals -", Refusal(11, "", "", "stdin_missing", "standard input is a terminal")
    main, terminal = os.openpty()
    try:
        check_line(tradekit.apart(line, stdin=terminal), nothing)
    finally:
        os.close(main)
        os.close(terminal)
    closed = ["/bin/sh", "-c", 'exec "$@" <&-', "sh", *python("cycle", "--proposals", "-")]
    done = subprocess.run(closed, env=bare(tradekit.home), capture_output=True, text=True, check=False, timeout=300)
    check_line(Ran(done.returncode, done.stdout, done.stderr), nothing._replace(word="standard input is closed"))
    bad = Refusal(11, "", "", "proposal_bad_value", "standard input: line 1: id")
    check_line(tradekit.apart(line, stdin=b'{"id": 1}'), bad)


def _endless(tradekit: CommandLine) -> None:
    words = f'ulimit -v 400000; exec "$@" < /dev/zero'  # noqa: F541 - one style for both
    command = ["/bin/sh", "-c", words, "sh", *python("cycle", "--proposals", "-")]
    done = subprocess.run(command, env=bare(tradekit.home), capture_output=True, text=True, check=False, timeout=300)
    check_line(Ran(done.returncode, done.stdout, done.stderr), Refusal(12, "", "", "file_too_large", "standard input"))


def _unread(tradekit: CommandLine) -> None:
    words = " ".join(python("cycle", "--proposals", str(tradekit.proposals(sell("s1")))))
    script = f"{{ {words}; echo $? >&2; }} | true"
    done = subprocess.run(
        ["/bin/sh", "-c", script], env=bare(tradekit.home), capture_output=True, text=True, check=False, timeout=300
    )
    assert done.stderr == "0\n"
    assert tradekit("status --json").data["cycles"] == 2


CASES: Final[list[Refusal | Story]] = [
    *_amounts(),
    Story(4, "a sale below the lot is a decision with figures", _small),
    *UNKNOWN,
    Refusal(7, "reconcile-fills --symbol", "reconcile-fills --symbol 'A\x1b[2J'", "usage", "[2J"),
    Refusal(7, "purge", "purge 'A\x1b[2J'", "usage", "[2J"),
    Refusal(7, "a command", "'\x1b[2J'", "usage", "[2J"),
    Refusal(7, "an argument", "cycle '\x1b[2J'", "usage", "[2J"),
    Refusal(7, "state restore", "state restore 'a\x1b[2J'", "generation_unknown", "a?[2J"),
    Refusal(8, "state restore", "state restore ../../etc/passwd", "generation_unknown", "../../etc/passwd"),
    Refusal(8, "--from", "rebuild-positions --apply --from /etc/passwd", "fills_syntax", "/etc/passwd", fresh=True),
    Refusal(8, "--snapshot", "risk-check --snapshot /etc/passwd", "snapshot_damaged", "/etc/passwd", fresh=True),
    Refusal(8, "--policy", "cycle --policy /etc/passwd", "policy_syntax", "/etc/passwd", fresh=True),
    Refusal(8, "--proposals", "cycle --proposals /etc/passwd", "proposals_syntax", "/etc/passwd", fresh=True),
    Refusal(8, "--save", "status --save /etc/passwd", "snapshot_not_ours", "/etc/passwd"),
    Refusal(8, "--save into nowhere", "status --save /nonexistent/x", "snapshot_unwritable", "/nonexistent/x"),
    *_no_files(),
    Refusal(10, "--policy is a link to what all may write", _others_file, "file_insecure", "link.toml"),
    Refusal(10, "--save is a link", _linked_snapshot, "snapshot_unwritable", "link"),
    Story(11, "stdin that holds nothing to read", _from_stdin),
    Story(12, "endless stdin is cut at the limit, in little memory", _endless),
    Story(13, "nobody reads the result", _unread),
    Refusal(14, "no option takes a secret", "cycle --api-secret X", "usage", "--api-secret", fresh=True),
]
