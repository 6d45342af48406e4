"""`tradekit cycle`: one minute of work, from what earlier runs left behind to a report, and then it exits.

settle, snapshot, propose, judge, size and price, work, settle again, record. A dry run stops before the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.budget import govern, time_asked
from tradekit.decide.job import Job
from tradekit.decide.proof import ProofRow
from tradekit.decide.purge import can_be_taken_up, left_resting
from tradekit.decide.risk.exposure import believed_equity, is_wild, measure
from tradekit.decide.risk.loss_rules import in_drawdown
from tradekit.decide.risk.refusals import count_codes, kept_details
from tradekit.domain.decision import Decision, Refused
from tradekit.domain.errors import ExitCode, Problem, Unreachable
from tradekit.domain.event import CycleFinished, ExchangeSilent
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Source
from tradekit.domain.memory import Mark
from tradekit.domain.order import Closed, Order, OrderIntent
from tradekit.domain.proposal import Origin
from tradekit.domain.signal import Trigger
from tradekit.domain.state import State
from tradekit.steps.assess import Assessment, Wanted, assess
from tradekit.steps.carry_out import CarriedOut, carry_out
from tradekit.steps.desk import Desk
from tradekit.steps.propose import Wishes
from tradekit.steps.purge import end_purges
from tradekit.steps.settle import Settled
from tradekit.steps.troubles import doubts, exit_code_of, unsettled

__all__ = ("CycleReport", "Equity", "Wanted", "cycle")


class Equity(NamedTuple):
    """Quote currency: cash, with all managed holdings at the bid or their last good price, and at risk."""

    cash: Decimal
    total: Decimal
    at_risk: Decimal


class CycleReport(NamedTuple):
    """Everything that one cycle saw, decided and did. Times are exchange time in milliseconds.

    `orders` are those that were worked on, and older ones that traded or ended all the same and that `settled` doesn't
    tell of. `changed` of them were placed, traded or came to an end in this run; the others only rest on.
    """

    started: int
    finished: int
    cycle: int
    dry_run: bool
    halted: bool
    settled: Settled
    triggers: tuple[Trigger, ...]
    decisions: tuple[Decision, ...]
    repeated: tuple[str, ...]
    jobs: tuple[Job, ...]
    planned: tuple[OrderIntent, ...]
    orders: tuple[Order, ...]
    changed: tuple[ClientOrderId, ...]
    differences: tuple[ProofRow, ...]
    equity: Equity
    source: Source
    problems: tuple[Problem, ...]
    exit_code: ExitCode


def cycle(desk: Desk, given: Wanted, ask: Callable[[], Wanted] = Wanted) -> CycleReport:
    """Runs one cycle. `ask` fetches more proposals, once older orders are settled: a slow program delays no cancel.

    Raises `Unreachable` when settling or the snapshot fails, `NeedsHuman` for the store.
    """
    started, before = desk.clock.now(), desk.state.orders
    try:
        seen = assess(desk, given, ask)
    except Unreachable as silent:
        if desk.state.is_opened:  # the first event of all books is their opening
            desk.record(ExchangeSilent(silent.problems[0].code))
        desk.save()
        raise
    problems = [*seen.problems, *doubts(desk, seen.differences)]
    problems += unsettled(desk, seen.settled.open)
    left = left_resting(desk.policy, desk.state, desk.clock.now())
    resting = [order for order in left if can_be_taken_up(seen.snapshot, seen.situation.marks, order)]
    done = carry_out(desk, seen.situation, seen.decisions, started, resting)
    problems += done.problems
    end_purges(desk, seen.snapshot, seen.wishes.tiers)
    finished = _finish(desk, started, seen, done)
    halted, orders = seen.situation.halted, _orders(desk.state, before, seen.settled, done)
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
        jobs=done.jobs,
        planned=done.planned,
        orders=orders,
        changed=tuple(order.id for order in orders if order.id in _changed(desk.state, before)),
        differences=seen.differences,
        equity=Equity(desk.state.cash, finished.equity, measure(desk.state, seen.snapshot, seen.situation.marks).sum()),
        source=seen.snapshot.source,
        problems=tuple(problems),
        exit_code=_exit_code(problems, seen.decisions, done.planned, halted=halted, stopped=desk.clock.must_stop()),
    )


def _finish(desk: Desk, started: int, seen: Assessment, done: CarriedOut) -> CycleFinished:
    wishes, marks = seen.wishes, seen.situation.marks
    refused = tuple(decision for decision in seen.decisions if isinstance(decision, Refused))
    took_ms = desk.clock.now() - started
    asked_ms = time_asked(done.jobs, took_ms, done.waited_ms)
    orders = done.orders(desk.state)
    finished = CycleFinished(
        started=started,
        took_ms=took_ms,
        equity=believed_equity(desk.state, seen.snapshot, marks),
        peaks=_raised(desk, wishes, marks),
        tiers={symbol: tier for symbol, tier in wishes.tiers.items() if desk.state.tiers.get(symbol) != tier},
        gone=tuple(symbol for symbol in desk.state.tiers if symbol not in wishes.tiers),
        refusals=kept_details(refused),
        placed=sum(1 for order in orders if order.intent.created >= started),
        filled=sum(1 for order in orders if order.filled > 0),
        policy=desk.policy_digest,
        refused=count_codes(refused),
        in_drawdown=in_drawdown(seen.situation),
        marks={asset: mark for asset, mark in marks.items() if desk.state.risk.marks.get(asset) != mark},
        asked_ms=asked_ms,
        governor=govern(desk.policy, desk.state.governor, asked_ms),
    )
    desk.record(finished)
    desk.save()
    return finished


def _orders(
    state: State, before: Mapping[ClientOrderId, Order], settled: Settled, done: CarriedOut
) -> tuple[Order, ...]:
    worked = done.orders(state)
    told = {*settled.resolved, *(order.id for order in worked)}
    return (*worked, *(state.orders[id] for id in _changed(state, before) if id not in told))


def _changed(state: State, before: Mapping[ClientOrderId, Order]) -> tuple[ClientOrderId, ...]:
    """The orders that are new, or weren't over `before` and have traded or ended since."""
    olds = ((order, before.get(order.id)) for order in state.orders.values())
    return tuple(
        order.id
        for order, old in olds
        if old is None
        or (not isinstance(old.state, Closed) and (old.filled != order.filled or isinstance(order.state, Closed)))
    )


def _raised(desk: Desk, wishes: Wishes, marks: Mapping[str, Mark]) -> dict[str, Decimal]:
    """Peaks of trailing stops; a quote that is not believed raises none."""
    held = desk.state.positions
    believed = {asset: peak for asset, peak in wishes.peaks.items() if not is_wild(marks, asset)}
    return {asset: peak for asset, peak in believed.items() if asset in held and peak > held[asset].peak}


def _exit_code(
    problems: Sequence[Problem],
    decisions: Sequence[Decision],
    planned: Sequence[OrderIntent],
    *,
    halted: bool,
    stopped: bool,
) -> ExitCode:
    code = exit_code_of(problems)
    if stopped and code is ExitCode.DONE:
        return ExitCode.PARTLY_DONE
    if code is not ExitCode.DONE:
        return code
    asked = [decision for decision in decisions if decision.proposal.origin is not Origin.DUST]  # nobody waits for it
    if halted or (asked and not planned):
        return ExitCode.ALL_REFUSED
    return ExitCode.DONE
