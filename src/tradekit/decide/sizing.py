"""From an approval to an intent that the exchange's filters accept, or the filter that forbids it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.pricing import Priced
from tradekit.domain.decision import Approved
from tradekit.domain.ids import attempt_id
from tradekit.domain.market import Market, Quote
from tradekit.domain.numbers import BP, ONE, PERCENT, ZERO, ceil_to, floor_to
from tradekit.domain.order import OrderIntent, Place, TimeInForce, Unplaceable
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side


class Attempt(NamedTuple):
    """One attempt under an approval: its `number` from 1, at most `amount` base units, and for a buy at most `value`
    in quote currency. `created` and `deadline` are in milliseconds.
    """

    number: int
    amount: Decimal
    value: Decimal
    created: int
    deadline: int


def size_order(
    identity: str, approved: Approved, market: Market, quote: Quote, priced: Priced, attempt: Attempt
) -> OrderIntent | Unplaceable:
    """Never more than the attempt allows, in amount or in value, on the tick and the step."""
    proposal, price = approved.proposal, priced.price
    if price <= 0:  # ticks away from a coin that is worth a few of them
        return Unplaceable(approved, "below_exchange_minimum", market.price_tick, price, market.quote)
    amount = floor_to(attempt.amount, market.amount_step)
    if proposal.side is Side.BUY:
        amount = min(amount, floor_to(attempt.value / price, market.amount_step))
    if amount < market.min_amount or amount <= 0:
        return Unplaceable(approved, "below_exchange_minimum", market.min_amount, amount, market.base)
    if amount * price < market.min_notional:
        return Unplaceable(approved, "below_exchange_minimum", market.min_notional, amount * price, market.quote)
    return OrderIntent(
        approved,
        attempt.number,
        attempt_id(identity, proposal.origin, proposal.id, attempt.number),
        amount,
        price,
        TimeInForce.IOC if priced.place is Place.TAKER else TimeInForce.PO,
        created=attempt.created,
        deadline=attempt.deadline,
        place=priced.place,
        mid=quote.mid,
        smallest=smallest_sale(market, price),
    )


def without_stub(amount: Decimal, whole: Decimal, smallest: Decimal, step: Decimal) -> Decimal:
    """A little less where the rest of the `whole` would be too small to be ever sold, if both are sellable then."""
    rest = whole - amount
    if ZERO < rest < smallest and rest >= step:
        shorter = floor_to(amount - (smallest - rest), step)
        if shorter >= smallest:
            return shorter
    return amount


def smallest_purchase(policy: Policy, market: Market, mid: Decimal) -> Decimal:
    """The smallest amount that the exchange takes, and still takes when its own stop sells it, in base units."""
    exits = policy.exits
    at_stop = (ONE - exits.stop_loss_pct * PERCENT) * (ONE - exits.stop_slippage_bp * BP) * (ONE - market.taker_fee)
    worth = market.min_notional / at_stop if at_stop > ZERO else market.min_notional
    return ceil_to(max(worth / mid, market.min_amount, market.amount_step), market.amount_step)


def smallest_sale(market: Market, price: Decimal) -> Decimal:
    """The smallest amount that the exchange takes at a price, in base units."""
    return ceil_to(max(market.min_amount, market.min_notional / price, market.amount_step), market.amount_step)
