"""How long the risk desk takes: 1,000 proposals, 200 positions, 200 open orders; and what an explanation costs.

Run from a clone with `python benchmarks/risk.py`. The result of one run is in `benchmarks/results/risk.txt`.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal

from tradekit.adapters.policy_file import load_policy, parse_policy
from tradekit.decide.risk.explain import explain
from tradekit.decide.risk.judge import deliberate, judge
from tradekit.decide.risk.situation import Situation, look
from tradekit.domain.account import Balance, Mode, Stamp
from tradekit.domain.books import Books, Tally
from tradekit.domain.decision import Approved
from tradekit.domain.ids import client_order_id
from tradekit.domain.market import Market, Quote, Snapshot
from tradekit.domain.order import Open, Order, OrderIntent, TimeInForce
from tradekit.domain.policy.sections import Policy
from tradekit.domain.position import Position
from tradekit.domain.proposal import Amount, Notional, Origin, Proposal, Side
from tradekit.domain.state import State
from tradekit.domain.universe import Tier, TierMemory

RUNS = 25
PROPOSALS, POSITIONS, ORDERS = 1000, 200, 200
NOW = 1_723_161_600_000
WIDE = """
[risk]
max_total_at_risk_pct = 100
max_asset_pct = 100
max_tier1_pct = 100
max_tier2_pct = 100
max_tier3_pct = 100
max_positions = 1000
max_new_positions_per_cycle = 1000
max_trades_per_hour = 10000
max_trades_per_day = 10000
min_seconds_between_trades = 0
min_seconds_between_symbol_trades = 0
min_order_notional = 5
"""
TIGHT = WIDE.replace("max_asset_pct = 100", "max_asset_pct = 0.005")


def main() -> None:
    """Prints all figures."""
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} processors, median of {RUNS} runs")
    print(f"{PROPOSALS} proposals, {POSITIONS} positions, {ORDERS} open orders\n")
    policies = {
        "default policy": load_policy(None).policy,
        "nothing binds": parse_policy(WIDE, "wide"),
        "a cap binds every one": parse_policy(TIGHT, "tight"),
    }
    for name, policy in policies.items():
        measure(name, policy)


def measure(name: str, policy: Policy) -> None:
    """The figures under one policy."""
    at, proposals = situation(policy), wishes()
    judged = deliberate(at, proposals)
    opens = [item for item in judged if item.ask.proposal.opens][:20]
    approved = sum(1 for item in judged if isinstance(item.decision, Approved))
    print(f"{name}: {approved} approved, {len(judged) - approved} refused")
    print(f"  look and count the account   {median(lambda: situation_from(policy)):7.1f} ms")
    print(f"  judge                        {median(lambda: judge(at, proposals)):7.1f} ms  (bound: 100)")
    print(f"  judge, to be explained       {median(lambda: deliberate(at, proposals)):7.1f} ms  (bound: 100)")
    print(f"  every rule of 20 buys        {median(lambda: [explain(item) for item in opens]):7.1f} ms\n")


def median(act: Callable[[], object]) -> float:
    """Milliseconds that it takes."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def wishes() -> list[Proposal]:
    """Three buys in four, sizes in quote and in units, over all symbols."""
    found = []
    for number in range(PROPOSALS):
        side = Side.SELL if number % 4 == 3 else Side.BUY
        size = Amount(Decimal("0.3")) if number % 2 else Notional(Decimal(20 + number % 17))
        confidence = Decimal(number % 100) / 100
        found.append(Proposal(f"p{number}", symbol(number % 250), side, size, confidence, "", Origin.EXTERNAL))
    return found


def symbol(number: int) -> str:
    """One of 250 symbols; positions are held in the first 200."""
    return f"A{number}/USDT"


_ACCOUNT: list[tuple[State, Snapshot]] = []


def situation(policy: Policy) -> Situation:
    """The account, looked at once."""
    if not _ACCOUNT:
        _ACCOUNT.append(account())
    return situation_from(policy)


def situation_from(policy: Policy) -> Situation:
    """What a cycle does once before it judges."""
    state, snapshot = _ACCOUNT[0]
    return look(policy, state, snapshot, now=NOW)


def account() -> tuple[State, Snapshot]:
    """200 positions and 200 opening orders on 250 markets."""
    symbols = [symbol(number) for number in range(250)]
    markets = {s: market(s) for s in symbols}
    one = Decimal(1)
    quotes = {
        s: Quote(s, NOW, Decimal("99.95"), Decimal("100.05"), one * 900, one * 900, one * 50_000_000) for s in symbols
    }
    positions = {f"A{n}": Position(f"A{n}", Decimal(1), Decimal(90), opened=NOW) for n in range(POSITIONS)}
    orders = {order.id: order for order in map(open_order, range(ORDERS))}
    tiers = {
        s: TierMemory(tier, tier, 0) for n, s in enumerate(symbols) for tier in [(Tier.T1, Tier.T2, Tier.T3)[n % 3]]
    }
    stamp = Stamp("paper", "main", Mode.PAPER, "USDT", "")
    cash = Decimal(1_000_000)
    books = Books("USDT", positions=positions, tallies={"USDT": Tally(start=cash)})
    state = State(stamp, "benchmark", seq=1, books=books, orders=orders, tiers=tiers)
    balances = {asset: Balance(asset, item.quantity, item.quantity) for asset, item in positions.items()}
    return state, Snapshot(NOW, markets, quotes, balances | {"USDT": Balance("USDT", cash, cash)})


def market(name: str) -> Market:
    """A market with a tick of 0.01 and a step of 0.001."""
    base, _, quote = name.partition("/")
    filters = (Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal(5))
    return Market(name, base, quote, *filters, Decimal("0.006"), Decimal("0.012"))


def open_order(number: int) -> Order:
    """A buy that rests."""
    proposal = Proposal(f"o{number}", symbol(number), Side.BUY, Amount(Decimal(1)), Decimal(1), "", Origin.EXTERNAL)
    approved = Approved(proposal, Decimal(1), Decimal(99), Decimal(99))
    id = client_order_id("benchmark", proposal.id, 1)
    intent = OrderIntent(approved, 1, id, Decimal(1), Decimal(99), TimeInForce.PO, NOW - 9000, NOW + 9000)
    return Order(intent, Open(NOW - 9000), f"x{number}")


if __name__ == "__main__":
    main()
