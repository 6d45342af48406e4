"""`reconcile-fills` and `rebuild-positions` as people and scripts use them, on the paper exchange."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from command_line import CommandLine, buy, contents, sell
from tradekit.adapters.paper.world import LEDGER_NAME, PaperWorld
from tradekit.cli.paper_desk import paper_setup
from tradekit.domain.decision import Approved
from tradekit.domain.ids import ClientOrderId, client_order_id
from tradekit.domain.numbers import ONE
from tradekit.domain.order import OrderIntent, TimeInForce
from tradekit.domain.outcome import Acknowledged
from tradekit.domain.policy.check import read_policy
from tradekit.domain.proposal import Amount, Origin, Proposal, Side

D = Decimal
ETH = "ETH/USDT"
OPEN = """
[account]
managed = []
[exits]
stop_loss_pct = 0
[rules]
enabled = false
"""


@pytest.fixture
def account(tradekit: CommandLine) -> CommandLine:
    """An account with two cycles behind it, the second of which bought some ETH."""
    tradekit.policy(OPEN)
    tradekit("cycle")
    trade_by_hand(tradekit, "0.02", id=our_id())
    assert tradekit("reconcile-fills --symbol ETH").code == 12
    assert tradekit("resume").code == 0
    return tradekit


def our_id(number: int = 1) -> ClientOrderId:
    """An id of tradekit's form."""
    return client_order_id("by hand", str(number), 1)


def trade_by_hand(
    tradekit: CommandLine,
    amount: str,
    *,
    side: Side = Side.BUY,
    symbol: str = ETH,
    id: str = "by-hand",
    off: str = "1",
    force: TimeInForce = TimeInForce.IOC,
) -> None:
    """An order on the paper account that tradekit knows nothing of: at once, or resting at a price `off` the touch."""
    setup = paper_setup(read_policy({}, "test"))
    with PaperWorld(tradekit.folder / LEDGER_NAME, setup, must_exist=True) as world:
        snapshot = world.exchange.snapshot([symbol])
        quote, tick = snapshot.quotes[symbol], snapshot.markets[symbol].price_tick
        buys = side is Side.BUY
        touch = (quote.ask if buys else quote.bid) * D(off)
        price = touch // tick * tick
        now = world.clock.now()
        wish = Proposal(id, symbol, side, Amount(D(amount)), ONE, "by hand", Origin.EXTERNAL)
        intent = OrderIntent(
            Approved(wish, D(amount), price, price), 1, ClientOrderId(id), D(amount), price, force, now, now
        )
        assert isinstance(world.exchange.place([intent])[ClientOrderId(id)], Acknowledged)


def totals(tradekit: CommandLine) -> dict[str, Decimal]:
    """What the paper exchange holds."""
    setup = paper_setup(read_policy({}, "test"))
    with PaperWorld.scratch(tradekit.folder / LEDGER_NAME, setup) as world:
        return {asset: total for asset, total in world.totals().items() if total}


def agrees(tradekit: CommandLine) -> None:
    """Books equal the exchange, and a reconcile changes not a byte."""
    before = contents(tradekit.home)
    ran = tradekit("reconcile-fills --json")
    assert (ran.code, ran.data["settled"]["fills"]["fresh"]) == (0, [])
    assert {row["asset"]: D(row["books"]) for row in ran.data["proof"] if row["books"] != "0"} == totals(tradekit)
    assert contents(tradekit.home) == before


