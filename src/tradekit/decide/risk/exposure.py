"""What is at risk: positions, opening orders that are open or unanswered, and what this batch was already granted.

Values are in quote currency. A missing or broken quote never enlarges a cap: such a holding is worth nothing in the
equity, and in the exposure its full cost or, where that is more, what it was worth at its best bid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.universe import tier_of
from tradekit.domain.market import Quote, Snapshot
from tradekit.domain.numbers import ZERO, total
from tradekit.domain.proposal import Side
from tradekit.domain.state import State
from tradekit.domain.universe import Tier


class Exposure(NamedTuple):
    """Value at risk per asset: held, in opening orders, and granted in this batch."""

    held: Mapping[str, Decimal]
    pending: Mapping[str, Decimal]
    granted: Mapping[str, Decimal]

    def of(self, asset: str) -> Decimal:
        """All that is at risk in one asset."""
        return total(part.get(asset, ZERO) for part in self)

    def sum(self, assets: Iterable[str] | None = None) -> Decimal:
        """All that is at risk in some assets, or in all."""
        return total(self.of(asset) for asset in (self.assets() if assets is None else assets))

    def assets(self) -> frozenset[str]:
        """Every asset that something is at risk in, dust too."""
        return frozenset(self.held) | frozenset(self.pending) | frozenset(self.granted)

    def positions(self, dust: Decimal) -> frozenset[str]:
        """Assets that count as positions: worth at least `dust`, or being bought."""
        buying = frozenset(self.pending) | frozenset(self.granted)
        return buying | frozenset(asset for asset, value in self.held.items() if value >= dust)

    def in_tier(self, tier: Tier, state: State) -> Decimal:
        """All that is at risk in the assets of one tier."""
        quote = state.stamp.quote
        return self.sum(asset for asset in self.assets() if tier_of(state.tiers, f"{asset}/{quote}") is tier)

    def with_grant(self, asset: str, notional: Decimal) -> Exposure:
        """The exposure after one more approval."""
        return self._replace(granted={**self.granted, asset: self.granted.get(asset, ZERO) + notional})


def measure(state: State, snapshot: Snapshot) -> Exposure:
    """The exposure before anything is granted. Holdings count at the mid where there is a quote."""
    held = {}
    for asset, position in state.positions.items():
        if position.quantity > 0:
            quote = sound_quote(snapshot, asset, state.stamp.quote)
            if quote is None:
                held[asset] = max(position.cost, position.quantity * position.peak)
            else:
                held[asset] = position.quantity * (quote.mid if quote.ask > 0 else quote.bid)
    pending: dict[str, Decimal] = {}
    for order in state.orders.values():
        proposal = order.intent.approved.proposal
        if proposal.opens and order.remaining > 0:
            pending[proposal.base] = pending.get(proposal.base, ZERO) + order.remaining * order.intent.price
    for report in state.foreign:
        if report.side is Side.BUY and report.amount is not None:
            base, _, quote_asset = report.symbol.partition("/")
            left = max(report.amount - (report.filled or ZERO), ZERO)
            price = report.price if quote_asset == state.stamp.quote else None  # else it is in another currency
            pending[base] = pending.get(base, ZERO) + left * (price or _ask(snapshot, f"{base}/{state.stamp.quote}"))
    return Exposure(held, pending, {})


def _ask(snapshot: Snapshot, symbol: str) -> Decimal:
    quote = snapshot.quotes.get(symbol)
    return ZERO if quote is None else quote.ask


def equity_now(state: State, snapshot: Snapshot) -> Decimal | None:
    """Cash and managed holdings at the bid, or None when a holding has no quote."""
    value = state.cash
    for asset, position in state.positions.items():
        if position.quantity > 0:
            quote = sound_quote(snapshot, asset, state.stamp.quote)
            if quote is None:
                return None
            value += position.quantity * quote.bid
    return value


def equity_for_caps(state: State, snapshot: Snapshot) -> Decimal:
    """The smaller of now and the last good value; what has no quote is worth nothing."""
    now = state.cash
    for asset, position in state.positions.items():
        quote = sound_quote(snapshot, asset, state.stamp.quote)
        if quote is not None:
            now += position.quantity * quote.bid
    return now if state.equity is None else min(now, state.equity)


def sound_quote(snapshot: Snapshot, asset: str, quote_asset: str) -> Quote | None:
    """The asset's quote, or None where there is no bid or the book is crossed, which is a broken reading."""
    quote = snapshot.quotes.get(f"{asset}/{quote_asset}")
    return None if quote is None or quote.bid <= 0 or 0 < quote.ask < quote.bid else quote
