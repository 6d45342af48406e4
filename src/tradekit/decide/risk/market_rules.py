"""Rules on the market as it looks now: whether it is there, how far off its price is, how thin its book."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradekit.decide.pricing import slippage_bp
from tradekit.decide.risk.advice import SHARE, by_hand, fit, raised, target, wait_for
from tradekit.decide.risk.prices import look_at, price_of
from tradekit.decide.risk.rule import FAILS, PASSES, Kind, Reading, Rule, Sense
from tradekit.decide.risk.situation import Ask, Situation
from tradekit.domain.decision import Nothing, WouldPass
from tradekit.domain.market import Quote
from tradekit.domain.numbers import ONE, PERCENT, ZERO
from tradekit.domain.proposal import Urgency
from tradekit.domain.universe import Tier

_SLIPPAGE_KEYS = {Tier.T1: "execution.slippage_tier1_bp", Tier.T2: "execution.slippage_tier2_bp"}


def _unknown(at: Situation, ask: Ask) -> Reading:
    return FAILS if ask.market is None or ask.market.quote != at.state.stamp.quote else PASSES


def _closed(at: Situation, ask: Ask) -> Reading:
    market = ask.market
    assert market is not None
    return PASSES if market.active and market.price_tick > ZERO and market.amount_step > ZERO else FAILS


def _no_quote(at: Situation, ask: Ask) -> Reading:
    """A stop needs a bid only; everything else is priced from both sides of the book."""
    quote, proposal = ask.quote, ask.proposal
    needs_ask = proposal.opens or proposal.urgency is not Urgency.AT_ONCE
    if quote is None or quote.bid <= ZERO or ZERO < quote.ask < quote.bid or (needs_ask and quote.ask <= ZERO):
        return FAILS
    return PASSES


def _age(at: Situation, ask: Ask) -> Reading:
    limit, age = at.policy.guards.max_quote_age_seconds, Decimal(at.now - _seen(ask).time) / 1000
    return Reading(not limit or age <= limit, Decimal(limit) if limit else None, age, after=age)


def _older(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    assert reading.after is not None
    return raised("guards.max_quote_age_seconds", reading.after, ONE)


def _ahead(at: Situation, ask: Ask) -> Reading:
    limit, ahead = at.policy.guards.max_clock_skew_ms, Decimal(_seen(ask).time - at.now)
    return Reading(not limit or ahead <= limit, Decimal(limit) if limit else None, ahead, after=ahead)


def _caught_up(at: Situation, ask: Ask, reading: Reading) -> int:
    return _seen(ask).time - at.policy.guards.max_clock_skew_ms


def _spread(at: Situation, ask: Ask) -> Reading:
    limit, spread = at.policy.guards.max_spread_bp, _seen(ask).spread_bp
    return Reading(not limit or spread <= limit, limit or None, spread, after=spread)


def _wider(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    assert reading.after is not None
    return raised("guards.max_spread_bp", reading.after, SHARE)


def _slippage(at: Situation, ask: Ask) -> Reading:
    """What it would cost against the decision's price to trade at once: half of the spread."""
    limit, cost = slippage_bp(at.policy, ask.tier), _seen(ask).spread_bp / 2
    key = _SLIPPAGE_KEYS.get(ask.tier, "execution.slippage_tier3_bp")
    return Reading(cost <= limit, limit, cost, after=cost, key=key)


