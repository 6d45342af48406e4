"""Working orders: all of them wait together, so that many orders cost the time of one.

Each approval is tried again as long as there is time, always with one order at a time: none is replaced before the
exchange's last word on it is booked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.decide.attempts import next_attempt
from tradekit.decide.fate import Fate, Verdict, fate
from tradekit.decide.job import Ending, Job, after_settled, amount_left
from tradekit.decide.manner import Times
from tradekit.decide.order_events import put
from tradekit.decide.risk.recheck import still_fits
from tradekit.decide.risk.situation import Situation, look
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.event import OrderKept
from tradekit.domain.market import Quote
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Intended, Order, OrderIntent, TimeInForce
from tradekit.domain.state import State
from tradekit.steps.desk import Desk
from tradekit.steps.orders import cancel, refresh
from tradekit.steps.place import place
from tradekit.steps.troubles import unsettled

_WAIT: Final = Fate(Verdict.WAIT)


class Worked(NamedTuple):
    """What became of each approval, what a person should know, and the milliseconds spent waiting for the market."""

    jobs: tuple[Job, ...] = ()
    problems: tuple[Problem, ...] = ()
    waited_ms: int = 0


def work(desk: Desk, at: Situation, jobs: Iterable[Job], until: int, next_cycle: int) -> Worked:
    """Works an order for each job until all are done, or until the time `until` (milliseconds).

    Sales may rest longer, to `next_cycle` or their own end: their deadlines are in the state. Once a signal asks for
    the end nothing is placed any more. An order without an answer is looked for as long as it would have lived. A look
    that fails is no reason to leave an order alone: the next one may succeed.
    """
    bench = _Bench(desk, at, jobs, until, next_cycle)
    fates = bench.take_up()
    bench.begin_attempts()  # a stop waits for no cancel
    bench.let_go(fates)
    bench.begin_attempts()
    while bench.waiting():
        bench.wait()
        bench.attend()
        bench.begin_attempts()
    return Worked(tuple(bench.jobs.values()), tuple(bench.problems), bench.waited_ms)


class _Bench:
    """The jobs of one run, by number, and the newest quotes."""

    def __init__(self, desk: Desk, at: Situation, jobs: Iterable[Job], until: int, next_cycle: int) -> None:
        self._desk, self._at = desk, at
        self._until, self._next_cycle = until, next_cycle
        self._quotes: Mapping[str, Quote] = at.snapshot.quotes
        self._quoted = True
        self.jobs = dict(enumerate(jobs))
        self.problems: list[Problem] = []
        self.waited_ms = 0

    def waiting(self) -> dict[int, Order]:
        """The orders that are not settled, of the jobs that go on."""
        current = {n: job.current(self._desk.state) for n, job in self.jobs.items() if job.ending is None}
        return {n: order for n, order in current.items() if order is not None}

    def take_up(self) -> dict[int, Fate]:
        """Says what becomes of orders of earlier runs, on the look that the decisions were taken on."""
        fates = {n: self._fate(n, order, self._times(), stopped=False) for n, order in self.waiting().items()}
        self._keep(fates)
        return fates

    def let_go(self, fates: Mapping[int, Fate]) -> None:
        """Cancels those of them that have to go and are still there."""
        waiting = self.waiting()
        self._cancel({n: item for n, item in fates.items() if n in waiting and waiting[n].is_live})
        self._take_stock()

    def begin_attempts(self) -> None:
        """Sends the next order of every job that has none, again where one was refused or traded at once."""
        while idle := {n: j for n, j in self.jobs.items() if j.ending is None and not j.current(self._desk.state)}:
            if self._desk.clock.must_stop():
                self._end(idle, Ending.STOPPED)
                return
            if not self._quoted:
                self._ask_quotes({job.symbol for job in idle.values()})
            self._send(self._next_intents(idle))
            self._quoted = False

    def wait(self) -> None:
        """Sleeps until the next look, or until the first deadline before it."""
        if self._desk.clock.must_stop():
            return
        now, orders = self._desk.clock.now(), list(self.waiting().values())
        ends = [time for time in (self._until, *(order.deadline for order in orders)) if time > now]
        wake = min(now + self._desk.policy.execution.poll_ms, *ends) if ends else now + 1
        self._desk.watcher.waiting(orders, now, max(wake, *(order.deadline for order in orders)))
        self._desk.clock.sleep(wake - now)
        self.waited_ms += self._desk.clock.now() - now

    def attend(self) -> None:
        """Finds out what became of the orders, and keeps or cancels those whose time is over or whose price is."""
        desk = self._desk
        with suppress(Unreachable):
            refresh(desk, [order.id for order in self.waiting().values()])
        self._take_stock()
        orders, stopped, times = self.waiting(), desk.clock.must_stop(), self._times()
        self._quoted = False
        if orders and not stopped and self._wants_quotes(orders.values(), times):
            self._ask_quotes({order.intent.symbol for order in orders.values()})
        fates = {n: self._fate(n, order, times, stopped=stopped) for n, order in orders.items()}
        self._keep(fates)
        self._cancel(fates)
        self._take_stock()
        self._leave(stopped=stopped)

    def _next_intents(self, idle: Mapping[int, Job]) -> dict[int, OrderIntent]:
        desk, times, intents = self._desk, self._times(), {}
        room, state = self._room(idle), self._state()
        for n, job in idle.items():
            quote, left = self._quotes.get(job.symbol), amount_left(desk.state, job)
            fits = min(left, room.get(job.approved.proposal.id, left))
            if left <= 0 and job.sent:
                self.jobs[n] = job._replace(ending=Ending.FILLED)
            elif quote is None:
                self.jobs[n] = job._replace(ending=Ending.NO_QUOTE)
            elif ZERO == fits < left:
                self.jobs[n] = job._replace(ending=Ending.NO_ROOM)
            else:
                market = self._at.snapshot.markets[job.symbol]
                self.jobs[n], intent = next_attempt(desk.policy, state, job, market, quote, times, fits)
                if intent is not None:
                    intents[n] = intent
                    state = put(state, Order(intent, Intended(times.now)))  # the next one finds less left to take
        return intents

    def _room(self, idle: Mapping[int, Job]) -> dict[str, Decimal]:
        """What opening orders that were tried before may still buy; the first attempt has just been judged."""
        again = [job for job in idle.values() if job.sent and job.approved.proposal.opens]
        if not again:
            return {}
        desk, at = self._desk, self._at
        snapshot = at.snapshot._replace(quotes={**at.snapshot.quotes, **self._quotes})
        halted, now = desk.store.is_halted(), desk.clock.now()
        fresh = look(
            desk.policy, self._state(), snapshot, now=now, halted=halted, mismatched=at.mismatched, closes=at.closes
        )
        return still_fits(fresh, [(job.approved.proposal, amount_left(desk.state, job)) for job in again])

    def _send(self, intents: Mapping[int, OrderIntent]) -> None:
        desk = self._desk
        if not intents:
            return
        self.problems += place(desk, list(intents.values()))
        for n, intent in intents.items():
            if intent.client_order_id not in desk.state.orders:
                self.jobs[n] = self.jobs[n]._replace(sent=self.jobs[n].sent[:-1], ending=Ending.HALTED)
        at_once = [i.client_order_id for i in intents.values() if i.time_in_force is TimeInForce.IOC]
        with suppress(Unreachable):
            refresh(desk, [id for id in at_once if id in desk.state.orders and desk.state.orders[id].is_live])
        self._take_stock()

    def _take_stock(self) -> None:
        """Draws the consequences of every order that is settled since the last time."""
        for n, job in self.jobs.items():
            if job.ending is None and job.current(self._desk.state) is None:
                self.jobs[n] = after_settled(job, self._desk.state)

    def _wants_quotes(self, orders: Iterable[Order], times: Times) -> bool:
        return self._desk.policy.execution.max_reprices > 0 or any(order.deadline <= times.now for order in orders)

    def _fate(self, n: int, order: Order, times: Times, *, stopped: bool) -> Fate:
        desk, opens = self._desk, order.intent.approved.proposal.opens
        if not order.is_live:
            return _WAIT
        if order.is_unanswered:  # a cancel would make a canceled order of one that perhaps never was
            return _WAIT
        if stopped:
            spared = not opens and desk.policy.execution.cancel_when_stopped == "opens"
            return _WAIT if spared else Fate(Verdict.CANCEL, "the run was asked to end")
        quote = self._quotes.get(order.intent.symbol) if self._quoted else None
        return fate(desk.policy, self._state(), self.jobs[n], order, quote, times, halted=desk.store.is_halted())

    def _keep(self, fates: Mapping[int, Fate]) -> None:
        kept = {n: item for n, item in fates.items() if item.verdict is Verdict.KEEP}
        self._desk.record(*(OrderKept(self.jobs[n].sent[-1], item.deadline) for n, item in kept.items()))
        for n in kept:
            self.jobs[n] = self.jobs[n]._replace(lives=self.jobs[n].lives + 1)

    def _cancel(self, fates: Mapping[int, Fate]) -> None:
        ended = {n: item for n, item in fates.items() if item.verdict in (Verdict.CANCEL, Verdict.MOVE)}
        for n, item in ended.items():
            if item.verdict is Verdict.MOVE:
                self.jobs[n] = self.jobs[n]._replace(moves=self.jobs[n].moves + 1, lives=self.jobs[n].lives - 1)
        reasons = {self.jobs[n].sent[-1]: item.reason for n, item in ended.items()}
        if reasons:
            cancel(self._desk, reasons)

    def _leave(self, *, stopped: bool) -> None:
        """Lets go of what the next run has to go on with: sales that rest, and orders that have no last word."""
        times = self._times()
        for n, order in self.waiting().items():
            if order.is_canceling or not order.is_live or order.is_unanswered:
                late = stopped or order.is_canceling or times.now >= order.deadline
                if late:
                    self.problems += unsettled(self._desk, [order.id])
                    self._end([n], Ending.UNANSWERED if order.is_unanswered else Ending.UNSETTLED)
            elif stopped or times.now >= self._until:
                self._end([n], Ending.RESTS)

    def _ask_quotes(self, symbols: Iterable[str]) -> None:
        """Nobody judges these quotes: what is half a book counts as none."""
        try:
            told = self._desk.exchange.quotes(sorted(symbols))
            self._quotes, self._quoted = {symbol: quote for symbol, quote in told.items() if quote.is_whole}, True
        except Unreachable:
            self._quotes = {}

    def _end(self, numbers: Iterable[int], ending: Ending) -> None:
        for n in numbers:
            self.jobs[n] = self.jobs[n]._replace(ending=ending)

    def _state(self) -> State:
        """The newest state, with the tiers that the decisions were taken on."""
        return self._desk.state._replace(tiers=self._at.state.tiers)

    def _times(self) -> Times:
        return Times(self._desk.clock.now(), self._until, self._next_cycle)
