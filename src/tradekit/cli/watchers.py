"""What is told while a run works: JSON log lines on request, and a progress line while orders wait on a terminal.

A log word says one thing: `placed` is no acknowledgement, `acknowledged` is no fill, and only a fill says `filled`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from tradekit.adapters.safe_text import safe
from tradekit.cli.output import moment, number, tell
from tradekit.domain.conversion import is_conversion
from tradekit.domain.event import (
    CancelRequested,
    ConversionAccepted,
    ConversionEnded,
    ConversionIntended,
    CycleFinished,
    FillBooked,
    OrderAcknowledged,
    OrderFinal,
    OrderIntended,
    OrderNotPlaced,
    OrderRejected,
    OrderUnanswered,
    Record,
)
from tradekit.domain.numbers import plain
from tradekit.domain.order import Order
from tradekit.domain.state import State


class Silent:
    """Tells nothing."""

    def recorded(self, record: Record, before: State, after: State) -> None:
        """Nothing."""

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        """Nothing."""


class JsonLog(Silent):
    """One JSON object a line for everything that happens to an order."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def recorded(self, record: Record, before: State, after: State) -> None:
        """Writes the line of an order event."""
        line = log_line(record, after)
        if line is not None:
            tell(self._stream, json.dumps(line))


class Progress(Silent):
    """One line on the terminal that counts down while orders wait."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        """Redraws the line."""
        filled = sum(1 for order in orders if order.filled > 0)
        text = f"{len(orders)} orders wait, {filled} partly filled, {(until - now) / 1000:.0f} s left"
        tell(self._stream, f"\r{text:<70}", end="")

    def recorded(self, record: Record, before: State, after: State) -> None:
        """Tells each fill; the end of the cycle clears the line for the report."""
        if isinstance(record.event, CycleFinished):
            tell(self._stream, f"\r{'':<70}\r", end="")
        if isinstance(record.event, FillBooked):
            fill = record.event.fill
            text = f"{fill.side} {number(fill.amount)} {safe(fill.base)} at {number(fill.price)} {safe(fill.quote)}"
            tell(self._stream, f"\r{text:<70}")


def log_line(record: Record, after: State) -> dict[str, Any] | None:
    """What happened to an order, in one word and its figures; None for events that are about no order."""
    match record.event:
        case OrderIntended(intent):
            order = after.orders[intent.client_order_id]
            return _line(record, "placed", order, price=plain(intent.price), amount=plain(intent.amount))
        case OrderAcknowledged(id, exchange_id):
            return _line(record, "acknowledged", after.orders[id], exchange_id=safe(exchange_id))
        case OrderUnanswered(id, reason):
            return _line(record, "unanswered", after.orders[id], reason=safe(reason))
        case OrderRejected(id, code, text):
            return _line(record, "rejected", after.orders[id], code=str(code), text=safe(text))
        case OrderNotPlaced(id):
            return _line(record, "not_placed", after.orders[id])
        case CancelRequested(id, reason):
            return _line(record, "cancel_requested", after.orders[id], reason=reason)
        case OrderFinal(id, last_word, reported):
            return _line(record, f"final_{last_word}", after.orders[id], reported_filled=plain(reported))
        case FillBooked(fill) if not is_conversion(fill):
            order_ids = [o for o in after.orders.values() if o.id == fill.client_order_id]
            full = bool(order_ids) and order_ids[0].filled >= order_ids[0].intent.amount
            figures = {"amount": plain(fill.amount), "price": plain(fill.price), "trade_id": safe(fill.trade_id)}
            word = "filled" if full else "partly_filled"
            return _line(record, word, order_ids[0] if order_ids else None, symbol=safe(fill.symbol), **figures)
        case _:
            return _conversion_line(record)


def _conversion_line(record: Record) -> dict[str, Any] | None:
    """What happened to a conversion; the money is told by its fill."""
    match record.event:
        case ConversionIntended(intent):
            offer, names = intent.offer, {"client_order_id": intent.id, "symbol": safe(intent.symbol)}
            figures = {"amount": plain(offer.amount), "promised": plain(offer.promised)}
            return _line(record, "conversion_sent", None, **names, **figures, quote_id=safe(offer.quote_id))
        case ConversionAccepted(id, exchange_id):
            return _line(record, "conversion_accepted", None, client_order_id=id, exchange_id=safe(exchange_id))
        case ConversionEnded(id, end, text):
            return _line(record, f"conversion_{end}", None, client_order_id=id, text=safe(text))
        case FillBooked(fill):
            names = {"client_order_id": fill.client_order_id or "", "symbol": safe(fill.symbol)}
            return _line(record, "converted", None, **names, amount=plain(fill.amount), received=plain(fill.cost))
        case _:
            return None


def _line(record: Record, word: str, order: Order | None, **figures: str) -> dict[str, Any]:
    line: dict[str, Any] = {"time": moment(record.time), "seq": record.seq, "event": word}
    if order is not None:
        line |= {"client_order_id": order.id, "symbol": safe(order.intent.symbol), "side": str(order.intent.side)}
    return line | figures


def watcher_for(*, json_log: bool, quiet: bool) -> Silent:
    """The watcher that the options and the terminal ask for. Everything it tells goes to stderr."""
    if json_log:
        return JsonLog(sys.stderr)
    return Progress(sys.stderr) if sys.stderr.isatty() and not quiet else Silent()
