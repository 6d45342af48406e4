"""A situation to judge, in one call: what is held and on its way, what the market says and what the policy wants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from desk import STAMP, buy, market, policy, sell
from fake_time import START
from some_books import books_of
from tradekit.decide.risk.judge import judge
from tradekit.decide.risk.situation import Situation, look
from tradekit.domain.account import Balance
from tradekit.domain.decision import Approved, Decision, Refused
from tradekit.domain.hold import Hold
from tradekit.domain.ids import ClientOrderId, client_order_id
from tradekit.domain.market import Market, Quote, Snapshot
from tradekit.domain.memory import RiskMemory
from tradekit.domain.order import Open, Order, OrderIntent, OrderState, TimeInForce
from tradekit.domain.policy.sections import Policy
from tradekit.domain.position import Position
from tradekit.domain.proposal import Proposal, Side
from tradekit.domain.state import Opening, State
from tradekit.domain.universe import Tier, TierMemory

D = Decimal
NOW = START
PRICES = {
    "BTC": ("99.95", "100.05"),
    "ETH": ("49.98", "50.02"),
    "SOL": ("19.99", "20.01"),
    "DOGE": ("0.4998", "0.5002"),
    "ZK": ("0.09995", "0.10005"),
}


def quote(symbol: str, bid: str, ask: str) -> Quote:
    return Quote(symbol, NOW, D(bid), D(ask), D(1000), D(1000), D(50_000_000))


def working(
    side: Side, symbol: str, amount: str, price: str, state: OrderState | None = None, *, filled: str = "0"
) -> Order:
    """An order of ours that is on the exchange, or in whatever state is given."""
    make = buy if side is Side.BUY else sell
    proposal = make(symbol, amount=amount, id=f"old-{side}-{symbol}-{amount}")
    approved = Approved(proposal, D(amount), D(price), D(price))
    id = client_order_id("identity", proposal.id, 1)
    intent = OrderIntent(approved, 1, id, D(amount), D(price), TimeInForce.PO, NOW - 60_000, NOW - 48_000)
    return Order(intent, state or Open(NOW - 60_000), "x1", D(filled))


def opened(symbol: str, seconds_ago: int) -> Opening:
    """An opening order for the pace limits."""
    return Opening(ClientOrderId(f"{symbol}{seconds_ago}"), symbol, NOW - seconds_ago * 1000)


def situation(
    policy_: Policy | None = None,
    *,
    cash: str = "1000",
    held: Mapping[str, tuple[str, str]] | None = None,
    outside: Mapping[str, str] | None = None,
    free: Mapping[str, str] | None = None,
    orders: Iterable[Order] = (),
    openings: Iterable[Opening] = (),
    quotes: Mapping[str, tuple[str, str] | None] | None = None,
    markets: Mapping[str, Market] | None = None,
    tiers: Mapping[str, Tier] | None = None,
    halted: bool = False,
    mismatched: Iterable[str] = (),
    last_equity: str | None = None,
    peaks: Mapping[str, str] | None = None,
    memory: RiskMemory | None = None,
    holds: Iterable[Hold] = (),
    closes: Mapping[str, Decimal] | None = None,
    now: int = NOW,
) -> Situation:
    """By asset: `held` is (quantity, cost), `quotes` (bid, ask) or None for none, `free` what is not bound."""
    held, outside, peaks = held or {}, outside or {}, peaks or {}
    positions = {
        asset: Position(asset, D(quantity), D(cost), opened=NOW, peak=D(peaks.get(asset, "0")))
        for asset, (quantity, cost) in held.items()
    }
    for asset, quantity in outside.items():
        positions[asset] = positions.get(asset, Position(asset))._replace(outside=D(quantity))
    prices: dict[str, tuple[str, str] | None] = {**PRICES, **(quotes or {})}
    state = State(
        STAMP,
        identity="identity",
        seq=1,
        books=books_of(D(cash), positions),
        holds=tuple(holds),
        orders={order.id: order for order in orders},
        openings=tuple(openings),
        tiers={
            f"{asset}/USDT": TierMemory(tier, tier, 0)
            for asset, tier in (dict.fromkeys(PRICES, Tier.T1) | dict(tiers or {})).items()
        },
        equity=None if last_equity is None else D(last_equity),
        risk=memory or RiskMemory(),
    )
    totals = {asset: position.total for asset, position in positions.items()} | {"USDT": D(cash)}
    unbound = totals | {asset: D(amount) for asset, amount in (free or {}).items()}
    snapshot = Snapshot(
        NOW,
        {f"{asset}/USDT": market(f"{asset}/USDT") for asset in PRICES} | dict(markets or {}),
        {f"{a}/USDT": quote(f"{a}/USDT", *pair) for a, pair in prices.items() if pair is not None},
        {asset: Balance(asset, unbound[asset], total) for asset, total in totals.items()},
    )
    return look(
        policy_ or policy(), state, snapshot, now=now, halted=halted, mismatched=frozenset(mismatched), closes=closes
    )


def decide(at: Situation, proposal: Proposal) -> Decision:
    """The decision on one proposal."""
    (decision,) = judge(at, [proposal])
    return decision


def granted(decision: Decision) -> Decimal:
    """The amount of an approval; fails for a refusal, with its code."""
    assert isinstance(decision, Approved), decision
    return decision.amount


def refused(decision: Decision) -> Refused:
    """The refusal; fails for an approval."""
    assert isinstance(decision, Refused), decision
    return decision
