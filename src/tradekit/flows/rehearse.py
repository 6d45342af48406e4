"""`tradekit rehearse`: many cycles of the real code in a world that misbehaves, and what came of it.

Each cycle is a run of its own that may die anywhere. A person looks in once an hour and resumes what stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from tradekit.decide.rehearsal import Share, Worst, with_fees, worst_shares
from tradekit.domain.errors import ExitCode, NeedsHuman, Unreachable
from tradekit.domain.event import CycleFinished, FillBooked, HoldPlaced, OrderIntended, PurgeEnded, Record
from tradekit.domain.market import Quote
from tradekit.domain.money import Money
from tradekit.domain.order import Order
from tradekit.domain.policy.sections import Policy
from tradekit.domain.ports import Clock, Exchange, JournalIndex, ProcessEnded, Store
from tradekit.domain.proposal import Proposal
from tradekit.domain.state import State
from tradekit.flows.cycle import Wanted, cycle
from tradekit.flows.resume import lift_stops
from tradekit.steps.desk import Desk

_PERSON_LOOKS: Final = 60
QUIET_CYCLES: Final = 30
_ZERO: Final = Decimal(0)


class Stage(Protocol):
    """The world of a rehearsal. `store` are the account's files, `exchange` is the unruly one."""

    @property
    def store(self) -> Store:
        """The files."""
        ...

    @property
    def index(self) -> JournalIndex:
        """What the journal still knows."""
        ...

    @property
    def exchange(self) -> Exchange:
        """Where orders go."""
        ...

    @property
    def clock(self) -> Clock:
        """Virtual time."""
        ...

    @property
    def faults(self) -> Mapping[str, int]:
        """What the world did, by name."""
        ...

    def begin_cycle(self) -> None:
        """Time moves on."""
        ...

    def wishes(self, quotes: Mapping[str, Quote]) -> tuple[Proposal, ...]:
        """What other programs ask for."""
        ...

    def quotes(self) -> Mapping[str, Quote]:
        """The true prices."""
        ...

    def totals(self) -> Mapping[str, Decimal]:
        """What the exchange holds for the account."""
        ...

    def behave(self) -> None:
        """No more faults."""
        ...


class RehearsalReport(NamedTuple):
    """What an account lived through, and how it came out. Amounts are in quote currency unless they name an asset.

    `worst` holds the highest share of the equity against each cap. `exits` counts runs by exit code, `killed` those
    that died. `differences` are assets whose books don't equal the exchange's in the end, `unanswered` orders whose
    end nobody knows: both are empty when all is well.
    """

    cycles: int
    orders: int
    fills: int
    traded: Decimal
    fees: tuple[Money, ...]
    purges: Mapping[str, int]
    refusals: Mapping[str, int]
    exits: Mapping[str, int]
    killed: int
    holds: Mapping[str, int]
    resumed: int
    longest_ms: int
    worst: tuple[Share, ...]
    faults: Mapping[str, int]
    equity_before: Decimal | None
    equity_after: Decimal | None
    differences: Mapping[str, tuple[Decimal, Decimal]]
    unanswered: int

    @property
    def is_sound(self) -> bool:
        """Whether books and exchange agree to the last digit and nothing is unknown."""
        return not self.differences and not self.unanswered


def rehearse(
    stage: Stage, policy: Policy, start: State, cycles: int, progress: Callable[[int], object]
) -> RehearsalReport:
    """Plays so many cycles, and some quiet ones at the end so that everything can settle. `start` is a fresh state."""
    seen, state = _Seen(), start
    for number in range(cycles + QUIET_CYCLES):
        if number == cycles:
            stage.behave()
        stage.begin_cycle()
        quotes = stage.quotes()
        state = _run(stage, policy, start, stage.wishes(quotes) if number < cycles else (), seen)
        seen.worst = worst_shares(seen.worst, policy, state, quotes)
        if number % _PERSON_LOOKS == _PERSON_LOOKS - 1 or number == cycles:
            stopped = lift_stops(stage.store, policy)
            seen.resumed += bool(stopped.holds or stopped.peak is not None)
        progress(number + 1)
    return _report(stage, policy, state, cycles, seen)


class _Seen:
    """Implements `Watcher`: what became durable, and how the runs ended."""

    def __init__(self) -> None:
        self.orders = self.fills = self.killed = self.resumed = self.longest_ms = 0
        self.traded = _ZERO
        self.fees: dict[str, Decimal] = {}
        self.purges: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.exits: Counter[str] = Counter()
        self.holds: Counter[str] = Counter()
        self.worst = Worst()
        self.first: Decimal | None = None
        self.last: Decimal | None = None

    def recorded(self, record: Record, before: State, after: State) -> None:
        """Counts one event of the journal."""
        match record.event:
            case OrderIntended():
                self.orders += 1
            case FillBooked(fill):
                self.fills += 1
                self.traded += fill.cost
                self.fees = with_fees(self.fees, fill)
            case PurgeEnded(_, reason):
                self.purges[reason] += 1
            case HoldPlaced(hold):
                self.holds[hold.code] += 1
            case CycleFinished(equity=equity, refused=refused):
                self.refusals.update(refused)
                self.first = equity if self.first is None else self.first
                self.last = self.last if equity is None else equity
            case _:
                pass

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        """Nothing."""


def _run(stage: Stage, policy: Policy, start: State, given: tuple[Proposal, ...], seen: _Seen) -> State:
    """One run of `tradekit cycle`, as a process of its own would do it."""
    desk = Desk(policy, stage.exchange, stage.clock, stage.store, stage.index, seen, start, "rehearsal")
    desk.load()
    began = stage.clock.now()
    try:
        code = cycle(desk, Wanted(given)).exit_code
    except Unreachable:
        code = ExitCode.UNREACHABLE
    except NeedsHuman:
        code = ExitCode.NEEDS_HUMAN
    except ProcessEnded:
        seen.killed += 1
        return desk.state
    seen.exits[str(int(code))] += 1
    seen.longest_ms = max(seen.longest_ms, stage.clock.now() - began)
    return desk.state


def _report(stage: Stage, policy: Policy, state: State, cycles: int, seen: _Seen) -> RehearsalReport:
    books = {asset: position.total for asset, position in state.positions.items()} | {state.stamp.quote: state.cash}
    told = stage.totals()
    both = {asset: (books.get(asset, _ZERO), told.get(asset, _ZERO)) for asset in sorted(books.keys() | told.keys())}
    return RehearsalReport(
        cycles=cycles,
        orders=seen.orders,
        fills=seen.fills,
        traded=seen.traded,
        fees=tuple(Money(amount, asset) for asset, amount in sorted(seen.fees.items())),
        purges=dict(seen.purges),
        refusals=dict(seen.refusals.most_common()),
        exits=dict(sorted(seen.exits.items())),
        killed=seen.killed,
        holds=dict(seen.holds),
        resumed=seen.resumed,
        longest_ms=seen.longest_ms,
        worst=seen.worst.shares(policy),
        faults=stage.faults,
        equity_before=seen.first,
        equity_after=seen.last,
        differences={asset: pair for asset, pair in both.items() if pair[0] != pair[1]},
        unanswered=sum(1 for order in state.orders.values() if order.is_unanswered),
    )
