"""The law of `would_pass`: applied, the rule lets the proposal pass; a hair less and it doesn't. With nothing else in
the way the proposal is approved.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from changes import applied, hair_less
from desk import buy, policy, sell
from risk_desk import NOW, PRICES, opened, situation, working
from tradekit.decide.memory import day_of, week_of
from tradekit.decide.risk.judge import deliberate, stands_in_the_way
from tradekit.decide.risk.rulebook import OPEN_RULES, REDUCE_RULES
from tradekit.decide.risk.situation import Situation, ask_of
from tradekit.domain.decision import Approved, Nothing, Refused
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.memory import Mark, Result, RiskMemory, Turnover, Watermarks
from tradekit.domain.order import Order, Unknown
from tradekit.domain.proposal import Proposal, Side
from tradekit.domain.times import DAY_MS, HOUR_MS
from tradekit.domain.universe import Tier

D = Decimal
ASSETS = sorted(PRICES)
few = st.integers(0, 3)
shares = st.sampled_from([0, 1, 2, 5, 10, 50, 100])
money = st.decimals("0", "400", places=3)


GROUPS: dict[str, dict[str, dict[str, Any]]] = {
    "sums": {
        "risk": {
            "max_tier1_pct": shares,
            "max_tier2_pct": shares,
            "max_tier3_pct": shares,
            "themes": st.just({"ONE": ["BTC", "ETH"], "TWO": ["ETH", "ZK"]}),
            "max_theme_pct": st.fixed_dictionaries({"ONE": shares, "TWO": shares}),
            "quote_reserve_pct": shares,
            "max_order_notional": st.sampled_from([0, 4, 20, 100]),
            "count_outside_holdings": st.booleans(),
        },
        "guards": {"max_depth_share_pct": st.sampled_from([0, "0.01", 1, 100])},
    },
    "counts": {
        "risk": {
            "max_positions": few,
            "max_new_positions_per_cycle": few,
            "allow_adds_when_saturated": st.booleans(),
            "auto_approve_adds": st.booleans(),
        }
    },
    "pace": {
        "risk": {
            "max_trades_per_hour": few,
            "max_trades_per_day": few,
            "min_seconds_between_trades": st.sampled_from([0, 90]),
            "min_seconds_between_symbol_trades": st.sampled_from([0, 900]),
        },
        "cooldowns": {
            "after_win_minutes": st.sampled_from([0, 10]),
            "after_loss_minutes": st.sampled_from([0, 60]),
            "after_stop_minutes": st.sampled_from([0, 120]),
            "after_failure_seconds": st.sampled_from([0, 300]),
        },
    },
    "losses": {
        "losses": {"max_daily_loss_pct": few, "max_weekly_loss_pct": few, "max_drawdown_pct": few, "streak": few},
    },
    "guards": {
        "guards": {
            "halted_assets": st.lists(st.sampled_from(ASSETS), max_size=1),
            "max_quote_age_seconds": st.sampled_from([0, 5]),
            "max_clock_skew_ms": st.sampled_from([0, 100]),
            "max_spread_bp": st.sampled_from([0, 5, 100]),
            "max_price_jump_pct": st.sampled_from([0, 5, 20]),
        },
        "risk": {"max_external_sales_pct": shares, "exits_when_halted": st.booleans()},
        "execution": {"slippage_tier1_bp": st.sampled_from([5, 60])},
    },
}


@st.composite
def policies(draw: st.DrawFn) -> Any:
    """A few groups of rules bind at a time, so that those that are asked last are reached too."""
    total = draw(shares)
    sections: dict[str, dict[str, Any]] = {
        "account": {"managed": []},
        "risk": {
            "max_total_at_risk_pct": total,
            "max_asset_pct": draw(st.sampled_from([share for share in (0, 1, 2, 5, 10, 50, 100) if share <= total])),
            "min_order_notional": draw(st.sampled_from([0, 5, "7.123", 15])),
            "clamp_to_caps": draw(st.booleans()),
        },
    }
    for name in draw(st.lists(st.sampled_from(sorted(GROUPS)), max_size=2, unique=True)):
        for section, keys in GROUPS[name].items():
            drawn = {key: draw(values) for key, values in keys.items()}
            sections[section] = sections.get(section, {}) | drawn
    return policy(**sections)


@st.composite
def memories(draw: st.DrawFn) -> RiskMemory:
    times = st.integers(NOW - DAY_MS, NOW)
    results = [
        Result(
            ClientOrderId(f"r{n}"), f"{draw(st.sampled_from(ASSETS))}/USDT", draw(times), D(pnl), draw(st.booleans())
        )
        for n, pnl in enumerate(draw(st.lists(st.sampled_from(["-1", "-2", "3"]), max_size=4)))
    ]
    symbols = st.sampled_from([f"{asset}/USDT" for asset in ASSETS])
    hours = draw(st.lists(st.integers(NOW // HOUR_MS - 26, NOW // HOUR_MS), max_size=3, unique=True))
    marks = draw(st.none() | st.tuples(money, money, money))
    return RiskMemory(
        results=tuple(sorted(results, key=lambda item: item.time)),
        failures=draw(st.dictionaries(symbols, times, max_size=1)),
        revived=draw(st.dictionaries(symbols, times, max_size=1)),
        turnover=tuple(Turnover(hour, draw(money)) for hour in sorted(hours)),
        marks={
            asset: Mark(D(price), D(price), 0)
            for asset, price in draw(st.dictionaries(st.sampled_from(ASSETS), st.sampled_from([1, 50, 100]))).items()
        },
        watermarks=marks
        and Watermarks(marks[0], day_of(NOW) - draw(few), marks[1], week_of(NOW) - draw(few), marks[2], marks[1]),
    )


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    asset = st.sampled_from(ASSETS)
    orders: list[Order] = []
    for name in draw(st.lists(asset, max_size=2, unique=True)):
        side = draw(st.sampled_from(list(Side)))
        state = draw(st.sampled_from([None, Unknown(NOW, "")]))
        orders.append(
            working(side, f"{name}/USDT", str(draw(st.decimals("0.1", "9", places=3))), PRICES[name][0], state)
        )
    memory = draw(memories())
    numbers = st.decimals("0", "9", places=4).map(str)
    return situation(
        draw(policies()),
        cash=str(draw(money)),
        held=draw(st.dictionaries(asset, st.tuples(numbers, numbers), max_size=4)),
        outside=draw(st.dictionaries(asset, numbers, max_size=2)),
        orders=orders,
        openings=[opened(f"{draw(asset)}/USDT", draw(st.integers(0, 90_000))) for _ in range(draw(few))],
        tiers=draw(st.dictionaries(asset, st.sampled_from(list(Tier)), max_size=2)),
        quotes=draw(st.dictionaries(asset, st.sampled_from([("99", "101"), ("20", "30"), ("0", "1")]), max_size=1)),
        halted=draw(st.integers(0, 9)) == 9,
        memory=memory,
        last_equity=None if memory.watermarks is None else str(draw(money)),
        now=NOW + draw(st.sampled_from([0, 0, 0, 6000, -500])),
    )


@st.composite
def wishes(draw: st.DrawFn) -> list[Proposal]:
    sizes = st.one_of(
        st.fixed_dictionaries({"notional": st.decimals("12", "200", places=3).map(str)}),
        st.fixed_dictionaries({"amount": st.decimals("0.1", "9", places=6).map(str)}),
    )
    return [
        draw(st.sampled_from([buy, buy, sell]))(
            f"{draw(st.sampled_from(ASSETS))}/USDT",
            id=f"p{number}",
            expires=draw(st.sampled_from([None, None, NOW + 60_000])),
            **draw(sizes),
        )
        for number in range(draw(st.integers(1, 4)))
    ]


@settings(max_examples=300)
@given(situations(), wishes())
def test_the_change_is_enough_and_a_hair_less_is_not(at: Situation, proposals: list[Proposal]) -> None:
    for judgement in deliberate(at, proposals):
        said = judgement.decision
        if not isinstance(said, Refused) or isinstance(said.would_pass, Nothing):
            continue
        event(f"{said.code}: {type(said.would_pass).__name__}")
        rules = OPEN_RULES if said.proposal.opens else REDUCE_RULES
        rule = next(rule for rule in rules if rule.code == said.code)
        there, proposal = applied(judgement.at, said.proposal, said.would_pass)
        assert not stands_in_the_way(there, ask_of(there, proposal), rule), said
        if not said.also and not rule.blocks:
            ((decision, _, _),) = deliberate(there, [proposal])
            assert isinstance(decision, Approved), (said, decision)
        less = hair_less(judgement.at, said)
        if less is not None:
            there, proposal = applied(judgement.at, said.proposal, less)
            assert stands_in_the_way(there, ask_of(there, proposal), rule), (said, less)
