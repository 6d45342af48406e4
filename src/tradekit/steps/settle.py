"""Settle: before any new decision, find out what became of everything that earlier runs left behind."""

from __future__ import annotations

from typing import NamedTuple

from tradekit.domain.errors import Unreachable
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Closed
from tradekit.domain.state import State
from tradekit.steps.desk import Desk
from tradekit.steps.fills import book_new_fills
from tradekit.steps.orders import cancel, is_overdue, refresh


class Settled(NamedTuple):
    """`resolved` orders became final; `canceled` were past their deadline; `open` still are not final."""

    resolved: tuple[ClientOrderId, ...]
    canceled: tuple[ClientOrderId, ...]
    open: tuple[ClientOrderId, ...]


def settle(desk: Desk) -> Settled:
    """Looks up unfinished orders and tombstones, books fills, cancels what is past its deadline.

    Raises `Unreachable`. A dry run cancels nothing.
    """
    before = unfinished(desk.state)
    tombstones = tuple(id for id, order in desk.state.orders.items() if order.is_tombstone)
    silent: Unreachable | None = None
    try:
        refresh(desk, (*before, *tombstones))
    except Unreachable as error:
        silent = error  # what is past its deadline is canceled all the same
    live = [order for id, order in desk.state.orders.items() if order.is_live and not order.is_unanswered]
    overdue = tuple(order.id for order in live if is_overdue(desk, order) or order.is_canceling)
    if overdue and not desk.dry_run:
        cancel(desk, overdue, "past its deadline")
    if silent is not None:
        raise silent
    after = unfinished(desk.state)
    return Settled(tuple(id for id in before if id not in after), overdue, after)


def settle_asset_differences(desk: Desk, assets: frozenset[str]) -> tuple[Fill, ...]:
    """Books trades that a difference between balance and books points to. Raises `Unreachable`."""
    state, quote = desk.state, desk.state.stamp.quote
    symbols = {f"{asset}/{quote}" for asset in assets - {quote}}
    if quote in assets:  # cash alone doesn't say which symbol it was
        symbols |= state.cursors.keys() | {order.intent.symbol for order in state.orders.values()}
        symbols |= {
            f"{asset}/{quote}" for asset, position in state.positions.items() if position.total or position.cost
        }
    return book_new_fills(desk, symbols)


def unfinished(state: State) -> tuple[ClientOrderId, ...]:
    """Orders that can still trade or whose fills are not all booked."""
    return tuple(id for id, order in state.orders.items() if not isinstance(order.state, Closed))
