"""Where a schedule takes place: five markets, an account of about a thousand, a policy and wishes, all by chance."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Final

from simulated.clock import Agenda
from simulated.venue import Habits, Venue
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.market import Market
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Amount, Notional, Origin, Proposal, Side

D = Decimal
START: Final = 1_700_000_000_000
QUOTE: Final = "USDT"
STAMP: Final = Stamp("simulated", "main", Mode.PAPER, QUOTE, "")
MARKETS: Final = {  # tick, step, smallest amount, bid, ask
    "BTC": ("0.01", "0.001", "0.001", "99.95", "100.05"),
    "ETH": ("0.01", "0.01", "0.01", "49.98", "50.02"),
    "SOL": ("0.01", "0.01", "0.01", "19.99", "20.01"),
    "DOGE": ("0.0001", "1", "1", "0.4998", "0.5002"),
    "ZK": ("0.00001", "0.1", "1", "0.09995", "0.10005"),
}
ASSETS: Final = tuple(MARKETS)
OUTSIDE: Final = "SOL"  # held, never managed, never traded by hand: none of it may ever be sold
HELD: Final = {"USDT": D(1000), "ETH": D(2), "SOL": D(5), "ZK": D(300), "BNB": D("0.01")}
DUST: Final = {"DOGE": D("7.5"), "BTC": D("0.0304")}  # too little to be sold


def draw_venue(agenda: Agenda, luck: Random, *, dusty: bool) -> Venue:
    """The exchange at the start; in a `dusty` world some holdings are too small to be sold."""
    fees = (D("0.001"), D("0.002"))
    markets = {
        f"{base}/{QUOTE}": Market(f"{base}/{QUOTE}", base, QUOTE, D(tick), D(step), D(least), D(5), *fees)
        for base, (tick, step, least, _, _) in MARKETS.items()
    }
    habits = Habits(
        fill_share=luck.choice((0.0, 0.02, 0.1, 0.4)),
        partial_share=luck.choice((0.1, 0.5, 0.9)),
        drift_ticks=luck.choice((1, 5, 30)),
        fee_asset=luck.choice(("quote", "quote", "received", "BNB")),
        frees_ids_of_finished=luck.random() < 0.7,
        trades_name_our_id=luck.random() < 0.7,
        trade_grain_ms=luck.choice((1, 1, 1, 1000)),
    )
    venue = Venue(agenda, luck, markets, {**HELD, **(DUST if dusty else {})}, habits)
    for base, (*_, bid, ask) in MARKETS.items():
        depth = D(luck.choice((60, 100_000)))
        venue.set_quote(f"{base}/{QUOTE}", D(bid), D(ask), depth, D(50_000_000))
    return venue


def draw_policy(luck: Random, method: str = "", crumbs: Random | None = None) -> Policy:
    """Caps that bind, and everything else wide open, so that orders really go out. Books keep their cost `method`.

    With `crumbs`, which tell what may be done about it, the dust is tradekit's too.
    """
    off = dict.fromkeys
    guards = ("max_quote_age_seconds", "max_spread_bp", "max_depth_share_pct", "max_price_jump_pct", "max_api_errors")
    managed = luck.choice(([], ["ETH"], ["ETH", "ZK"], ["DOGE", "ETH"]))
    sections: dict[str, dict[str, object]] = {
        "account": {"managed": managed},
        "rules": {"enabled": False},
        "risk": {
            "max_total_at_risk_pct": luck.choice((15, 20, 30, 60)),
            "max_asset_pct": luck.choice((6, 10, 15)),
            **off(("max_tier1_pct", "max_tier2_pct", "max_tier3_pct"), 100),
            **off(("max_positions", "max_new_positions_per_cycle"), 100),
            "min_order_notional": luck.choice((5, 15)),
            **off(("max_trades_per_hour", "max_trades_per_day"), 10_000),
            **off(("min_seconds_between_trades", "min_seconds_between_symbol_trades"), luck.choice((0, 0, 30))),
            "themes": {},
            "max_theme_pct": {},
            "quote_reserve_pct": luck.choice((0, 5)),
            "max_external_sales_pct": luck.choice((0, 50)),
            "exits_when_halted": luck.random() < 0.7,
        },
        "guards": dict(off(guards, 0)),
        "cooldowns": dict(
            off(("after_win_minutes", "after_loss_minutes", "after_stop_minutes", "after_failure_seconds"), 0)
        ),
        "losses": dict(off(("max_daily_loss_pct", "max_weekly_loss_pct", "max_drawdown_pct", "streak"), 0)),
        "exits": {
            "stop_loss_pct": luck.choice((0, 1, 10)),
            "trailing_stop_pct": luck.choice((0, 0, 1)),
            "take_profit_pct": luck.choice((0, 0, 1)),
        },
        "execution": {
            **off(("ttl_tier1_seconds", "ttl_tier2_seconds", "ttl_tier3_seconds"), luck.choice((3, 12, 12, 25, 90))),
            "budget_seconds": luck.choice((10, 20, 50)),
            "poll_ms": luck.choice((2000, 5000)),
            "cancel_backoff_ms": luck.choice(([250], [250, 500, 1000])),
            "max_attempts": luck.choice((1, 3)),
            "max_reprices": luck.choice((0, 0, 3)),
            "sales_rest": luck.random() < 0.5,
            "cancel_when_stopped": luck.choice(("all", "opens")),
        },
        "purge": {
            "assets": luck.choice(([], [], ["ETH"], ["ETH", "ZK"], ["BTC", "DOGE"])),
            "slice_notional": luck.choice((0, 8, 25)),
            "ttl_seconds": luck.choice((3, 12)),
            "max_attempts": luck.choice((0, 1, 2)),
        },
        "taker": {"enabled": luck.random() < 0.3},
        "books": {
            "cost_method": method or luck.choice(("average", "average", "fifo", "lifo", "hifo")),
            "record_differences": luck.choice(("never", "never", "never", "small", "all")),
        },
    }
    if crumbs is not None:
        actions = crumbs.choice((["convert"], ["convert", "ride"], ["convert", "top_up"], ["top_up", "write_off"]))
        sections["dust"] = {"actions": actions, "min_gain_notional": crumbs.choice((0, 1))}
        sections["account"] = {"managed": sorted({*managed, *DUST})}
    return read_policy(sections, "simulation")


def draw_wishes(luck: Random, cycle: int) -> tuple[Proposal, ...]:
    """What some program asks for in one cycle."""
    found = []
    for number in range(luck.choice((0, 1, 2, 3, 4))):
        side, symbol = luck.choice((Side.BUY, Side.SELL)), f"{luck.choice(('ETH', *ASSETS))}/{QUOTE}"
        notional = D(luck.randint(500, 9_000)) / 100
        price = D(MARKETS[symbol.partition("/")[0]][3])
        size = Notional(notional) if luck.random() < 0.6 else Amount((notional / price).quantize(D("0.0001")))
        confidence = D(luck.randint(0, 100)) / 100
        found.append(Proposal(f"{cycle}-{number}", symbol, side, size, confidence, "chance", Origin.EXTERNAL))
    return tuple(found)
