"""`tradekit cycle`: one minute of work, from what earlier runs left behind to a report, and then it exits.

settle, snapshot, propose, judge, size and price, work, settle again, record. A dry run stops before the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.budget import last_deadline, within_budget
from tradekit.decide.proof import ProofRow
from tradekit.decide.risk.exposure import equity_now, is_wild, measure
from tradekit.decide.risk.loss_rules import in_drawdown
from tradekit.decide.risk.refusals import count_codes, kept_details
from tradekit.decide.risk.situation import Situation
from tradekit.decide.sizing import size_order
from tradekit.domain.decision import Approved, Decision, Refused
from tradekit.domain.errors import ExitCode, Problem, Unreachable
from tradekit.domain.event import CycleFinished, ExchangeSilent
from tradekit.domain.market import Snapshot, Source
from tradekit.domain.memory import Mark
from tradekit.domain.order import Order, OrderIntent, Unplaceable
from tradekit.domain.signal import Trigger
from tradekit.steps.assess import Assessment, Wanted, assess
from tradekit.steps.desk import Desk
from tradekit.steps.propose import Wishes
from tradekit.steps.settle import Settled, settle
from tradekit.steps.troubles import doubts, exit_code_of, refused_by_exchange, unsettled
from tradekit.steps.work import work

__all__ = ("CycleReport", "Equity", "Wanted", "cycle")


class Equity(NamedTuple):
    """Quote currency: cash, all managed holdings at the bid with it (None without a quote), and what is at risk."""

    cash: Decimal
    total: Decimal | None
    at_risk: Decimal


class CycleReport(NamedTuple):
    """Everything that one cycle saw, decided and did. Times are exchange time in milliseconds."""

    started: int
    finished: int
    cycle: int
    dry_run: bool
    halted: bool
    settled: Settled
    triggers: tuple[Trigger, ...]
    decisions: tuple[Decision, ...]
    repeated: tuple[str, ...]
    unplaceable: tuple[Unplaceable, ...]
    planned: tuple[OrderIntent, ...]
    orders: tuple[Order, ...]
    differences: tuple[ProofRow, ...]
    equity: Equity
    source: Source
    problems: tuple[Problem, ...]
    exit_code: ExitCode


def cycle(desk: Desk, given: Wanted, ask: Callable[[], Wanted] = Wanted) -> CycleReport:
    """Runs one cycle. `ask` fetches more proposals, once older orders are settled: a slow program delays no cancel.

    Raises `Unreachable` when settling or the snapshot fails, `NeedsHuman` for the store.
    """
    started = desk.clock.now()
    try:
        seen = assess(desk, given, ask)
    except Unreachable as silent:
        if desk.state.is_opened:  # the first event of all books is their opening
            desk.record(ExchangeSilent(silent.problems[0].code))
        desk.save()
        raise
    intents, unplaceable = _plan(desk, seen.situation, seen.decisions, started)
    problems = [*seen.problems, *doubts(desk, seen.differences)]
    problems += unsettled(desk, seen.settled.open)
    if not desk.dry_run:
        problems += _carry_out(desk, intents, seen.settled)
    problems += refused_by_exchange(_orders(desk, intents))
    finished = _finish(desk, started, seen, intents)
    halted = seen.situation.halted
    return CycleReport(
        started=started,
        finished=desk.clock.now(),
        cycle=desk.state.cycles,
        dry_run=desk.dry_run,
        halted=halted,
        settled=seen.settled,
        triggers=seen.wishes.triggers,
        decisions=seen.decisions,
        repeated=seen.wishes.repeated,
        unplaceable=unplaceable,
        planned=intents,
        orders=_orders(desk, intents),
        differences=seen.differences,
        equity=Equity(desk.state.cash, finished.equity, measure(desk.state, seen.snapshot).sum()),
        source=_source(seen.snapshot),
        problems=tuple(problems),
        exit_code=_exit_code(problems, seen.decisions, intents, halted=halted, stopped=desk.clock.must_stop()),
    )


def _plan(
    desk: Desk, at: Situation, decisions: Sequence[Decision], started: int
) -> tuple[tuple[OrderIntent, ...], tuple[Unplaceable, ...]]:
    latest = last_deadline(desk.policy, started)
    approved = [decision for decision in decisions if isinstance(decision, Approved)]
    sized = [size_order(desk.policy, at.state, at.snapshot, item, 1, at.now) for item in approved]
    intents = tuple(within_budget(item, latest) for item in sized if isinstance(item, OrderIntent))
    return intents, tuple(item for item in sized if isinstance(item, Unplaceable))


def _carry_out(desk: Desk, intents: Sequence[OrderIntent], settled: Settled) -> list[Problem]:
    """Works the orders and settles again, where anything is open. An exchange that falls silent here leaves the rest to
    the next run.
    """
    problems: list[Problem] = []
    try:
        problems.extend(work(desk, intents))
        if intents or settled.open:
            settle(desk)
    except Unreachable as silent:
        problems.extend(silent.problems)
    if desk.clock.must_stop():
        fix = "the next run goes on from what is written down"
        problems.append(
            Problem("interrupted", "a signal ended the work: nothing more was placed, the rest canceled", fix)
        )
    return problems


def _finish(desk: Desk, started: int, seen: Assessment, intents: Sequence[OrderIntent]) -> CycleFinished:
    wishes, marks = seen.wishes, seen.situation.marks
    refused = tuple(decision for decision in seen.decisions if isinstance(decision, Refused))
    finished = CycleFinished(
        started=started,
        took_ms=desk.clock.now() - started,
        equity=equity_now(desk.state, seen.snapshot, marks),
        peaks=_raised(desk, wishes, marks),
        tiers={symbol: tier for symbol, tier in wishes.tiers.items() if desk.state.tiers.get(symbol) != tier},
        gone=tuple(symbol for symbol in desk.state.tiers if symbol not in wishes.tiers),
        refusals=kept_details(refused),
        placed=len(_orders(desk, intents)),
        filled=sum(1 for order in _orders(desk, intents) if order.filled > 0),
        policy=desk.policy_digest,
        refused=count_codes(refused),
        in_drawdown=in_drawdown(seen.situation),
        marks={asset: mark for asset, mark in marks.items() if desk.state.risk.marks.get(asset) != mark},
    )
    desk.record(finished)
    desk.save()
    return finished


def _raised(desk: Desk, wishes: Wishes, marks: Mapping[str, Mark]) -> dict[str, Decimal]:
    """Peaks of trailing stops; a quote that is not believed raises none."""
    held = desk.state.positions
    believed = {asset: peak for asset, peak in wishes.peaks.items() if not is_wild(marks, asset)}
    return {asset: peak for asset, peak in believed.items() if asset in held and peak > held[asset].peak}


def _orders(desk: Desk, intents: Sequence[OrderIntent]) -> tuple[Order, ...]:
    ids = (intent.client_order_id for intent in intents)
    return tuple(desk.state.orders[id] for id in ids if id in desk.state.orders)


def _source(snapshot: Snapshot) -> Source:
    sources = {market.source for market in snapshot.markets.values()}
    marked = (Source.SYNTHETIC, Source.RECORDED, Source.PUBLIC)
    return next((mark for mark in marked if mark in sources), Source.LIVE)


def _exit_code(
    problems: Sequence[Problem],
    decisions: Sequence[Decision],
    intents: Sequence[OrderIntent],
    *,
    halted: bool,
    stopped: bool,
) -> ExitCode:
    code = exit_code_of(problems)
    if stopped and code is ExitCode.DONE:
        return ExitCode.PARTLY_DONE
    if code is not ExitCode.DONE:
        return code
    if halted or (decisions and not intents):
        return ExitCode.ALL_REFUSED
    return ExitCode.DONE
