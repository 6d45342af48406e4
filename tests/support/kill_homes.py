"""What is looked at from outside after a kill: the durable files of one account and the paper exchange's ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

from tradekit.adapters.paper.ledger_file import copy_to_memory
from tradekit.adapters.paper.world import LEDGER_NAME, PaperWorld
from tradekit.adapters.policy_file import load_policy
from tradekit.adapters.store.account_store import AccountStore
from tradekit.adapters.store.disk import RealDisk
from tradekit.cli.wiring import paper_setup
from tradekit.decide.fold import replay
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.event import FillBooked, OrderIntended
from tradekit.domain.order import Closed
from tradekit.domain.state import State

SRC: Final = Path(__file__).parents[2] / "src"
HARNESS: Final = Path(__file__).parents[1] / "kill" / "kill_at.py"
STAMP: Final = Stamp("paper", "main", Mode.PAPER, "USDT", "")
POLICY: Final = """\
[paper]
fee_asset = "{fee_asset}"
[risk]
max_total_at_risk_pct = 100
max_asset_pct = 60
max_tier1_pct = 100
max_tier2_pct = 100
max_new_positions_per_cycle = 5
min_seconds_between_trades = 0
min_seconds_between_symbol_trades = 0
[rules]
enabled = false
"""


class Run(NamedTuple):
    """A command line and where to kill it: at which step, and `before` or `after` it."""

    arguments: tuple[str, ...]
    point: int = 0
    when: str = ""


class Case(NamedTuple):
    """A home to copy, and what is run in the copy."""

    template: Path
    home: Path
    runs: Sequence[Run]


class Ended(NamedTuple):
    """How one run ended, negative for a signal, and the steps it took."""

    exit: int
    points: Sequence[str]


def environment(**more: str) -> dict[str, str]:
    """Nothing of this process but where the code is."""
    return {"PYTHONPATH": str(SRC), **more}


def carry_out(cases: Sequence[Case], *, processes: int = 2, mutant: str = "") -> list[list[Ended]]:
    """Runs all cases, shared out over some harness processes."""
    command = [sys.executable, str(HARNESS)]
    shares = [cases[number::processes] for number in range(processes)]
    started = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(KILL_AT_MUTANT=mutant), text=True
        )
        for _ in shares
    ]
    for process, share in zip(started, shares, strict=True):
        assert process.stdin is not None
        process.stdin.write("".join(_line(case) for case in share))
        process.stdin.close()
        process.stdin = None
    found: dict[Path, list[Ended]] = {}
    for process, share in zip(started, shares, strict=True):
        out, _ = process.communicate()
        assert process.returncode == 0
        for case, line in zip(share, out.splitlines(), strict=True):
            found[case.home] = [Ended(item["exit"], item["points"]) for item in json.loads(line)]
    return [found[case.home] for case in cases]


def _line(case: Case) -> str:
    runs: list[dict[str, Any]] = [
        {"arguments": run.arguments, **({"kill": {"point": run.point, "when": run.when}} if run.point else {})}
        for run in case.runs
    ]
    return json.dumps({"template": str(case.template), "home": str(case.home), "runs": runs}) + "\n"


def new_home(folder: Path, fee_asset: str = "quote") -> Path:
    """A home with a policy that lets several orders a cycle through."""
    folder.mkdir(mode=0o700)
    (folder / "policy.toml").write_text(POLICY.format(fee_asset=fee_asset))
    return folder


def proposals(path: Path, *wishes: Mapping[str, str]) -> Path:
    """A proposals file: each wish has id, symbol, side and notional or amount."""
    path.write_text(json.dumps([{"confidence": "0.9", "reason": "proof", **wish} for wish in wishes]))
    return path


class Facts:
    """Read from the files alone, without leaving a trace, and only once: make new ones after the next run."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "main" / "paper"
        self._store = AccountStore(RealDisk(), self._folder, STAMP, may_write=False)

    @cached_property
    def state(self) -> State:
        """The newest durable state and its tail. Raises `NeedsHuman` for damage."""
        loaded = self._store.load()
        return State(STAMP) if loaded.state is None else replay(loaded.state, loaded.tail)

    def verify(self) -> None:
        """What `state verify` does, and that the state is the fold of the journal from its first record."""
        self._store.verify()
        assert replay(State(STAMP), (line.record for line in self._store.lines())) == self.state

    @cached_property
    def intents(self) -> set[str]:
        """The client order ids of all durable intents."""
        events = (line.record.event for line in self._store.lines())
        return {event.intent.client_order_id for event in events if isinstance(event, OrderIntended)}

    @property
    def carried_out_twice(self) -> list[str]:
        """Proposals with two intents of one attempt, or whose orders traded more than was approved."""
        events = [line.record.event for line in self._store.lines()]
        intents = [event.intent for event in events if isinstance(event, OrderIntended)]
        attempts = Counter((intent.approved.proposal.id, intent.attempt) for intent in intents)
        proposals = {intent.client_order_id: intent.approved for intent in intents}
        fills = [event.fill for event in events if isinstance(event, FillBooked)]
        traded: dict[str, Decimal] = {}
        for fill in fills:
            if fill.client_order_id in proposals:
                id = proposals[fill.client_order_id].proposal.id
                traded[id] = traded.get(id, Decimal(0)) + fill.amount
        approved = {item.proposal.id: item.amount for item in proposals.values()}
        over = [id for id, amount in traded.items() if amount > approved[id]]
        return [id for (id, _), count in attempts.items() if count > 1] + over

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
    def sent(self) -> list[str]:
        """Every client order id in the order in which it went out, noted by the harness."""
        path = self._home / "wire.log"
        return path.read_text().split() if path.exists() else []

    def differences(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Assets whose books are not, to the last digit, what the exchange holds for us: (books, exchange)."""
        policy = load_policy(self._home / "policy.toml").policy
        with PaperWorld.scratch(self._folder / LEDGER_NAME, paper_setup(policy)) as world:
            held = {asset: total for asset, total in world.totals().items() if total}
        state = self.state
        books = {asset: position.total for asset, position in state.positions.items() if position.total}
        books |= {"USDT": state.cash}
        zero = Decimal(0)
        pairs = {asset: (books.get(asset, zero), held.get(asset, zero)) for asset in books.keys() | held.keys()}
        return {asset: pair for asset, pair in pairs.items() if pair[0] != pair[1]}


def killed_from_outside(home: Path, arguments: Sequence[str], seconds: float) -> int:
    """Starts the real program, kills it unless it ends within so many seconds, and returns how it ended."""
    words = [sys.executable, "-m", "tradekit", *arguments]
    with subprocess.Popen(
        words, env=environment(TRADEKIT_HOME=str(home)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        return process.wait()
