"""Snapshot: what the account holds and what the markets say, read in one round, held against the books."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from tradekit.decide.conversion import moved_by_conversions
from tradekit.decide.proof import ProofRow, flow_of, prove, unexplained
from tradekit.decide.risk.exposure import is_wild
from tradekit.decide.risk.prices import look_at, sound_quote
from tradekit.domain.books import CostMethod
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.event import AccountOpened, AssetAdopted, AssetReleased, Holding
from tradekit.domain.market import Snapshot
from tradekit.domain.numbers import ZERO
from tradekit.domain.position import Position
from tradekit.domain.times import DAY_MS
from tradekit.steps.desk import Desk
from tradekit.steps.settle import settle_asset_differences, unfinished

_WIDE_SPREAD_BP: Final = 100
_LATE_MS: Final = DAY_MS
_STALE_MS: Final = 15_000


def take_snapshot(desk: Desk, wanted: Iterable[str] = ()) -> Snapshot:
    """Quotes of every symbol in the account's quote currency, and all balances. Raises `Unreachable`.

    Symbols that are held or `wanted` are asked for by name too: one that is closed now is not among the active ones.
    Takes assets in that the policy newly manages, and lets those go that it manages no more. An answer without any
    balance, where the books have some, is no answer.
    """
    quote = desk.state.stamp.quote
    held = (f"{asset}/{quote}" for asset, position in desk.state.positions.items() if position.quantity > 0)
    snapshot = desk.exchange.snapshot(sorted({*desk.exchange.symbols(), *held, *wanted}))
    if not snapshot.balances and any(desk.state.books.total(asset) for asset in desk.state.books.tallies):
        fix = "the next run asks again; if the account was really emptied, deposit something"
        raise Unreachable(Problem("unreachable", "the exchange told no balance at all, which can't be so", fix))
    desk.record(*_releases(desk, snapshot), *_adoptions(desk, snapshot))
    return snapshot


def open_account(desk: Desk) -> None:
    """Opens the books of a fresh account with what it holds. Raises `Unreachable`."""
    if not desk.state.is_opened:
        desk.record(_opening(desk, desk.exchange.snapshot(desk.exchange.symbols())), reduces_risk=False)


def prove_balances(desk: Desk, snapshot: Snapshot) -> tuple[ProofRow, ...]:
    """The balance proof, after asking for trades that would explain a difference. Raises `Unreachable`.

    Differences that the policy puts down to deposits or withdrawals are recorded.
    """
    rows = compare_balances(desk, snapshot)
    found = unexplained(rows)
    if not found:
        return rows
    # what matters is looked for further back: a late trade may be older than its symbol's newest one
    since = desk.clock.now() - _LATE_MS if any(row.doubtful for row in found) else None
    settle_asset_differences(desk, frozenset(row.asset for row in found), since)
    rows = compare_balances(desk, snapshot)
    return record_flows(desk, rows, snapshot, _recorded_by_policy(desk, rows), by_hand=False)


def record_flows(
    desk: Desk, rows: Sequence[ProofRow], snapshot: Snapshot, assets: frozenset[str], *, by_hand: bool
) -> tuple[ProofRow, ...]:
    """Puts what is unexplained of these assets down to deposits and withdrawals; the proof after that."""
    flows = [flow_of(row, by_hand=by_hand) for row in unexplained(rows) if row.asset in assets]
    if not flows:
        return tuple(rows)
    desk.record(*flows)
    return compare_balances(desk, snapshot)


def compare_balances(desk: Desk, snapshot: Snapshot) -> tuple[ProofRow, ...]:
    """The balance proof as it stands: asks for nothing and records nothing."""
    return prove(desk.state, snapshot.balances, snapshot, desk.policy.books.tolerance_notional)


def _recorded_by_policy(desk: Desk, rows: Sequence[ProofRow]) -> frozenset[str]:
    """Never what something of this moment may explain."""
    wanted = desk.policy.books.record_differences
    found = (row for row in unexplained(rows) if wanted == "all" or (wanted == "small" and not row.doubtful))
    return frozenset(row.asset for row in found) - in_motion(desk)


def in_motion(desk: Desk) -> frozenset[str]:
    """Assets whose difference an order or a conversion that isn't over may explain: it would be booked a second time
    once its end is known. And those that traded a moment ago: the balances of some exchanges are as they were before.
    """
    state, just_now = desk.state, desk.clock.now() - _STALE_MS
    working = (state.orders[id].intent.symbol for id in unfinished(state))
    traded = (symbol for symbol, time in state.cursors.items() if time > just_now)
    return moved_by_conversions(state) | {asset for symbol in (*working, *traded) for asset in symbol.split("/")}


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


def _releases(desk: Desk, snapshot: Snapshot) -> list[AssetReleased]:
    """Without a sound quote the price is what the units had cost."""
    managed, quote = desk.policy.account.managed, desk.state.stamp.quote
    left = (p for p in desk.state.positions.values() if p.adopted > 0 and p.asset not in managed)
    return [AssetReleased(p.asset, _price(snapshot, p.asset, quote) or p.average) for p in left]


def _adoptions(desk: Desk, snapshot: Snapshot) -> list[AssetAdopted]:
    """Units that come in at a price nobody believes would make a loss of the next one: they wait for a better look."""
    quote = desk.state.stamp.quote
    held = ((asset, desk.state.positions.get(asset, Position(asset))) for asset in desk.policy.account.managed)
    waiting = [asset for asset, position in held if position.outside > 0]
    marks = look_at(desk.policy, desk.state, snapshot, waiting, {})
    prices = ((asset, _price(snapshot, asset, quote)) for asset in waiting if not is_wild(marks, asset))
    return [AssetAdopted(asset, price) for asset, price in prices if price > 0]


def _price(snapshot: Snapshot, asset: str, quote: str) -> Decimal:
    """The mid, or the bid where the spread would look like a loss to a stop; zero where there is no sound quote."""
    found = sound_quote(snapshot, asset, quote)
    if found is None:
        return ZERO
    return found.mid if found.ask > 0 and found.spread_bp <= _WIDE_SPREAD_BP else found.bid
