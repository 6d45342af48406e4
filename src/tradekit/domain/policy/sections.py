"""Every policy key, defined once (those of the risk desk in `risk_sections`, of the execution desk in
`execution_sections`, of real exchanges in `exchange_sections`). Adding one adds it to the checks, the schema,
`policy show` and the docs.

Notionals are in the account's quote currency; `pct` is percent of equity unless the help says otherwise; `bp` is a
hundredth of a percent. A test demands that changing any key changes what tradekit does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from tradekit.domain.account import Mode
from tradekit.domain.policy.exchange_sections import ExchangePolicy
from tradekit.domain.policy.execution_sections import (
    DustPolicy,
    ExecutionPolicy,
    GovernorPolicy,
    PurgePolicy,
    TakerPolicy,
)
from tradekit.domain.policy.keys import AMOUNTS, BOOL, COUNT, NUMBER, TEXT, TEXTS, Key, Section, key, keys_of
from tradekit.domain.policy.risk_sections import CooldownsPolicy, GuardsPolicy, LossesPolicy, RiskPolicy

_ASSET: Final = "[A-Z0-9]{1,20}"
_PAPER_BALANCES: Final = {
    "USDT": Decimal(1000),
    "BTC": Decimal("0.002"),
    "PENGU": Decimal(1525),
    "ZK": Decimal("873.3"),
    "DOGE": Decimal("1.7"),
    "ANKR": Decimal(12),
}


class AccountPolicy(Section, name="account"):
    """Whose account this is."""

    name: str = key(TEXT, "main", "name of the account and of its folder", pattern="[a-z0-9-]{1,40}")
    mode: Mode = key(TEXT, "paper", "practise or trade real money", choices=("paper", "live"), live_required=True)
    quote: str = key(TEXT, "USDT", "currency that everything is bought with", pattern=_ASSET, live_required=True)
    managed: tuple[str, ...] = key(
        TEXTS,
        tuple(asset for asset in _PAPER_BALANCES if asset != "USDT"),
        "assets held before tradekit that it may sell; what it bought itself it always may",
        pattern=_ASSET,
        live_default=(),
    )


class PaperPolicy(Section, name="paper"):
    """The practice exchange."""

    markets: str = key(
        TEXT, "recorded", "what it trades on: the shipped recording, or exchange.id now", choices=("recorded", "live")
    )
    balances: Mapping[str, Decimal] = key(
        AMOUNTS, _PAPER_BALANCES, "what a new paper account holds", unit="asset units", low="0", pattern=_ASSET
    )
    maker_fee_bp: Decimal = key(NUMBER, Decimal(60), "fee of a resting order", unit="bp", low="0", high="1000")
    taker_fee_bp: Decimal = key(
        NUMBER, Decimal(120), "fee of an order that trades at once", unit="bp", low="0", high="1000"
    )
    fee_asset: str = key(TEXT, "quote", "what fees are paid in", choices=("quote", "received"))
    latency_ms: int = key(COUNT, 300, "time an order takes to the exchange", unit="ms", low="0", high="10000")


class UniversePolicy(Section, name="universe"):
    """Which coins may be opened. A coin is in the first tier whose three floors it meets."""

    only: tuple[str, ...] = key(TEXTS, (), "the only assets that are opened; empty for all", pattern=_ASSET)
    exclude: tuple[str, ...] = key(TEXTS, (), "assets that are never opened", pattern=_ASSET)
    tier1_min_volume_notional: Decimal = key(
        NUMBER, Decimal(10_000_000), "traded in 24 hours at least", unit="quote", low="0"
    )
    tier2_min_volume_notional: Decimal = key(
        NUMBER, Decimal(5_000_000), "traded in 24 hours at least", unit="quote", low="0"
    )
    tier3_min_volume_notional: Decimal = key(
        NUMBER, Decimal(2_000_000), "traded in 24 hours at least", unit="quote", low="0"
    )
    tier1_max_spread_bp: Decimal = key(NUMBER, Decimal(20), "widest spread", unit="bp", low="0", high="10000")
    tier2_max_spread_bp: Decimal = key(NUMBER, Decimal(35), "widest spread", unit="bp", low="0", high="10000")
    tier3_max_spread_bp: Decimal = key(NUMBER, Decimal(60), "widest spread", unit="bp", low="0", high="10000")
    tier1_min_depth_notional: Decimal = key(
        NUMBER, Decimal(500), "shown at the thinner best price at least", unit="quote", low="0"
    )
    tier2_min_depth_notional: Decimal = key(
        NUMBER, Decimal(200), "shown at the thinner best price at least", unit="quote", low="0"
    )
    tier3_min_depth_notional: Decimal = key(
        NUMBER, Decimal(50), "shown at the thinner best price at least", unit="quote", low="0"
    )
    promote_after_cycles: int = key(
        COUNT, 3, "cycles in a row a coin must look better before it moves up", unit="cycles", low="1", high="1440"
    )
    demote_after_cycles: int = key(
        COUNT, 5, "cycles in a row a coin must look worse before it moves down", unit="cycles", low="1", high="1440"
    )


class TriggersPolicy(Section, name="triggers"):
    """What makes a coin worth a look. Zero switches a trigger off."""

    move_15m_pct: Decimal = key(NUMBER, Decimal(1), "rise in 15 minutes", unit="pct", low="0", high="100")
    move_60m_pct: Decimal = key(NUMBER, Decimal("2.5"), "rise in 60 minutes", unit="pct", low="0", high="100")
    volume_spike_ratio: Decimal = key(
        NUMBER,
        Decimal(4),
        "volume of 5 minutes against their mean of the last hour",
        unit="times",
        low="0",
        high="1000",
    )
    breakout_minutes: int = key(
        COUNT, 60, "close above the high of so many minutes", unit="minutes", low="0", high="240"
    )


class RulesPolicy(Section, name="rules"):
    """The built-in rules that turn triggers into proposals."""

    enabled: bool = key(BOOL, True, "whether the built-in rules propose", live_default=False)
    order_notional: Decimal = key(NUMBER, Decimal(20), "size of a proposal", unit="quote", low="0", high="1000000")
    min_confidence: Decimal = key(
        NUMBER, Decimal("0.5"), "weakest proposal of the rules that is kept", unit="0 to 1", low="0", high="1"
    )


class ProposalsPolicy(Section, name="proposals"):
    """A program of yours that prints proposals. What it prints is not trusted: the caps below bind it."""

    command: tuple[str, ...] = key(TEXTS, (), "program and arguments, run once a cycle without a shell")
    command_timeout_seconds: int = key(COUNT, 10, "then it is ended", unit="seconds", low="1", high="45")


class ExitsPolicy(Section, name="exits"):
    """When a position is sold. Zero switches an exit off."""

    stop_loss_pct: Decimal = key(NUMBER, Decimal(10), "loss against the average cost", unit="pct", low="0", high="100")
    take_profit_pct: Decimal = key(
        NUMBER, Decimal(12), "gain against the average cost", unit="pct", low="0", high="10000"
    )
    trailing_stop_pct: Decimal = key(
        NUMBER, Decimal(0), "fall from the highest bid while held", unit="pct", low="0", high="100"
    )
    max_hold_hours: int = key(COUNT, 0, "longest time held", unit="hours", low="0", high="100000")
    stop_slippage_bp: Decimal = key(
        NUMBER, Decimal(200), "how far below the bid a stop may sell", unit="bp", low="0", high="2000"
    )


class BooksPolicy(Section, name="books"):
    """How books are kept, and what becomes of a difference between them and the exchange."""

    cost_method: str = key(
        TEXT,
        "average",
        "units that a sale takes; a change wants `rebuild-positions --apply`",
        choices=("average", "fifo", "lifo", "hifo"),
    )
    tolerance_notional: Decimal = key(
        NUMBER, Decimal("0.01"), "difference to the exchange that stops nothing", unit="quote", low="0", high="1000"
    )
    record_differences: str = key(
        TEXT,
        "never",
        "differences that are booked as deposits or withdrawals; small is within the tolerance",
        choices=("never", "small", "all"),
    )


class StoragePolicy(Section, name="storage"):
    """Where the files may lie."""

    allow_network_filesystem: bool = key(BOOL, False, "accept a home whose file locks may not hold (NFS, FUSE)")


class Policy(NamedTuple):
    """All sections. Made by `check.read_policy` alone, so a `Policy` at hand is a valid one."""

    account: AccountPolicy
    exchange: ExchangePolicy
    paper: PaperPolicy
    universe: UniversePolicy
    triggers: TriggersPolicy
    rules: RulesPolicy
    proposals: ProposalsPolicy
    risk: RiskPolicy
    guards: GuardsPolicy
    cooldowns: CooldownsPolicy
    losses: LossesPolicy
    execution: ExecutionPolicy
    taker: TakerPolicy
    purge: PurgePolicy
    dust: DustPolicy
    governor: GovernorPolicy
    exits: ExitsPolicy
    books: BooksPolicy
    storage: StoragePolicy


SECTIONS: Final[Mapping[str, type[Section]]] = {
    "account": AccountPolicy,
    "exchange": ExchangePolicy,
    "paper": PaperPolicy,
    "universe": UniversePolicy,
    "triggers": TriggersPolicy,
    "rules": RulesPolicy,
    "proposals": ProposalsPolicy,
    "risk": RiskPolicy,
    "guards": GuardsPolicy,
    "cooldowns": CooldownsPolicy,
    "losses": LossesPolicy,
    "execution": ExecutionPolicy,
    "taker": TakerPolicy,
    "purge": PurgePolicy,
    "dust": DustPolicy,
    "governor": GovernorPolicy,
    "exits": ExitsPolicy,
    "books": BooksPolicy,
    "storage": StoragePolicy,
}


def all_keys() -> Iterator[Key]:
    """Every key, section by section, in the order of this file."""
    for section in SECTIONS.values():
        yield from keys_of(section)
