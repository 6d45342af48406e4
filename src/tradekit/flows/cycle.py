"""`tradekit cycle`: one minute of work, from what earlier runs left behind to a report, and then it exits.

settle, snapshot, propose, judge, size and price, work, settle again, record. A dry run stops before the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.budget import last_deadline, within_budget
from tradekit.decide.proof import ProofRow, stops_opens, unexplained
from tradekit.decide.risk.exposure import equity_for_caps, equity_now, measure
from tradekit.decide.risk.judge import judge
from tradekit.decide.risk.situation import Situation
from tradekit.decide.sizing import size_order
from tradekit.domain.decision import Approved, Decision, Refused
from tradekit.domain.errors import ExitCode, Problem, Unreachable
from tradekit.domain.event import CycleFinished, Refusal
from tradekit.domain.market import Snapshot, Source
from tradekit.domain.order import Order, OrderIntent, Unplaceable
from tradekit.domain.proposal import Proposal
from tradekit.domain.signal import Trigger
from tradekit.steps.desk import Desk
from tradekit.steps.propose import Wishes, gather_wishes
from tradekit.steps.settle import Settled, settle
from tradekit.steps.snapshot import open_account, prove_balances, take_snapshot
from tradekit.steps.troubles import doubts, exit_code_of, refused_by_exchange, unsettled
from tradekit.steps.work import work


class Wanted(NamedTuple):
    """What comes from outside into one cycle: proposals, and problems in getting them (they cost opens only)."""

    proposals: tuple[Proposal, ...] = ()
    problems: tuple[Problem, ...] = ()

    def joined(self, more: Wanted) -> Wanted:
        """Both together; of two proposals with one id the first is taken."""
        taken = {proposal.id for proposal in self.proposals}
        fresh = tuple(proposal for proposal in more.proposals if proposal.id not in taken)
        return Wanted((*self.proposals, *fresh), (*self.problems, *more.problems))


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
        open_account(desk)
        settled = settle(desk).settled
        wanted = given.joined(ask())
        snapshot = take_snapshot(desk)
        differences = unexplained(prove_balances(desk, snapshot).rows)
        wishes = gather_wishes(desk, snapshot, wanted.proposals)
    except Unreachable:
        desk.save()
        raise
    halted = desk.store.is_halted()
    situation = _situation(desk, snapshot, wishes, differences, halted=halted)
    decisions = (*wishes.changed, *judge(situation, wishes.proposals))
    intents, unplaceable = _plan(desk, situation, decisions, started)
    problems = [*wanted.problems, *wishes.problems, *doubts(desk, differences)]
    problems += unsettled(desk, settled.open)
    if not desk.dry_run:
        problems += _carry_out(desk, intents)
    problems += refused_by_exchange(_orders(desk, intents))
    finished = _finish(desk, started, snapshot, wishes, decisions, intents)
    return CycleReport(
        started=started,
        finished=desk.clock.now(),
        cycle=desk.state.cycles,
        dry_run=desk.dry_run,
        halted=halted,
        settled=settled,
        triggers=wishes.triggers,
        decisions=decisions,
        repeated=wishes.repeated,
        unplaceable=unplaceable,
        planned=intents,
        orders=_orders(desk, intents),
        differences=differences,
        equity=Equity(desk.state.cash, finished.equity, measure(desk.state, snapshot).sum()),
        source=_source(snapshot),
        problems=tuple(problems),
        exit_code=_exit_code(problems, decisions, intents, halted=halted, stopped=desk.clock.must_stop()),
    )


def _situation(
    desk: Desk, snapshot: Snapshot, wishes: Wishes, differences: Sequence[ProofRow], *, halted: bool
) -> Situation:
    state = desk.state._replace(tiers=wishes.tiers)
    return Situation(
        policy=desk.policy,
        state=state,
        snapshot=snapshot,
        exposure=measure(state, snapshot),
        equity=equity_for_caps(state, snapshot),
        halted=halted,
        mismatched=frozenset(row.asset for row in differences if stops_opens(row, state.stamp.quote)),
        now=desk.clock.now(),
    )


def _plan(
    desk: Desk, at: Situation, decisions: Sequence[Decision], started: int
) -> tuple[tuple[OrderIntent, ...], tuple[Unplaceable, ...]]:
    latest = last_deadline(desk.policy, started)
    approved = [decision for decision in decisions if isinstance(decision, Approved)]
    sized = [size_order(desk.policy, at.state, at.snapshot, item, 1, at.now) for item in approved]
    intents = tuple(within_budget(item, latest) for item in sized if isinstance(item, OrderIntent))
    return intents, tuple(item for item in sized if isinstance(item, Unplaceable))


def _carry_out(desk: Desk, intents: Sequence[OrderIntent]) -> list[Problem]:
    """Works the orders and settles again. An exchange that falls silent here leaves the rest to the next run."""
    problems: list[Problem] = []
    try:
        problems.extend(work(desk, intents))
        settle(desk)
    except Unreachable as silent:
        problems.extend(silent.problems)
    if desk.clock.must_stop():
        fix = "the next run goes on from what is written down"
        problems.append(
            Problem("interrupted", "a signal ended the work: nothing more was placed, the rest canceled", fix)
        )
    return problems


def _finish(
    desk: Desk,
    started: int,
    snapshot: Snapshot,
    wishes: Wishes,
    decisions: Sequence[Decision],
    intents: Sequence[OrderIntent],
) -> CycleFinished:
    finished = CycleFinished(
        started=started,
        took_ms=desk.clock.now() - started,
        equity=equity_now(desk.state, snapshot),
        peaks=_raised(desk, wishes),
        tiers={symbol: tier for symbol, tier in wishes.tiers.items() if desk.state.tiers.get(symbol) != tier},
        gone=tuple(symbol for symbol in desk.state.tiers if symbol not in wishes.tiers),
        refusals=tuple(_refusal(decision) for decision in decisions if isinstance(decision, Refused)),
        placed=len(_orders(desk, intents)),
        filled=sum(1 for order in _orders(desk, intents) if order.filled > 0),
        policy=desk.policy_digest,
    )
    desk.record(finished)
    desk.save()
    return finished


def _raised(desk: Desk, wishes: Wishes) -> dict[str, Decimal]:
    held = desk.state.positions
    return {asset: peak for asset, peak in wishes.peaks.items() if asset in held and peak > held[asset].peak}


def _refusal(refused: Refused) -> Refusal:
    p = refused.proposal
    return Refusal(
        p.id, p.symbol, p.side, p.origin, refused.code, refused.rule, refused.limit, refused.actual, refused.unit
    )


def _orders(desk: Desk, intents: Sequence[OrderIntent]) -> tuple[Order, ...]:
    ids = (intent.client_order_id for intent in intents)
    return tuple(desk.state.orders[id] for id in ids if id in desk.state.orders)


def _source(snapshot: Snapshot) -> Source:
    sources = {market.source for market in snapshot.markets.values()}
    return next((mark for mark in (Source.SYNTHETIC, Source.RECORDED) if mark in sources), Source.LIVE)


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
