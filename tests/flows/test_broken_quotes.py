"""Quotes that are half a book, wild, or never come again: nothing is sold, bought or measured by them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk import World, buy, policy, sell
from tradekit.domain.decision import Approved, Refused
from tradekit.domain.market import Market
from tradekit.domain.times import DAY_MS

D = Decimal
BTC, ETH, ZK = "BTC/USDT", "ETH/USDT", "ZK/USDT"
MANAGED = {"managed": ["BTC"]}


def test_what_comes_in_waits_for_a_price_that_is_believed() -> None:
    """At a price twice too high the next look would be a loss of half, and the stop would sell everything."""
    at = World(policy(account=MANAGED, books={"record_differences": "all"}, guards={"max_price_jump_pct": 20}), BTC="1")
    at.cycle()
    at.cycle()
    at.exchange.totals["BTC"] += 1
    at.cycle()
    at.exchange.set_quote(BTC, "199.9", "200.1")
    at.cycle()
    assert at.state.positions["BTC"].outside == 1
    at.exchange.set_quote(BTC, "99.95", "100.05")
    at.cycle()
    at.cycle()
    assert at.exchange.totals["BTC"] == at.state.positions["BTC"].adopted == 2
    assert at.state.positions["BTC"].average == 100


@pytest.mark.parametrize(("bid", "ask"), [("0", "99.5"), ("98", "0"), ("101", "99")])
def test_half_a_book_between_two_attempts_ends_the_sale_for_this_run(bid: str, ask: str) -> None:
    """No bid was a crash, no ask a sale at the bound, and buys of the same run were left open."""
    at = World(policy(account=MANAGED, execution={"max_attempts": 3, "max_reprices": 20}), BTC="1")
    at.cycle()
    at.clock.after(3000, lambda: at.exchange.set_quote(BTC, bid, ask))
    at.cycle(sell(BTC, amount="0.5"), buy(ETH, notional="50"))
    assert [intent.price for intent in at.exchange.sent if intent.symbol == BTC] == [D("100.04")]
    assert at.exchange.open() == []
    at.audit()


def test_a_taker_is_not_measured_at_half_a_book() -> None:
    taker = {"enabled": True, "max_notional": 25, "max_daily_notional": 1000}
    at = World(policy(account=MANAGED, execution={"max_attempts": 1}, taker=taker), BTC="1")
    at.cycle()
    at.clock.after(3000, lambda: at.exchange.set_quote(BTC, "99.95", "0"))
    at.cycle(sell(BTC, amount="0.4"))
    assert at.exchange.trades == []


def test_a_wild_low_price_of_one_holding_makes_no_room_for_another() -> None:
    caps = ("max_total_at_risk_pct", "max_asset_pct", "max_tier1_pct", "max_tier2_pct", "max_tier3_pct")
    rules = {"risk": dict.fromkeys(caps, 50), "guards": {"max_price_jump_pct": 20}, "exits": {"stop_loss_pct": 0}}
    at = World(policy(account=MANAGED, **rules), BTC="10")
    at.cycle()
    at.cycle()
    assert refusal(at, "before") == "cap_total"
    at.exchange.set_quote(BTC, "0.9995", "1.0005")
    assert refusal(at, "wild") == "cap_total"


def with_a_dead_coin(**losses: object) -> World:
    """1 USDT of a coin that is quoted and traded no more."""
    at = World(policy(account={"managed": ["BTC", "ZK"]}, losses=losses, exits={"stop_loss_pct": 0}), BTC="10", ZK="10")
    at.cycle()
    at.cycle()
    dead: Market = at.exchange.markets[ZK]
    at.exchange.markets[ZK] = dead._replace(active=False)
    del at.exchange.book[ZK]
    return at


def test_a_daily_loss_ends_with_its_day_though_a_coin_is_never_quoted_again() -> None:
    at = with_a_dead_coin(max_daily_loss_pct=5)
    at.exchange.set_quote(BTC, "85", "85.1")
    assert refusal(at, "today") == "loss_daily"
    for _ in range(2):
        at.clock.advance(DAY_MS)
        at.cycle()
    assert isinstance(at.cycle(buy(ETH, id="later")).decisions[0], Approved)


def test_a_new_peak_counts_though_a_coin_is_never_quoted_again() -> None:
    at = with_a_dead_coin(max_drawdown_pct=20)
    at.exchange.set_quote(BTC, "115", "115.1")
    at.clock.advance(DAY_MS)
    at.cycle()
    at.exchange.set_quote(BTC, "98", "98.1")
    at.cycle()
    at.exchange.set_quote(BTC, "83", "83.1")  # 20 % of 1150 and the cash, not of what it was worth at first
    at.cycle()
    assert at.state.risk.watermarks is not None
    assert at.state.risk.watermarks.peak > 2100
    assert at.state.equity is not None
    assert at.state.equity < 1900


def refusal(at: World, id: str) -> str:
    (decision,) = at.cycle(buy(ETH, notional="200", id=id)).decisions
    assert isinstance(decision, Refused)
    return decision.code


def test_a_stop_is_never_above_the_bid_however_coarse_the_tick() -> None:
    """The cached tick of a coin that fell may be coarser than its price by now."""
    at = World(policy(account={"managed": ["ZK"]}, exits={"stop_loss_pct": 5}), ZK="1000")
    at.cycle()
    at.exchange.markets[ZK] = at.exchange.markets[ZK]._replace(price_tick=D("0.01"))
    at.exchange.set_quote(ZK, "0.089", "0.0891")
    at.cycle()
    assert at.exchange.totals["ZK"] == 0
