"""Sums that the rules look up instead of adding up again: what stands before a batch, and what it has been granted.

All values are in quote currency. A tally is made once for a batch; each approval makes the next one of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

from tradekit.decide.memory import is_counted
from tradekit.decide.risk.exposure import Exposure
from tradekit.decide.universe import tier_of
from tradekit.domain.memory import Result
from tradekit.domain.numbers import ZERO, total
from tradekit.domain.order import Closed
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Origin, Proposal, Side
from tradekit.domain.state import State
from tradekit.domain.times import DAY_MS
from tradekit.domain.universe import Tier

_Key = TypeVar("_Key")


class Sum(NamedTuple):
    """Value at risk: `held`, and `pending` in orders and grants."""

    held: Decimal = ZERO
    pending: Decimal = ZERO

    def plus(self, notional: Decimal) -> Sum:
        """With one more grant."""
        return Sum(self.held, self.pending + notional)


NOTHING_YET: Final = Sum()


class Tally(NamedTuple):
    """`positions` count as such, grants included; `before` those without the grants; `begun` are assets that use up
    the new positions of a cycle. `openings` are the times of opening orders in the last day, oldest first; `newest`
    the last one of each symbol. `selling` and `unanswered` count orders by asset and by symbol, conversions as sales;
    `sold` are assets that this batch sells. `turnover` is what sales for other programs may bring in 24 hours, `spent`
    what buys were granted.
    """

    total: Sum
    assets: Mapping[str, Sum]
    tiers: Mapping[Tier, Sum]
    themes: Mapping[str, Sum]
    themes_of: Mapping[str, tuple[str, ...]]
    positions: frozenset[str]
    before: frozenset[str]
    openings: tuple[int, ...]
    newest: Mapping[str, int]
    selling: Mapping[str, int]
    unanswered: Mapping[str, int]
    results: Mapping[str, tuple[Result, ...]]
    turnover: Decimal
    begun: frozenset[str] = frozenset()
    sold: frozenset[str] = frozenset()
    spent: Decimal = ZERO

    def with_buy(self, proposal: Proposal, tier: Tier, notional: Decimal, now: int, *, adds_count: bool) -> Tally:
        """After one more approval of a buy."""
        asset = proposal.base
        begins = adds_count or asset not in self.before
        themes = self.themes_of.get(asset, ())
        return self._replace(
            total=self.total.plus(notional),
            assets=_plus(self.assets, (asset,), notional),
            tiers=_plus(self.tiers, (tier,), notional),
            themes=_plus(self.themes, themes, notional) if themes else self.themes,
            positions=self.positions if asset in self.positions else self.positions | {asset},
            openings=(*self.openings, now),
            newest={**self.newest, proposal.symbol: now},
            begun=self.begun | {asset} if begins else self.begun,
            spent=self.spent + notional,
        )

    def with_sale(self, proposal: Proposal, notional: Decimal) -> Tally:
        """After one more approval of a sale."""
        counted = notional if proposal.origin is Origin.EXTERNAL else ZERO
        return self._replace(sold=self.sold | {proposal.base}, turnover=self.turnover + counted)


def count(policy: Policy, state: State, exposure: Exposure, now: int) -> Tally:
    """The tally before anything is granted."""
    assets = {
        asset: Sum(exposure.held.get(asset, ZERO), exposure.pending.get(asset, ZERO)) for asset in exposure.assets()
    }
    themes_of = _themes_of(policy.risk.themes)
    quote = state.stamp.quote
    selling, unanswered = _orders(state)
    openings = sorted((item for item in state.openings if item.time > now - DAY_MS), key=lambda item: item.time)
    positions = exposure.positions(policy.risk.dust_notional)
    return Tally(
        total=_added(assets.values()),
        assets=assets,
        tiers=_grouped((tier_of(state.tiers, f"{asset}/{quote}"), item) for asset, item in assets.items()),
        themes=_grouped((theme, item) for asset, item in assets.items() for theme in themes_of.get(asset, ())),
        themes_of=themes_of,
        positions=positions,
        before=positions,
        openings=tuple(item.time for item in openings),
        newest={item.symbol: item.time for item in openings},
        selling=selling,
        unanswered=unanswered,
        results=_by_symbol(state.risk.results),
        turnover=_turnover(state, now),
    )


def _plus(sums: Mapping[_Key, Sum], keys: Iterable[_Key], notional: Decimal) -> dict[_Key, Sum]:
    return {**sums, **{key: sums.get(key, NOTHING_YET).plus(notional) for key in keys}}


def _added(items: Iterable[Sum]) -> Sum:
    listed = list(items)
    return Sum(total(item.held for item in listed), total(item.pending for item in listed))


def _grouped(items: Iterable[tuple[_Key, Sum]]) -> dict[_Key, Sum]:
    groups: dict[_Key, list[Sum]] = {}
    for key, item in items:
        groups.setdefault(key, []).append(item)
    return {key: _added(group) for key, group in groups.items()}


def _themes_of(themes: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for theme, assets in themes.items():
        for asset in assets:
            found[asset] = (*found.get(asset, ()), theme)
    return found


def _orders(state: State) -> tuple[dict[str, int], dict[str, int]]:
    selling: dict[str, int] = {}
    unanswered: dict[str, int] = {}
    for asset in state.converting:
        selling[asset] = 1  # it is on its way out, as by a sale
    for order in state.orders.values():
        proposal = order.intent.approved.proposal
        if proposal.side is Side.SELL and not isinstance(order.state, Closed):
            selling[proposal.base] = selling.get(proposal.base, 0) + 1
        if order.is_unanswered:
            unanswered[proposal.symbol] = unanswered.get(proposal.symbol, 0) + 1
    return selling, unanswered


def _by_symbol(results: Iterable[Result]) -> dict[str, tuple[Result, ...]]:
    found: dict[str, tuple[Result, ...]] = {}
    for result in results:
        found[result.symbol] = (*found.get(result.symbol, ()), result)
    return found


def _turnover(state: State, now: int) -> Decimal:
    """What sales for other programs brought in 24 hours, and what those that still work may bring."""
    done = total(item.notional for item in state.risk.turnover if is_counted(item, now))
    working = (
        order.remaining * order.intent.price
        for order in state.orders.values()
        if order.intent.side is Side.SELL and order.intent.approved.proposal.origin is Origin.EXTERNAL
    )
    return done + total(working)
