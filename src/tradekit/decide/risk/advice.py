"""The smallest change with which a rule lets a proposal pass, computed by the rule's own arithmetic.

Sizes are given to 8 decimals or to the market's step, shares to a hundredth: a hair less would not do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import Final

from tradekit.decide.risk.rule import Reading
from tradekit.decide.risk.situation import Ask, Situation, smallest_amount, smallest_notional
from tradekit.domain.decision import ChangeKey, FreeRoom, NextCycle, Nothing, Resize, Wait, WouldPass
from tradekit.domain.numbers import ONE, ZERO, ceil_to, floor_to
from tradekit.domain.policy.check import show_value
from tradekit.domain.policy.sections import all_keys
from tradekit.domain.proposal import Amount

HAIR: Final = Decimal("0.00000001")
SHARE: Final = Decimal("0.01")

Advice = Callable[[Situation, Ask, Reading], WouldPass]


def by_hand(instead: str) -> Advice:
    """Nothing but what a person does."""
    return lambda at, ask, reading: Nothing(instead)


def switch(key: str, value: bool) -> Advice:
    """A key that is true or false."""
    return lambda at, ask, reading: ChangeKey(key, show_value(value))


def wait_for(passed: Callable[[Situation, Ask, Reading], int]) -> Advice:
    """The time in milliseconds at which the rule passes."""
    return lambda at, ask, reading: wait_until(at, ask, passed(at, ask, reading))


def wait_until(at: Situation, ask: Ask, then: int) -> WouldPass:
    """The way to a moment in milliseconds; a proposal that expires before then can't wait."""
    if ask.proposal.expires is not None and then >= ask.proposal.expires:
        return Nothing("the proposal expires before the wait is over: propose it anew then")
    return Wait(then - at.now)


def next_cycle(at: Situation) -> WouldPass:
    """What this batch has granted is in the way of what comes after it in the same batch only."""
    return NextCycle(at.policy.execution.interval_seconds)


def raised(key: str, value: Decimal, step: Decimal) -> WouldPass:
    """The key at `value`, rounded up to `step`, where its bounds allow that."""
    value, high = ceil_to(value, step), highest(key)
    return ChangeKey(key, show_value(value)) if high is None or value <= high else Nothing()


@cache
def highest(key: str) -> Decimal | None:
    """The largest value that a key may have."""
    return next((item.high for item in all_keys() if item.path == key), None)


def fit(at: Situation, ask: Ask, reading: Reading) -> WouldPass | None:
    """The size that fits into the room that a cap leaves, where an order of that size can be placed at all."""
    room = reading.room
    assert ask.quote is not None and ask.market is not None
    if isinstance(ask.proposal.size, Amount):
        amount = floor_to(room / ask.quote.mid, ask.market.amount_step)
        least = max(smallest_amount(at, ask), ceil_to(at.policy.risk.min_order_notional / ask.quote.mid, HAIR))
        return Resize(amount, ask.market.base) if amount >= least else None
    notional = floor_to(room, HAIR)
    return Resize(notional, at.state.stamp.quote) if notional >= smallest_notional(at, ask) else None


def least(at: Situation, ask: Ask) -> WouldPass:
    """The smallest size that meets the minimum."""
    assert ask.quote is not None and ask.market is not None
    limit = smallest_notional(at, ask)
    if isinstance(ask.proposal.size, Amount):
        return Resize(ceil_to(limit / ask.quote.mid, ask.market.amount_step), ask.market.base)
    return Resize(ceil_to(limit, HAIR), at.state.stamp.quote)


def target(at: Situation, ask: Ask) -> Decimal:
    """What has to fit: the smallest order where the policy lets orders shrink, else the whole of it."""
    return smallest_notional(at, ask) if at.policy.risk.clamp_to_caps else ask.notional


def free(at: Situation, value: Decimal, assets: Iterable[str] | None = None) -> WouldPass | None:
    """Room of `value` that sales of some assets (of any, with None) can free: one holding where one is enough, the
    smallest such; else the largest ones together. None where all of them together are not enough.
    """
    value = value.quantize(HAIR, ROUND_CEILING)
    worth = {asset: _sellable(at, asset) for asset in (at.exposure.held if assets is None else assets)}
    worth = {asset: held for asset, held in worth.items() if held > 0}
    enough = sorted((held, asset) for asset, held in worth.items() if held >= value)
    if enough:
        return FreeRoom(value, at.state.stamp.quote, (enough[0][1],))
    chosen, left = [], value
    for held, asset in sorted(((held, asset) for asset, held in worth.items()), reverse=True):
        chosen.append(asset)
        left -= held
        if left <= 0:
            return FreeRoom(value, at.state.stamp.quote, tuple(chosen))
    return None


def _sellable(at: Situation, asset: str) -> Decimal:
    """What a holding is worth, without the part that is not managed."""
    held, position = at.exposure.held.get(asset, ZERO), at.state.positions.get(asset)
    if position is None or position.quantity <= 0:
        return ZERO
    return held * position.quantity / position.total if at.policy.risk.count_outside_holdings else held


def share_for(at: Situation, key: str, needed: Decimal) -> WouldPass:
    """The percentage of equity that `needed` is."""
    return raised(key, needed * 100 / at.equity, SHARE) if at.equity > 0 else Nothing()


def table(key: str, values: Mapping[str, Decimal], name: str, change: WouldPass) -> WouldPass:
    """A change of one entry of a table, written as the whole table."""
    if not isinstance(change, ChangeKey):
        return change
    return ChangeKey(key, show_value({**values, name: Decimal(change.value)}))


def with_fee(ask: Ask, notional: Decimal) -> Decimal:
    """What a purchase needs in quote currency, its fee as a taker set aside."""
    assert ask.market is not None
    return notional * (ONE + ask.market.taker_fee)
