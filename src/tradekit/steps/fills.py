"""Booking: the exchange's trades of ours go into the books, each exactly once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tradekit.decide.fold import OVERLAP_MS, order_of
from tradekit.domain.event import FillBooked
from tradekit.domain.fill import Fill
from tradekit.steps.desk import Desk

_MARGIN_MS: Final = 60_000  # exchanges that tell whole seconds date a first fill before the opening


def book_new_fills(desk: Desk, symbols: Iterable[str]) -> tuple[Fill, ...]:
    """Asks for the trades of some symbols since their cursors, less an overlap, and books those not seen yet.

    Raises `Unreachable`; what was booked before stays booked.
    """
    state = desk.state
    begin = max(state.opened_at - _MARGIN_MS, 0)
    since = {symbol: max(state.cursors.get(symbol, 0) - OVERLAP_MS, begin) for symbol in sorted(set(symbols))}
    if not since:
        return ()
    fresh: dict[tuple[str, str], Fill] = {}
    for fill in desk.exchange.fills_since(since):
        # what is older than was asked for may be booked already: its id is not remembered any more
        if fill.symbol not in since or fill.time < since[fill.symbol]:
            continue
        # what was traded before the books were opened is in the opening balances already
        if fill.time <= state.opened_at and order_of(state.orders, fill) is None:
            continue
        if fill.trade_id not in desk.state.seen_fills.get(fill.symbol, {}):
            fresh.setdefault((fill.symbol, fill.trade_id), fill)
    ordered = sorted(fresh.values(), key=lambda fill: (fill.time, fill.symbol, fill.trade_id))
    desk.record(*(FillBooked(fill) for fill in ordered))
    return tuple(ordered)
