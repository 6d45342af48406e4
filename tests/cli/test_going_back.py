"""Going back to the previous version: the copy from before the upgrade goes on, and a newer state is left alone.

A run of the newer version is played by this one: what matters is that its journal is gone and its orders are not.
`paper.sqlite3` stands for the exchange, which no copy takes back.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from command_line import CommandLine, buy, marks, sell
from kill_facts import Facts
from kill_homes import POLICY, Case, Run, carry_out
from tradekit.adapters.paper.world import LEDGER_NAME
from tradekit.adapters.store.record_line import SCHEMA_VERSION


@pytest.fixture(params=["quote", "received"])
def copied(tradekit: CommandLine, request: pytest.FixtureRequest) -> CommandLine:
    """An account that has traded and was copied under a halt, the way the docs say."""
    tradekit.policy(POLICY.format(fee_asset=request.param))
    assert tradekit(f"cycle --proposals {tradekit.proposals(buy('before'))}").code == 0
    assert tradekit("halt --reason upgrade").code == 0
    shutil.copytree(tradekit.home, copy_of(tradekit))
    assert tradekit("resume").code == 0
    return tradekit


def holdings(tradekit: CommandLine) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    """What is held, what it cost, and what was made with it."""
    positions = Facts(tradekit.home).state.books.positions
    return {asset: (p.quantity, p.cost, p.realized) for asset, p in positions.items()}


def copy_of(tradekit: CommandLine) -> Path:
    return tradekit.home.parent / "copy"


def put_back(tradekit: CommandLine) -> None:
    """The copy is in its place again, and the exchange is where it is."""
    shutil.move(tradekit.folder, tradekit.home.parent / "newer")
    shutil.copytree(copy_of(tradekit) / "main" / "paper", tradekit.folder)
    (tradekit.folder / LEDGER_NAME).unlink()
    for path in (tradekit.home.parent / "newer").glob(f"{LEDGER_NAME}*"):
        shutil.copy2(path, tradekit.folder / path.name)


def trade_meanwhile(tradekit: CommandLine) -> None:
    """Orders that the copy knows nothing of: sales of what it holds, purchases of coins that it never saw."""
    known = set(Facts(tradekit.home).state.books.tallies)
    for number, coins in enumerate((("SOL", "XRP", "BNB"), ("ADA", "TRX", "AVAX"))):
        wishes = (buy(f"m-{coin}", f"{coin}/USDT", "20") for coin in coins)
        given = tradekit.proposals(*wishes, sell(f"m-{number}", "ZK/USDT", "200"))
        assert tradekit(f"cycle --proposals {given}").code == 0
    assert tradekit("cycle").code == 0  # takes back what rests
    traded = {asset for asset, tally in Facts(tradekit.home).state.books.tallies.items() if tally.bought > 0}
    assert len(traded - known) >= 2


def leave_an_order_open(tradekit: CommandLine) -> str:
    """A run that is killed right after its order has reached the exchange; the order's id."""
    wishes = tradekit.home.parent / "open.json"
    wishes.write_text(json.dumps(sell("m-open", "PENGU/USDT", "1525")))
    words = ("cycle", "--proposals", str(wishes))
    rehearsal = tradekit.home.parent / "rehearsal"
    (whole,) = carry_out([Case(tradekit.home, rehearsal, [Run(words)])])[0]
    durable = whole.points.index("write main/paper/journal/000001.jsonl")
    sent = whole.steps[whole.points.index("sqlite commit", durable)]
    known = set(Facts(tradekit.home).on_exchange)
    (killed,) = carry_out([Case(tradekit.home, tradekit.home, [Run(words, sent.at("after"))])])[0]
    assert killed.exit < 0
    (id,) = set(Facts(tradekit.home).on_exchange) - known
    return id


