"""`tradekit purge`: sells holdings off as far as one budget reaches; the cycles go on with what is left.

settle, snapshot, begin the plans, judge, work, settle again, end what is done. A dry run stops before the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tradekit.decide.job import Job
from tradekit.decide.order_events import order_of
from tradekit.decide.proof import unexplained
from tradekit.decide.purge import ineligible, propose_purges
from tradekit.decide.purge_result import PurgeRow, purge_row
from tradekit.decide.risk.judge import judge
from tradekit.decide.universe import assign_tiers
from tradekit.domain.decision import Decision
from tradekit.domain.errors import BadInput, ExitCode, Problem
from tradekit.domain.event import FillBooked
from tradekit.domain.fill import Fill
from tradekit.domain.market import Snapshot, Source
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.proposal import Origin
from tradekit.domain.purge import PurgeTerms
from tradekit.domain.state import State
from tradekit.domain.universe import TierMemory
from tradekit.steps.assess import situation_of
from tradekit.steps.carry_out import carry_out
from tradekit.steps.desk import Desk
from tradekit.steps.purge import begin_purges, end_purges, stop_purges, take_back
from tradekit.steps.settle import Settled, settle, unfinished
from tradekit.steps.snapshot import open_account, prove_balances, take_snapshot
from tradekit.steps.troubles import doubts, exit_code_of, unsettled


class Wanted(NamedTuple):
    """What a person wants to get rid of, and how."""

    assets: tuple[str, ...] = ()
    all_ineligible: bool = False
    terms: PurgeTerms = PurgeTerms()


class PurgeReport(NamedTuple):
    """Everything that one purge saw, decided and did. Times are exchange time in milliseconds.

    `resting` are assets whose sale of an earlier run a dry run left where it is.
    """

    started: int
    finished: int
    dry_run: bool
    halted: bool
    settled: Settled
    resting: tuple[str, ...]
    decisions: tuple[Decision, ...]
    jobs: tuple[Job, ...]
    planned: tuple[OrderIntent, ...]
    orders: tuple[Order, ...]
    rows: tuple[PurgeRow, ...]
    source: Source
    problems: tuple[Problem, ...]
    exit_code: ExitCode


class StopReport(NamedTuple):
    """The assets whose plans were ended."""

    dry_run: bool
    ended: tuple[str, ...]
    problems: tuple[Problem, ...]
    exit_code: ExitCode


def purge(desk: Desk, wanted: Wanted) -> PurgeReport:
    """Begins or goes on with purges by hand. Raises `Unreachable`, `NeedsHuman`, and `BadInput` for a wrong asset."""
    started = desk.clock.now()
    refuse_unknown(desk, wanted)
    open_account(desk)
    settled = settle(desk).settled
    resting = take_back(desk, wanted.assets, to_sell_again=True)
    snapshot = take_snapshot(desk, {f"{asset}/{desk.state.stamp.quote}" for asset in wanted.assets})
    differences = unexplained(prove_balances(desk, snapshot))
    tiers = assign_tiers(desk.policy.universe, snapshot.markets, snapshot.quotes, desk.state.tiers)
    assets, problems = _assets(desk, snapshot, tiers, wanted)
    begin_purges(desk, snapshot, assets, wanted.terms)
    plans_of, before = desk.state.purges, len(desk.recorded)
    at = situation_of(desk, snapshot, differences, tiers)
    proposals = [p for p in propose_purges(desk.policy, desk.state, snapshot, snapshot.time) if p.base in assets]
    # who asks has looked at the price, and the marks are as old as the last cycle
    seen = {asset: mark._replace(looks=0) for asset, mark in at.marks.items()}
    decisions = judge(at._replace(marks=seen), proposals)
    done = carry_out(desk, at, decisions, started)
    ended = dict(end_purges(desk, snapshot, tiers))
    booked = [event.fill for event in desk.recorded[before:] if isinstance(event, FillBooked)]
    fills = [fill for fill in booked if _is_of_purge(desk.state, fill)]
    problems += [*done.problems, *doubts(desk, differences), *unsettled(desk, settled.open)]
    desk.save()
    return PurgeReport(
        started=started,
        finished=desk.clock.now(),
        dry_run=desk.dry_run,
        halted=at.halted,
        settled=settled,
        resting=resting,
        decisions=decisions,
        jobs=done.jobs,
        planned=done.planned,
        orders=done.orders(desk.state),
        rows=tuple(
            purge_row(desk.state, plans_of[asset], fills, snapshot, ended) for asset in assets if asset in plans_of
        ),
        source=snapshot.source,
        problems=tuple(problems),
        exit_code=_exit_code(problems, wanted, [*done.planned, *resting], stopped=desk.clock.must_stop()),
    )


def _is_of_purge(state: State, fill: Fill) -> bool:
    order = order_of(state.orders, fill)
    return order is not None and order.intent.approved.proposal.origin is Origin.PURGE


def refuse_unknown(desk: Desk, wanted: Wanted) -> None:
    """Raises `BadInput` for an asset that can't be meant. Changes nothing."""
    quote = desk.state.stamp.quote
    symbols = frozenset(desk.exchange.symbols())
    for asset in wanted.assets:
        if asset == quote:
            fix = "name what is to be sold for it"
            raise BadInput(Problem("purge_quote", f"{asset} is what everything is sold for", fix))
        if f"{asset}/{quote}" not in symbols and asset not in desk.state.books.tallies:
            what = f"{asset} is neither held nor traded against {quote}"
            raise BadInput(Problem("asset_unknown", what, "`tradekit status` lists what is held"))


