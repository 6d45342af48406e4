"""For every policy key: two values of it that lead to two different decisions, orders or outputs.

A key that nothing reads can't be in this table, and a key that is not in this table fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

import execution_lab as lab
from command_line import CommandLine, buy, sell
from exchange_keys import WIRE, Wire
from policy_lab import NOW as LAB_NOW
from policy_lab import (
    Raw,
    candles,
    exits,
    held,
    lost,
    opening,
    proposed,
    quote,
    result,
    sale,
    stop,
    tier,
    trade,
    triggers,
    wish,
)
from stubborn import waits
from tradekit.adapters.store import filesystem
from tradekit.domain.memory import Mark, RiskMemory
from tradekit.domain.policy.check import show_value
from tradekit.domain.policy.sections import all_keys
from tradekit.domain.universe import Tier, TierMemory

NOTHING: Final[Raw] = {}


class Case(NamedTuple):
    """`effect` sees the policy with the key at one value and at the other, everything else as in `given`."""

    one: Any
    other: Any
    effect: Callable[[Raw], object]
    given: Raw = NOTHING


D = Decimal
ADD: Final = held("ETH", "0.2", "20")
T: Final = {1: "ETH/USDT", 2: "ADA/USDT", 3: "ZK/USDT"}
LOOKS_BETTER: Final = TierMemory(Tier.T2, Tier.T1, 1)
LOOKS_WORSE: Final = TierMemory(Tier.T2, Tier.T3, 1)
TAKES: Final = {"taker": {"enabled": True}}
HURRIED: Final = {"governor": {"window_cycles": 2, "high_pct": 60, "low_pct": 1}, "purge": {"max_attempts": 1}}
NEVER: Final = {"stop_loss_pct": 0, "take_profit_pct": 0}
LOSSES: Final = tuple(result("-1", minutes, "ADA/USDT") for minutes in (12, 11, 10))
ONLY: Final = {"move_15m_pct": 0, "move_60m_pct": 0, "volume_spike_ratio": 0, "breakout_minutes": 0}

PURE: Final[dict[str, Case]] = {
    "universe.only": Case([], ["ADA"], lambda p: tier(p, quote("ETH/USDT"))),
    "universe.exclude": Case([], ["ETH"], lambda p: tier(p, quote("ETH/USDT"))),
    "universe.tier1_min_volume_notional": Case(
        10_000_000, 20_000_000, lambda p: tier(p, quote("X/USDT", volume="15000000", spread="0.1"))
    ),
    "universe.tier2_min_volume_notional": Case(
        5_000_000, 8_000_000, lambda p: tier(p, quote("X/USDT", volume="7000000"))
    ),
    "universe.tier3_min_volume_notional": Case(
        2_000_000, 4_000_000, lambda p: tier(p, quote("X/USDT", volume="3000000"))
    ),
    "universe.tier1_max_spread_bp": Case(20, 5, lambda p: tier(p, quote("X/USDT", spread="0.1"))),
    "universe.tier2_max_spread_bp": Case(35, 25, lambda p: tier(p, quote("X/USDT", spread="0.3"))),
    "universe.tier3_max_spread_bp": Case(60, 40, lambda p: tier(p, quote("X/USDT", spread="0.5"))),
    "universe.tier1_min_depth_notional": Case(500, 900, lambda p: tier(p, quote("X/USDT", depth="700"))),
    "universe.tier2_min_depth_notional": Case(200, 400, lambda p: tier(p, quote("X/USDT", depth="300"))),
    "universe.tier3_min_depth_notional": Case(50, 150, lambda p: tier(p, quote("X/USDT", depth="100"))),
    "universe.promote_after_cycles": Case(2, 3, lambda p: tier(p, quote("X/USDT", spread="0.1"), LOOKS_BETTER)),
    "universe.demote_after_cycles": Case(2, 3, lambda p: tier(p, quote("X/USDT", spread="0.5"), LOOKS_WORSE)),
    "triggers.move_15m_pct": Case(1, 5, lambda p: triggers(p, candles("2")), {"triggers": ONLY}),
    "triggers.move_60m_pct": Case(1, 5, lambda p: triggers(p, candles("2")), {"triggers": ONLY}),
    "triggers.volume_spike_ratio": Case(2, 50, lambda p: triggers(p, candles(last_volume=9)), {"triggers": ONLY}),
    "triggers.breakout_minutes": Case(60, 0, lambda p: triggers(p, candles("2")), {"triggers": ONLY}),
    "rules.enabled": Case(True, False, proposed),
    "rules.order_notional": Case(20, 25, proposed),
    "rules.min_confidence": Case("0.5", 1, proposed),
    "risk.max_total_at_risk_pct": Case(
        25,
        4,
        lambda p: trade(p, wish(T[1]), wish(T[2])),
        {"risk": {"max_asset_pct": 3, "max_new_positions_per_cycle": 9, "min_seconds_between_trades": 0}},
    ),
    "risk.max_asset_pct": Case(5, 2, lambda p: trade(p, wish())),
    "risk.max_tier1_pct": Case(25, 2, lambda p: trade(p, wish(T[1]))),
    "risk.max_tier2_pct": Case(15, 2, lambda p: trade(p, wish(T[2]))),
    "risk.max_tier3_pct": Case(5, 2, lambda p: trade(p, wish(T[3]))),
    "risk.max_positions": Case(8, 1, lambda p: trade(p, wish(T[2]), positions=(ADD,))),
    "risk.max_new_positions_per_cycle": Case(
        1, 2, lambda p: trade(p, wish(T[1]), wish(T[2])), {"risk": {"min_seconds_between_trades": 0}}
    ),
    "risk.allow_adds_when_saturated": Case(
        True, False, lambda p: trade(p, wish(), positions=(ADD,)), {"risk": {"max_positions": 1}}
    ),
    "risk.themes": Case(
        {"ONE": ["ETH"]}, {"ONE": ["ADA"]}, lambda p: trade(p, wish()), {"risk": {"max_theme_pct": {"ONE": 2}}}
    ),
    "risk.max_theme_pct": Case(
        {"ONE": 2}, {"ONE": 5}, lambda p: trade(p, wish()), {"risk": {"themes": {"ONE": ["ETH"]}}}
    ),
    "risk.count_outside_holdings": Case(
        False, True, lambda p: trade(p, wish(), positions=(held("ETH", "0", "0", outside=D("0.4")),))
    ),
    "risk.quote_reserve_pct": Case(5, 99, lambda p: trade(p, wish())),
    "risk.auto_approve_adds": Case(
        True,
        False,
        lambda p: trade(p, wish(T[1]), wish(T[2]), positions=(ADD,)),
        {"risk": {"min_seconds_between_trades": 0}},
    ),
    "risk.max_order_notional": Case(0, 20, lambda p: trade(p, wish())),
    "risk.max_external_sales_pct": Case(50, 1, lambda p: trade(p, sale(amount="0.2"), positions=(ADD,))),
    "guards.halted_assets": Case([], ["ETH"], lambda p: trade(p, wish())),
    "guards.max_quote_age_seconds": Case(10, 1, lambda p: trade(p, wish(), seen_ms=-5000)),
    "guards.max_clock_skew_ms": Case(2000, 100, lambda p: trade(p, wish(), seen_ms=500)),
    "guards.max_spread_bp": Case(100, 10, lambda p: trade(p, wish())),
    "guards.max_depth_share_pct": Case(100, "0.2", lambda p: trade(p, wish())),
    "guards.max_price_jump_pct": Case(
        20, 500, lambda p: trade(p, wish(), memory=RiskMemory(marks={"ETH": Mark(D(50), D(50), 0)}))
    ),
    "guards.max_api_errors": Case(3, 1, lambda p: trade(p, wish(), memory=RiskMemory(silences=(LAB_NOW - 1000,)))),
    "guards.api_quiet_minutes": Case(
        5, 1, lambda p: trade(p, wish(), memory=RiskMemory(silences=(LAB_NOW - 120_000,) * 3))
    ),
    "cooldowns.after_win_minutes": Case(
        10, 1, lambda p: trade(p, wish(), memory=RiskMemory(results=(result("5", 5),)))
    ),
    "cooldowns.after_loss_minutes": Case(
        60, 1, lambda p: trade(p, wish(), memory=RiskMemory(results=(result("-5", 5),)))
    ),
    "cooldowns.after_stop_minutes": Case(
        120, 1, lambda p: trade(p, wish(), memory=RiskMemory(results=(result("-5", 90, stop=True),)))
    ),
    "cooldowns.after_failure_seconds": Case(
        300, 10, lambda p: trade(p, wish(), memory=RiskMemory(failures={"ETH/USDT": LAB_NOW - 60_000}))
    ),
    "losses.max_daily_loss_pct": Case(3, 50, lambda p: trade(p, wish(), memory=lost(day="1040"))),
    "losses.max_weekly_loss_pct": Case(7, 50, lambda p: trade(p, wish(), memory=lost(week="1100"))),
    "losses.max_drawdown_pct": Case(10, 50, lambda p: trade(p, wish(), memory=lost(peak="1200"))),
    "losses.streak": Case(3, 2, lambda p: trade(p, wish(), memory=RiskMemory(results=LOSSES[:2]))),
    "losses.streak_pause_minutes": Case(60, 1, lambda p: trade(p, wish(), memory=RiskMemory(results=LOSSES))),
    "risk.min_order_notional": Case(15, 40, lambda p: trade(p, wish())),
    "risk.dust_notional": Case(
        1, 100, lambda p: trade(p, wish(T[2]), positions=(ADD,)), {"risk": {"max_positions": 1}}
    ),
    "risk.clamp_to_caps": Case(True, False, lambda p: trade(p, wish(notional="60"))),
    "risk.max_trades_per_hour": Case(5, 1, lambda p: trade(p, wish(), openings=(opening(T[2], 1800),))),
    "risk.max_trades_per_day": Case(120, 1, lambda p: trade(p, wish(), openings=(opening(T[2], 18_000),))),
    "risk.min_seconds_between_trades": Case(90, 30, lambda p: trade(p, wish(), openings=(opening(T[2], 60),))),
    "risk.min_seconds_between_symbol_trades": Case(
        900, 300, lambda p: trade(p, wish(), openings=(opening(T[1], 600),))
    ),
    "risk.exits_when_halted": Case(True, False, lambda p: trade(p, stop(), positions=(ADD,), halted=True)),
    "execution.ttl_tier1_seconds": Case(12, 20, lambda p: trade(p, wish(T[1]))),
    "execution.ttl_tier2_seconds": Case(15, 20, lambda p: trade(p, wish(T[2]))),
    "execution.ttl_tier3_seconds": Case(25, 20, lambda p: trade(p, wish(T[3]))),
    "execution.improve_spread_ticks": Case(2, 0, lambda p: trade(p, wish())),
    "execution.slippage_tier1_bp": Case(60, 10, lambda p: trade(p, wish(T[1]))),
    "execution.slippage_tier2_bp": Case(95, 10, lambda p: trade(p, wish(T[2]))),
    "execution.slippage_tier3_bp": Case(120, 10, lambda p: trade(p, wish(T[3]))),
    "execution.budget_seconds": Case(50, 10, lambda p: trade(p, wish())),
    "exits.stop_loss_pct": Case(10, 20, lambda p: exits(p, held("ETH", "1", "115"))),
    "exits.take_profit_pct": Case(12, 30, lambda p: exits(p, held("ETH", "1", "80"))),
    "exits.trailing_stop_pct": Case(5, 15, lambda p: exits(p, held("ETH", "1", "100", peak=D(110)))),
    "exits.max_hold_hours": Case(1, 2, lambda p: exits(p, held("ETH", "1", "100")), {"exits": NEVER}),
    "exits.stop_slippage_bp": Case(200, 50, lambda p: trade(p, stop(), positions=(ADD,))),
    "execution.cancel_backoff_ms": Case([250, 500], [1000], waits),
    "execution.max_attempts": Case(1, 3, lab.sale),
    "execution.max_reprices": Case(0, 5, lambda p: lab.sale(p, lab.undercut)),
    "execution.reprice_max_bp": Case(30, 1, lambda p: lab.sale(p, lab.undercut), {"execution": {"max_reprices": 5}}),
    "execution.max_cushion_ticks": Case(
        3, 0, lambda p: lab.sale(p, lab.crossing), {"execution": {"max_reprices": 5, "max_attempts": 0}}
    ),
    "execution.sales_rest": Case(True, False, lab.sale, {"execution": {"max_attempts": 0}}),
    "execution.remainder_rest_minutes": Case(0, 60, lab.partly_sold_off),
    "execution.cancel_when_stopped": Case("all", "opens", lambda p: lab.sale(p, lab.stopped)),
    "taker.enabled": Case(False, True, lab.sale),
    "taker.after_attempts": Case(1, 9, lab.sale, TAKES),
    "taker.min_confidence": Case("0.7", "0.9", lab.sale, TAKES),
    "taker.max_notional": Case(25, 15, lab.sale, TAKES),
    "taker.max_daily_notional": Case(250, 10, lab.sale, TAKES),
    "purge.assets": Case(["BTC"], ["ETH"], lab.purges),
    "purge.ineligible": Case(False, True, lab.ineligible),
    "purge.protect": Case([], ["BTC"], lab.purges),
    "purge.ttl_seconds": Case(25, 30, lab.purges, {"execution": {"max_attempts": 1}, "purge": {"max_attempts": 1}}),
    "purge.max_attempts": Case(1, 0, lab.purges),
    "purge.slice_notional": Case(250, 20, lab.purges),
    "purge.taker_after_minutes": Case(0, 2, lambda p: lab.purges(p, 5), {"taker": {"max_notional": 100}}),
    "purge.max_failures": Case(3, 1, lambda p: lab.purges(p, 4, lab.refused)),
    "purge.backoff_hours": Case([1, 2, 4], [0], lambda p: lab.purges(p, 5, lab.refused)),
    "dust.actions": Case(["ride"], ["top_up"], lab.swept),
    "dust.min_gain_notional": Case("0.1", 4, lab.swept, {"dust": {"actions": ["top_up"]}}),
    "dust.max_convert_cost_pct": Case(2, 5, lab.swept, {"dust": {"actions": ["convert"]}}),
    "dust.write_off_notional": Case("0.1", 5, lab.swept, {"dust": {"actions": ["write_off"]}}),
    "governor.window_cycles": Case(2, 60, lambda p: lab.purges(p, 5, lab.slow), HURRIED),
    "governor.high_pct": Case(60, 1000, lambda p: lab.purges(p, 4, lab.slow), HURRIED),
    "governor.low_pct": Case(1, 50, lambda p: lab.purges(p, 8, lab.slow_at_first), HURRIED),
    "governor.purge_ttl_seconds": Case(20, 11, lambda p: lab.purges(p, 4, lab.slow), HURRIED),
    "governor.purge_assets": Case(1, 2, lambda p: lab.purges(p, 8, lab.slow), HURRIED),
}


class Runs:
    """Effects that need the whole program: a few real cycles in a fresh home."""

    def __init__(self, tradekit: CommandLine, raw: Raw) -> None:
        self._tradekit = tradekit
        text = "\n".join(
            f"[{name}]\n" + "\n".join(f"{key} = {show_value(_toml(value))}" for key, value in keys.items())
            for name, keys in raw.items()
        )
        tradekit.policy(text)

    def traded(self) -> object:
        """Cash and positions after cycles with sales as taker and as maker, and buys."""
        for number in range(8):
            path = self._tradekit.proposals(buy(f"b{number}"), sell(f"s{number}", "BTC/USDT", "0.0005"))
            assert self._tradekit(f"cycle --proposals {path}").code == 0
        return self.status()

    def durations(self) -> object:
        """How long cycles take in which an order is filled before its time is over."""
        took = []
        for number in range(8):
            path = self._tradekit.proposals(sell(f"s{number}", "BTC/USDT", "0.0002"))
            report = self._tradekit(f"cycle --json --proposals {path}").data
            took.append(report["finished"] - report["started"])
        return took

    def status(self) -> object:
        data = self._tradekit("status --json").data
        return data["account"], data["cash"], data["positions"]

    def after_a_deposit(self) -> object:
        """How the books take 0.012 USDT worth of ZK that nobody told of."""
        self._tradekit("cycle")
        self._tradekit.deposit("ZK", "0.1")
        ran = self._tradekit("reconcile-fills --json")
        return ran.code, [(row["asset"], row["rest"], row["doubtful"]) for row in ran.data["proof"]]

    def lots(self) -> object:
        """By what method a new account's books are kept."""
        self._tradekit("cycle")
        return json.loads((self._tradekit.folder / "state.json").read_text())["state"]["books"]["method"]

    def cycles(self, count: int = 2, *proposals: Mapping[str, object]) -> object:
        """What the last of some cycles reported, its times included."""
        given = f" --proposals {self._tradekit.proposals(*proposals)}" if proposals else ""
        for _ in range(count):
            ran = self._tradekit("cycle --json" + given)
        report = ran.data or {}
        places = sorted(str(path.relative_to(self._tradekit.home)) for path in self._tradekit.home.glob("*/*"))
        kept = {key: report.get(key) for key in ("started", "finished", "decisions", "equity")}
        return ran.code, ran.problems, kept, places


