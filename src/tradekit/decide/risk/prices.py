"""Which price to believe: a quote that is missing, broken or far from the last good price is not evidence yet.

A real jump is believed once it was traded at (a candle agrees) or seen for some cycles in a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from tradekit.domain.market import Quote, Snapshot
from tradekit.domain.memory import Mark
from tradekit.domain.numbers import PERCENT
from tradekit.domain.policy.sections import Policy
from tradekit.domain.state import State

BELIEVED_AFTER: Final = 10
"""So many cycles in a row at a new price make it the good one."""


def sound_quote(snapshot: Snapshot, asset: str, quote_asset: str) -> Quote | None:
    """The asset's quote, or None where there is no bid or the book is crossed, which is a broken reading."""
    quote = snapshot.quotes.get(f"{asset}/{quote_asset}")
    return None if quote is None or quote.bid <= 0 or 0 < quote.ask < quote.bid else quote


def next_mark(mark: Mark | None, price: Decimal, close: Decimal | None, jump_pct: Decimal) -> Mark:
    """The mark after one more look at `price`; `close` is where it was last traded. Wild while `looks` is above zero.

    A `jump_pct` of zero believes everything.
    """
    jump = jump_pct * PERCENT
    if mark is None or not jump or _near(price, mark.price, jump) or (close is not None and _near(price, close, jump)):
        return Mark(price, price, 0)
    looks = mark.looks + 1 if mark.looks and _near(price, mark.other, jump) else 1
    return Mark(price, price, 0) if looks >= BELIEVED_AFTER else Mark(mark.price, price, looks)


def look_at(
    policy: Policy, state: State, snapshot: Snapshot, assets: Iterable[str], closes: Mapping[str, Decimal]
) -> dict[str, Mark]:
    """The marks of these assets after this snapshot; one without a sound quote keeps its old mark, or has none."""
    quote_asset, found = state.stamp.quote, {}
    for asset in sorted(set(assets)):
        quote, before = sound_quote(snapshot, asset, quote_asset), state.risk.marks.get(asset)
        if quote is not None:
            close = closes.get(f"{asset}/{quote_asset}")
            found[asset] = next_mark(before, price_of(quote), close, policy.guards.max_price_jump_pct)
        elif before is not None:
            found[asset] = before
    return found


def price_of(quote: Quote) -> Decimal:
    """The mid, or the bid where nobody sells."""
    return quote.mid if quote.ask > 0 else quote.bid


def _near(price: Decimal, other: Decimal, jump: Decimal) -> bool:
    """Symmetric: a price that doubles is as far as one that halves."""
    low, high = min(price, other), max(price, other)
    return high <= low * (1 + jump)
