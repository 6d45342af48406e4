"""The policy keys of the risk desk: caps, guards against bad prices, pauses after events, and stops after losses.

`pct` is percent of equity unless the help says otherwise. Zero switches a guard, a pause or a stop off.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tradekit.domain.policy.keys import AMOUNTS, BOOL, COUNT, LISTS, NUMBER, TEXTS, Section, key

_ASSET: Final = "[A-Z0-9]{1,20}"
_NAME: Final = "[A-Z0-9_]{1,20}"
_THEMES: Final = {
    "MEME": ("BONK", "DOGE", "FLOKI", "PENGU", "PEPE", "SHIB", "WIF"),
    "LAYER2": ("ARB", "MATIC", "OP", "POL", "STRK", "ZK"),
    "DEFI": ("AAVE", "CRV", "LDO", "MKR", "SUSHI", "UNI"),
}
_THEME_CAPS: Final = {"MEME": Decimal(4), "LAYER2": Decimal(6), "DEFI": Decimal(5)}


class RiskPolicy(Section, name="risk"):
    """Caps on what may be opened. Open and unanswered orders count; no cap on exposure stops a sale."""

    max_total_at_risk_pct: Decimal = key(
        NUMBER, Decimal(25), "all positions and opening orders", unit="pct", low="0", high="100", live_required=True
    )
    max_asset_pct: Decimal = key(NUMBER, Decimal(5), "one asset", unit="pct", low="0", high="100")
    max_tier1_pct: Decimal = key(NUMBER, Decimal(25), "all of tier 1", unit="pct", low="0", high="100")
    max_tier2_pct: Decimal = key(NUMBER, Decimal(15), "all of tier 2", unit="pct", low="0", high="100")
    max_tier3_pct: Decimal = key(NUMBER, Decimal(5), "all of tier 3", unit="pct", low="0", high="100")
    themes: Mapping[str, tuple[str, ...]] = key(
        LISTS, _THEMES, "assets that rise and fall together, by the name of what they share", pattern=_NAME
    )
    max_theme_pct: Mapping[str, Decimal] = key(
        AMOUNTS,
        _THEME_CAPS,
        "all assets of a theme; a theme without a cap is not capped",
        unit="pct",
        low="0",
        high="100",
        pattern=_NAME,
    )
    count_outside_holdings: bool = key(BOOL, False, "whether what is held but not managed uses up the caps")
    quote_reserve_pct: Decimal = key(
        NUMBER, Decimal(5), "stays in the quote currency, whatever else fits", unit="pct", low="0", high="100"
    )
    max_positions: int = key(
        COUNT, 8, "assets held or being bought, dust aside", unit="positions", low="0", high="1000"
    )
    max_new_positions_per_cycle: int = key(
        COUNT, 1, "assets first bought in one cycle", unit="positions", low="0", high="1000"
    )
    allow_adds_when_saturated: bool = key(BOOL, True, "buy more of what is held when max_positions is reached")
    auto_approve_adds: bool = key(BOOL, True, "buying more of what is held doesn't use up max_new_positions_per_cycle")
    min_order_notional: Decimal = key(
        NUMBER, Decimal(15), "smallest opening order", unit="quote", low="0", high="1000000"
    )
    max_order_notional: Decimal = key(
        NUMBER, Decimal(0), "largest opening order; 0 for no such cap", unit="quote", low="0", high="1000000000"
    )
    dust_notional: Decimal = key(
        NUMBER, Decimal(1), "a holding worth less is no position", unit="quote", low="0", high="1000"
    )
    clamp_to_caps: bool = key(BOOL, True, "shrink an opening order to what fits instead of refusing it")
    max_trades_per_hour: int = key(COUNT, 5, "opening orders in 60 minutes", unit="orders", low="0", high="10000")
    max_trades_per_day: int = key(COUNT, 120, "opening orders in 24 hours", unit="orders", low="0", high="10000")
    min_seconds_between_trades: int = key(
        COUNT, 90, "between two opening orders", unit="seconds", low="0", high="86400"
    )
    min_seconds_between_symbol_trades: int = key(
        COUNT, 900, "between two opening orders of one symbol", unit="seconds", low="0", high="86400"
    )
    max_external_sales_pct: Decimal = key(
        NUMBER, Decimal(50), "sold for other programs in 24 hours; 0 for no such cap", unit="pct", low="0", high="1000"
    )
    exits_when_halted: bool = key(BOOL, True, "whether stops and other exits go on under the kill switch")


class GuardsPolicy(Section, name="guards"):
    """What a market has to look like at the moment something is opened. Zero switches a guard off."""

    halted_assets: tuple[str, ...] = key(TEXTS, (), "assets that are not opened for now; exits go on", pattern=_ASSET)
    max_quote_age_seconds: int = key(COUNT, 10, "oldest quote", unit="seconds", low="0", high="86400")
    max_clock_skew_ms: int = key(
        COUNT, 2000, "how far ahead of the clock a quote may be", unit="ms", low="0", high="3600000"
    )
    max_spread_bp: Decimal = key(NUMBER, Decimal(100), "widest spread in any tier", unit="bp", low="0", high="10000")
    max_depth_share_pct: Decimal = key(
        NUMBER,
        Decimal(100),
        "of what is shown at the thinner best price, for one order",
        unit="pct of depth",
        low="0",
        high="100000",
    )
    max_api_errors: int = key(
        COUNT,
        3,
        "runs without an answer of the exchange, from which on nothing is opened",
        unit="runs",
        low="0",
        high="20",
    )
    api_quiet_minutes: int = key(COUNT, 5, "so long such a run counts", unit="minutes", low="1", high="1440")
    max_price_jump_pct: Decimal = key(
        NUMBER,
        Decimal(20),
        "from the last good price to the next; more is an outlier",
        unit="pct of price",
        low="0",
        high="1000000",
    )


class CooldownsPolicy(Section, name="cooldowns"):
    """How long a symbol is left alone after something happened to it. Zero switches a pause off."""

    after_win_minutes: int = key(COUNT, 10, "after a sale with a gain", unit="minutes", low="0", high="1440")
    after_loss_minutes: int = key(COUNT, 60, "after a sale with a loss", unit="minutes", low="0", high="1440")
    after_stop_minutes: int = key(
        COUNT, 120, "after a stop loss or trailing stop", unit="minutes", low="0", high="1440"
    )
    after_failure_seconds: int = key(
        COUNT,
        300,
        "after the exchange refused an opening order, or never had it",
        unit="seconds",
        low="0",
        high="86400",
    )


class LossesPolicy(Section, name="losses"):
    """When opening stops because money was lost. Zero switches a stop off; sales always go on."""

    max_daily_loss_pct: Decimal = key(
        NUMBER, Decimal(3), "since 00:00 UTC, of the equity then", unit="pct", low="0", high="100"
    )
    max_weekly_loss_pct: Decimal = key(
        NUMBER, Decimal(7), "since Monday 00:00 UTC, of the equity then", unit="pct", low="0", high="100"
    )
    max_drawdown_pct: Decimal = key(
        NUMBER,
        Decimal(10),
        "below the highest equity, of that; `tradekit resume` begins anew",
        unit="pct",
        low="0",
        high="100",
    )
    streak: int = key(COUNT, 3, "sales with a loss in a row", unit="sales", low="0", high="50")
    streak_pause_minutes: int = key(COUNT, 60, "pause after such a row", unit="minutes", low="0", high="1440")
