"""Make way for stops: a sale of ours that still rests binds what the stop has to sell."""

from __future__ import annotations

from collections.abc import Iterable

from tradekit.domain.order import Order
from tradekit.domain.proposal import Origin, Proposal, Side, Urgency
from tradekit.steps.desk import Desk
from tradekit.steps.orders import cancel


def make_way(desk: Desk, proposals: Iterable[Proposal]) -> bool:
    """Cancels resting sales of assets that a stop wants to sell. Says whether balances changed by that."""
    stops = {p.symbol for p in proposals if p.origin is Origin.EXIT and p.urgency is Urgency.AT_ONCE}
    in_the_way = [order for order in desk.state.orders.values() if _rests(order) and order.intent.symbol in stops]
    if not in_the_way or desk.dry_run:
        return False
    cancel(desk, {order.id: "a stop has to sell" for order in in_the_way})
    return True


def _rests(order: Order) -> bool:
    return order.is_live and not order.is_unanswered and order.intent.side is Side.SELL
