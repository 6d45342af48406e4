"""The worked example of moving in: its files are those on the page, its snippet runs, its books are what it tells."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from docs.generate import DOCS

from command_line import CommandLine
from kill_facts import Facts
from tradekit.adapters.fills_file import read_trades
from tradekit.adapters.policy_file import parse_policy
from tradekit.domain.fill import TradeRow

EXAMPLE = DOCS / "examples/old-bot"
PAGE = (DOCS / "moving-in.md").read_text(encoding="utf-8")
FILLS = EXAMPLE / "fills.jsonl"


def block(kind: str) -> str:
    """The first fenced block of a kind on the page."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def tradekit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    monkeypatch.setenv("TRADEKIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    account = CommandLine(tmp_path / "home", capsys)
    account.policy((EXAMPLE / "policy.toml").read_text(encoding="utf-8"))
    return account


def old_positions() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((EXAMPLE / "positions.json").read_text())["positions"]
    return found


def test_the_files_on_the_page_are_those_of_the_example() -> None:
    assert block("json") == (EXAMPLE / "positions.json").read_text(encoding="utf-8")
    first = [json.loads(body) for body in re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)][1]
    assert first == json.loads(FILLS.read_text().splitlines()[0])
    for name in ("positions.json", "fills.jsonl", "policy.toml"):
        assert f"examples/old-bot/{name}" in PAGE
    parse_policy((EXAMPLE / "policy.toml").read_text(encoding="utf-8"), "example")


def test_the_example_has_every_trap() -> None:
    lines = [json.loads(line) for line in FILLS.read_text().splitlines()]
    orders = [line["order"] for line in lines]
    assert {"BTC", "BTC-USD"} <= set(old_positions())
    assert len(lines) > len({(line["symbol"], line["id"]) for line in lines}), "one trade is there twice"
    assert any("-" in line["symbol"] for line in lines), "a native symbol"
    assert any(line["fee"]["currency"] not in re.split("[/-]", line["symbol"]) for line in lines), "a third asset"
    assert lines != sorted(lines, key=lambda line: line["timestamp"]), "not in order"
    assert len(orders) - len(set(orders)) >= 3, "orders that filled in parts"
    assert all(isinstance(line[name], str) for line in lines for name in ("price", "amount", "cost"))


def test_the_example_moves_in_with_the_books_that_the_page_tells(tradekit: CommandLine) -> None:
    seen = tradekit(f"rebuild-positions --json --from {FILLS}")
    assert (seen.code, seen.data["trades"], seen.data["duplicates"], seen.data["broken"]) == (12, 11, 1, [])
    assert tradekit(f"rebuild-positions --apply --from {FILLS}").code == 12  # 20 DOGE are nowhere
    assert set(Facts(tradekit.home).differences()) == {"DOGE"}
    assert tradekit("reconcile-fills --record DOGE").code == 0
    assert Facts(tradekit.home).differences() == {}
    held = {asset: p.total for asset, p in Facts(tradekit.home).state.positions.items()}
    told = re.findall(r"^\| `[^|]*\| (?:no )?([\d.]+) ([A-Z]+)(?: for [^|]*)? \|", PAGE, re.MULTILINE)
    told += re.findall(r"^\| no SOL \| ([\d.]+) ([A-Z]+) \|", PAGE, re.MULTILINE)
    assert {asset for _, asset in told} == {"BTC", "ETH", "ZK", "SOL"}
    lot = Decimal("0.01")  # the page speaks of the small order alone, beside the other one under its own key
    assert {asset: Decimal(amount) for amount, asset in told} == {
        asset: held[asset] - (lot if asset == "ETH" else 0) for asset in ("BTC", "ETH", "ZK", "SOL")
    }


def test_the_snippet_turns_a_csv_into_the_same_trades(tmp_path: Path) -> None:
    script, made = tmp_path / "convert.py", tmp_path / "made.jsonl"
    script.write_text(block("python"))
    assert "float(" not in script.read_text()
    done = subprocess.run([sys.executable, str(script)], input=block("csv"), capture_output=True, text=True, check=True)
    made.write_text(done.stdout)
    rows = list(read_trades(str(made)))
    assert len(rows) == block("csv").count("\n") - 1
    known = {(row.symbol, row.trade_id): row for row in read_trades(str(FILLS)) if isinstance(row, TradeRow)}
    assert rows == [known[row.symbol, row.trade_id] for row in rows]
