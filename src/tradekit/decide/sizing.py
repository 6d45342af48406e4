"""From an approval to an intent that the exchange's filters accept, or the filter that forbids it."""

from __future__ import annotations

from tradekit.decide.pricing import limit_price, ttl_seconds
from tradekit.decide.universe import tier_of
from tradekit.domain.decision import Approved
from tradekit.domain.ids import client_order_id
from tradekit.domain.market import Snapshot
from tradekit.domain.numbers import floor_to
from tradekit.domain.order import OrderIntent, TimeInForce, Unplaceable
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side, Urgency
from tradekit.domain.state import State


def size_order(
    policy: Policy, state: State, snapshot: Snapshot, approved: Approved, attempt: int, now: int
) -> OrderIntent | Unplaceable:
    """One attempt under an approval: never more than it allows, in amount or in value, on the tick and the step."""
    proposal = approved.proposal
    market, quote = snapshot.markets[proposal.symbol], snapshot.quotes[proposal.symbol]
    price = limit_price(policy, approved, quote, market)
    amount = approved.amount
    if proposal.side is Side.BUY:
        amount = min(amount, floor_to(approved.amount * approved.decision_price / price, market.amount_step))
    if amount < market.min_amount or amount <= 0:
        return Unplaceable(approved, "below_exchange_minimum", market.min_amount, amount, market.base)
    if amount * price < market.min_notional:
        return Unplaceable(approved, "below_exchange_minimum", market.min_notional, amount * price, market.quote)
    at_once = proposal.urgency is Urgency.AT_ONCE
    ttl_ms = 1000 * ttl_seconds(policy, tier_of(state.tiers, proposal.symbol))
    return OrderIntent(
        approved,
        attempt,
        # the origin keeps ids that others choose apart from our own
        client_order_id(state.identity, f"{proposal.origin}:{proposal.id}", attempt),
        amount,
        price,
        TimeInForce.IOC if at_once else TimeInForce.PO,
        created=now,
        deadline=now + ttl_ms,
    )