def test_the_copy_goes_on_and_its_books_are_the_exchanges(copied: CommandLine) -> None:
    trade_meanwhile(copied)
    expected = holdings(copied)
    left_open = leave_an_order_open(copied)
    put_back(copied)
    assert Facts(copied.home).differences()
    assert copied("state verify").code == 0

    found = copied("reconcile-fills --json")
    assert (found.code, set(found.problems)) == (12, {"held"})
    assert found.data["settled"]["adopted"] == [left_open]
    assert len(found.data["settled"]["fills"]["fresh"]) >= 3
    assert Facts(copied.home).differences() == {}
    assert not Facts(copied.home).unfinished
    assert holdings(copied) == expected
    again = copied("reconcile-fills --json")
    assert (again.code, again.data["settled"]["fills"]["fresh"]) == (12, [])

    (copied.folder / "HALT").unlink()  # it came back with the copy, and would hide the holds
    refused = copied(f"cycle --json --proposals {copied.proposals(buy('after'))}")
    assert [(item["type"], item["code"]) for item in refused.data["decisions"]] == [("refused", "held")]
    assert copied("resume").code == 0
    after = copied(f"cycle --json --proposals {copied.proposals(buy('after'))}")
    assert (after.code, after.data["differences"], after.data["settled"]["open"]) == (0, [], [])
    assert [order["intent"]["approved"]["proposal"]["id"] for order in after.data["orders"]] == ["after"]
    assert Facts(copied.home).differences() == {}


@pytest.mark.parametrize("copied", ["quote"], indirect=True)
def test_a_coin_bought_and_sold_in_between_is_found_by_its_name(copied: CommandLine) -> None:
    assert copied(f"cycle --proposals {copied.proposals(buy('m', 'BNB/USDT', '20'))}").code == 0
    policy = (copied.home / "policy.toml").read_text()
    copied.policy(f"{policy}[exits]\nstop_loss_pct = 0.0001\n")
    assert copied("cycle").code == 0
    copied.policy(policy)
    sold = Facts(copied.home).state.books
    assert sold.tallies["BNB"].sold > 0 == sold.positions["BNB"].total
    expected = holdings(copied)
    put_back(copied)
    cash_alone = copied("reconcile-fills --json")
    assert (cash_alone.code, {row["asset"] for row in cash_alone.data["proof"] if row["rest"] != "0"}) == (12, {"USDT"})
    assert copied("reconcile-fills --json --symbol BNB").data["settled"]["fills"]["late"] == 0
    assert (Facts(copied.home).differences(), holdings(copied)) == ({}, expected)


def test_a_proposal_of_the_time_between_is_not_sent_again(copied: CommandLine) -> None:
    trade_meanwhile(copied)
    put_back(copied)
    copied("reconcile-fills")
    copied("resume")
    orders = Facts(copied.home).on_exchange
    copied(f"cycle --proposals {copied.proposals(sell('m-1', 'ZK/USDT', '200'))}")
    assert Facts(copied.home).on_exchange == orders
    assert Facts(copied.home).differences() == {}


def newer_state(folder: Path) -> None:
    """A whole state of the next schema version."""
    path, prefix = folder / "state.json", b'{"checksum":"'
    body = path.read_bytes()[len(prefix) + 64 + len(b'",') :]
    this, next_one = (f'"schema_version":{version}'.encode() for version in (SCHEMA_VERSION, SCHEMA_VERSION + 1))
    assert body.count(this) == 1
    body = body.replace(this, next_one)
    path.write_bytes(prefix + hashlib.sha256(body).hexdigest().encode() + b'",' + body)


def newer_journal(folder: Path) -> None:
    """A journal file of the next schema version after the one that the state knows."""
    last = json.loads((folder / "journal" / "000001.jsonl").read_bytes().splitlines()[-1])
    header = {"format": "tradekit journal", "schema_version": SCHEMA_VERSION + 1}
    header |= {"seq": last["seq"], "prev": last["hash"]}
    (folder / "journal" / "000002.jsonl").write_text(json.dumps(header, separators=(",", ":")) + "\n")


READING = ("status", "state verify", "state restore --dry-run", "cycle --dry-run", "reconcile-fills --dry-run")
WRITING = ("cycle", "reconcile-fills", "rebuild-positions", "rebuild-positions --apply", "state restore")


@pytest.mark.parametrize(("make_newer", "code"), [(newer_state, "state_newer"), (newer_journal, "journal_newer")])
def test_files_of_a_newer_version_are_refused_and_left_as_they_are(
    tradekit: CommandLine, make_newer: object, code: str
) -> None:
    assert tradekit(f"cycle --proposals {tradekit.proposals(buy('b'))}").code == 0
    assert callable(make_newer)
    make_newer(tradekit.folder)
    before = marks(tradekit.home)
    for command in (*READING, *WRITING):
        ran = tradekit(command)
        assert (ran.code, ran.problems, ran.out) == (12, [code], ""), command
        assert "the copy from before the upgrade" in ran.err
        assert marks(tradekit.home) == before, command
    assert tradekit("halt --reason newer").code == 0
    assert (tradekit.folder / "HALT").exists()
