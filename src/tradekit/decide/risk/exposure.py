"""What is at risk: positions, and opening orders that are open or unanswered. And what the account is worth.

Values are in quote currency. A missing or broken quote never enlarges a cap: such a holding is worth nothing in the
equity, and in the exposure its full cost or, where that is more, what it was worth at its best bid. A wild quote
(see `prices`) counts as the smaller of itself and the last good price in the equity, and as the larger in the exposure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.risk.prices import price_of, sound_quote
from tradekit.decide.universe import tier_of
from tradekit.domain.market import Snapshot
from tradekit.domain.memory import Mark
from tradekit.domain.numbers import ZERO, total
from tradekit.domain.proposal import Side
from tradekit.domain.state import State
from tradekit.domain.universe import Tier

_NO_MARKS: Mapping[str, Mark] = {}


class Exposure(NamedTuple):
    """Value at risk per asset: held, and in opening orders."""

    held: Mapping[str, Decimal]
    pending: Mapping[str, Decimal]

    def of(self, asset: str) -> Decimal:
        """All that is at risk in one asset."""
        return self.held.get(asset, ZERO) + self.pending.get(asset, ZERO)

    def sum(self, assets: Iterable[str] | None = None) -> Decimal:
        """All that is at risk in some assets, or in all."""
        return total(self.of(asset) for asset in (self.assets() if assets is None else assets))

    def assets(self) -> frozenset[str]:
        """Every asset that something is at risk in, dust too."""
        return frozenset(self.held) | frozenset(self.pending)

    def positions(self, dust: Decimal) -> frozenset[str]:
        """Assets that count as positions: worth at least `dust`, or being bought."""
        return frozenset(self.pending) | frozenset(asset for asset, value in self.held.items() if value >= dust)

    def in_tier(self, tier: Tier, state: State) -> Decimal:
        """All that is at risk in the assets of one tier."""
        quote = state.stamp.quote
        return self.sum(asset for asset in self.assets() if tier_of(state.tiers, f"{asset}/{quote}") is tier)


def measure(
    state: State, snapshot: Snapshot, marks: Mapping[str, Mark] = _NO_MARKS, *, with_outside: bool = False
) -> Exposure:
    """The exposure before anything is granted. Holdings count at the mid where there is a quote.

    `marks` are those after this snapshot. `with_outside` counts what is held and not managed too, where it has a price.
    """
    held = {}
    for asset, position in state.positions.items():
        quantity = position.total if with_outside else position.quantity
        if quantity > 0:
            quote = sound_quote(snapshot, asset, state.stamp.quote)
            if quote is None:
                held[asset] = max(position.cost, quantity * position.peak)
            else:
                least = marks[asset].price if is_wild(marks, asset) else ZERO
                held[asset] = quantity * max(price_of(quote), least)
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
    return Exposure(held, pending)


def _ask(snapshot: Snapshot, symbol: str) -> Decimal:
    quote = snapshot.quotes.get(symbol)
    return ZERO if quote is None else quote.ask


def equity_for_caps(state: State, snapshot: Snapshot, marks: Mapping[str, Mark] = _NO_MARKS) -> Decimal:
    """The smaller of now and the last believed value; what has no quote is worth nothing. `marks` as in `measure`."""
    now = state.cash
    for asset, position in state.positions.items():
        quote = sound_quote(snapshot, asset, state.stamp.quote)
        if quote is not None:
            bid = min(quote.bid, marks[asset].price) if is_wild(marks, asset) else quote.bid
            now += position.quantity * bid
    return now if state.equity is None else min(now, state.equity)


def believed_equity(state: State, snapshot: Snapshot, marks: Mapping[str, Mark]) -> Decimal:
    """Cash and managed holdings at the bid. A holding whose quote is missing or wild has its last good price, and its
    cost where there never was one: so no loss is made of a quote that is missing or wrong, and one coin that is never
    quoted again doesn't stop the measuring of all others.
    """
    value = state.cash
    for asset, position in state.positions.items():
        if position.quantity > 0:
            quote = sound_quote(snapshot, asset, state.stamp.quote)
            if quote is not None and not is_wild(marks, asset):
                value += position.quantity * quote.bid
            else:
                value += position.quantity * marks[asset].price if asset in marks else position.cost
    return value


def is_wild(marks: Mapping[str, Mark], asset: str) -> bool:
    """Whether the asset's quote is too far from its last good price to be believed."""
    return asset in marks and marks[asset].looks > 0
