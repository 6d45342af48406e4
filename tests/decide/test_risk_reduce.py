"""Sales: only what is managed, never more than is held and free, one at a time, and no stub that can't be sold."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk import market, policy, sell
from risk_desk import NOW, decide, granted, refused, situation, working
from tradekit.decide.risk.judge import judge
from tradekit.decide.risk.situation import Situation
from tradekit.domain.decision import Approved
from tradekit.domain.memory import Mark, RiskMemory
from tradekit.domain.order import Canceling, Closed, Closing, FinalWord, OrderState, Unknown
from tradekit.domain.proposal import Origin, Proposal, Side, Urgency
from tradekit.domain.universe import Tier

D = Decimal
HELD = {"BTC": ("1", "90")}
ALL = sell("BTC/USDT", amount="1")
STOP = sell("BTC/USDT", amount="1", id="stop", confidence="1", origin=Origin.EXIT, urgency=Urgency.AT_ONCE)

HALVED = RiskMemory(marks={"BTC": Mark(D(200), D(200), 0)})

GATES = [
    ("halted", situation(policy(risk={"exits_when_halted": False}), held=HELD, halted=True), ALL, "halted",
     "risk.exits_when_halted", None, None),
    ("expired", situation(held=HELD), sell("BTC/USDT", amount="1", expires=NOW), "proposal_expired", "expires",
     str(NOW), str(NOW)),
    ("not active", situation(held=HELD, markets={"BTC/USDT": market("BTC/USDT", active=False)}), STOP,
     "market_closed", "market", None, None),
    ("no step", situation(held=HELD, markets={"BTC/USDT": market("BTC/USDT", amount_step=D(0))}), STOP,
     "market_closed", "market", None, None),
    ("unknown symbol", situation(held=HELD), sell("XYZ/USDT", amount="1"), "unknown_symbol", "symbol", None,
     None),
    ("no quote", situation(held=HELD, quotes={"BTC": None}), STOP, "no_quote", "quote", None, None),
    ("no bid", situation(held=HELD, quotes={"BTC": ("0", "100")}), ALL, "no_quote", "quote", None, None),
    ("crossed", situation(held=HELD, quotes={"BTC": ("110", "100")}), STOP, "no_quote", "quote", None, None),
    ("no ask for a maker", situation(held=HELD, quotes={"BTC": ("100", "0")}), ALL, "no_quote", "quote", None, None),
    ("half the last good price", situation(policy(guards={"max_price_jump_pct": 20}), held=HELD, memory=HALVED), ALL,
     "price_outlier", "guards.max_price_jump_pct", "20", "100"),
    ("a stop, at first sight", situation(policy(guards={"max_price_jump_pct": 20}), held=HELD, memory=HALVED), STOP,
     "price_outlier", "guards.max_price_jump_pct", "20", "100"),
    ("never held", situation(), ALL, "not_managed", "account.managed", None, None),
    ("only outside", situation(outside={"BTC": "5"}), ALL, "not_managed", "account.managed", None, None),
    ("sold already", situation(held={"BTC": ("0", "0")}, outside={"BTC": "5"}), ALL, "not_managed", "account.managed",
     None, None),
    ("under the smallest amount", situation(held={"BTC": ("0.0009", "1")}), ALL, "below_exchange_minimum",
     "market.min_amount", "0.001", "0"),
    ("under the smallest worth", situation(held={"BTC": ("0.05", "5")}), ALL, "below_exchange_minimum",
     "market.min_notional", "5", "4.9975"),  # 0.05 x 99.95
    ("nothing free", situation(held=HELD, free={"BTC": "0"}), ALL, "below_exchange_minimum", "market.min_amount",
     "0.001", "0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("at", "wish", "code", "rule", "limit", "actual"), [g[1:] for g in GATES], ids=[g[0] for g in GATES]
)
def test_a_rule_says_why(
    at: Situation, wish: Proposal, code: str, rule: str, limit: str | None, actual: str | None
) -> None:
    said = refused(decide(at, wish))
    assert (said.code, said.rule) == (code, rule)
    assert (said.limit, said.actual) == tuple(None if text is None else D(text) for text in (limit, actual))


@pytest.mark.parametrize("state", [Unknown(NOW, ""), Canceling(NOW, ""), Closing(NOW, FinalWord.CANCELED, D("0.1"))])
def test_one_sale_at_a_time(state: OrderState) -> None:
    at = situation(held=HELD, orders=[working(Side.SELL, "BTC/USDT", "0.5", "101", state)])
    said = refused(decide(at, ALL))
    assert (said.code, said.rule, said.actual) == ("sale_working", "order", D(1))


@pytest.mark.parametrize(
    "order",
    [
        working(Side.SELL, "BTC/USDT", "0.5", "101", Closed(NOW, FinalWord.CANCELED)),
        working(Side.SELL, "ETH/USDT", "0.5", "51", Unknown(NOW, "")),
        working(Side.BUY, "BTC/USDT", "0.5", "99", Unknown(NOW, "")),  # a sale of the free balance is allowed
    ],
)
def test_orders_that_bind_nothing_stop_no_sale(order: object) -> None:
    assert granted(decide(situation(held=HELD, orders=[order]), ALL)) == 1  # type: ignore[list-item]


UNBOUND = [
    ("the kill switch", situation(held=HELD, halted=True)),
    ("a coin out of the universe", situation(held=HELD, tiers={"BTC": Tier.NONE})),
    ("books that differ", situation(held=HELD, mismatched=["BTC"])),
    ("caps of nothing", situation(policy(risk={"max_total_at_risk_pct": 0, "max_asset_pct": 0}), held=HELD)),
    ("a policy's minimum", situation(policy(risk={"min_order_notional": 1000}), held=HELD)),
    ("no money", situation(cash="0", held=HELD)),
]


@pytest.mark.parametrize("at", [case[1] for case in UNBOUND], ids=[case[0] for case in UNBOUND])
def test_a_sale_is_not_stopped_by(at: Situation) -> None:
    assert granted(decide(at, ALL)) == 1
    assert granted(decide(at, STOP)) == 1


def test_a_stop_needs_a_bid_only() -> None:
    decision = decide(situation(held=HELD, quotes={"BTC": ("80", "0")}), STOP)
    assert isinstance(decision, Approved)
    assert decision.worst_price == D("78.40")  # 80 x 0.98


AMOUNTS = [
    # asked, held, free, step: sold
    ("all of it", "1", "1", "1", "0.001", "1"),
    ("a part", "0.3", "1", "1", "0.001", "0.3"),
    ("more than is held", "5", "1", "9", "0.001", "1"),  # 9 free: 8 of them are not ours to sell
    ("more than is free", "1", "1", "0.7", "0.001", "0.7"),
    ("off the step", "0.7777", "1", "1", "0.01", "0.77"),
    ("held off the step", "1", "0.98765", "2", "0.01", "0.98"),
    # the exchange's minimum is 5, and 5 / 99.95 = 0.05002...: a rest of 0.04 could never be sold
    ("a stub would stay", "0.96", "1", "1", "0.001", "0.949"),  # 1 - 0.0500250... = 0.94997, on the step 0.949
    ("a stub, and no room to avoid it", "0.06", "0.09", "0.09", "0.001", "0.06"),
    ("a rest under the step is no stub", "1", "1.0009", "1.0009", "0.001", "1"),
    ("a rest that can be sold", "0.9", "1", "1", "0.001", "0.9"),
]


@pytest.mark.parametrize(
    ("asked", "held", "free", "step", "sold"), [case[1:] for case in AMOUNTS], ids=[case[0] for case in AMOUNTS]
)
def test_the_amount(asked: str, held: str, free: str, step: str, sold: str) -> None:
    markets = {"BTC/USDT": market("BTC/USDT", amount_step=D(step))}
    at = situation(held={"BTC": (held, "90")}, outside={"BTC": "9"}, free={"BTC": free}, markets=markets)
    decision = decide(at, sell("BTC/USDT", amount=asked))
    assert granted(decision) == D(sold)
    clamped = getattr(decision, "clamped_from", None)
    assert clamped == (None if D(sold) == D(asked) else D(asked))


def test_a_size_in_quote_is_turned_into_units_at_the_mid() -> None:
    assert granted(decide(situation(held=HELD), sell("BTC/USDT", notional="33.39"))) == D("0.333")  # 33.39 / 100


@pytest.mark.parametrize("others", [1, 3])
def test_nobody_takes_the_place_of_a_stop(others: int) -> None:
    """One sale of an asset goes out in a cycle: a flood of small external sales must not be able to be that one."""
    noise = [sell("BTC/USDT", amount="0.1", id=f"a{number}", confidence="1") for number in range(others)]
    decisions = judge(situation(held=HELD), [*noise, STOP])
    assert [d.proposal.id for d in decisions if isinstance(d, Approved)] == ["stop"]
    assert {getattr(d, "code", "") for d in decisions[1:]} == {"sale_working"}


def test_our_own_exits_go_before_what_others_want_to_sell() -> None:
    take = sell("BTC/USDT", amount="1", id="take", confidence="1", origin=Origin.EXIT)
    decisions = judge(situation(held=HELD), [sell("BTC/USDT", amount="0.1", confidence="1"), take])
    assert [d.proposal.id for d in decisions] == ["take", "sell-BTC"]


def test_sales_of_different_assets_go_together() -> None:
    at = situation(held={"BTC": ("1", "90"), "ETH": ("1", "40")})
    decisions = judge(at, [ALL, sell("ETH/USDT", amount="1")])
    assert [granted(decision) for decision in decisions] == [1, 1]
