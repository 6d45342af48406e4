"""Which coins may be opened: each market's tier by liquidity, moved only after it has looked different for a while.

Must never lift a market that is inactive or excluded, nor judge one by a quote that is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.domain.market import Market, Quote
from tradekit.domain.numbers import ZERO
from tradekit.domain.policy.sections import UniversePolicy
from tradekit.domain.universe import Tier, TierMemory

_BEST_FIRST: Final = (Tier.T1, Tier.T2, Tier.T3, Tier.NONE)


class _Floors(NamedTuple):
    """What a tier asks for: volume and depth in quote currency, spread in basis points; all bounds inclusive."""

    tier: Tier
    min_volume: Decimal
    max_spread_bp: Decimal
    min_depth: Decimal


def assign_tiers(
    policy: UniversePolicy,
    markets: Mapping[str, Market],
    quotes: Mapping[str, Quote],
    memory: Mapping[str, TierMemory],
) -> dict[str, TierMemory]:
    """The tier memory after one more cycle, by symbol in alphabetical order; only symbols of `markets` are kept.

    A symbol never seen gets the tier it looks like at once. Any other moves after `promote_after_cycles` cycles in a
    row that looked better than its tier, or `demote_after_cycles` that looked worse, to the tier it looked like last.
    Inactive markets, excluded assets and those that `only` leaves out are `NONE` at once.
    Without a usable quote the memory stays as it is.
    """
    floors = _floors(policy)
    after: dict[str, TierMemory] = {}
    for symbol in sorted(markets):
        market, before = markets[symbol], memory.get(symbol)
        if not market.active or market.base in policy.exclude or (policy.only and market.base not in policy.only):
            after[symbol] = _settled(Tier.NONE)
            continue
        candidate = _candidate(floors, quotes.get(symbol))
        if candidate is None:
            if before is not None:
                after[symbol] = before
        elif before is None:
            after[symbol] = _settled(candidate)
        else:
            after[symbol] = _next(policy, before, candidate)
    return after


def tier_of(memory: Mapping[str, TierMemory], symbol: str) -> Tier:
    """The tier in force; `NONE` for a symbol that is not in memory."""
    known = memory.get(symbol)
    return known.tier if known is not None else Tier.NONE


def eligible(memory: Mapping[str, TierMemory]) -> tuple[str, ...]:
    """The symbols that may be opened: the most liquid tier first, alphabetical inside a tier."""
    ranked = sorted((_BEST_FIRST.index(known.tier), symbol) for symbol, known in memory.items())
    return tuple(symbol for rank, symbol in ranked if _BEST_FIRST[rank] is not Tier.NONE)


def _floors(policy: UniversePolicy) -> tuple[_Floors, ...]:
    return (
        _Floors(Tier.T1, policy.tier1_min_volume_notional, policy.tier1_max_spread_bp, policy.tier1_min_depth_notional),
        _Floors(Tier.T2, policy.tier2_min_volume_notional, policy.tier2_max_spread_bp, policy.tier2_min_depth_notional),
        _Floors(Tier.T3, policy.tier3_min_volume_notional, policy.tier3_max_spread_bp, policy.tier3_min_depth_notional),
    )


def _candidate(floors: tuple[_Floors, ...], quote: Quote | None) -> Tier | None:
    """The tier that a quote looks like, None when it proves nothing."""
    if quote is None:
        return None
    if quote.bid <= ZERO or quote.ask <= ZERO:
        return Tier.NONE  # an empty side of the book is an answer: nobody makes a market here
    if quote.ask < quote.bid:
        return None  # a crossed book is a broken reading, and its negative spread would pass every cap
    for floor in floors:
        if (
            quote.volume_24h >= floor.min_volume
            and quote.spread_bp <= floor.max_spread_bp
            and quote.touch_depth >= floor.min_depth
        ):
            return floor.tier
    return Tier.NONE


def _next(policy: UniversePolicy, before: TierMemory, candidate: Tier) -> TierMemory:
    """Counts cycles in one direction, not at one tier, so that a coin that falls step by step is not spared."""
    fall = _fall(before.tier, candidate)
    if fall == 0:
        return _settled(before.tier)
    goes_on = fall * _fall(before.tier, before.candidate) > 0
    cycles = before.cycles + 1 if goes_on else 1
    needed = policy.demote_after_cycles if fall > 0 else policy.promote_after_cycles
    return _settled(candidate) if cycles >= needed else TierMemory(before.tier, candidate, cycles)


def _fall(tier: Tier, candidate: Tier) -> int:
    """How many tiers `candidate` lies below `tier`; negative when it is better."""
    return _BEST_FIRST.index(candidate) - _BEST_FIRST.index(tier)


def _settled(tier: Tier) -> TierMemory:
    return TierMemory(tier, tier, 0)
