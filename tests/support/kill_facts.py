"""What is looked at from outside after a kill: the durable files of one account, and its exchange's own books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from kill_world import World, world_of
from tradekit.adapters.paper.ledger_file import copy_to_memory
from tradekit.adapters.paper.world import LEDGER_NAME, PaperWorld
from tradekit.cli.paper_desk import paper_setup
from tradekit.cli.wiring import find_account, reading_store
from tradekit.decide.fold import replay
from tradekit.domain.errors import TradekitError
from tradekit.domain.event import Event, FillBooked, OrderIntended
from tradekit.domain.order import Closed
from tradekit.domain.state import State


class Facts:
    """Read from the files alone, without leaving a trace, and only once: make new ones after the next run."""

    def __init__(self, home: Path) -> None:
        self._home = home
        account = find_account(str(home), str(home / "policy.toml"))
        self._policy, self._stamp = account.policy, account.stamp
        self._folder = account.folder
        self._store = reading_store(account)

    @cached_property
    def state(self) -> State:
        """The newest durable state and its tail. Raises `NeedsHuman` for damage."""
        loaded = self._store.load()
        return State(self._stamp) if loaded.state is None else replay(loaded.state, loaded.tail)

    def verify(self) -> None:
        """What `state verify` does, and that the state is the fold of the journal from its first record."""
        self._store.verify()
        assert replay(State(self.state.stamp), (line.record for line in self._store.lines())) == self.state

    @cached_property
    def events(self) -> list[Event]:
        """Everything in the journal."""
        return [line.record.event for line in self._store.lines()]

    @property
    def intents(self) -> set[str]:
        """The client order ids of all durable intents."""
        return {event.intent.client_order_id for event in self.events if isinstance(event, OrderIntended)}

    @property
    def carried_out_twice(self) -> list[str]:
        """Proposals with two intents of one attempt, or whose orders traded more than was approved."""
        intents = [event.intent for event in self.events if isinstance(event, OrderIntended)]
        attempts = Counter((intent.approved.proposal.id, intent.attempt) for intent in intents)
        proposals = {str(intent.client_order_id): intent.approved for intent in intents}
        traded: dict[str, Decimal] = {}
        for id, amount in self.traded.items():
            if id in proposals:
                name = proposals[id].proposal.id
                traded[name] = traded.get(name, Decimal(0)) + amount
        approved = {item.proposal.id: item.amount for item in proposals.values()}
        over = [id for id, amount in traded.items() if amount > approved[id]]
        return [id for (id, _), count in attempts.items() if count > 1] + over

    @property
    def traded(self) -> dict[str, Decimal]:
        """What is booked, in base units by client order id."""
        found: dict[str, Decimal] = {}
        for event in self.events:
            if isinstance(event, FillBooked) and event.fill.client_order_id:
                id = str(event.fill.client_order_id)
                found[id] = found.get(id, Decimal(0)) + event.fill.amount
        return found

    @property
    def unanswered(self) -> set[str]:
        """Orders whose intent is durable and whose answer is not."""
        return {order.id for order in self.state.orders.values() if order.is_unanswered}

    @property
    def unfinished(self) -> set[str]:
        """Orders that are not closed."""
        return {order.id for order in self.state.orders.values() if not isinstance(order.state, Closed)}

    @cached_property
    def on_exchange(self) -> list[str]:
        """The client order ids in the exchange's own table of orders."""
        path = self._folder / LEDGER_NAME
        if not path.exists():
            return []
        with closing(copy_to_memory(path)) as ledger:
            return [str(row[0]) for row in ledger.execute("SELECT client_id FROM orders")]

    @property
    def sent(self) -> Mapping[str, int]:
        """How often each client order id went out, noted by the harness or the exchange."""
        path = self._home / "wire.log"
        return Counter(path.read_text().split() if path.exists() else ())

    @property
    def held(self) -> Mapping[str, Decimal]:
        """What the exchange holds for us."""
        with PaperWorld.scratch(self._folder / LEDGER_NAME, paper_setup(self._policy)) as world:
            return {asset: total for asset, total in world.totals().items() if total}

    @property
    def disagreements(self) -> list[str]:
        """Where the orders of the exchange are not, to the last digit, those of the books."""
        return []

    def differences(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Assets whose books are not, to the last digit, what the exchange holds for us: (books, exchange)."""
        books = {asset: self.state.books.total(asset) for asset in self.state.books.tallies}
        zero, held = Decimal(0), self.held
        pairs = {asset: (books.get(asset, zero), held.get(asset, zero)) for asset in books.keys() | held.keys()}
        return {asset: pair for asset, pair in pairs.items() if pair[0] != pair[1]}


class LiveFacts(Facts):
    """The same of a live account, whose exchange lies beside its home."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.world = World.load(world_of(home))

    @cached_property
    def on_exchange(self) -> list[str]:
        return [order.client_id for order in self.world.orders]

    @property
    def sent(self) -> Mapping[str, int]:
        return self.world.asked

    @property
    def held(self) -> Mapping[str, Decimal]:
        return self.world.totals

    @property
    def disagreements(self) -> list[str]:
        there = {order.client_id: order.filled for order in self.world.orders}
        wrong = [f"{order.client_id} is still open" for order in self.world.orders if order.status == "open"]
        pairs = {id: (self.traded.get(id, Decimal(0)), there.get(id, Decimal(0))) for id in there | self.traded}
        return wrong + [
            f"{id} traded {here} in the books, {said} there" for id, (here, said) in pairs.items() if here != said
        ]


def facts_of(home: Path) -> Facts:
    """Those of the kind of account that it is."""
    return LiveFacts(home) if world_of(home).exists() else Facts(home)


def after_a_kill(home: Path) -> list[str]:
    """What is wrong right after a kill."""
    facts = facts_of(home)
    try:
        facts.verify()
    except TradekitError as damage:
        return [f"damage: {damage}"]
    return [f"no durable intent for {id}" for id in {*facts.on_exchange, *facts.sent} - facts.intents]


def in_the_end(home: Path) -> list[str]:
    """What is wrong when the runs after a kill are done."""
    facts = facts_of(home)
    wrong = after_a_kill(home)
    wrong += [f"{asset}: {books} and {exchange}" for asset, (books, exchange) in facts.differences().items()]
    wrong += facts.disagreements
    wrong += [f"{id} was sent {count} times" for id, count in facts.sent.items() if count > 1]
    wrong += [f"{id} is on the exchange twice" for id, count in Counter(facts.on_exchange).items() if count > 1]
    wrong += [f"{id} has no end" for id in facts.unfinished]
    wrong += [f"{proposal} was carried out twice" for proposal in facts.carried_out_twice]
    wrong += [f"{path.name} was left behind" for path in home.rglob("*") if is_temporary(path.name)]
    wrong += [f"{path.name} is open to others" for path in files_of(home) if path.stat().st_mode & 0o077]
    return wrong


def is_temporary(name: str) -> bool:
    """Whether a file is one that has no name of its own yet."""
    return name.startswith(".") or name.endswith((".tmp", ".new"))


def files_of(home: Path) -> list[Path]:
    """What tradekit makes in a home."""
    return [path for name in ("main", "exchange_cache") for path in (home / name).rglob("*")]