def fresh(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Amount and owner of each fill that was booked."""
    return [(item["fill"]["amount"], item["owner"]) for item in data["settled"]["fills"]["fresh"]]


def position(tradekit: CommandLine, asset: str = "ETH") -> Mapping[str, Any]:
    """What the books hold of an asset."""
    found = [p for p in tradekit("status --json").data["positions"] if p["asset"] == asset]
    return cast(Mapping[str, Any], found[0]) if found else {"quantity": "0", "outside": "0"}


# reconcile


def test_the_second_run_changes_no_byte(account: CommandLine) -> None:
    trade_by_hand(account, "0.01")
    ran = account("reconcile-fills")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Fills booked: 1 (0 late, 1 not of tradekit)")
    assert "outside" in ran.out and "Balance proof" in ran.out
    agrees(account)
    assert account("reconcile-fills --quiet").out == ""


def test_a_fresh_home_is_opened_and_then_stays_as_it_is(tradekit: CommandLine) -> None:
    assert tradekit("reconcile-fills").code == 0
    agrees(tradekit)


def test_a_dry_run_says_what_it_would_book_and_changes_no_byte(account: CommandLine) -> None:
    trade_by_hand(account, "0.01")
    before = contents(account.home)
    ran = account("reconcile-fills --dry-run")
    assert ran.code == 0 and "Fills to be booked: 1 " in ran.out
    assert fresh(account("reconcile-fills --dry-run --json").data) == [("0.01", "outside")]
    assert contents(account.home) == before
    assert fresh(account("reconcile-fills --json").data) == [("0.01", "outside")]


def test_since_lists_more_and_books_nothing_twice(account: CommandLine) -> None:
    for since in ("1d", "52w", "2010-01-01", "2024-06-01T08:30"):
        ran = account(["reconcile-fills", "--json", "--since", since])
        assert (ran.code, fresh(ran.data), ran.data["settled"]["fills"]["duplicates"]) == (0, [], 1)
    agrees(account)


def test_a_symbol_looks_there_first_and_a_difference_elsewhere_is_found_all_the_same(account: CommandLine) -> None:
    trade_by_hand(account, "0.001", symbol="BTC/USDT", id="btc")
    trade_by_hand(account, "0.01", id="eth")
    ran = account("reconcile-fills --json --symbol BTC/USDT --symbol SOL")
    assert sorted(fresh(ran.data)) == [("0.001", "outside"), ("0.01", "outside")]
    agrees(account)


def test_a_deposit_is_shown_with_its_causes_and_recorded_on_request(account: CommandLine) -> None:
    account.deposit("BTC", "0.5")
    ran = account("reconcile-fills")
    assert (ran.code, ran.problems) == (12, ["books_mismatch"])
    assert "BTC: perhaps a deposit or an airdrop" in ran.out and "DIFFERS" in ran.out
    assert "`tradekit reconcile-fills --record BTC`" in ran.err
    before = contents(account.home)
    assert account("reconcile-fills --dry-run --record BTC").code == 0
    assert contents(account.home) == before
    ran = account("reconcile-fills --record BTC")
    assert ran.code == 0 and "Recorded what was unexplained of BTC as a transfer." in ran.out
    assert D(position(account, "BTC")["outside"]) == D("0.502")
    agrees(account)
    assert account("reconcile-fills --json --record BTC").data["recorded"] == []
    agrees(account)


def test_a_withdrawal_stops_opens_until_it_is_recorded(account: CommandLine) -> None:
    account.deposit("USDT", "-100")
    wish = account.proposals(buy("w1", "SOL/USDT"))
    ran = account(f"cycle --json --proposals {wish}")
    assert ran.code == 12
    assert [d["code"] for d in ran.data["decisions"] if "code" in d] == ["books_mismatch"]
    assert account("reconcile-fills --record USDT").code == 0
    assert account(f"cycle --json --proposals {wish}").code == 0
    assert account("reconcile-fills").code == 0


def test_money_in_an_asset_that_was_never_there(account: CommandLine) -> None:
    account.deposit("SOL", "2")
    assert account("reconcile-fills --record SOL").code == 0
    assert (position(account, "SOL")["quantity"], position(account, "SOL")["outside"]) == ("0", "2")
    agrees(account)


def test_a_sale_by_hand_beyond_what_is_managed_is_booked(account: CommandLine) -> None:
    trade_by_hand(account, "0.001", side=Side.SELL, symbol="BTC/USDT", off="0.99")
    assert fresh(account("reconcile-fills --json").data) == [("0.001", "outside")]
    assert position(account, "BTC")["outside"] == "0.001"
    agrees(account)


def test_an_order_of_ours_that_nobody_remembers_is_canceled_and_held_until_resume(account: CommandLine) -> None:
    trade_by_hand(account, "0.01", id=our_id(2), off="0.9", force=TimeInForce.PO)
    ran = account("reconcile-fills --json")
    assert (ran.code, ran.problems) == (12, ["held"])
    assert ran.data["settled"]["adopted"] == [our_id(2)]
    assert ran.data["holds"][0]["code"] == "order_adopted"
    wish = account.proposals(buy("w1", "SOL/USDT"))
    assert [d["code"] for d in account(f"cycle --json --proposals {wish}").data["decisions"]] == ["held"]
    assert "HELD all symbols" in account("status").out
    before = contents(account.home)
    assert "Would resume" in account("resume --dry-run").out
    assert contents(account.home) == before
    assert account("resume").out.startswith("Lifted: all symbols: ")
    assert account(f"cycle --json --proposals {wish}").code == 0
    account("reconcile-fills")
    agrees(account)


def test_an_open_order_of_others_is_shown_and_left_alone(account: CommandLine) -> None:
    trade_by_hand(account, "0.01", off="0.9", force=TimeInForce.PO)
    ran = account("reconcile-fills")
    assert ran.code == 0 and "Open orders of others: counted, never touched" in ran.out
    assert "Open orders of others" in account("status").out
    account("cycle")
    assert len(account("reconcile-fills --json").data["foreign"]) == 1


# rebuild


def test_the_journal_and_the_exchange_make_the_same_quantities(account: CommandLine) -> None:
    trade_by_hand(account, "0.01")
    account("reconcile-fills")
    before = contents(account.home)
    ran = account("rebuild-positions --from journal")
    assert (ran.code, ran.err) == (0, "")
    assert "The books are the same." in ran.out and "2 trades from the journal" in ran.out
    ran = account("rebuild-positions --from exchange --json")
    assert ran.code == 0 and ran.data["trades"] == 2
    assert not ran.data["applied"]
    for change in ran.data["changes"]:
        assert change["old_total"] == change["new_total"]
        assert change["old"]["quantity"] == change["new"]["quantity"]
    assert contents(account.home) == before


@pytest.mark.parametrize("source", ["journal", "exchange"])
def test_an_applied_rebuild_is_taken_back_and_later_fills_come_in_once(account: CommandLine, source: str) -> None:
    ran = account(f"rebuild-positions --from {source} --apply --json")
    assert ran.code == 0 and ran.data["applied"]
    older = ran.data["older_state"]
    agrees(account)
    trade_by_hand(account, "0.03", id="later")
    assert fresh(account("reconcile-fills --json").data) == [("0.03", "outside")]
    books = position(account)
    assert account(f"state restore {older}").code == 0
    assert position(account)["outside"] == "0"
    assert fresh(account("reconcile-fills --json").data) == [("0.03", "outside")]
    assert fresh(account("reconcile-fills --json --since 52w").data) == []
    assert (position(account)["quantity"], position(account)["outside"]) == (books["quantity"], books["outside"])
    assert account("state verify").code == 0
    agrees(account)


def test_a_short_window_keeps_every_position(account: CommandLine) -> None:
    for _ in range(2):
        account("cycle")
    before = {p["asset"]: (p["quantity"], p["outside"]) for p in account("status --json").data["positions"]}
    ran = account("rebuild-positions --from exchange --since 1m --apply")
    assert ran.code == 0 and "an opening lot from the balance stands in" in ran.out
    assert {p["asset"]: (p["quantity"], p["outside"]) for p in account("status --json").data["positions"]} == before
    agrees(account)


def test_a_change_of_the_cost_method_is_told_until_it_is_applied(account: CommandLine) -> None:
    account.policy(OPEN + '[books]\ncost_method = "fifo"\n')
    ran = account("reconcile-fills")
    assert (ran.code, ran.problems) == (11, ["cost_method_differs"])
    assert "`tradekit rebuild-positions --apply`" in ran.err
    assert "kept by fifo, not average" in account("rebuild-positions").out
    ran = account("rebuild-positions --apply --json")
    assert (ran.code, ran.data["method"]) == (0, "fifo")
    agrees(account)
    assert account(f"state restore {ran.data['older_state']}").code == 0
    assert account("reconcile-fills").problems == ["cost_method_differs"]


@pytest.mark.parametrize(
    ("sale", "ends"), [("cycle --proposals {sale}", ("halt", "cycle")), ("purge ZK", ("purge ZK --stop",))]
)
def test_the_advice_of_a_refused_rebuild_ends_what_rests(
    tradekit: CommandLine, sale: str, ends: tuple[str, ...]
) -> None:
    tradekit(sale.format(sale=tradekit.proposals(sell("s1"))))
    assert tradekit("status --json").data["orders"], "it rests"
    ran = tradekit("rebuild-positions --apply")
    assert (ran.code, ran.problems) == (12, ["orders_unsettled"])
    assert tradekit("reconcile-fills").code == 0
    assert tradekit("rebuild-positions --apply").problems == ["orders_unsettled"], "a look alone ends nothing"
    for command in ends:
        assert f"`tradekit {command.replace('ZK', 'ASSET')}`" in ran.err
        assert tradekit(command).code in (0, 10), "10: a cycle under a halt"
    assert tradekit("rebuild-positions --apply").code == 0


def test_a_rebuild_is_refused_while_an_order_is_unsettled(account: CommandLine) -> None:
    from tradekit.adapters.store.account_store import AccountStore
    from tradekit.adapters.store.disk import RealDisk
    from tradekit.decide.fold import replay
    from tradekit.domain.account import Mode, Stamp
    from tradekit.domain.event import OrderIntended

    stamp = Stamp("paper", "main", Mode.PAPER, "USDT", "")
    store = AccountStore(RealDisk(), account.folder, stamp, may_write=True)
    loaded = store.load()
    assert loaded.state is not None
    now = replay(loaded.state, loaded.tail).time
    wish = Proposal("died", ETH, Side.BUY, Amount(D("0.01")), ONE, "", Origin.EXTERNAL)
    intent = OrderIntent(Approved(wish, D("0.01"), D(1), D(1)), 1, our_id(9), D("0.01"), D(1), TimeInForce.PO, now, now)
    store.append([OrderIntended(intent)], now, reduces_risk=True)
    before = contents(account.home)
    ran = account("rebuild-positions --apply")
    assert (ran.code, ran.problems) == (12, ["orders_unsettled"])
    assert contents(account.home) == before
    assert account("reconcile-fills").problems == ["order_unanswered"]
    assert account("cycle").code == 0
    assert account("rebuild-positions --apply").code == 0


# bad input


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("reconcile-fills --since yesterday", "usage"),
        ("reconcile-fills --since -5d", "usage"),
        ("reconcile-fills --since 1e3d", "usage"),
        ("reconcile-fills --since 2026-13-01", "usage"),
        ("reconcile-fills --since 1999-01-01", "usage"),
        ("reconcile-fills --since ''", "usage"),
        ("reconcile-fills --since １d", "usage"),
        ("reconcile-fills --symbol ''", "usage"),
        ("reconcile-fills --symbol btc", "usage"),
        ("reconcile-fills --symbol BTC-USDT", "usage"),
        ("reconcile-fills --symbol 'BTC[/red]USDT'", "usage"),
        ("reconcile-fills --symbol BTC/USDT/X", "usage"),
        ("reconcile-fills --symbol BTCUSDT", "symbol_unknown"),
        ("reconcile-fills --symbol NOPE/USDT", "symbol_unknown"),
        ("reconcile-fills --record NOPE", "asset_unknown"),
        ("reconcile-fills --record '\x1b[2J'", "asset_unknown"),
        ("reconcile-fills --record ''", "asset_unknown"),
        ("reconcile-fills --record BTC --record nope", "asset_unknown"),
        ("reconcile-fills BTC", "usage"),
        ("rebuild-positions --since 3d", "usage"),
        ("rebuild-positions --from exchange --since soon", "usage"),
        ("rebuild-positions --apply --dry-run", "usage"),
        ("rebuild-positions --wait never", "usage"),
    ],
)
def test_a_slip_is_one_line_and_changes_no_byte(tradekit: CommandLine, line: str, problem: str) -> None:
    tradekit("cycle")
    trade_by_hand(tradekit, "0.01")  # something would be there to book
    before = contents(tradekit.home)
    ran = tradekit(line)
    assert (ran.code, ran.out, ran.problems) == (2, "", [problem])
    assert len(ran.err.splitlines()) == 1 and ran.err.strip().isprintable()
    assert tradekit(f"{line} --json").problems == [problem]
    assert contents(tradekit.home) == before


def test_a_run_that_holds_the_lock_is_not_disturbed(account: CommandLine, tmp_path: Path) -> None:
    from tradekit.adapters.store.lock import AccountLock

    with AccountLock(account.folder / "state.lock", 0):
        before = contents(account.home)
        for line in ("reconcile-fills", "rebuild-positions --apply"):
            assert account(line).code == 75
        assert account("rebuild-positions").code == 0
        assert contents(account.home) == before


def test_a_bad_file_is_told_before_anything_is_touched(tradekit: CommandLine, tmp_path: Path) -> None:
    good = {"id": "1", "timestamp": 1_700_000_000_000, "symbol": "ETH/USDT", "side": "buy", "amount": "1", "price": "2"}
    path = tmp_path / "fills.jsonl"
    path.write_text(json.dumps(good) + "\n" + json.dumps(good | {"side": "long"}) + "\n")
    ran = tradekit(f"rebuild-positions --from {path} --apply")
    assert (ran.code, ran.out, ran.problems) == (2, "", ["fills_bad_value"])
    assert "line 2" in ran.err and not tradekit.folder.exists()
    assert tradekit(f"rebuild-positions --from {path} --since 7d").code == 2


def test_a_file_in_any_order_is_the_same_file(account: CommandLine, tmp_path: Path) -> None:
    lines = [
        json.dumps({
            "id": str(n), "timestamp": 1_700_000_000_000 + n, "symbol": "SOL/USDT", "side": "buy" if n % 3 else "sell",
            "amount": "1", "price": str(n + 1),
        })
        for n in range(1, 40)
    ]  # fmt: skip
    path, found = tmp_path / "fills.jsonl", []
    for order in (lines, lines[::-1]):
        path.write_text("\n".join(order))
        found.append(account(f"rebuild-positions --json --from {path}").data["changes"])
    assert found[0] == found[1]
