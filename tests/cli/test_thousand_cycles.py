"""Most of a day of cron in one test: a thousand cycles, each opening every file anew, with the books right at the end.

Proposals come from a seeded generator. The paper exchange keeps books of its own, in other code; the two must agree to
the last digit.
"""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any

from command_line import CommandLine, buy, sell
from tradekit.adapters.paper.world import LEDGER_NAME, PaperWorld
from tradekit.adapters.policy_file import load_policy
from tradekit.cli.paper_desk import paper_setup

CYCLES = 1000
SYMBOLS = ("BTC/USDT", "ETH/USDT", "DOGE/USDT", "ADA/USDT", "ZK/USDT", "PENGU/USDT", "SOL/USDT", "XRP/USDT")
POLICY = """
[paper]
fee_asset = "{fee}"
[rules]
enabled = {rules}
min_confidence = 0.4
[risk]
max_total_at_risk_pct = 90
max_asset_pct = 30
max_tier2_pct = 50
max_tier3_pct = 50
max_positions = 12
max_new_positions_per_cycle = 3
max_trades_per_hour = 100
max_trades_per_day = 1000
min_seconds_between_trades = 0
min_seconds_between_symbol_trades = 60
max_external_sales_pct = 0
[losses]
max_daily_loss_pct = 0
max_weekly_loss_pct = 0
max_drawdown_pct = 0
streak = 0
[cooldowns]
after_loss_minutes = 2
after_stop_minutes = 2
after_win_minutes = 1
[exits]
stop_loss_pct = 0.5
take_profit_pct = 0.6
"""


def wishes(chance: Random, number: int, held: dict[str, Decimal]) -> list[dict[str, object]]:
    """One to three proposals, among them sales of a part or the whole of something held."""
    made: list[dict[str, object]] = []
    for item in range(chance.randint(1, 3)):
        if held and chance.random() < 0.4:
            asset = chance.choice(sorted(held))
            amount = (held[asset] * chance.randint(1, 100) / 100).quantize(Decimal("1e-12"))
            if amount > 0:
                made.append(sell(f"s{number}-{item}", f"{asset}/USDT", f"{amount:f}"))
        else:
            notional = str(chance.randint(14, 60))
            made.append(buy(f"b{number}-{item}", chance.choice(SYMBOLS), notional, confidence=str(chance.random())[:4]))
    return made


def books(status: Any) -> dict[str, Decimal]:
    """What our books say is held, by asset, without what is zero."""
    totals = {p["asset"]: Decimal(p["quantity"]) + Decimal(p["outside"]) for p in status["positions"]}
    totals["USDT"] = Decimal(status["cash"])
    return {asset: amount for asset, amount in totals.items() if amount}


def exchange(tradekit: CommandLine) -> dict[str, Decimal]:
    """What the paper exchange says is held, by asset."""
    setup = paper_setup(load_policy(tradekit.home / "policy.toml").policy)
    with PaperWorld.scratch(tradekit.folder / LEDGER_NAME, setup) as world:
        return {asset: amount for asset, amount in world.totals().items() if amount}


def test_a_thousand_cycles_keep_the_books(tradekit: CommandLine) -> None:
    chance = Random(20240809)
    held: dict[str, Decimal] = {}
    filled = refused = 0
    largest = 0
    for number in range(1, CYCLES + 1):
        if number % 250 == 1:
            first_half = number % 500 == 1
            fee, rules = ("quote", "true") if first_half else ("received", "false")
            tradekit.policy(POLICY.format(fee=fee, rules=rules))
        line = "cycle --json"
        if chance.random() < 0.35:
            line += f" --proposals {tradekit.proposals(*wishes(chance, number, held))}"
        ran = tradekit(line)
        assert ran.code in (0, 10), ran
        assert (ran.err, ran.problems, ran.data["differences"]) == ("", [], [])
        assert ran.data["cycle"] == number
        filled += sum(1 for order in ran.data["orders"] if order["filled"] != "0")
        refused += sum(1 for decision in ran.data["decisions"] if decision["type"] == "refused")
        if number % 100 == 0:
            status = tradekit("status --json").data
            held = {asset: amount for asset, amount in books(status).items() if asset != "USDT"}
            assert books(status) == exchange(tradekit)
            assert (status["orders"], status["unsaved_events"]) == ([], 0)
            largest = max(largest, (tradekit.folder / "state.json").stat().st_size)
            assert tradekit("state verify").code == 0
    assert filled > 100 and refused > 50, "the test would prove nothing"
    assert largest < 200_000
    assert len(list((tradekit.folder / "generations").iterdir())) < 3 + 24 + 7
    verified = tradekit("state verify --json").data
    assert verified["records"] > 2 * CYCLES
    assert not list(tradekit.home.rglob("*.tmp"))
    json.loads((tradekit.folder / "state.json").read_text())
