"""`tradekit risk-check` and what goes with it: judges as a cycle does, explains, tries changes, and never writes."""

from __future__ import annotations

import json
import os
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from command_line import CommandLine, buy, marks, sell

D = Decimal
FIRST_DAY = (
    sell("pengu", "PENGU/USDT", "1525", confidence="0.9"),
    buy("btc", "BTC/USDT", "40", confidence="0.9"),
    buy("eth", "ETH/USDT", "25", confidence="0.8"),
)


def decisions(ran: Any, view: str = "now") -> dict[str, tuple[str, str]]:
    found = [item["decision"] for item in ran.data[view]["explanations"]]
    return {d["proposal"]["id"]: (d["type"], d.get("code", "")) for d in found}


def test_it_decides_what_the_next_cycle_decides_and_changes_nothing(tradekit: CommandLine) -> None:
    path = tradekit.proposals(*FIRST_DAY)
    for _ in range(3):
        before = marks(tradekit.home)
        checked = tradekit(f"risk-check --json --proposals {path}")
        assert marks(tradekit.home) == before
        cycled = tradekit(f"cycle --json --proposals {path}")
        told = {d["proposal"]["id"]: (d["type"], d.get("code", "")) for d in cycled.data["decisions"]}
        assert {id: verdict for id, verdict in decisions(checked).items() if id in told} == told


def test_without_an_account_it_judges_a_fresh_one_and_makes_no_folder(tradekit: CommandLine) -> None:
    ran = tradekit(f"risk-check --proposals {tradekit.proposals(*FIRST_DAY)}")
    assert (ran.code, ran.err) == (0, "")
    assert not tradekit.home.exists()


def test_everything_refused_is_exit_10(tradekit: CommandLine) -> None:
    assert tradekit(f"risk-check --proposals {tradekit.proposals(FIRST_DAY[1])}").code == 10
    assert tradekit("risk-check --quiet").out == ""


def test_explain_is_readable_in_80_columns_through_a_pipe(tradekit: CommandLine) -> None:
    ran = tradekit(f"risk-check --explain --proposals {tradekit.proposals(FIRST_DAY[1])}")
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in ran.out
    assert lines[lines.index("Every rule, in order") - 1].startswith("Would pass: sell ")
    (row,) = [line for line in lines if line.startswith("  per asset ")]
    assert row.split() == ["per", "asset", "59.49", "123.31", "0", "40", "163.31", "######!", "REFUSES", "<--"]
    assert [line for line in lines if "REFUSES" in line] == [row]


def test_a_rule_that_finds_no_market_leaves_the_rest_unread(tradekit: CommandLine) -> None:
    ran = tradekit(f"risk-check --json --proposals {tradekit.proposals(buy('x', 'NOSUCH/USDT'))}")
    rows = ran.data["now"]["explanations"][0]["rows"]
    verdicts = [row["verdict"] for row in rows]
    place = verdicts.index("REFUSES")
    assert rows[place]["code"] == "unknown_symbol"
    assert set(verdicts[place + 1 :]) == {"not read"}


def test_what_if_judges_side_by_side(tradekit: CommandLine) -> None:
    path = tradekit.proposals(*FIRST_DAY)
    line = (
        f"risk-check --json --proposals {path} --what-if risk.max_asset_pct=15 --what-if guards.halted_assets=['ETH']"
    )
    ran = tradekit(line.replace("['ETH']", '[\\"ETH\\"]'))
    assert decisions(ran)["btc"] == ("refused", "cap_asset")
    assert decisions(ran, "what_if")["btc"] == ("approved", "")
    assert decisions(ran, "what_if")["eth"] == ("refused", "symbol_halted")
    shown = tradekit(f"risk-check --proposals {path} --what-if equity=100").out
    assert "with equity=100 of 100 USDT" in shown


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ("nonsense", "usage"),
        ("=5", "usage"),
        ("equity=-1", "usage"),
        ("equity=nan", "usage"),
        ("risk.max_aset_pct=5", "policy_unknown_key"),
        ("risk.max_asset_pct=nan", "policy_bad_value"),
        ("risk.max_asset_pct=500", "policy_bad_value"),
        ("risk.max_asset_pct=90", "policy_contradiction"),
        ("risk=5", "policy_unknown_key"),
        ("risk.max_asset_pct.BTC=5", "policy_unknown_key"),
        ("risk.max_theme_pct.MEME=many", "policy_bad_value"),
        ("risk.max_asset_pct=5\n[risk]", "policy_bad_value"),
    ],
)
def test_a_change_that_no_policy_may_have_is_refused(tradekit: CommandLine, what: str, problem: str) -> None:
    ran = tradekit(["risk-check", "--what-if", what])
    assert (ran.code, ran.problems[0]) == (2, problem)


