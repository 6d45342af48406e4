"""Reconcile: which of the exchange's trades are new, which we have, which make no sense, and whose they are.

Pure: the listed trades, the state and what the index over the journal knows go in; events come out. A trade's identity
is (symbol, trade id); it is booked once however often, late or out of order it is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.decide.doubts import FUTURE_MS, adopted_hold, doubt, impossible, new_holds, nonsense, told
from tradekit.decide.order_events import order_of
from tradekit.domain.books import Owner
from tradekit.domain.event import FillBooked
from tradekit.domain.fill import BrokenTrade, Fill, TradeRow
from tradekit.domain.hold import Hold, HoldCode
from tradekit.domain.ids import ClientOrderId, is_ours
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Closed
from tradekit.domain.proposal import Origin, Side
from tradekit.domain.state import State
from tradekit.domain.times import HOUR_MS, MINUTE_MS

OVERLAP_MS: Final = HOUR_MS
MARGIN_MS: Final = MINUTE_MS  # exchanges that tell whole seconds date a first fill before the opening

TradeId = tuple[str, str]


class Known(NamedTuple):
    """What the index over the journal says: digests of booked trades by (symbol, trade id), and ids of orders sent."""

    fills: Mapping[TradeId, str] = {}
    orders: frozenset[ClientOrderId] = frozenset()


class Question(NamedTuple):
    """What the index has to be asked before listed trades can be told apart."""

    fills: tuple[TradeId, ...]
    orders: tuple[ClientOrderId, ...]


class Reconciled(NamedTuple):
    """What became of the listed trades. `fresh` are in booking order; `late` of them are older than their cursor.

    `external` of them are not trades of tradekit. `duplicates` were booked before, `counted` are inside the opening
    balances. `holds` are new doubts.
    """

    fresh: tuple[FillBooked, ...] = ()
    late: int = 0
    external: int = 0
    duplicates: int = 0
    counted: int = 0
    holds: tuple[Hold, ...] = ()


def ask_from(state: State, symbols: Iterable[str], since: int | None = None) -> dict[str, int]:
    """From when on (milliseconds) trades of each symbol have to be listed again.

    An hour before the newest one known, and not after the start of an order that isn't over; `since` reaches back
    further, but never before the opening of the books.
    """
    begin = max(state.opened_at - MARGIN_MS, state.counted_until, 0)
    wanted = {}
    for symbol in sorted(set(symbols)):
        times = [state.cursors.get(symbol, 0) - OVERLAP_MS]
        if symbol in state.cursors:
            times += [
                order.intent.created - MARGIN_MS
                for order in state.orders.values()
                if order.intent.symbol == symbol and not isinstance(order.state, Closed)
            ]
        if since is not None:
            times.append(since)
        wanted[symbol] = max(min(times), begin)
    return wanted


def questions(state: State, listed: Sequence[Fill | BrokenTrade]) -> Question:
    """Trades so old that they may be booked without being remembered, and orders of ours that the state has not.

    Nothing is asked about trades that are known here: a run with nothing new asks nobody.
    """
    recent = _recent(state)
    unknown = [
        fill
        for fill in listed
        if isinstance(fill, Fill) and (fill.symbol, fill.trade_id) not in recent and not _is_counted(state, fill)
    ]
    trades = {(fill.symbol, fill.trade_id): None for fill in unknown if fill.time <= state.recent.forgotten}
    ids = {
        fill.client_order_id: None
        for fill in unknown
        if fill.client_order_id is not None
        and is_ours(fill.client_order_id)
        and fill.client_order_id not in state.orders
    }
    return Question(tuple(trades), tuple(ids))


def reconcile(
    state: State,
    listed: Sequence[Fill | BrokenTrade],
    since: Mapping[str, int],
    known: Known,
    managed: Sequence[str],
    now: int,
) -> Reconciled:
    """Sorts the listed trades out. Those before `since` or of other symbols were not asked for and are left alone."""
    recent = _recent(state)
    fresh: dict[TradeId, Fill] = {}
    filled: dict[ClientOrderId, Decimal] = {}
    doubts: list[Hold] = []
    duplicates = counted = 0
    for trade in sorted(listed, key=lambda trade: (trade.time, trade.symbol, trade.trade_id)):
        if trade.time < since.get(trade.symbol, now + FUTURE_MS + 1) or _may_be_unanswered(state, trade):
            continue
        id = (trade.symbol, trade.trade_id)
        if isinstance(trade, BrokenTrade):
            doubts.append(doubt(HoldCode.FILL_QUARANTINED, trade, trade.why, now))
        elif _is_counted(state, trade):
            counted += 1
        elif id in recent or id in fresh or id in known.fills:
            duplicates += 1
            first = known.fills.get(id) or (fresh.get(id) or recent[id]).digest
            if first != trade.digest:
                other = f"was listed as {told(trade)}, and otherwise before; the first is in the books"
                doubts.append(doubt(HoldCode.FILL_CHANGED, trade, other, now))
        elif (why := nonsense(state, trade, filled, now)) is not None:
            doubts.append(doubt(HoldCode.FILL_QUARANTINED, trade, why, now))
        else:
            fresh[id] = trade
            order = order_of(state.orders, trade)
            if order is not None:
                filled[order.id] = filled.get(order.id, ZERO) + trade.amount
            elif _is_lost(state, trade, known):
                assert trade.client_order_id is not None
                doubts.append(adopted_hold(trade.client_order_id, f"{trade.symbol}: {told(trade)}", now))
    events = tuple(FillBooked(fill, owner_of(state, fill, managed)) for fill in fresh.values())
    return Reconciled(
        fresh=events,
        late=sum(1 for fill, _ in events if fill.time < state.cursors.get(fill.symbol, 0)),
        external=sum(1 for _, owner in events if owner is not Owner.TRADEKIT),
        duplicates=duplicates,
        counted=counted,
        holds=new_holds(state, doubts),
    )


def rows_of(listed: Iterable[Fill | BrokenTrade], now: int) -> list[TradeRow | BrokenTrade]:
    """Listed trades as a history: in booking order, those that can't be what happened as broken."""
    rows: list[TradeRow | BrokenTrade] = []
    for trade in sorted(listed, key=lambda trade: (trade.time, trade.symbol, trade.trade_id)):
        if isinstance(trade, BrokenTrade):
            rows.append(trade)
        elif (why := impossible(trade, now)) is not None:
            rows.append(BrokenTrade(trade.symbol, trade.trade_id, trade.time, why))
        else:
            fees = tuple((fee.asset, fee.amount) for fee in trade.fees)
            buys = trade.side is Side.BUY
            names = (trade.symbol, trade.trade_id, trade.exchange_id)
            rows.append(TradeRow(*names, buys, trade.amount, trade.cost, fees, trade.time))
    return rows


