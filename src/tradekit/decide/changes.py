"""Old books beside new ones: what differs of each asset, and why, in words a person can check."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.rebuild import OpeningLot
from tradekit.domain.books import Books, Tally
from tradekit.domain.numbers import plain
from tradekit.domain.position import Position


class PositionChange(NamedTuple):
    """One asset, before and after, with the reasons for each difference; no reasons: nothing differs."""

    asset: str
    old: Position
    new: Position
    old_total: Decimal
    new_total: Decimal
    reasons: tuple[str, ...]


def compare(old: Books, new: Books, openings: Sequence[OpeningLot]) -> tuple[PositionChange, ...]:
    """Every asset of either, in alphabetical order."""
    assumed = {lot.asset: lot for lot in openings}
    assets = sorted(old.tallies.keys() | new.tallies.keys())
    return tuple(_change(asset, old, new, assumed.get(asset)) for asset in assets)


def _change(asset: str, old: Books, new: Books, lot: OpeningLot | None) -> PositionChange:
    before = old.positions.get(asset, Position(asset))
    after = new.positions.get(asset, Position(asset))
    reasons = _reasons(old, new, before, after, lot)
    return PositionChange(asset, before, after, old.total(asset), new.total(asset), tuple(reasons))


def _reasons(old: Books, new: Books, before: Position, after: Position, lot: OpeningLot | None) -> list[str]:
    was, now = old.tallies.get(after.asset, Tally()), new.tallies.get(after.asset, Tally())
    reasons = []
    if lot is not None and now.start != was.start:
        value = f", valued at {plain(lot.price)}" if lot.price and lot.quantity else ""
        reasons.append(f"opening lot of {plain(lot.quantity)} taken from the balance{value}")
    elif now.start != was.start:
        reasons.append(f"opened with {plain(now.start)}, not {plain(was.start)}")
    for name in ("bought", "sold", "fees", "transfers", "unexplained"):
        more = getattr(now, name) - getattr(was, name)
        if more:
            reasons.append(f"{name} {plain(abs(more))} {'more' if more > 0 else 'less'}")
    if before.quantity + before.outside == after.quantity + after.outside and before.quantity != after.quantity:
        more = after.quantity - before.quantity
        reasons.append(f"{plain(abs(more))} units {'are' if more > 0 else 'are not'} managed")
    costs_differ = (before.cost, before.realized) != (after.cost, after.realized)
    if not reasons and old.method is not new.method and (costs_differ or before.lots != after.lots):
        reasons.append(f"kept by {new.method}, not {old.method}")
    elif not reasons and costs_differ:
        reasons.append("trades in another order: a late one is at its place now")
    return reasons