def test_without_proposals_it_shows_the_room(tradekit: CommandLine) -> None:
    ran = tradekit("risk-check --json")
    caps = {cap["what"]: cap for cap in ran.data["now"]["caps"]}
    assert caps["tier 1"]["limit"] == ran.data["now"]["caps"][0]["limit"]  # both are 25 %
    rooms = {item["symbol"]: item for item in ran.data["now"]["symbols"]}
    assert (rooms["BTC/USDT"]["left"], rooms["BTC/USDT"]["key"]) == ("0", "risk.max_asset_pct")
    assert float(rooms["ETH/USDT"]["left"]) > float(rooms["ETH/USDT"]["smallest"]) == 15
    assert "Room under the caps" in tradekit("risk-check").out


def test_a_symbol_alone_is_probed(tradekit: CommandLine) -> None:
    ran = tradekit("risk-check --symbol ETH/USDT --json")
    assert decisions(ran) == {"probe-ETH/USDT": ("approved", "")}
    assert [item["symbol"] for item in ran.data["now"]["symbols"]] == ["ETH/USDT"]
    path = tradekit.proposals(*FIRST_DAY)
    assert list(decisions(tradekit(f"risk-check --symbol ETH/USDT --json --proposals {path}"))) == ["eth"]


def test_a_symbol_that_is_a_slip_of_the_pen_is_refused(tradekit: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "look.json"
    tradekit("cycle --quiet")
    tradekit(f"status --save {file}")
    for line in ("risk-check", f"risk-check --snapshot {file}"):
        for symbol in ("FOO/USDT", "ETH", "ETH/EUR", "USDT/USDT"):
            ran = tradekit(f"{line} --symbol {symbol}")
            assert (ran.code, ran.problems, ran.out) == (2, ["symbol_unknown"], ""), symbol
        assert tradekit(f"{line} --symbol ETH/USDT").code == 0
    path = tradekit.proposals(buy("x", "NOSUCH/USDT"))
    assert tradekit(f"risk-check --symbol NOSUCH/USDT --proposals {path}").code == 10


def test_one_entry_of_a_table_can_be_tried(tradekit: CommandLine) -> None:
    def limits(*words: str) -> dict[str, str]:
        view = tradekit(["risk-check", "--json", *words]).data["what_if" if words else "now"]
        return {cap["what"]: cap["limit"] for cap in view["caps"]}

    before = limits()
    after = limits("--what-if", "risk.max_theme_pct.MEME=8")
    assert {what for what in before if before[what] != after[what]} == {"theme MEME"}
    assert D(after["theme MEME"]) == 2 * D(before["theme MEME"])
    two = limits("--what-if", "risk.max_theme_pct.MEME=8", "--what-if", "risk.max_theme_pct.DEFI=10")
    assert {what for what in after if after[what] != two[what]} == {"theme DEFI"}
    slip = tradekit("risk-check --what-if risk.max_theme_pct.MEMES=8")
    assert (slip.code, slip.problems) == (2, ["policy_contradiction"])
    assert "did you mean MEME?" in slip.err


def test_a_saved_snapshot_is_judged_alike_offline_and_without_a_home(tradekit: CommandLine, tmp_path: Path) -> None:
    path, file = tradekit.proposals(*FIRST_DAY), tmp_path / "look.json"
    tradekit("cycle --quiet")
    before = marks(tradekit.home)
    saved = tradekit(f"status --save {file}")
    assert (saved.code, marks(tradekit.home)) == (0, before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    here = tradekit(f"risk-check --json --proposals {path}").data
    elsewhere = tradekit.beside("nowhere")
    there = elsewhere(f"risk-check --json --proposals {path} --snapshot {file}").data
    assert here == there
    assert not elsewhere.home.exists()
    assert tradekit(f"status --save {file}").code == 0, "an older snapshot is replaced"


@pytest.mark.parametrize("content", ["", "{}", '{"format":"tradekit state"}', "precious"])
def test_a_file_that_is_no_snapshot_is_neither_overwritten_nor_read(
    tradekit: CommandLine, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(content)
    tradekit("cycle --quiet")
    refused = tradekit(f"status --save {file}")
    assert (refused.code, refused.problems, file.read_text()) == (2, ["snapshot_not_ours"], content)
    assert tradekit(f"risk-check --snapshot {file}").problems == ["snapshot_damaged"]


def test_snapshots_of_other_kinds(tradekit: CommandLine, tmp_path: Path) -> None:
    tradekit("cycle --quiet")
    file = tmp_path / "look.json"
    assert tradekit(f"status --save {tmp_path}/none/look.json").problems == ["snapshot_unwritable"]
    os.symlink(tradekit.folder / "state.json", tmp_path / "link")
    assert tradekit(f"status --save {tmp_path / 'link'}").code == 2
    assert tradekit(f"status --save {file}").code == 0
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "schema_version": 2}))
    assert tradekit(f"risk-check --snapshot {file}").problems == ["snapshot_newer"]
    del document["look"]["state"]["books"]
    file.write_text(json.dumps(document))
    assert tradekit(f"risk-check --snapshot {file}").problems == ["snapshot_damaged"]


