"""The rules that bind sales. Shorter than those for opens: nothing that lowers risk is blocked by an exposure cap."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tradekit.decide.risk.situation import Breach, Situation, tradable
from tradekit.domain.numbers import ZERO, floor_to
from tradekit.domain.order import Closed
from tradekit.domain.proposal import Amount, Proposal, Side


def kill_switch(at: Situation, proposal: Proposal) -> Breach | None:
    """The policy says whether sales go on under the kill switch."""
    if at.halted and not at.policy.risk.exits_when_halted:
        return Breach("halted", "risk.exits_when_halted")
    return None


def expiry(at: Situation, proposal: Proposal) -> Breach | None:
    """A proposal may say until when it holds."""
    if proposal.expires is None or at.now < proposal.expires:
        return None
    return Breach("proposal_expired", "expires", Decimal(proposal.expires), Decimal(at.now), "ms")


def managed(at: Situation, proposal: Proposal) -> Breach | None:
    """Only what tradekit manages is sold."""
    position = at.state.positions.get(proposal.base)
    return Breach("not_managed", "account.managed") if position is None or position.quantity <= 0 else None


def one_sale(at: Situation, proposal: Proposal) -> Breach | None:
    """No further sale of an asset before every older one of it is settled."""
    working = [
        order
        for order in at.state.orders.values()
        if order.intent.side is Side.SELL
        and order.intent.approved.proposal.base == proposal.base
        and not isinstance(order.state, Closed)
    ]
    return Breach("sale_working", "order", ZERO, Decimal(len(working)), "orders") if working else None


def one_sale_a_batch(at: Situation, proposal: Proposal) -> Breach | None:
    """One sale of an asset in a cycle; the first in order goes ahead."""
    if any(granted.base == proposal.base and not granted.opens for granted in at.grants):
        return Breach("sale_working", "order", ZERO, Decimal(1), "orders")
    return None


def sellable(at: Situation, proposal: Proposal) -> Breach | None:
    """What would be sold meets the exchange's own minimums; the policy's minimum never binds a sale."""
    market, quote = at.snapshot.markets[proposal.symbol], at.snapshot.quotes[proposal.symbol]
    amount = amount_to_sell(at, proposal)
    if amount <= 0 or amount < market.min_amount:
        return Breach("below_exchange_minimum", "market.min_amount", market.min_amount, amount, market.base)
    notional = amount * quote.bid
    if notional < market.min_notional:
        return Breach("below_exchange_minimum", "market.min_notional", market.min_notional, notional, market.quote)
    return None


def amount_to_sell(at: Situation, proposal: Proposal) -> Decimal:
    """At most what was asked for, what the books hold and what is free, on the step.

    Sells a little less where the rest would otherwise be too small to be ever sold, if that leaves both sellable.
    """
    market, quote = at.snapshot.markets[proposal.symbol], at.snapshot.quotes[proposal.symbol]
    balance = at.snapshot.balances.get(proposal.base)
    free = ZERO if balance is None else balance.free
    held = at.state.positions[proposal.base].quantity
    asked = proposal.size.value if isinstance(proposal.size, Amount) else proposal.size.value / quote.mid
    amount = floor_to(min(asked, held, free), market.amount_step)
    smallest = max(market.min_amount, market.min_notional / quote.bid)
    rest = min(held, free) - amount
    if ZERO < rest < smallest and rest >= market.amount_step:
        shorter = floor_to(amount - (smallest - rest), market.amount_step)
        if shorter >= smallest:
            return shorter
    return amount


ReduceRule = Callable[[Situation, Proposal], Breach | None]

REDUCE_RULES: Final[tuple[ReduceRule, ...]] = (
    kill_switch,
    expiry,
    tradable,
    managed,
    one_sale,
    one_sale_a_batch,
    sellable,
)
