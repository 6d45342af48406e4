"""Snapshot: what the account holds and what the markets say, read in one round, held against the books."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.decide.risk.prices import sound_quote
from tradekit.domain.event import AccountOpened, AssetAdopted, Holding
from tradekit.domain.market import Snapshot
from tradekit.domain.numbers import ZERO
from tradekit.domain.position import Position
from tradekit.steps.desk import Desk
from tradekit.steps.settle import settle_asset_differences

_WIDE_SPREAD_BP: Final = 100


class Difference(NamedTuple):
    """An asset whose balance on the exchange is not what the books say, in units of the asset."""

    asset: str
    books: Decimal
    exchange: Decimal


def take_snapshot(desk: Desk, wanted: Iterable[str] = ()) -> Snapshot:
    """Quotes of every symbol in the account's quote currency, and all balances. Raises `Unreachable`.

    Symbols that are held or `wanted` are asked for by name too: one that is closed now is not among the active ones.
    Opens the books of a fresh account with what it holds, and takes assets in that the policy newly manages.
    """
    quote = desk.state.stamp.quote
    held = (f"{asset}/{quote}" for asset, position in desk.state.positions.items() if position.quantity > 0)
    snapshot = desk.exchange.snapshot(sorted({*desk.exchange.symbols(), *held, *wanted}))
    if not desk.state.is_opened:
        desk.record(_opening(desk, snapshot), reduces_risk=False)
    desk.record(*_adoptions(desk, snapshot))
    return snapshot


def compare_books(desk: Desk, snapshot: Snapshot) -> tuple[Difference, ...]:
    """Assets whose balance differs from the books, after asking for trades that would explain it.

    Raises `Unreachable`.
    """
    found = _differences(desk, snapshot)
    if not found:
        return ()
    settle_asset_differences(desk, frozenset(item.asset for item in found))
    return _differences(desk, snapshot)


def _differences(desk: Desk, snapshot: Snapshot) -> tuple[Difference, ...]:
    state = desk.state
    books = {asset: position.total for asset, position in state.positions.items()} | {state.stamp.quote: state.cash}
    assets = sorted(books.keys() | snapshot.balances.keys())
    pairs = ((a, books.get(a, ZERO), snapshot.balances[a].total if a in snapshot.balances else ZERO) for a in assets)
    return tuple(Difference(*pair) for pair in pairs if pair[1] != pair[2])


def _opening(desk: Desk, snapshot: Snapshot) -> AccountOpened:
    """Managed assets enter at their price. One without a sound quote waits outside until there is one."""
    stamp = desk.state.stamp
    holdings = tuple(
        Holding(asset, balance.total, price, price > 0 and asset in desk.policy.account.managed)
        for asset, balance in sorted(snapshot.balances.items())
        if asset != stamp.quote and balance.total > 0
        for price in [_price(snapshot, asset, stamp.quote)]
    )
    cash = snapshot.balances[stamp.quote].total if stamp.quote in snapshot.balances else ZERO
    return AccountOpened(stamp, desk.identity, cash, holdings)


def _adoptions(desk: Desk, snapshot: Snapshot) -> list[AssetAdopted]:
    quote = desk.state.stamp.quote
    held = ((asset, desk.state.positions.get(asset, Position(asset))) for asset in desk.policy.account.managed)
    prices = ((asset, _price(snapshot, asset, quote)) for asset, position in held if position.outside > 0)
    return [AssetAdopted(asset, price) for asset, price in prices if price > 0]


def _price(snapshot: Snapshot, asset: str, quote: str) -> Decimal:
    """The mid, or the bid where the spread would look like a loss to a stop; zero where there is no sound quote."""
    found = sound_quote(snapshot, asset, quote)
    if found is None:
        return ZERO
    return found.mid if found.ask > 0 and found.spread_bp <= _WIDE_SPREAD_BP else found.bid
