"""The three faults that the project was asked to end, each as one scene through the real cycle, with its arithmetic."""

from __future__ import annotations

from collections import deque
from decimal import Decimal

from desk import World, buy, policy, sell
from tradekit.domain.event import OrderFinal
from tradekit.domain.order import Closed, FinalWord

D = Decimal


def test_base_quote_fill_mismatch() -> None:
    """An order of $2.68 in quote currency once became 2.64 ETH worth $7,854: a size in quote was read as base units."""
    world = World(policy(risk={"min_order_notional": "2.5"}), USDT="10")
    eth = world.exchange.markets["ETH/USDT"]
    world.exchange.markets["ETH/USDT"] = eth._replace(amount_step=D("0.000001"), min_amount=D(0), min_notional=D(1))
    world.exchange.set_quote("ETH/USDT", "2974.90", "2975.10")
    world.fills_at_once()
    world.cycle(buy("ETH/USDT", notional="2.68"))
    # 2.68 / 2975.00 (the mid) = 0.00090084..., on a step of 0.000001 that is 0.000900 ETH and never more
    amount, price = D("0.000900"), D("2974.91")  # one tick inside the spread of 20 ticks
    (order,) = world.state.orders.values()
    assert (order.intent.amount, order.intent.price) == (amount, price)
    # 0.0009 x 2974.91 = 2.677419, and 10 bp of it as a fee = 0.002677419
    position = world.state.positions["ETH"]
    assert position.quantity == amount
    assert position.cost == D("2.677419") + D("0.002677419")
    assert position.average == D("2977.88491")  # 2974.91 x 1.001
    assert order.filled == amount
    assert order.cost == D("2.677419")
    assert world.state.cash == D(10) - D("2.680096419")
    # selling it all again leaves what the two fees took: the sale asks for 2975.09, one tick inside
    world.cycle(sell("ETH/USDT", amount="0.000900"))
    # 0.0009 x 2975.09 = 2.677581, less 0.002677581 of fee = 2.674903419; realised: less the cost of 2.680096419
    assert world.state.positions["ETH"].realized == D("2.674903419") - D("2.680096419")
    assert world.state.positions["ETH"].total == 0
    world.audit()


def test_canceled_then_filled_is_reconciled() -> None:
    """The exchange calls an order canceled while its trades are still on their way: the trades decide, not the word."""
    world = World(policy(risk={"max_asset_pct": 5}))
    world.faults.cancels = deque(["partly_first"])
    world.faults.trades_lag_ms = 100_000
    world.cycle(buy("BTC/USDT", notional="30"))
    # 0.300 BTC at 99.96; a half, 0.150, traded before the cancel got there, and isn't listed yet
    (final,) = world.events(OrderFinal)
    assert (final.word, final.reported_filled) == (FinalWord.CANCELED, D("0.150"))
    order = world.order("buy-BTC")
    assert not isinstance(order.state, Closed)
    assert (order.filled, order.remaining) == (D(0), D("0.150"))
    # what is on its way counts: of 5 % of 1000 = 50 only 50 - 0.15 x 99.96 = 35.006 would be left, and the balance
    # that moved already without a trade to show for it keeps everything of BTC shut
    report = world.cycle(buy("BTC/USDT", id="more", notional="40"))
    assert [getattr(decision, "code", "") for decision in report.decisions] == ["books_mismatch"]
    assert report.equity.at_risk == D("0.15") * D("99.96")
    for _ in range(2):
        world.cycle()
    order = world.order("buy-BTC")
    assert isinstance(order.state, Closed)
    assert (order.state.word, order.filled, order.cost) == (FinalWord.CANCELED, D("0.150"), D("14.994"))
    assert world.state.positions["BTC"].quantity == D("0.150")
    world.audit()


def test_canceled_word_after_the_whole_fill_is_reconciled() -> None:
    """The cancel loses the race to a fill of everything: filled is what is booked, though a cancel was asked for."""
    world = World()
    world.faults.cancels = deque(["filled_first"])
    world.cycle(buy("BTC/USDT", notional="30"))
    order = world.order("buy-BTC")
    assert isinstance(order.state, Closed)
    assert (order.state.word, order.filled) == (FinalWord.FILLED, D("0.300"))
    world.audit()


def test_caps_count_open_orders() -> None:
    """Orders that are open, or of which nobody knows whether they are, use up positions and money like holdings do."""
    world = World(policy(risk={"max_positions": 2, "max_total_at_risk_pct": 10, "max_asset_pct": 10}))
    # the first order stays open: its cancels are not answered; the second one's answer never comes
    world.faults.sends = deque(["", "lost"])
    world.faults.cancels = deque(["unanswered"] * 100)
    world.cycle(buy("BTC/USDT", notional="30", confidence="0.9"), buy("ETH/USDT", notional="40"))
    assert len(world.exchange.open()) == 1
    # the cap: 10 % of 1000 = 100; bound are 0.300 x 99.96 = 29.988 of BTC and 0.80 x 49.99 = 39.992 of ETH: 69.98
    report = world.cycle(buy("SOL/USDT"))
    (refused,) = report.decisions
    assert (getattr(refused, "code", ""), getattr(refused, "limit", 0)) == ("position_count", 2)
    assert report.equity.at_risk == D("69.98")
    # an add to what is being bought is no new position, and gets the 100 - 69.98 = 30.02 that are left, on the step:
    report = world.cycle(buy("BTC/USDT", id="add", notional="60"))
    (approved,) = report.decisions
    assert (getattr(approved, "amount", 0), getattr(approved, "binding_rule", "")) == (
        D("0.300"),  # 30.02 / 100 = 0.3002
        "risk.max_total_at_risk_pct",
    )
