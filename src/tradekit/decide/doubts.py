"""What can't be so: trades without sense, and the holds that they and unknown orders of ours call for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from tradekit.decide.order_events import order_of
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.domain.hold import EVERYTHING, Hold, HoldCode
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import PERCENT, ZERO, plain
from tradekit.domain.state import State
from tradekit.domain.times import MINUTE_MS

FUTURE_MS: Final = 10 * MINUTE_MS
_HOLDS_PER_SYMBOL: Final = 20
_ASSET: Final = re.compile(r"[A-Za-z0-9._-]{1,30}", re.ASCII)


def impossible(fill: Fill, now: int) -> str | None:
    """Why a trade can't be what happened, by its own figures, or None."""
    if min(fill.amount, fill.price, fill.cost) <= 0:
        return f"is told as {told(fill)}"
    if abs(fill.amount * fill.price - fill.cost) > fill.cost * PERCENT:
        return f"is told as {told(fill)} for {plain(fill.cost)}: these do not multiply"
    if not (_ASSET.fullmatch(fill.base) and _ASSET.fullmatch(fill.quote)):
        return "is of no spot market"
    if fill.time > now + FUTURE_MS:
        return "is dated in the future"
    limits = {fill.base: fill.amount, fill.quote: fill.cost}
    for fee in fill.fees:
        if not _ASSET.fullmatch(fee.asset) or abs(fee.amount) > limits.get(fee.asset, abs(fee.amount)):
            return f"is told with a fee of {plain(fee.amount)} {fee.asset}"
    return None


def nonsense(state: State, fill: Fill, filled: Mapping[ClientOrderId, Decimal], now: int) -> str | None:
    """Why a trade can't be what happened to its order, or None. `filled` is what this batch brought of each already."""
    own = impossible(fill, now)
    order = order_of(state.orders, fill)
    if own is not None or order is None:
        return own
    if (order.intent.symbol, order.intent.side) != (fill.symbol, fill.side):
        return f"is told as {told(fill)} of order {order.id}, which is to {order.intent.side} {order.intent.symbol}"
    left = order.intent.amount - order.filled - filled.get(order.id, ZERO)
    if fill.amount > left:
        return f"is told as {told(fill)} of order {order.id}, which has {plain(left)} left"
    return None


def adopted_hold(id: ClientOrderId, what: str, now: int) -> Hold:
    """The hold for an order of ours that this journal doesn't know: a second installation, or a restored home."""
    return Hold(HoldCode.ORDER_ADOPTED, EVERYTHING, id, now, f"order {id} is ours and not in this journal: {what}")


def holds_for(state: State, broken: Iterable[BrokenTrade], now: int) -> tuple[Hold, ...]:
    """The holds that trades without sense call for, less those there are."""
    return new_holds(state, (doubt(HoldCode.FILL_QUARANTINED, trade, trade.why, now) for trade in broken))


def doubt(code: HoldCode, trade: Fill | BrokenTrade, why: str, now: int) -> Hold:
    """The hold for a trade in question."""
    return Hold(code, trade.symbol, trade.trade_id, now, f"trade {trade.trade_id} {why}")


def new_holds(state: State, doubts: Iterable[Hold]) -> tuple[Hold, ...]:
    """Each doubt once; of one symbol only so many, or a broken exchange would fill the journal."""
    taken = {hold.key for hold in state.holds}
    counts: dict[str, int] = {}
    for hold in state.holds:
        counts[hold.symbol] = counts.get(hold.symbol, 0) + (not hold.lifted)
    new = []
    for hold in doubts:
        if hold.key not in taken and counts.get(hold.symbol, 0) < _HOLDS_PER_SYMBOL:
            new.append(hold)
            taken.add(hold.key)
            counts[hold.symbol] = counts.get(hold.symbol, 0) + 1
    return tuple(new)


def told(fill: Fill) -> str:
    """A trade in a few words."""
    return f"{fill.side} {plain(fill.amount)} at {plain(fill.price)}"
