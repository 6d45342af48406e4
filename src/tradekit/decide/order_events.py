"""What events do to the orders in a state: each moves as the table of legal moves says, and none is forgotten early."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Closed, Closing, Order, OrderState
from tradekit.domain.state import State
from tradekit.domain.times import DAY_MS

CLOSED_KEPT: Final = 50


def order_of(orders: Mapping[ClientOrderId, Order], fill: Fill) -> Order | None:
    """The order that a fill belongs to: by our id where the exchange tells it, else by its own."""
    if fill.client_order_id is not None:
        return orders.get(fill.client_order_id)
    return next(
        (o for o in orders.values() if o.exchange_id == fill.exchange_id and o.intent.symbol == fill.symbol), None
    )


def settled(state: State, id: ClientOrderId, now: int) -> State:
    """Closes an order once the exchange's last word and our booked fills agree."""
    order = state.orders[id]
    if isinstance(order.state, Closing) and order.filled >= order.state.reported_filled:
        return put(state, order.move(Closed(now, order.state.word)))
    return state


def move(state: State, id: ClientOrderId, to: OrderState) -> State:
    """The state with one order in its next state. Raises `IllegalMove`."""
    return put(state, state.orders[id].move(to))


def put(state: State, order: Order) -> State:
    """The state with an order as given, new or changed."""
    return state._replace(orders={**state.orders, order.id: order})


def unmark(state: State, id: ClientOrderId) -> State:
    """An order that never was doesn't count against the pace limits."""
    return state._replace(openings=tuple(item for item in state.openings if item.client_order_id != id))


def remembered(orders: Mapping[ClientOrderId, Order], now: int) -> dict[ClientOrderId, Order]:
    """Everything that isn't closed, tombstones for a day, and the newest closed ones for late fills."""
    closed = [order for order in orders.values() if isinstance(order.state, Closed) and not order.is_tombstone]
    forgotten = {order.id for order in closed[: max(len(closed) - CLOSED_KEPT, 0)]}
    return {
        id: order
        for id, order in orders.items()
        if id not in forgotten and not (order.is_tombstone and now - order.state.since > DAY_MS)
    }
