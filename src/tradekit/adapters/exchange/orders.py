"""Sends and cancels. Each order goes out once; what its answer doesn't say stays unanswered.

What ccxt would put on the wire is held against the intent first: it rounds amounts and prices on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Final

from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.failure import CallFailed
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.outcomes import cancel_outcome, send_outcome
from tradekit.adapters.exchange.venues.venue import Venue
from tradekit.domain.ids import is_ours
from tradekit.domain.numbers import plain
from tradekit.domain.order import Order, OrderIntent, TimeInForce
from tradekit.domain.outcome import (
    Acknowledged,
    CancelAccepted,
    CancelOutcome,
    LookupAnswer,
    NotFound,
    NotOpen,
    OrderReport,
    RejectCode,
    Rejected,
    SendOutcome,
    Unanswered,
)
from tradekit.domain.times import DAY_MS, MINUTE_MS

_OPENING_LEFT_MS: Final = 10 * MINUTE_MS
_SALE_LEFT_MS: Final = DAY_MS


def send(connection: Connection, intent: OrderIntent, now: Callable[[], int]) -> SendOutcome:
    """Sends one order. `now` tells exchange time; it is asked when the order's turn has come, not before. Never raises
    for the exchange.
    """
    venue = connection.venue
    unfit = _unfit(connection, intent)
    if unfit is not None:
        return unfit
    fields = venue.filled_in(venue.place[intent.time_in_force], intent.client_order_id)
    if venue.accepted_until is not None:
        name, after_ms, written = venue.accepted_until
        fields[name] = lambda: written(now() + after_ms)
    if venue.expiry is not None and intent.time_in_force is TimeInForce.PO:
        fields |= {**venue.expiry.params, venue.expiry.field: venue.expiry.written(_expires(intent))}
    amount, price = plain(intent.amount), plain(intent.price)
    try:
        told = connection.call("create_order", intent.symbol, "limit", str(intent.side), amount, price, fields)
    except CallFailed as failed:
        return send_outcome(failed.failure, venue)
    exchange_id, named = told.get("id"), venue.own_id(told.get("clientOrderId"))
    if not isinstance(exchange_id, str) or not exchange_id:
        return Unanswered("an answer without the order's id")
    if named is not None and named != intent.client_order_id and is_ours(named):
        return Unanswered("an answer about another order")
    return Acknowledged(exchange_id)


def _expires(intent: OrderIntent) -> int:
    """When the exchange ends an order by itself (milliseconds): if no run ever comes back for it. Until then a run may
    cancel it or let it go on.
    """
    return intent.deadline + (_OPENING_LEFT_MS if intent.approved.proposal.opens else _SALE_LEFT_MS)


def has_to_be_found(order: Order, venue: Venue) -> bool:
    """Whether an order can only be canceled after a look-up: nothing that we know of it would name it."""
    return order.exchange_id is None and venue.cancel_by_client_id is None


def cancel(connection: Connection, order: Order, found: LookupAnswer | None) -> CancelOutcome:
    """Asks to cancel one order, by the exchange's id where it is known. `found` is what the look-up said of an order
    that has to be found. Never raises for the exchange.
    """
    venue, exchange_id = connection.venue, order.exchange_id
    match found:
        case OrderReport():
            exchange_id = found.exchange_id
        case NotFound(text):
            return NotOpen(text)
        case Unanswered():
            return found
    params = venue.cancel if exchange_id is not None else venue.cancel_by_client_id or {}
    fields = venue.filled_in(params, order.id, exchange_id or "")
    named = fields.pop("id", exchange_id)
    try:
        connection.call("cancel_order", named, order.intent.symbol, fields)
    except CallFailed as failed:
        return cancel_outcome(failed.failure, venue)
    return CancelAccepted(exchange_id or "")


def _unfit(connection: Connection, intent: OrderIntent) -> Rejected | None:
    """A refusal of our own, before anything is sent, where ccxt would send other numbers."""
    api = connection.api
    with localcontext():
        try:
            amount = api.amount_to_precision(intent.symbol, plain(intent.amount))
            price = api.price_to_precision(intent.symbol, plain(intent.price))
            same = Decimal(amount) == intent.amount and Decimal(price) == intent.price
        except Exception as error:  # nothing was sent, whatever it was
            text = str(error) if isinstance(error, BrokenAnswer) else f"{intent.symbol}: {type(error).__name__}"
            return Rejected(RejectCode.INVALID_ORDER, text)
    if same:
        return None
    return Rejected(RejectCode.BAD_PRECISION, f"{amount} at {price} would be sent instead")
