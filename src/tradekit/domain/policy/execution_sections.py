"""The policy keys of the execution desk: how orders are placed, worked and canceled, and how holdings are sold off.

Notionals are in the account's quote currency; `bp` is a hundredth of a percent.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradekit.domain.policy.keys import BOOL, COUNT, COUNTS, NUMBER, TEXT, TEXTS, Section, key

_ASSET: Final = "[A-Z0-9]{1,20}"


class ExecutionPolicy(Section, name="execution"):
    """How orders are placed and how long they rest."""

    ttl_tier1_seconds: int = key(COUNT, 12, "life of a resting order", unit="seconds", low="1", high="600")
    ttl_tier2_seconds: int = key(COUNT, 15, "life of a resting order", unit="seconds", low="1", high="600")
    ttl_tier3_seconds: int = key(
        COUNT, 25, "life of a resting order, also of coins outside the tiers", unit="seconds", low="1", high="600"
    )
    improve_spread_ticks: int = key(
        COUNT, 2, "spread from which an order goes one tick inside; 0 never", unit="ticks", low="0", high="100000"
    )
    max_cushion_ticks: int = key(
        COUNT, 3, "ticks away from the touch after as many post-only rejections", unit="ticks", low="0", high="1000"
    )
    max_attempts: int = key(
        COUNT,
        3,
        "times that an order of a cycle may live its time; 0 for all that fit",
        unit="orders",
        low="0",
        high="1000",
    )
    max_reprices: int = key(
        COUNT,
        20,
        "times in a cycle that an order follows the touch or a rejection; 0 never",
        unit="orders",
        low="0",
        high="1000",
    )
    reprice_max_bp: Decimal = key(
        NUMBER, Decimal(30), "furthest that an order follows the touch at a time", unit="bp", low="0", high="2000"
    )
    sales_rest: bool = key(BOOL, True, "a resting sale may outlast its cycle, until the next one begins")
    remainder_rest_minutes: int = key(
        COUNT, 60, "rest of a part that is too small to be sold alone", unit="minutes", low="0", high="1440"
    )
    cancel_when_stopped: str = key(
        TEXT, "all", "orders that a signal cancels; sales may be left to the next run", choices=("all", "opens")
    )
    slippage_tier1_bp: Decimal = key(
        NUMBER, Decimal(60), "furthest price from the decision", unit="bp", low="0", high="2000"
    )
    slippage_tier2_bp: Decimal = key(
        NUMBER, Decimal(95), "furthest price from the decision", unit="bp", low="0", high="2000"
    )
    slippage_tier3_bp: Decimal = key(
        NUMBER, Decimal(120), "furthest price from the decision", unit="bp", low="0", high="2000"
    )
    interval_seconds: int = key(COUNT, 60, "time from one cycle to the next", unit="seconds", low="10", high="86400")
    budget_seconds: int = key(COUNT, 50, "time one cycle may use of it", unit="seconds", low="5", high="86000")
    poll_ms: int = key(COUNT, 2000, "between two looks at waiting orders", unit="ms", low="100", high="60000")
    cancel_backoff_ms: tuple[int, ...] = key(
        COUNTS, (250, 500, 1000), "waits before a cancel is tried again", unit="ms", low="0", high="60000"
    )


class TakerPolicy(Section, name="taker"):
    """When an order that rested in vain may cross the spread, as an immediate order with a price bound."""

    enabled: bool = key(BOOL, False, "whether it ever may")
    after_attempts: int = key(COUNT, 1, "lives that it rested before", unit="orders", low="0", high="1000")
    min_confidence: Decimal = key(NUMBER, Decimal("0.7"), "of the proposal at least", unit="0 to 1", low="0", high="1")
    max_notional: Decimal = key(NUMBER, Decimal(25), "largest order", unit="quote", low="0", high="1000000")
    max_daily_notional: Decimal = key(
        NUMBER, Decimal(250), "traded so in 24 hours at most", unit="quote", low="0", high="10000000"
    )


class PurgePolicy(Section, name="purge"):
    """Holdings that are to be sold off, a part in each cycle until nothing is left."""

    assets: tuple[str, ...] = key(TEXTS, (), "managed assets that are sold off", pattern=_ASSET)
    ineligible: bool = key(BOOL, False, "also sell off managed assets that have fallen out of the universe")
    protect: tuple[str, ...] = key(TEXTS, (), "assets that are never sold off", pattern=_ASSET)
    ttl_seconds: int = key(COUNT, 25, "life of an attempt", unit="seconds", low="1", high="86400")
    max_attempts: int = key(COUNT, 0, "lives in a cycle; 0 for all that fit", unit="orders", low="0", high="1000")
    slice_notional: Decimal = key(
        NUMBER,
        Decimal(250),
        "most that is sold of one asset in a cycle; 0 for all",
        unit="quote",
        low="0",
        high="10000000",
    )
    taker_after_minutes: int = key(
        COUNT,
        0,
        "age from which the last step of a cycle may take, if the gates agree; 0 never",
        unit="minutes",
        low="0",
        high="100000",
    )
    max_failures: int = key(COUNT, 3, "rejections and errors in a row before it pauses", low="1", high="100")
    backoff_hours: tuple[int, ...] = key(
        COUNTS, (1, 2, 4), "pauses, one after the other; the last one repeats", unit="hours", low="0", high="168"
    )


class DustPolicy(Section, name="dust"):
    """What is done about holdings that are too small to be sold."""

    actions: tuple[str, ...] = key(
        TEXTS,
        ("ride",),
        "what may be done: ride along with the next sale, buy what is missing and sell, convert, or stop caring",
        choices=("top_up", "convert", "ride", "write_off"),
    )
    min_gain_notional: Decimal = key(
        NUMBER,
        Decimal("0.1"),
        "what a top-up or a conversion must free beyond its cost",
        unit="quote",
        low="0",
        high="1000",
    )
    max_convert_cost_pct: Decimal = key(
        NUMBER, Decimal(2), "most that a conversion may lose against the bid", unit="pct", low="0", high="100"
    )
    write_off_notional: Decimal = key(
        NUMBER, Decimal("0.05"), "worth up to which a holding may be written off", unit="quote", low="0", high="1000"
    )


class GovernorPolicy(Section, name="governor"):
    """What gives way when cycles ask for more time than there is."""

    window_cycles: int = key(COUNT, 5, "cycles that the mean is taken of", unit="cycles", low="1", high="60")
    high_pct: Decimal = key(
        NUMBER,
        Decimal(120),
        "mean time asked for of the interval from which purges give way",
        unit="pct",
        low="10",
        high="1000",
    )
    low_pct: Decimal = key(
        NUMBER, Decimal(90), "mean from which they get their time back", unit="pct", low="0", high="1000"
    )
    purge_ttl_seconds: int = key(
        COUNT, 20, "first step: life of a purge attempt at most", unit="seconds", low="1", high="600"
    )
    purge_assets: int = key(
        COUNT, 1, "second step: assets sold off in one cycle at most", unit="assets", low="0", high="100"
    )
