"""`tradekit reconcile-fills`: settle what is open, book what is missing, and prove the books against the balances.

One round of parallel reads where nothing is new, whatever the length of the history. Places no order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tradekit.decide.proof import ProofRow, unexplained
from tradekit.decide.reconcile import Reconciled
from tradekit.domain.books import Owner
from tradekit.domain.errors import BadInput, ExitCode, Problem
from tradekit.domain.event import FillBooked
from tradekit.domain.hold import Hold
from tradekit.domain.market import Snapshot
from tradekit.domain.outcome import OrderReport
from tradekit.steps.desk import Desk
from tradekit.steps.settle import Settled, known_symbols, settle
from tradekit.steps.snapshot import (
    compare_balances,
    in_motion,
    open_account,
    prove_balances,
    record_flows,
    take_snapshot,
)
from tradekit.steps.troubles import doubts, exit_code_of, not_recorded, unsettled


class Wanted(NamedTuple):
    """Which symbols to look at (all that were ever traded or held: none named), from when on (milliseconds), and the
    assets whose unexplained rest is to be booked as a deposit or a withdrawal.
    """

    symbols: tuple[str, ...] = ()
    since: int | None = None
    record: tuple[str, ...] = ()


class ReconcileReport(NamedTuple):
    """What was found and booked. `recorded` assets had their rest booked; `proof` is the state of things after it."""

    dry_run: bool
    settled: Settled
    foreign: tuple[OrderReport, ...]
    holds: tuple[Hold, ...]
    recorded: tuple[str, ...]
    proof: tuple[ProofRow, ...]
    problems: tuple[Problem, ...]
    exit_code: ExitCode


def reconcile_fills(desk: Desk, wanted: Wanted) -> ReconcileReport:
    """Brings the books up to the exchange. Raises `Unreachable`, `NeedsHuman`, and `BadInput` for what is unknown."""
    before = desk.state
    refuse_unknown(desk, wanted)
    open_account(desk)
    settlement = settle(desk, wanted.symbols or known_symbols(desk), wanted.since, with_balances=True)
    rows = compare_balances(desk, Snapshot(desk.clock.now(), {}, {}, settlement.balances))
    meant = assets = frozenset[str]()
    if unexplained(rows):  # what it is worth, and whether it is still so, takes a second look
        snapshot = take_snapshot(desk)
        rows = prove_balances(desk, snapshot)
        meant = frozenset(row.asset for row in unexplained(rows) if row.asset in wanted.record)
        assets = meant - in_motion(desk)
        rows = record_flows(desk, rows, snapshot, assets, by_hand=True)
    if desk.state is not before:
        desk.save()
    left_out = (not_recorded(asset) for asset in sorted(meant - assets))
    problems = (*left_out, *doubts(desk, unexplained(rows)), *unsettled(desk, settlement.settled.open))
    return ReconcileReport(
        dry_run=desk.dry_run,
        settled=settlement.settled._replace(fills=_all_booked(desk, settlement.settled.fills, before.cursors)),
        foreign=desk.state.foreign,
        holds=tuple(hold for hold in desk.state.holds if not hold.lifted),
        recorded=tuple(sorted(assets)),
        proof=rows,
        problems=problems,
        exit_code=exit_code_of(problems),
    )


def _all_booked(desk: Desk, first: Reconciled, cursors: Mapping[str, int]) -> Reconciled:
    """What became of the first list of trades, and every fill that came in after it: by a cancel, or a difference."""
    fresh = tuple(event for event in desk.recorded if isinstance(event, FillBooked))
    return first._replace(
        fresh=fresh,
        late=sum(1 for fill, _ in fresh if fill.time < cursors.get(fill.symbol, 0)),
        external=sum(1 for _, owner in fresh if owner is not Owner.TRADEKIT),
    )


def refuse_unknown(desk: Desk, wanted: Wanted) -> None:
    """Raises `BadInput` for a symbol or an asset that nobody knows: a slip of the pen. Changes nothing."""
    tallies, quote = desk.state.books.tallies, desk.state.stamp.quote
    traded = frozenset(desk.exchange.symbols()) if wanted.symbols else frozenset()
    for symbol in wanted.symbols:
        base, _, counter = symbol.partition("/")
        if base == counter:
            raise BadInput(Problem("symbol_unknown", f"{symbol} is no market", f"write it like BTC/{quote}"))
        for asset in (base, counter):
            if asset != quote and asset not in tallies and f"{asset}/{quote}" not in traded:
                what = f"{symbol}: {asset} is neither in the books nor traded on the exchange"
                raise BadInput(Problem("symbol_unknown", what, f"write it like BTC/{quote}"))
    unknown = [asset for asset in wanted.record if asset not in tallies]
    balances = desk.exchange.snapshot(()).balances if unknown else {}
    for asset in unknown:
        if asset not in balances:
            raise BadInput(Problem("asset_unknown", f"{asset} is neither in the books nor on the exchange"))