def _more_slippage(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    assert reading.after is not None
    return raised(reading.key, reading.after, SHARE)


def _jump(at: Situation, ask: Ask) -> Reading:
    """In percent of the smaller of both prices, against the last good one. Sales mind a fall alone, and a stop only
    where the look before was still a good one: a price that goes on falling is no slip of the book.
    """
    asset, limit = ask.proposal.base, at.policy.guards.max_price_jump_pct
    mark = at.marks.get(asset)
    if mark is None:
        mark = look_at(at.policy, at.state, at.snapshot, (asset,), at.closes).get(asset)
    price = price_of(_seen(ask))
    believed = mark is None or not mark.looks or not limit
    if mark is not None and not ask.proposal.opens and not believed:
        before, at_once = at.state.risk.marks.get(asset), ask.proposal.urgency is Urgency.AT_ONCE
        believed = price >= mark.price or (at_once and before is not None and before.looks > 0)
    if mark is None or believed:
        return Reading(True, limit or None, ZERO, after=ZERO)
    jump = (max(price, mark.price) / min(price, mark.price) - 1) * 100
    return Reading(False, limit, jump, after=jump)


def _further(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    assert reading.after is not None
    return raised("guards.max_price_jump_pct", reading.after, SHARE)


def _depth(at: Situation, ask: Ask) -> Reading:
    share, shown = at.policy.guards.max_depth_share_pct, _seen(ask).touch_depth
    if not share:
        return Reading(True, None, ZERO, ZERO, ask.notional, ask.notional)
    limit = shown * share * PERCENT
    return Reading(ask.notional <= limit, limit, ZERO, ZERO, ask.notional, ask.notional)


def _deeper(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    """A smaller size where one fits, else a larger share of what is shown."""
    shown = _seen(ask).touch_depth
    if shown <= 0:
        return Nothing("nobody shows an amount at the best price")
    key = "guards.max_depth_share_pct"
    return fit(at, ask, reading) or raised(key, target(at, ask) * 100 / shown, SHARE)


def _seen(ask: Ask) -> Quote:
    assert ask.quote is not None
    return ask.quote


UNKNOWN: Final = Rule(
    "symbol", "unknown_symbol", ("symbol",), "", Kind.GATE, Sense.NONE,
    "the exchange lists the symbol in the account's currency", _unknown, by_hand("check the symbol"), blocks=True,
)  # fmt: skip
CLOSED: Final = Rule(
    "market", "market_closed", ("market",), "", Kind.GATE, Sense.NONE,
    "the exchange trades the symbol now, with filters that can be right", _closed,
    by_hand("wait until the exchange opens it again"), blocks=True,
)  # fmt: skip
NO_QUOTE: Final = Rule(
    "quote", "no_quote", ("quote",), "", Kind.GATE, Sense.NONE,
    "bid and ask are there and not crossed", _no_quote, by_hand("wait for a whole quote"), blocks=True,
)  # fmt: skip
STALE: Final = Rule(
    "quote age", "quote_stale", ("guards.max_quote_age_seconds",), "seconds", Kind.GATE, Sense.AT_MOST,
    "the quote is fresh", _age, _older,
)  # fmt: skip
AHEAD: Final = Rule(
    "clock skew", "clock_skew", ("guards.max_clock_skew_ms",), "ms", Kind.GATE, Sense.AT_MOST,
    "the quote is not from the future", _ahead, wait_for(_caught_up),
)  # fmt: skip
SPREAD: Final = Rule(
    "spread", "spread_too_wide", ("guards.max_spread_bp",), "bp", Kind.GATE, Sense.AT_MOST,
    "the spread is not too wide at this moment, whatever the tier", _spread, _wider,
)  # fmt: skip
SLIPPAGE: Final = Rule(
    "slippage", "slippage_budget",
    ("execution.slippage_tier1_bp", "execution.slippage_tier2_bp", "execution.slippage_tier3_bp"), "bp", Kind.GATE,
    Sense.AT_MOST, "half of the spread lies within the tier's slippage", _slippage, _more_slippage,
)  # fmt: skip
OUTLIER: Final = Rule(
    "price jump", "price_outlier", ("guards.max_price_jump_pct",), "pct", Kind.GATE, Sense.AT_MOST,
    "the price is near the last good one, or was traded at", _jump, _further,
)  # fmt: skip
DEPTH: Final = Rule(
    "depth", "cap_depth", ("guards.max_depth_share_pct",), "quote", Kind.CAP, Sense.AT_MOST,
    "the order is no larger than a share of what is shown at the thinner best price", _depth, _deeper,
)  # fmt: skip