def _toml(value: Any) -> Any:
    return {name: Decimal(str(item)) for name, item in value.items()} if isinstance(value, dict) else value


NOW_OUT: Final = {"exits": {"stop_loss_pct": "0.0001"}}
PATIENT: Final = {
    "risk": {
        "min_seconds_between_trades": 0,
        "min_seconds_between_symbol_trades": 0,
        "max_asset_pct": 25,
        "max_trades_per_hour": 100,
    },
    "losses": {"streak": 0},
}
SLOW: Final = ["sh", "-c", "sleep 1.2; echo '" + json.dumps(buy("b1")) + "'"]


class RealCase(NamedTuple):
    """As `Case`, with the whole program to look at."""

    one: Any
    other: Any
    effect: Callable[[Runs], object]
    given: Raw = NOTHING


REAL: Final[dict[str, RealCase]] = {
    "account.name": RealCase("main", "second", lambda r: r.cycles()),
    "account.mode": RealCase("paper", "live", lambda r: r.cycles()),
    "account.quote": RealCase("USDT", "EUR", lambda r: r.cycles()),
    "account.managed": RealCase(["ZK"], [], lambda r: r.cycles(1, sell("s1"))),
    "paper.markets": RealCase("recorded", "live", lambda r: r.cycles()),
    "paper.balances": RealCase({"USDT": 1000}, {"USDT": 900}, lambda r: r.cycles()),
    "paper.maker_fee_bp": RealCase(60, 10, Runs.traded, PATIENT),
    "paper.taker_fee_bp": RealCase(120, 10, lambda r: r.cycles(1), NOW_OUT),
    "paper.fee_asset": RealCase("quote", "received", Runs.traded, PATIENT),
    "paper.latency_ms": RealCase(300, 900, lambda r: r.cycles(1), NOW_OUT),
    "execution.interval_seconds": RealCase(60, 90, lambda r: r.cycles()),
    "execution.poll_ms": RealCase(2000, 500, Runs.durations, PATIENT),
    "proposals.command": RealCase([], ["echo", json.dumps(buy("b1"))], lambda r: r.cycles(1)),
    "proposals.command_timeout_seconds": RealCase(1, 10, lambda r: r.cycles(1), {"proposals": {"command": SLOW}}),
    "books.cost_method": RealCase("average", "fifo", Runs.lots),
    "books.tolerance_notional": RealCase("0.001", "1", Runs.after_a_deposit),
    "books.record_differences": RealCase("never", "all", Runs.after_a_deposit),
    "storage.allow_network_filesystem": RealCase(False, True, lambda r: r.cycles()),
}


