"""All rules in the order in which they are asked. The order is part of the contract: docs/refusals.md has it too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tradekit.decide.risk import count_rules as count
from tradekit.decide.risk import loss_rules as loss
from tradekit.decide.risk import market_rules as market
from tradekit.decide.risk import pace_rules as pace
from tradekit.decide.risk import permission_rules as permission
from tradekit.decide.risk import sale_rules as sale
from tradekit.decide.risk import size_rules as size
from tradekit.decide.risk.rule import Rule

OPEN_GATES: Final[tuple[Rule, ...]] = (
    permission.HALTED,
    permission.API_ERRORS,
    permission.EXPIRED,
    market.UNKNOWN,
    market.CLOSED,
    market.NO_QUOTE,
    permission.ASSET_HALTED,
    permission.INELIGIBLE,
    permission.UNANSWERED,
    permission.SELLING,
    permission.LEAVING,
    permission.BOOKS_DIFFER,
    permission.HELD,
    permission.REVIVED,
    market.STALE,
    market.AHEAD,
    market.OUTLIER,
    market.SPREAD,
    market.SLIPPAGE,
    loss.DRAWDOWN,
    loss.WEEKLY,
    loss.DAILY,
    loss.STREAK,
    pace.AFTER_STOP,
    pace.AFTER_LOSS,
    pace.AFTER_WIN,
    pace.AFTER_FAILURE,
    pace.PER_HOUR,
    pace.PER_DAY,
    pace.PAUSE,
    pace.SYMBOL_PAUSE,
    count.POSITIONS,
    count.ADDS,
    count.NEW_POSITIONS,
    size.MINIMUM,
)
CAPS: Final[tuple[Rule, ...]] = (
    size.TOTAL,
    size.ASSET,
    size.TIER,
    size.THEME,
    size.LARGEST,
    market.DEPTH,
    size.RESERVE,
    size.CASH,
)
OPEN_RULES: Final = (*OPEN_GATES, *CAPS)
REDUCE_RULES: Final[tuple[Rule, ...]] = (
    permission.SALES_HALTED,
    permission.EXPIRED,
    market.UNKNOWN,
    market.CLOSED,
    market.NO_QUOTE,
    market.OUTLIER,
    sale.MANAGED,
    permission.SELLING,
    sale.BACKOFF,
    sale.EXCHANGE_MINIMUM,
    sale.TURNOVER,
)


def all_rules() -> Iterator[Rule]:
    """Every rule once."""
    yield from OPEN_RULES
    yield from (rule for rule in REDUCE_RULES if rule not in OPEN_RULES)