def test_status_counts_refusals_over_time(tradekit: CommandLine) -> None:
    path = tradekit.proposals(FIRST_DAY[1], buy("x", "NOSUCH/USDT"))
    for _ in range(3):
        tradekit(f"cycle --quiet --proposals {path}")
    counted = tradekit("status --json --refusals 7d").data["counted"]
    assert (counted["cycles"], counted["refused"]) == (3, {"cap_asset": 3, "unknown_symbol": 3})
    tradekit.policy("[execution]\ninterval_seconds = 7200\n[rules]\nenabled = false\n")
    tradekit("cycle --quiet")
    assert tradekit("status --json --refusals 1h").data["counted"]["refused"] == {}
    assert tradekit("status --refusals 7x").problems == ["usage"]


def test_a_refusal_is_told_per_proposal_everywhere(tradekit: CommandLine) -> None:
    path = tradekit.proposals(FIRST_DAY[2], FIRST_DAY[1], buy("b2", "BTC/USDT", "50"))
    ran = tradekit(f"cycle --quiet --proposals {path}")
    assert ran.out.rstrip().endswith("refused buy BTC/USDT cap_asset; refused buy BTC/USDT cap_asset")
    refusals = tradekit("status --json").data["refusals"]
    assert {(item["proposal_id"], item["code"]) for item in refusals} == {("btc", "cap_asset"), ("b2", "cap_asset")}
    assert refusals[0]["would_pass"]["type"] == "free_room"
    shown = tradekit("status").out
    assert "sell 78.83 USDT of BTC" in shown


def test_policy_check_finds_what_a_cycle_would_refuse(tradekit: CommandLine) -> None:
    tradekit.policy('[account]\nquote = "EUR"\nmanaged = []\n')
    checked, cycled = tradekit("policy check"), tradekit("cycle")
    assert (checked.code, checked.problems) == (cycled.code, cycled.problems) == (2, ["paper_quote"])


def test_policy_check_tells_dead_zones_and_how_far_to_move(tradekit: CommandLine) -> None:
    assert tradekit("policy check --equity 1000").code == 0
    ran = tradekit("policy check --equity 255")
    assert (ran.code, set(ran.problems)) == (2, {"policy_dead_zone"})
    assert "risk.max_asset_pct = 5.89" in ran.err
    assert "an equity of 300 USDT" in ran.err
    assert tradekit("policy check --equity many").problems == ["usage"]


def test_resume_ends_a_drawdown(tradekit: CommandLine) -> None:
    tradekit.policy("[losses]\nmax_drawdown_pct = 0.001\n[exits]\nstop_loss_pct = 0.001\n")
    for _ in range(4):
        tradekit("cycle --quiet")
    path = tradekit.proposals(FIRST_DAY[2])
    assert tradekit(f"cycle --json --proposals {path}").data["decisions"][-1]["code"] == "drawdown"
    before = marks(tradekit.home)
    assert "The drawdown is measured from" in tradekit("resume --dry-run").out
    assert marks(tradekit.home) == before
    assert tradekit("resume --json").data["peak"] is not None
    assert tradekit("state verify").code == 0
    tradekit("cycle --quiet")
    assert tradekit("resume --json").data["peak"] is None
