"""A small market and account by hand, to see what one policy key does to decisions, orders and exits.

ETH, ADA and ZK are tradable in USDT, in tier 1, 2 and 3, each at 99.90 to 100.10 with a tick of 0.01.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from some_books import books_of
from tradekit.decide.attempts import first_attempt
from tradekit.decide.budget import times_of
from tradekit.decide.exits import find_exits
from tradekit.decide.memory import day_of, week_of
from tradekit.decide.risk.judge import judge
from tradekit.decide.risk.situation import look
from tradekit.decide.rules import propose
from tradekit.decide.triggers import find_triggers
from tradekit.decide.universe import assign_tiers
from tradekit.domain.account import Balance, Mode, Stamp
from tradekit.domain.decision import Approved
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Market, Quote, Snapshot
from tradekit.domain.memory import Result, RiskMemory, Watermarks
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import Policy
from tradekit.domain.position import Position
from tradekit.domain.proposal import Amount, Notional, Origin, Proposal, Side, Urgency
from tradekit.domain.state import Opening, State
from tradekit.domain.universe import Tier, TierMemory

D = Decimal
NOW: Final = 1_700_000_000_000
TIERS: Final = {"ETH": Tier.T1, "ADA": Tier.T2, "ZK": Tier.T3}
SYMBOLS: Final = tuple(f"{asset}/USDT" for asset in TIERS)

Raw = Mapping[str, Mapping[str, Any]]


def policy_of(raw: Raw) -> Policy:
    """The policy that these keys make."""
    return read_policy({name: dict(keys) for name, keys in raw.items()}, "lab")


def market(symbol: str) -> Market:
    """A market with a tick of 0.01 and a step of 0.0001."""
    base, _, quote = symbol.partition("/")
    return Market(symbol, base, quote, D("0.01"), D("0.0001"), D("0.001"), D(5), D("0.006"), D("0.012"))


def quote(symbol: str, *, volume: str = "50000000", spread: str = "0.2", depth: str = "10000") -> Quote:
    """A quote around 100; `spread` in quote currency, `depth` quote currency at the bid."""
    half = D(spread) / 2
    amount = D(depth) / (100 - half)
    return Quote(symbol, NOW, 100 - half, 100 + half, amount, amount, D(volume))


def held(asset: str, quantity: str, cost: str, **more: Any) -> Position:
    """A position, bought an hour ago."""
    return Position(asset, D(quantity), D(cost), **({"opened": NOW - 3_600_000} | more))


def opening(symbol: str, seconds_ago: int) -> Opening:
    """An opening order of a while ago."""
    return Opening(ClientOrderId(f"k{seconds_ago}"), symbol, NOW - seconds_ago * 1000)


def wish(symbol: str = "ETH/USDT", notional: str = "30", **more: Any) -> Proposal:
    """A proposal to buy."""
    return Proposal(f"p-{symbol}", symbol, Side.BUY, Notional(D(notional)), D(1), "", Origin.EXTERNAL, **more)


def stop(asset: str = "ETH", amount: str = "0.1") -> Proposal:
    """A stop: at once, bounded from the bid."""
    size = Amount(D(amount))
    return Proposal(f"s-{asset}", f"{asset}/USDT", Side.SELL, size, D(1), "", Origin.EXIT, Urgency.AT_ONCE)


def trade(
    raw: Raw,
    *proposals: Proposal,
    positions: tuple[Position, ...] = (),
    openings: tuple[Opening, ...] = (),
    halted: bool = False,
    memory: RiskMemory | None = None,
    seen_ms: int = 0,
) -> list[tuple[object, ...]]:
    """What is decided and which orders would be sent: the cycle's decide part, on 1000 USDT.

    Quotes are of `seen_ms` after now.
    """
    policy = policy_of(raw)
    tiers = {f"{asset}/USDT": TierMemory(tier, tier, 0) for asset, tier in TIERS.items()}
    books = {position.asset: position for position in positions}
    state = State(Stamp("paper", "main", Mode.PAPER, "USDT", ""), "lab", books=books_of(D(1000), books))
    state = state._replace(openings=openings, tiers=tiers, risk=memory or RiskMemory())
    balances = {asset: Balance(asset, p.quantity, p.quantity) for asset, p in books.items()}
    balances["USDT"] = Balance("USDT", D(1000), D(1000))
    quotes = {s: quote(s)._replace(time=NOW + seen_ms) for s in SYMBOLS}
    snapshot = Snapshot(NOW, {s: market(s) for s in SYMBOLS}, quotes, balances)
    at = look(policy, state, snapshot, now=NOW, halted=halted)
    found: list[tuple[object, ...]] = []
    for decision in judge(at, proposals):
        if isinstance(decision, Approved):
            _, order = first_attempt(policy, state, snapshot, decision, times_of(policy, NOW, NOW))
            assert order is not None
            found.append((order.amount, order.price, decision.worst_price, order.deadline - NOW))
        else:
            found.append((decision.code, decision.rule, decision.limit, decision.actual))
    return found


def sale(asset: str = "ETH", amount: str = "0.1") -> Proposal:
    """An external wish to sell."""
    size = Amount(D(amount))
    return Proposal(f"x-{asset}", f"{asset}/USDT", Side.SELL, size, D(1), "", Origin.EXTERNAL)


def result(pnl: str, minutes_ago: int, symbol: str = "ETH/USDT", *, stop: bool = False) -> Result:
    """A sale of a while ago."""
    return Result(ClientOrderId(f"r{symbol}{minutes_ago}"), symbol, NOW - minutes_ago * 60_000, D(pnl), stop)


def lost(*, peak: str = "1000", day: str = "1000", week: str = "1000") -> RiskMemory:
    """What the account was worth before."""
    return RiskMemory(watermarks=Watermarks(D(peak), day_of(NOW), D(day), week_of(NOW), D(week), D(day)))


def exits(raw: Raw, position: Position) -> list[str]:
    """The reasons to sell a position at 99.90."""
    found = find_exits(policy_of(raw).exits, {position.asset: position}, {s: quote(s) for s in SYMBOLS}, "USDT", NOW)
    return [proposal.reason for proposal in found]


def tier(raw: Raw, seen: Quote, before: TierMemory | None = None) -> object:
    """The tier memory of a coin after one look."""
    memory = {} if before is None else {seen.symbol: before}
    return assign_tiers(policy_of(raw).universe, {seen.symbol: market(seen.symbol)}, {seen.symbol: seen}, memory)


def candles(rise_pct: str = "0", last_volume: int = 1, minutes: int = 241) -> list[Candle]:
    """A flat series at 100 whose last close is `rise_pct` higher; the last five minutes may be busier."""
    last = 100 + D(rise_pct)
    return [
        Candle(
            NOW + n * 60_000,
            D(100),
            max(D(100), last) if n == minutes - 1 else D(100),
            D(100),
            last if n == minutes - 1 else D(100),
            D(last_volume if n >= minutes - 5 else 1),
        )
        for n in range(minutes)
    ]


def triggers(raw: Raw, series: list[Candle]) -> list[str]:
    """The kinds of triggers that fire."""
    return [str(t.kind) + str(t.threshold) for t in find_triggers(policy_of(raw).triggers, {"ETH/USDT": series})]


def proposed(raw: Raw) -> list[tuple[object, ...]]:
    """What the built-in rules make of a coin that rose by 3 %."""
    policy = policy_of(raw)
    found = propose(policy.rules, find_triggers(policy.triggers, {"ETH/USDT": candles("3")}), NOW)
    return [(proposal.symbol, proposal.size, proposal.confidence) for proposal in found]
