"""At what price: join the touch, go one tick inside a wide spread, and never past the bound of the decision.

Prices are in quote currency and lie on the tick. Rounding only ever makes a price safer for the account.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.universe import tier_of
from tradekit.domain.decision import Approved
from tradekit.domain.market import Market, Quote, Snapshot
from tradekit.domain.numbers import BP, ZERO, ceil_to, floor_to
from tradekit.domain.order import Place
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Origin, Proposal, Side, Urgency
from tradekit.domain.universe import Tier, TierMemory


class Priced(NamedTuple):
    """A limit price in quote currency, and where it stands against the quote."""

    price: Decimal
    place: Place


def worst_price(policy: Policy, proposal: Proposal, snapshot: Snapshot, tiers: Mapping[str, TierMemory]) -> Decimal:
    """The bound that no order of this decision may pass: the mid less or plus the tier's slippage.

    A stop is bound from the bid instead, by a slippage of its own: it has to get out, so it is never above the bid.
    """
    quote, market = snapshot.quotes[proposal.symbol], snapshot.markets[proposal.symbol]
    if proposal.origin is Origin.EXIT and proposal.urgency is Urgency.AT_ONCE:
        bound = ceil_to(quote.bid * (1 - policy.exits.stop_slippage_bp * BP), market.price_tick)
        return min(bound, floor_to(quote.bid, market.price_tick) or bound)
    slippage = slippage_bp(policy, tier_of(tiers, proposal.symbol)) * BP
    if proposal.side is Side.SELL:
        return ceil_to(quote.mid * (1 - slippage), market.price_tick)
    return floor_to(quote.mid * (1 + slippage), market.price_tick)


def slippage_bp(policy: Policy, tier: Tier) -> Decimal:
    """How far from the decision's mid an order of this tier may trade."""
    execution = policy.execution
    by_tier = {Tier.T1: execution.slippage_tier1_bp, Tier.T2: execution.slippage_tier2_bp}
    return by_tier.get(tier, execution.slippage_tier3_bp)


def ttl_seconds(policy: Policy, tier: Tier) -> int:
    """How long a resting order of this tier lives."""
    execution = policy.execution
    by_tier = {Tier.T1: execution.ttl_tier1_seconds, Tier.T2: execution.ttl_tier2_seconds}
    return by_tier.get(tier, execution.ttl_tier3_seconds)


def limit_price(policy: Policy, approved: Approved, quote: Quote, market: Market, cushion: int = 0) -> Priced:
    """Where the order goes: a maker at or inside the touch, an order at once at its bound.

    `cushion` are ticks away from the touch, for a market that keeps moving into our orders.
    """
    if approved.proposal.urgency is Urgency.AT_ONCE:
        # exchanges hold their minimum against the limit price: a bound a little nearer beats a stop that can't go out
        smallest = ceil_to(market.min_notional / approved.amount, market.price_tick)
        price = smallest if approved.worst_price < smallest <= quote.bid else approved.worst_price
        return Priced(price, Place.TAKER)
    step = _inside(policy, quote, market) - cushion * market.price_tick
    if approved.proposal.side is Side.SELL:
        price = max(ceil_to(quote.ask - step, market.price_tick), approved.worst_price)
        return Priced(price, _place(quote.ask - price))
    price = min(floor_to(quote.bid + step, market.price_tick), approved.worst_price)
    return Priced(price, _place(price - quote.bid))


def behind_bp(side: Side, price: Decimal, quote: Quote) -> Decimal:
    """How far a resting order is behind the touch, in basis points of its price; 0 at it or better."""
    gap = price - quote.ask if side is Side.SELL else quote.bid - price
    return max(gap, ZERO) / price / BP


def ahead_bp(side: Side, price: Decimal, quote: Quote) -> Decimal:
    """How far a resting order is better than the touch of all others, in basis points of its price; 0 at it or behind.

    An exchange whose quotes count the order itself shows it at the touch.
    """
    gap = quote.ask - price if side is Side.SELL else price - quote.bid
    return max(gap, ZERO) / price / BP


def _inside(policy: Policy, quote: Quote, market: Market) -> Decimal:
    """One tick in a wide spread, nothing where it would cross."""
    wide, spread = policy.execution.improve_spread_ticks, quote.ask - quote.bid
    return market.price_tick if wide and spread >= max(wide, 2) * market.price_tick else ZERO


def _place(better: Decimal) -> Place:
    if better > 0:
        return Place.INSIDE
    return Place.TOUCH if better == 0 else Place.BEHIND
