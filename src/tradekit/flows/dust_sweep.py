"""`tradekit dust-sweep`: what is too small to be sold, why, and what is worth doing about it.

settle, snapshot, look for dust, ask for offers, convert, judge the top-ups, work, and sell off what was topped up. A
dry run asks, and stops before the first that changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from tradekit.decide.conversion import ConversionResult, results
from tradekit.decide.dust import DustAction, DustRow, find_dust, top_ups, topped_up
from tradekit.decide.job import Job
from tradekit.decide.proof import unexplained
from tradekit.decide.purge import propose_purges
from tradekit.decide.risk.judge import judge
from tradekit.decide.universe import assign_tiers
from tradekit.domain.conversion import OfferAnswer
from tradekit.domain.decision import Decision
from tradekit.domain.errors import BadInput, ExitCode, Problem
from tradekit.domain.event import DustWrittenOff
from tradekit.domain.market import Snapshot, Source
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.universe import TierMemory
from tradekit.steps.assess import situation_of
from tradekit.steps.carry_out import CarriedOut, carry_out
from tradekit.steps.convert import ask_offers, convert
from tradekit.steps.desk import Desk
from tradekit.steps.purge import end_purges, plan_purges
from tradekit.steps.settle import settle
from tradekit.steps.snapshot import open_account, prove_balances, take_snapshot
from tradekit.steps.troubles import doubts, exit_code_of, unconverted, unsettled


class DustReport(NamedTuple):
    """What was found, decided and done. `conversions` are those begun or settled, `left` the dust after it. Times are
    exchange time in milliseconds.
    """

    started: int
    finished: int
    dry_run: bool
    rows: tuple[DustRow, ...]
    decisions: tuple[Decision, ...]
    jobs: tuple[Job, ...]
    planned: tuple[OrderIntent, ...]
    orders: tuple[Order, ...]
    conversions: tuple[ConversionResult, ...]
    left: tuple[DustRow, ...]
    source: Source
    problems: tuple[Problem, ...]
    exit_code: ExitCode


_NO_OFFERS: Final[Mapping[str, OfferAnswer]] = {}


def dust_sweep(desk: Desk, assets: Sequence[str] = ()) -> DustReport:
    """Sweeps these assets, or all. Raises `Unreachable`, `NeedsHuman`, and `BadInput` for one that isn't held."""
    started, before = desk.clock.now(), desk.state
    refuse_unknown(desk, assets)
    settled = settle(desk).settled
    snapshot = take_snapshot(desk)
    differences = unexplained(prove_balances(desk, snapshot))
    tiers = assign_tiers(desk.policy.universe, snapshot.markets, snapshot.quotes, desk.state.tiers)
    rows = _rows(desk, snapshot, tiers, assets)
    if offers := ask_offers(desk, rows):
        rows = _rows(desk, snapshot, tiers, assets, offers)
    desk.record(*(DustWrittenOff(r.asset, r.quantity) for r in rows if r.chosen is DustAction.WRITE_OFF))
    problems = [*convert(desk, rows)]
    at = situation_of(desk, snapshot, differences, tiers)
    decisions = judge(at, top_ups(rows, desk.state.stamp.quote, snapshot.time))
    bought = carry_out(desk, at, decisions, started)
    sold = CarriedOut((), ())
    if fresh := topped_up(desk.state) & {row.asset for row in rows}:
        snapshot = take_snapshot(desk)
        plan_purges(desk, snapshot, tiers)
        at = situation_of(desk, snapshot, differences, tiers)
        wanted = propose_purges(desk.policy, desk.state, snapshot, snapshot.time)
        sales = judge(at, [proposal for proposal in wanted if proposal.base in fresh])
        decisions = (*decisions, *sales)
        sold = carry_out(desk, at, sales, started)
        end_purges(desk, snapshot, tiers)
    converted = results(before, desk.recorded)
    problems += [*bought.problems, *sold.problems, *unconverted(converted), *doubts(desk, differences)]
    problems += unsettled(desk, settled.open)
    desk.save()
    return DustReport(
        started=started,
        finished=desk.clock.now(),
        dry_run=desk.dry_run,
        rows=rows,
        decisions=decisions,
        jobs=(*bought.jobs, *sold.jobs),
        planned=(*bought.planned, *sold.planned),
        orders=(*bought.orders(desk.state), *sold.orders(desk.state)),
        conversions=converted,
        left=_rows(desk, snapshot, tiers, assets),
        source=snapshot.source,
        problems=tuple(problems),
        exit_code=exit_code_of(problems),
    )


def _rows(
    desk: Desk,
    snapshot: Snapshot,
    tiers: Mapping[str, TierMemory],
    assets: Sequence[str],
    offers: Mapping[str, OfferAnswer] = _NO_OFFERS,
) -> tuple[DustRow, ...]:
    found = find_dust(desk.policy, desk.state, snapshot, tiers, desk.clock.now(), offers)
    return tuple(row for row in found if not assets or row.asset in assets)


def refuse_unknown(desk: Desk, assets: Iterable[str]) -> None:
    """Raises `BadInput` for an asset that isn't held. Opens the account, whose books say what is."""
    open_account(desk)
    for asset in assets:
        position = desk.state.positions.get(asset)
        if position is None or position.quantity <= 0:
            what = f"nothing of {asset} is held and managed by tradekit"
            raise BadInput(Problem("asset_unknown", what, "`tradekit status` lists what is held"))
