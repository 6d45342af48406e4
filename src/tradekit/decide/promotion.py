"""Whether an order that rested in vain may take: one gate after the other, each with its verdict.

What it gives up is bound twice: by the cost against the decision price, and by the price of the immediate order.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.manner import Manner
from tradekit.decide.memory import is_counted
from tradekit.decide.pricing import Priced, slippage_bp
from tradekit.decide.universe import tier_of
from tradekit.domain.decision import Approved
from tradekit.domain.market import Market, Quote
from tradekit.domain.memory import Turnover
from tradekit.domain.numbers import BP, ONE, ceil_to, divide, floor_to, total
from tradekit.domain.order import Order, Place
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side
from tradekit.domain.purge import TakerUse
from tradekit.domain.state import State


class Gate(NamedTuple):
    """One condition: the policy key that it hangs on, `actual` against `limit` in `unit`."""

    key: str
    passes: bool
    actual: Decimal | None = None
    limit: Decimal | None = None
    unit: str = ""


def gates(
    policy: Policy,
    state: State,
    approved: Approved,
    manner: Manner,
    lives: int,
    market: Market,
    quote: Quote,
    amount: Decimal,
    now: int,
) -> tuple[Gate, ...]:
    """The verdict of every gate on taking `amount` base units after `lives` attempts that rested."""
    taker, cost = policy.taker, cost_bp(approved, market, quote)
    budget = slippage_bp(policy, tier_of(state.tiers, approved.proposal.symbol))
    notional = amount * quote.mid
    spent = taken(state.risk.taken, state.orders.values(), now) + notional
    wanted = 0 if manner.by_hand else taker.after_attempts
    return (
        Gate("taker.enabled", manner.taker is not TakerUse.NEVER),
        Gate("taker.after_attempts", lives >= wanted, Decimal(lives), Decimal(wanted), "lives"),
        _least("taker.min_confidence", approved.proposal.confidence, taker.min_confidence, ""),
        _most("execution.slippage", cost, budget, "bp"),
        _most("taker.max_notional", notional, taker.max_notional, market.quote),
        _most("taker.max_daily_notional", spent, taker.max_daily_notional, market.quote),
    )


def cost_bp(approved: Approved, market: Market, quote: Quote) -> Decimal:
    """What taking costs against the decision price, and more in fees than resting, in basis points."""
    touch = quote.bid if approved.proposal.side is Side.SELL else quote.ask
    given = approved.decision_price - touch
    given = given if approved.proposal.side is Side.SELL else -given
    return divide(given, approved.decision_price) / BP + (market.taker_fee - market.maker_fee) / BP


def taking_price(policy: Policy, state: State, approved: Approved, market: Market) -> Priced:
    """The bound of the immediate order: as far from the decision price as the tier's slippage, fees counted, allows."""
    budget = slippage_bp(policy, tier_of(state.tiers, approved.proposal.symbol)) * BP
    budget -= market.taker_fee - market.maker_fee
    if approved.proposal.side is Side.SELL:
        price = ceil_to(approved.decision_price * (ONE - budget), market.price_tick)
        return Priced(max(price, approved.worst_price), Place.TAKER)
    price = floor_to(approved.decision_price * (ONE + budget), market.price_tick)
    return Priced(min(price, approved.worst_price), Place.TAKER)


def taken(hours: Iterable[Turnover], orders: Iterable[Order], now: int) -> Decimal:
    """What promoted orders traded in 24 hours, and what those that are not over may still trade, in quote currency."""
    working = (order.remaining * order.intent.price for order in orders if order.intent.is_promoted)
    return total(item.notional for item in hours if is_counted(item, now)) + total(working)


def _least(key: str, actual: Decimal, limit: Decimal, unit: str) -> Gate:
    return Gate(key, actual >= limit, actual, limit, unit)


def _most(key: str, actual: Decimal, limit: Decimal, unit: str) -> Gate:
    return Gate(key, actual <= limit, actual, limit, unit)