def _assets(
    desk: Desk, snapshot: Snapshot, tiers: Mapping[str, TierMemory], wanted: Wanted
) -> tuple[list[str], list[Problem]]:
    """The assets to sell off, and why others that were named are not."""
    named = dict.fromkeys(wanted.assets)
    if wanted.all_ineligible:
        protected = desk.policy.purge.protect
        named |= dict.fromkeys(asset for asset in sorted(ineligible(desk.state, tiers)) if asset not in protected)
    assets, problems = [], []
    for asset in named:
        problem = _hindrance(desk, snapshot, asset)
        if problem is None:
            assets.append(asset)
        else:
            problems.append(problem)
    return assets, problems


def _hindrance(desk: Desk, snapshot: Snapshot, asset: str) -> Problem | None:
    position = desk.state.positions.get(asset)
    if asset in desk.policy.purge.protect:
        return Problem("purge_protected", f"{asset} is in purge.protect", "take it out there to sell it off")
    if position is None or position.quantity <= 0:
        outside = position is not None and position.outside > 0
        fix = f'add "{asset}" to account.managed' if outside else "`tradekit status` lists what is held"
        what = f"nothing of {asset} is managed by tradekit" if outside else f"nothing of {asset} is held"
        return Problem("purge_nothing", what, fix)
    quote = snapshot.quotes.get(f"{asset}/{desk.state.stamp.quote}")
    if quote is None or not quote.is_whole:
        return Problem("purge_no_quote", f"{asset} has no price just now", "try again")
    return None


def _exit_code(problems: Sequence[Problem], wanted: Wanted, planned: Sequence[object], *, stopped: bool) -> ExitCode:
    code = exit_code_of(problems)
    if wanted.assets and not planned and code in (ExitCode.DONE, ExitCode.PARTLY_DONE):
        return ExitCode.ALL_REFUSED
    return ExitCode.PARTLY_DONE if stopped and code is ExitCode.DONE else code


def stop_purge(desk: Desk, assets: Sequence[str]) -> StopReport:
    """Ends plans, and cancels the orders that they left resting. Raises `Unreachable`, `NeedsHuman`."""
    known = tuple(asset for asset in dict.fromkeys(assets) if asset in desk.state.purges)
    problems = [
        Problem("purge_unknown", f"{asset} is not being sold off", "`tradekit status` lists what is")
        for asset in dict.fromkeys(assets)
        if asset not in known
    ]
    if known:
        stop_purges(desk, known)
        settle(desk)
        take_back(desk, known)
        orders = desk.state.orders
        left = [id for id in unfinished(desk.state) if orders[id].intent.approved.proposal.base in known]
        problems += unsettled(desk, left, unwanted=not desk.dry_run)
        desk.save()
    code = ExitCode.ALL_REFUSED if not known else exit_code_of(problems)
    return StopReport(desk.dry_run, known, tuple(problems), code)
