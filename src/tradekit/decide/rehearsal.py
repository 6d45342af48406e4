"""What a rehearsal keeps an eye on: the highest share of the equity that ever stood against each cap.

A price that rises can carry a holding past its cap, and money that is lost makes every share larger; no order does.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.risk.exposure import measure
from tradekit.domain.fill import Fill
from tradekit.domain.market import Quote, Snapshot
from tradekit.domain.numbers import ZERO, divide
from tradekit.domain.policy.sections import Policy
from tradekit.domain.state import State


class Share(NamedTuple):
    """The highest value against the limit of one key, in percent of equity or in positions."""

    key: str
    worst: Decimal
    limit: Decimal
    asset: str = ""


class Worst(NamedTuple):
    """The highest shares so far."""

    total_pct: Decimal = ZERO
    asset_pct: Decimal = ZERO
    asset: str = ""
    positions: int = 0

    def shares(self, policy: Policy) -> tuple[Share, ...]:
        """Beside the caps of the policy."""
        risk = policy.risk
        return (
            Share("risk.max_total_at_risk_pct", self.total_pct, risk.max_total_at_risk_pct),
            Share("risk.max_asset_pct", self.asset_pct, risk.max_asset_pct, self.asset),
            Share("risk.max_positions", Decimal(self.positions), Decimal(risk.max_positions)),
        )


def worst_shares(worst: Worst, policy: Policy, state: State, quotes: Mapping[str, Quote]) -> Worst:
    """With the shares of one more moment."""
    exposure = measure(state, Snapshot(state.time, {}, quotes, {}))
    if not state.equity or state.equity <= 0:
        return worst
    total_pct = divide(exposure.sum() * 100, state.equity)
    shares = [(divide(exposure.of(asset) * 100, state.equity), asset) for asset in exposure.assets()]
    asset_pct, asset = max(shares, default=(ZERO, ""))
    if asset_pct <= worst.asset_pct:
        asset_pct, asset = worst.asset_pct, worst.asset
    positions = max(worst.positions, len(exposure.positions(policy.risk.dust_notional)))
    return Worst(max(worst.total_pct, total_pct), asset_pct, asset, positions)


def with_fees(fees: Mapping[str, Decimal], fill: Fill) -> dict[str, Decimal]:
    """Fees by asset, with those of one more fill."""
    added = dict(fees)
    for money in fill.fees:
        added[money.asset] = added.get(money.asset, ZERO) + money.amount
    return added
