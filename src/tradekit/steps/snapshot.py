"""Snapshot: what the account holds and what the markets say, read in one round, held against the books."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.decide.proof import ProofRow, flow_of, prove, unexplained
from tradekit.decide.reconcile import Reconciled
from tradekit.decide.risk.exposure import sound_quote
from tradekit.domain.books import CostMethod
from tradekit.domain.event import AccountOpened, AssetAdopted, AssetReleased, Holding
from tradekit.domain.market import Snapshot
from tradekit.domain.numbers import ZERO
from tradekit.domain.position import Position
from tradekit.steps.desk import Desk
from tradekit.steps.settle import settle_asset_differences

_WIDE_SPREAD_BP: Final = 100


class Proof(NamedTuple):
    """The balance proof, a row an asset, and what became of the trades that were asked for because of a difference."""

    rows: tuple[ProofRow, ...]
    fills: Reconciled


def take_snapshot(desk: Desk) -> Snapshot:
    """Quotes of every symbol in the account's quote currency, and all balances. Raises `Unreachable`.

    Takes assets in that the policy newly manages, and lets those go that it manages no more.
    """
    snapshot = desk.exchange.snapshot(desk.exchange.symbols())
    desk.record(*_releases(desk), *_adoptions(desk, snapshot))
    return snapshot


def open_account(desk: Desk) -> None:
    """Opens the books of a fresh account with what it holds. Raises `Unreachable`."""
    if not desk.state.is_opened:
        desk.record(_opening(desk, desk.exchange.snapshot(desk.exchange.symbols())), reduces_risk=False)


def prove_balances(desk: Desk, snapshot: Snapshot) -> Proof:
    """The balance proof, after asking for trades that would explain a difference. Raises `Unreachable`.

    Differences that the policy puts down to deposits or withdrawals are recorded.
    """
    rows = _prove(desk, snapshot)
    differing = unexplained(rows)
    if not differing:
        return Proof(rows, Reconciled())
    fills = settle_asset_differences(desk, frozenset(row.asset for row in differing))
    rows = _prove(desk, snapshot)
    return Proof(record_flows(desk, rows, snapshot, _recorded_by_policy(desk, rows)), fills)


def record_flows(
    desk: Desk, rows: Sequence[ProofRow], snapshot: Snapshot, assets: frozenset[str], reason: str = "by policy"
) -> tuple[ProofRow, ...]:
    """Puts what is unexplained of these assets down to deposits and withdrawals; the proof after that."""
    flows = [flow_of(row, reason) for row in unexplained(rows) if row.asset in assets]
    if not flows:
        return tuple(rows)
    desk.record(*flows)
    return _prove(desk, snapshot)


def _prove(desk: Desk, snapshot: Snapshot) -> tuple[ProofRow, ...]:
    return prove(desk.state, snapshot.balances, snapshot, desk.policy.books.tolerance_notional)


def _recorded_by_policy(desk: Desk, rows: Sequence[ProofRow]) -> frozenset[str]:
    wanted = desk.policy.books.record_differences
    found = (row for row in unexplained(rows) if wanted == "all" or (wanted == "small" and not row.doubtful))
    return frozenset(row.asset for row in found)


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
    return AccountOpened(stamp, desk.identity, cash, holdings, CostMethod(desk.policy.books.cost_method))


def _releases(desk: Desk) -> list[AssetReleased]:
    managed = desk.policy.account.managed
    positions = desk.state.positions.values()
    return [AssetReleased(p.asset) for p in positions if p.adopted > 0 and p.asset not in managed]


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