def _with(given: Raw, path: str, value: Any) -> Raw:
    name, _, key = path.partition(".")
    return {**given, name: {**given.get(name, {}), key: value}}


def test_every_key_has_a_case() -> None:
    assert sorted([*PURE, *REAL, *WIRE]) == sorted(key.path for key in all_keys())


@pytest.mark.parametrize("path", PURE)
def test_a_key_changes_a_decision_or_an_order(path: str) -> None:
    case = PURE[path]
    one, other = (case.effect(_with(case.given, path, value)) for value in (case.one, case.other))
    assert one != other
    assert case.effect(_with(case.given, path, case.one)) == one, "the same policy does the same"


@pytest.mark.parametrize("path", REAL)
def test_a_key_changes_what_a_run_does(
    tradekit: CommandLine, monkeypatch: pytest.MonkeyPatch, path: str, tmp_path: Path
) -> None:
    case = REAL[path]
    if path.startswith("storage."):
        monkeypatch.setattr(filesystem, "filesystem_of", lambda folder, mounts: "nfs4")
    found = []
    for number, value in enumerate((case.one, case.other)):
        runs = Runs(tradekit.beside(f"home{number}"), _with(case.given, path, value))
        found.append(case.effect(runs))
    assert found[0] != found[1]


@pytest.mark.parametrize("path", WIRE)
def test_a_key_changes_what_a_live_run_does(path: str, tmp_path: Path) -> None:
    case = WIRE[path]
    found = []
    for number, value in enumerate((case.one, case.other)):
        (tmp_path / str(number)).mkdir()
        with Wire(tmp_path / str(number), path, case) as wire:
            found.append(case.effect(wire, value))
    assert found[0] != found[1]