def _recent(state: State) -> dict[TradeId, Fill]:
    return {(booked.fill.symbol, booked.fill.trade_id): booked.fill for booked in state.recent.fills}


def _is_counted(state: State, fill: Fill) -> bool:
    """Whether a trade is older than the books. What these books sent is younger, whatever the clocks said."""
    if fill.time <= state.counted_until:
        return True
    if fill.time > state.opened_at:
        return False
    order = order_of(state.orders, fill)
    if order is None:
        return True
    return order.intent.approved.proposal.origin is Origin.ADOPTED and order.intent.created < state.opened_at


def _may_be_unanswered(state: State, trade: Fill | BrokenTrade) -> bool:
    """Whether an order of ours may have made the trade, of which the exchange has not told its own id yet.

    The trade is left for later: it comes again, and by then it is known whose it is.
    """
    if isinstance(trade, BrokenTrade) or trade.client_order_id is not None:
        return False
    waiting = [order.intent for order in state.orders.values() if order.is_unanswered]
    suspects = [intent for intent in waiting if (intent.symbol, intent.side) == (trade.symbol, trade.side)]
    return (
        any(trade.time >= intent.created - MARGIN_MS for intent in suspects) and order_of(state.orders, trade) is None
    )


def _is_lost(state: State, fill: Fill, known: Known) -> bool:
    """Whether an order of ours made the trade that this journal has never sent."""
    return is_ours(fill.client_order_id) and fill.client_order_id not in known.orders


def owner_of(state: State, fill: Fill, managed: Sequence[str]) -> Owner:
    """Whose trade it is: by its order, by the form of its id, or by the assets that the policy manages."""
    if order_of(state.orders, fill) is not None or is_ours(fill.client_order_id):
        return Owner.TRADEKIT
    return Owner.MANAGED if fill.base in managed else Owner.OUTSIDE
