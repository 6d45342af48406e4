"""Rules for sales alone. Nothing that lowers risk is blocked by a cap on exposure or by the policy's minimum."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradekit.decide.memory import is_counted
from tradekit.decide.purge import pause_until
from tradekit.decide.risk.advice import HAIR, SHARE, raised, wait_for, wait_until
from tradekit.decide.risk.rule import FAILS, PASSES, Kind, Reading, Rule, Sense
from tradekit.decide.risk.situation import Ask, Situation
from tradekit.decide.sizing import without_stub
from tradekit.domain.decision import ChangeKey, Nothing, Resize, WouldPass
from tradekit.domain.numbers import PERCENT, ZERO, ceil_to, floor_to
from tradekit.domain.policy.check import show_value
from tradekit.domain.proposal import Amount, Origin
from tradekit.domain.times import DAY_MS, HOUR_MS


def amount_to_sell(at: Situation, ask: Ask) -> Decimal:
    """At most what was asked for, what the books hold and what is free, on the step.

    Sells a little less where the rest would otherwise be too small to be ever sold, if that leaves both sellable.
    """
    assert ask.market is not None and ask.quote is not None
    size, step, whole = ask.proposal.size, ask.market.amount_step, _sellable(at, ask)
    asked = size.value if isinstance(size, Amount) else size.value / ask.quote.mid
    return without_stub(floor_to(min(asked, whole), step), whole, _smallest(ask), step)


def _sellable(at: Situation, ask: Ask) -> Decimal:
    """What the books hold and what is free of it."""
    balance = at.snapshot.balances.get(ask.proposal.base)
    return min(ZERO if balance is None else balance.free, at.state.positions[ask.proposal.base].quantity)


def _smallest(ask: Ask) -> Decimal:
    assert ask.market is not None and ask.quote is not None
    return max(ask.market.min_amount, ask.market.min_notional / ask.quote.bid)


def _managed(at: Situation, ask: Ask) -> Reading:
    position = at.state.positions.get(ask.proposal.base)
    return FAILS if position is None or position.quantity <= 0 else PASSES


def _manage(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    asset, managed = ask.proposal.base, at.policy.account.managed
    position = at.state.positions.get(asset)
    if position is None or position.outside <= 0 or asset in managed:
        return Nothing("there is nothing of it to sell")
    return ChangeKey("account.managed", show_value((*managed, asset)))


def _turnover(at: Situation, ask: Ask) -> Reading:
    share = at.policy.risk.max_external_sales_pct
    if ask.proposal.origin is not Origin.EXTERNAL or not share:
        return PASSES
    assert ask.quote is not None
    asked = amount_to_sell(at, ask) * ask.quote.mid
    limit, done = at.equity * share * PERCENT, at.tally.turnover
    return Reading(done + asked <= limit, limit, done, None, asked, done + asked)


def _less_turnover(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    """A smaller sale where one can be placed, else the time until enough of the older ones are a day old."""
    assert ask.market is not None and ask.quote is not None
    amount = floor_to(reading.room / ask.quote.mid, ask.market.amount_step)
    if amount >= ceil_to(_smallest(ask), ask.market.amount_step):
        if isinstance(ask.proposal.size, Amount):
            return Resize(amount, ask.market.base)
        # the last hair below the next step would be cut to the same amount: the nearest size is the step itself
        return Resize(ceil_to(amount * ask.quote.mid, HAIR), at.state.stamp.quote)
    left = -reading.room + (reading.asked or ZERO)
    for item in at.state.risk.turnover:
        if is_counted(item, at.now):
            left -= item.notional
            if left <= 0:
                return wait_until(at, ask, (item.hour + 1) * HOUR_MS + DAY_MS)
    after = (reading.after or ZERO) * 100
    return raised("risk.max_external_sales_pct", after / at.equity, SHARE) if at.equity > 0 else Nothing()


def _exchange_minimum(at: Situation, ask: Ask) -> Reading:
    assert ask.market is not None and ask.quote is not None
    amount, market = amount_to_sell(at, ask), ask.market
    if amount <= 0 or amount < market.min_amount:
        return Reading(False, market.min_amount, None, None, amount, amount, "market.min_amount")
    notional = amount * ask.quote.bid
    key = "market.min_notional"
    return Reading(notional >= market.min_notional, market.min_notional, None, None, notional, notional, key)


def _sell_more(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    """The smallest sale that the exchange takes, where so much is held and free."""
    assert ask.market is not None and ask.quote is not None
    amount = ceil_to(max(_smallest(ask), ask.market.amount_step), ask.market.amount_step)
    if amount > _sellable(at, ask):
        return Nothing("a holding this small can't be sold")
    if isinstance(ask.proposal.size, Amount):
        return Resize(amount, ask.market.base)
    return Resize(ceil_to(amount * ask.quote.mid, HAIR), at.state.stamp.quote)


def _backoff(at: Situation, ask: Ask) -> Reading:
    plan = at.state.purges.get(ask.proposal.base)
    if ask.proposal.origin is not Origin.PURGE or plan is None:
        return PASSES
    limit, failed = Decimal(at.policy.purge.max_failures - 1), Decimal(plan.failures)
    return Reading(at.now >= pause_until(at.policy, plan), limit, failed, after=failed)


def _end_of_pause(at: Situation, ask: Ask, reading: Reading) -> int:
    return pause_until(at.policy, at.state.purges[ask.proposal.base])


MANAGED: Final = Rule(
    "ownership", "not_managed", ("account.managed",), "", Kind.GATE, Sense.NONE, "only what tradekit manages is sold",
    _managed, _manage, blocks=True,
)  # fmt: skip
BACKOFF: Final = Rule(
    "purge backoff", "purge_backoff", ("purge.max_failures", "purge.backoff_hours"), "failures", Kind.GATE,
    Sense.AT_MOST, "a purge that the exchange keeps refusing pauses, longer each time", _backoff,
    wait_for(_end_of_pause),
)  # fmt: skip
TURNOVER: Final = Rule(
    "external sales", "sale_turnover", ("risk.max_external_sales_pct",), "quote", Kind.GATE, Sense.AT_MOST,
    "sold for other programs in the last 24 hours", _turnover, _less_turnover,
)  # fmt: skip
EXCHANGE_MINIMUM: Final = Rule(
    "minimum", "below_exchange_minimum", ("market.min_amount", "market.min_notional"), "quote", Kind.GATE,
    Sense.AT_LEAST, "what is sold meets the exchange's own minimums", _exchange_minimum, _sell_more,
)  # fmt: skip
