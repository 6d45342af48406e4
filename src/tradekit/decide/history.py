"""A history of trades folded as the policy keeps its books, and that of a file, which may be in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tradekit.decide.rebuild import History, fold_history, orders_sent
from tradekit.domain.books import CostMethod, Owner
from tradekit.domain.event import Record
from tradekit.domain.fill import BrokenTrade, NotInOrder, TradeRow
from tradekit.domain.policy.sections import Policy


def fold_by_policy(
    policy: Policy,
    quote: str,
    rows: Iterable[TradeRow | BrokenTrade],
    whose: Callable[[TradeRow], Owner | None] | None,
) -> History:
    """The books of a history as the policy keeps them: by its cost method, and with its managed assets."""

    def owner_of_symbol(symbol: str) -> Owner:
        return Owner.MANAGED if symbol.partition("/")[0] in policy.account.managed else Owner.OUTSIDE

    return fold_history(rows, quote, CostMethod(policy.books.cost_method), owner_of_symbol, whose)


def fold_file(
    policy: Policy,
    quote: str,
    trades: Callable[[bool], Iterable[TradeRow | BrokenTrade]],
    records: Iterable[Record],
    since: int | None = None,
) -> History:
    """Folds the trades of a file, before anything of the account is touched; `records` tell which orders are ours.

    `trades(True)` are taken as they are written and may raise `NotInOrder`, `trades(False)` come sorted. Raises
    `BadInput` of the file.
    """
    sent = orders_sent(records)

    def whose(row: TradeRow) -> Owner | None:
        return Owner.TRADEKIT if (row.symbol, row.order_id) in sent else None

    def wanted(as_written: bool) -> Iterable[TradeRow | BrokenTrade]:
        rows = trades(as_written)
        return rows if since is None else (row for row in rows if row.time >= since)

    try:
        return fold_by_policy(policy, quote, wanted(True), whose if sent else None)
    except NotInOrder:
        return fold_by_policy(policy, quote, wanted(False), whose if sent else None)
