"""How much still fits: under each cap, and into each symbol that may be opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.risk.judge import key_of
from tradekit.decide.risk.rulebook import CAPS
from tradekit.decide.risk.situation import Ask, Situation, ask_of, smallest_notional
from tradekit.decide.risk.tally import NOTHING_YET, Sum
from tradekit.decide.universe import eligible
from tradekit.domain.market import Quote
from tradekit.domain.numbers import ONE, PERCENT, ZERO
from tradekit.domain.proposal import Notional, Origin, Proposal, Side
from tradekit.domain.universe import Tier


class CapRoom(NamedTuple):
    """What is used and what is left of one cap, in quote currency."""

    what: str
    key: str
    limit: Decimal
    held: Decimal
    pending: Decimal
    left: Decimal


class SymbolRoom(NamedTuple):
    """The largest opening order that all caps leave room for, the key that binds, and the smallest order there is.

    Nothing fits where `left` is below `smallest`.
    """

    symbol: str
    tier: Tier
    left: Decimal
    key: str
    smallest: Decimal

    @property
    def fits(self) -> bool:
        """Whether any order fits."""
        return self.left >= self.smallest


def cap_rooms(at: Situation) -> tuple[CapRoom, ...]:
    """The total, the tiers and the themes."""
    risk, tally = at.policy.risk, at.tally
    shares = (
        ("all together", "risk.max_total_at_risk_pct", risk.max_total_at_risk_pct, tally.total),
        ("tier 1", "risk.max_tier1_pct", risk.max_tier1_pct, tally.tiers.get(Tier.T1, NOTHING_YET)),
        ("tier 2", "risk.max_tier2_pct", risk.max_tier2_pct, tally.tiers.get(Tier.T2, NOTHING_YET)),
        ("tier 3", "risk.max_tier3_pct", risk.max_tier3_pct, tally.tiers.get(Tier.T3, NOTHING_YET)),
        *(
            (f"theme {name}", "risk.max_theme_pct", share, tally.themes.get(name, NOTHING_YET))
            for name, share in sorted(risk.max_theme_pct.items())
        ),
    )
    return tuple(_cap(at, *share) for share in shares)


def _cap(at: Situation, what: str, key: str, share: Decimal, used: Sum) -> CapRoom:
    limit = at.equity * share * PERCENT
    return CapRoom(what, key, limit, used.held, used.pending, max(limit - used.held - used.pending, ZERO))


def symbol_rooms(at: Situation, symbols: Iterable[str] | None = None) -> tuple[SymbolRoom, ...]:
    """Every symbol that may be opened (or those of `symbols`) and has a price: the most liquid tier first."""
    wanted = None if symbols is None else frozenset(symbols)
    listed = (symbol for symbol in eligible(at.state.tiers) if wanted is None or symbol in wanted)
    return tuple(_symbol(at, ask) for ask in _asks(at, listed))


def _asks(at: Situation, symbols: Iterable[str]) -> Iterator[Ask]:
    for symbol in symbols:
        ask = ask_of(at, probe(symbol, ZERO))
        if ask.market is not None and ask.market.amount_step > 0 and _priced(ask.quote):
            yield ask


def _priced(quote: Quote | None) -> bool:
    return quote is not None and 0 < quote.bid <= quote.ask


def _symbol(at: Situation, ask: Ask) -> SymbolRoom:
    readings = ((rule, rule.read(at, ask)) for rule in CAPS)
    rooms = [(reading.room, key_of(rule, reading)) for rule, reading in readings if reading.limit is not None]
    left, key = min(rooms)
    return SymbolRoom(ask.proposal.symbol, ask.tier, max(left, ZERO), key, smallest_notional(at, ask))


def probe(symbol: str, notional: Decimal) -> Proposal:
    """A proposal that nobody made, to see what would be said of it."""
    return Proposal(f"probe-{symbol}", symbol, Side.BUY, Notional(notional), ONE, "a probe", Origin.EXTERNAL)
