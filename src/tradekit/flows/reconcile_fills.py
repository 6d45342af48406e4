"""`tradekit reconcile-fills`: settle what is open, book what is missing, and prove the books against the balances.

One round of parallel reads where nothing is new, whatever the length of the history. Places no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tradekit.decide.proof import ProofRow, unexplained
from tradekit.domain.errors import BadInput, ExitCode, Problem
from tradekit.domain.hold import Hold
from tradekit.domain.market import Snapshot
from tradekit.domain.outcome import OrderReport
from tradekit.steps.desk import Desk
from tradekit.steps.settle import Settled, known_symbols, settle
from tradekit.steps.snapshot import open_account, prove_balances, record_flows, take_snapshot
from tradekit.steps.troubles import doubts, exit_code_of, unsettled


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
    """Brings the books up to the exchange. Raises `Unreachable`, `NeedsHuman`, and `BadInput` for an unknown asset."""
    before = desk.state
    open_account(desk)
    settlement = settle(desk, wanted.symbols or known_symbols(desk.state), wanted.since)
    proof = prove_balances(desk, Snapshot(desk.clock.now(), {}, {}, settlement.balances))
    rows, fills = proof.rows, settlement.settled.fills.joined(proof.fills)
    if unexplained(rows):  # what it is worth, and whether it is still so, takes a second look
        snapshot = take_snapshot(desk)
        proof = prove_balances(desk, snapshot)
        rows, fills = proof.rows, fills.joined(proof.fills)
        assets = _recordable(rows, wanted.record)
        rows = record_flows(desk, rows, snapshot, assets, "on request")
    else:
        assets = _recordable(rows, wanted.record)
    if desk.state is not before:
        desk.save()
    problems = (*doubts(desk, unexplained(rows)), *unsettled(desk, settlement.settled.open))
    return ReconcileReport(
        dry_run=desk.dry_run,
        settled=settlement.settled._replace(fills=fills),
        foreign=desk.state.foreign,
        holds=tuple(hold for hold in desk.state.holds if not hold.lifted),
        recorded=tuple(sorted(assets)),
        proof=rows,
        problems=problems,
        exit_code=exit_code_of(problems),
    )


def _recordable(rows: Sequence[ProofRow], named: Sequence[str]) -> frozenset[str]:
    known = {row.asset for row in rows}
    for asset in named:
        if asset not in known:
            raise BadInput(Problem("asset_unknown", f"{asset} is neither in the books nor on the exchange"))
    return frozenset(row.asset for row in unexplained(rows) if row.asset in named)
