"""Rules on the size of an opening order and on the sums that it adds to. Caps leave room; the smallest room binds."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from tradekit.decide.risk.advice import (
    HAIR,
    SHARE,
    fit,
    free,
    least,
    raised,
    share_for,
    table,
    target,
    with_fee,
)
from tradekit.decide.risk.rule import Kind, Reading, Rule, Sense
from tradekit.decide.risk.situation import Ask, Situation, smallest_amount
from tradekit.decide.risk.tally import NOTHING_YET, Sum
from tradekit.decide.universe import tier_of
from tradekit.domain.decision import ChangeKey, Nothing, WouldPass
from tradekit.domain.numbers import COST_PLACES, ONE, PERCENT, ZERO, floor_to
from tradekit.domain.policy.check import show_value
from tradekit.domain.universe import Tier

_TIER_KEYS: Final = {
    Tier.T1: "risk.max_tier1_pct",
    Tier.T2: "risk.max_tier2_pct",
    Tier.T3: "risk.max_tier3_pct",
    Tier.NONE: "risk.max_tier3_pct",
}
_THEME_KEY: Final = "risk.max_theme_pct"
_SMALLEST: Final = Decimal(1).scaleb(-COST_PLACES)


def _minimum(at: Situation, ask: Ask) -> Reading:
    assert ask.quote is not None
    own, exchange = at.policy.risk.min_order_notional, smallest_amount(at, ask) * ask.quote.mid
    key = "risk.min_order_notional" if own >= exchange else "market.min_notional"
    limit = max(own, exchange)
    return Reading(ask.notional >= limit, limit, None, None, ask.notional, ask.notional, key)


def _largest(at: Situation, ask: Ask) -> Reading:
    limit = at.policy.risk.max_order_notional
    return Reading(not limit or ask.notional <= limit, limit or None, ZERO, ZERO, ask.notional, ask.notional)


def _total(at: Situation, ask: Ask) -> Reading:
    return _cap(at.equity * at.policy.risk.max_total_at_risk_pct * PERCENT, at.tally.total, ask)


def _asset(at: Situation, ask: Ask) -> Reading:
    used = at.tally.assets.get(ask.proposal.base, NOTHING_YET)
    return _cap(at.equity * at.policy.risk.max_asset_pct * PERCENT, used, ask)


def _tier(at: Situation, ask: Ask) -> Reading:
    risk = at.policy.risk
    share = {Tier.T1: risk.max_tier1_pct, Tier.T2: risk.max_tier2_pct, Tier.T3: risk.max_tier3_pct}.get(ask.tier, ZERO)
    used = at.tally.tiers.get(ask.tier, NOTHING_YET)
    return _cap(at.equity * share * PERCENT, used, ask, _TIER_KEYS[ask.tier])


def _theme(at: Situation, ask: Ask) -> Reading:
    """The theme with the least room, where the asset has several."""
    name = _tightest_theme(at, ask)
    if name is None:
        return Reading(True, None, ZERO, ZERO, ask.notional, ask.notional)
    return _cap(*_of_theme(at, name), ask)


def _tightest_theme(at: Situation, ask: Ask) -> str | None:
    capped = [name for name in at.tally.themes_of.get(ask.proposal.base, ()) if name in at.policy.risk.max_theme_pct]
    rooms = []
    for name in capped:
        limit, used = _of_theme(at, name)
        rooms.append((limit - used.held - used.pending, name))
    return min(rooms)[1] if rooms else None


def _of_theme(at: Situation, name: str) -> tuple[Decimal, Sum]:
    return at.equity * at.policy.risk.max_theme_pct[name] * PERCENT, at.tally.themes.get(name, NOTHING_YET)


def _reserve(at: Situation, ask: Ask) -> Reading:
    kept = at.equity * at.policy.risk.quote_reserve_pct * PERCENT
    return _cash_left(at, ask, kept) if kept else Reading(True, None, ZERO, at.tally.spent, ask.notional)


def _cash(at: Situation, ask: Ask) -> Reading:
    return _cash_left(at, ask, ZERO)


def _cash_left(at: Situation, ask: Ask, kept: Decimal) -> Reading:
    """Free quote currency less what is kept, with the fee set aside."""
    limit = floor_to((_free_cash(at) - kept) / with_fee(ask, ONE), _SMALLEST)
    return _cap(limit, Sum(ZERO, at.tally.spent), ask)


def _free_cash(at: Situation) -> Decimal:
    balance = at.snapshot.balances.get(at.state.stamp.quote)
    return ZERO if balance is None else max(min(balance.free, at.state.cash), ZERO)


def _cap(limit: Decimal, used: Sum, ask: Ask, key: str = "") -> Reading:
    after = used.held + used.pending + ask.notional
    return Reading(after <= limit, limit, used.held, used.pending, ask.notional, after, key)


def _enlarge(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    return least(at, ask)


def _allow_larger(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    return fit(at, ask, reading) or raised("risk.max_order_notional", target(at, ask), HAIR)


def _room(at: Situation, ask: Ask, reading: Reading, key: str, assets: Iterable[str] | None) -> WouldPass:
    """A size that fits, else room that sales free, else the key that makes the smallest order fit."""
    needed = target(at, ask)
    return (
        fit(at, ask, reading)
        or free(at, needed - reading.room, assets)
        or share_for(at, key, (reading.held or ZERO) + (reading.pending or ZERO) + needed)
    )


def _more_total(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    return _room(at, ask, reading, "risk.max_total_at_risk_pct", None)


def _more_asset(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    change = _room(at, ask, reading, "risk.max_asset_pct", (ask.proposal.base,))
    if isinstance(change, ChangeKey) and Decimal(change.value) > at.policy.risk.max_total_at_risk_pct:
        return Nothing("one asset may not exceed the whole: raise risk.max_total_at_risk_pct too")
    return change


def _more_tier(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    quote = at.state.stamp.quote
    same = [asset for asset in at.exposure.held if tier_of(at.state.tiers, f"{asset}/{quote}") is ask.tier]
    return _room(at, ask, reading, _TIER_KEYS[ask.tier], same)


def _more_theme(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    name = _tightest_theme(at, ask)
    assert name is not None
    change = _room(at, ask, reading, _THEME_KEY, at.policy.risk.themes[name])
    return table(_THEME_KEY, at.policy.risk.max_theme_pct, name, change)


def _missing_cash(at: Situation, ask: Ask, kept: Decimal) -> Decimal:
    return with_fee(ask, target(at, ask) + at.tally.spent) - (_free_cash(at) - kept)


def _more_cash(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    missing = _missing_cash(at, ask, ZERO)
    return fit(at, ask, reading) or free(at, missing) or Nothing("deposit some")


def _less_reserve(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    kept = at.equity * at.policy.risk.quote_reserve_pct * PERCENT
    left = _free_cash(at) - with_fee(ask, target(at, ask) + at.tally.spent)
    fits = fit(at, ask, reading) or free(at, _missing_cash(at, ask, kept))
    if fits is not None or left < 0:
        return fits or Nothing("deposit some")
    share = (left * 100 / at.equity).quantize(SHARE, ROUND_FLOOR)
    return ChangeKey("risk.quote_reserve_pct", show_value(share))


MINIMUM: Final = Rule(
    "minimum", "below_min_notional", ("risk.min_order_notional", "market.min_notional"), "quote", Kind.GATE,
    Sense.AT_LEAST, "large enough for the policy, and for the exchange also when its stop sells it", _minimum, _enlarge,
)  # fmt: skip
LARGEST: Final = Rule(
    "order size", "cap_order", ("risk.max_order_notional",), "quote", Kind.CAP, Sense.AT_MOST,
    "one opening order", _largest, _allow_larger,
)  # fmt: skip
TOTAL: Final = Rule(
    "total at risk", "cap_total", ("risk.max_total_at_risk_pct",), "quote", Kind.CAP, Sense.AT_MOST,
    "all positions and opening orders", _total, _more_total,
)  # fmt: skip
ASSET: Final = Rule(
    "per asset", "cap_asset", ("risk.max_asset_pct",), "quote", Kind.CAP, Sense.AT_MOST, "one asset", _asset,
    _more_asset,
)  # fmt: skip
TIER: Final = Rule(
    "per tier", "cap_tier", ("risk.max_tier1_pct", "risk.max_tier2_pct", "risk.max_tier3_pct"), "quote", Kind.CAP,
    Sense.AT_MOST, "all assets of the symbol's tier", _tier, _more_tier,
)  # fmt: skip
THEME: Final = Rule(
    "per theme", "cap_theme", ("risk.max_theme_pct", "risk.themes"), "quote", Kind.CAP, Sense.AT_MOST,
    "all assets that share a theme", _theme, _more_theme,
)  # fmt: skip
RESERVE: Final = Rule(
    "quote reserve", "quote_reserve", ("risk.quote_reserve_pct",), "quote", Kind.CAP, Sense.AT_MOST,
    "free quote currency above the reserve, fee set aside", _reserve, _less_reserve,
)  # fmt: skip
CASH: Final = Rule(
    "cash", "cash", ("cash",), "quote", Kind.CAP, Sense.AT_MOST, "free quote currency, fee set aside", _cash,
    _more_cash,
)  # fmt: skip
