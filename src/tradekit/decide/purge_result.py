"""What one run of a purge brought: how much was sold, at what price against the decision, and what is left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.fill import Fill
from tradekit.domain.market import Snapshot
from tradekit.domain.money import Money
from tradekit.domain.numbers import BP, ZERO, divide, total
from tradekit.domain.purge import PurgeEnd, PurgePlan
from tradekit.domain.state import State


class PurgeRow(NamedTuple):
    """One asset: `sold` base units in this run for `proceeds` in quote currency before `fees`.

    `shortfall_bp` compares what came in after fees in quote currency with the decision price. `left` is still held,
    worth `left_notional` at the mid. `ended` says why the plan is over (None: the cycles go on), `progress_pct` how
    much of all it began with is sold.
    """

    asset: str
    decision_price: Decimal
    sold: Decimal
    proceeds: Decimal
    average: Decimal | None
    fees: tuple[Money, ...]
    shortfall_bp: Decimal | None
    left: Decimal
    left_notional: Decimal | None
    progress_pct: Decimal
    ended: PurgeEnd | None


def purge_row(
    state: State, plan: PurgePlan, fills: Iterable[Fill], snapshot: Snapshot, ended: Mapping[str, PurgeEnd]
) -> PurgeRow:
    """The row of one plan as it was before the run; `fills` are its sales since then."""
    symbol, quote_asset = f"{plan.asset}/{state.stamp.quote}", state.stamp.quote
    own = [fill for fill in fills if fill.symbol == symbol]
    sold, proceeds = total(fill.amount for fill in own), total(fill.cost for fill in own)
    fees: dict[str, Decimal] = {}
    for money in (money for fill in own for money in fill.fees):
        fees[money.asset] = fees.get(money.asset, ZERO) + money.amount
    position, quote = state.positions.get(plan.asset), snapshot.quotes.get(symbol)
    left, done = ZERO if position is None else position.quantity, plan.sold + sold
    return PurgeRow(
        asset=plan.asset,
        decision_price=plan.decision_price,
        sold=sold,
        proceeds=proceeds,
        average=divide(proceeds, sold) if sold else None,
        fees=tuple(Money(amount, name) for name, amount in fees.items()),
        shortfall_bp=_shortfall_bp(plan.decision_price * sold, proceeds - fees.get(quote_asset, ZERO)),
        left=left,
        left_notional=None if quote is None else left * quote.mid,
        progress_pct=divide(done * 100, done + left) if done + left else Decimal(100),
        ended=ended.get(plan.asset),
    )


def _shortfall_bp(worth: Decimal, income: Decimal) -> Decimal | None:
    """Implementation shortfall (Perold 1988) in basis points of what the sold units were worth; less is better."""
    return divide(worth - income, worth) / BP if worth else None
