"""Laws of the judge for any account and any flood of proposals."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from desk import buy, policy, sell
from risk_desk import NOW, PRICES, situation, working
from tradekit.decide.attempts import first_attempt
from tradekit.decide.budget import times_of
from tradekit.decide.risk.exposure import measure
from tradekit.decide.risk.judge import judge
from tradekit.decide.risk.situation import Situation
from tradekit.domain.decision import Approved
from tradekit.domain.numbers import PERCENT, ZERO
from tradekit.domain.order import Canceling, Closing, FinalWord, Order, OrderIntent, Unknown
from tradekit.domain.proposal import Amount, Origin, Proposal, Side, Urgency
from tradekit.domain.universe import Tier

D = Decimal
ASSETS = sorted(PRICES)
BROKEN: list[tuple[str, str] | None] = [None, ("0", "1"), ("2", "1"), ("1", "0")]
TIERS = [Tier.T1, Tier.T2, Tier.T3, Tier.NONE]

amounts = st.decimals("0.001", "30", places=6)
small = st.decimals("0", "3", places=4)


@st.composite
def orders(draw: st.DrawFn) -> Order:
    side, asset = draw(st.sampled_from(list(Side))), draw(st.sampled_from(ASSETS))
    state = draw(
        st.sampled_from([None, Unknown(NOW, ""), Canceling(NOW, ""), Closing(NOW, FinalWord.CANCELED, D("0.5"))])
    )
    return working(side, f"{asset}/USDT", str(draw(amounts)), PRICES[asset][0], state)


@st.composite
def wishes(draw: st.DrawFn) -> list[Proposal]:
    found: list[Proposal] = []
    for number in range(draw(st.integers(0, 8))):
        make = draw(st.sampled_from([buy, buy, sell]))
        size: dict[str, Any] = draw(
            st.one_of(
                st.fixed_dictionaries({"notional": st.decimals("0", "2000", places=3).map(str)}),
                st.fixed_dictionaries({"amount": amounts.map(str)}),
            )
        )
        at_once = make is sell and draw(st.booleans())
        found.append(
            make(
                f"{draw(st.sampled_from(ASSETS))}/USDT",
                id=f"p{number}",
                confidence=str(draw(st.sampled_from(["0.5", "0.8", "1"]))),
                origin=Origin.EXIT if at_once else draw(st.sampled_from([Origin.EXTERNAL, Origin.RULE])),
                urgency=Urgency.AT_ONCE if at_once else Urgency.MAKER,
                **size,
            )
        )
    return found


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    total = draw(st.integers(1, 100))
    risk: dict[str, object] = {
        "max_total_at_risk_pct": total,
        "max_asset_pct": draw(st.integers(0, total)),
        "max_tier1_pct": draw(st.integers(0, 100)),
        "max_tier2_pct": draw(st.integers(0, 100)),
        "max_tier3_pct": draw(st.integers(0, 100)),
        "max_positions": draw(st.integers(0, 5)),
        "max_new_positions_per_cycle": draw(st.integers(0, 3)),
        "min_order_notional": draw(st.sampled_from([0, 5, 15])),
        "allow_adds_when_saturated": draw(st.booleans()),
        "clamp_to_caps": draw(st.booleans()),
    }
    holdings = draw(st.dictionaries(st.sampled_from(ASSETS), st.tuples(small.map(str), small.map(str)), max_size=4))
    unique = {order.id: order for order in draw(st.lists(orders(), max_size=3))}
    return situation(
        policy(risk=risk, account={"managed": []}),
        cash=str(draw(st.decimals("0", "5000", places=4))),
        held=holdings,
        outside=draw(st.dictionaries(st.sampled_from(ASSETS), small.map(str), max_size=2)),
        free=draw(st.just({}) | st.fixed_dictionaries({"USDT": small.map(str)})),
        orders=unique.values(),
        tiers=draw(st.dictionaries(st.sampled_from(ASSETS), st.sampled_from(TIERS))),
        quotes=draw(st.dictionaries(st.sampled_from(ASSETS), st.sampled_from(BROKEN), max_size=1)),
    )


def intents_of(at: Situation, proposals: list[Proposal]) -> list[OrderIntent]:
    approved = [decision for decision in judge(at, proposals) if isinstance(decision, Approved)]
    times = times_of(at.policy, NOW, NOW)
    sized = [first_attempt(at.policy, at.state, at.snapshot, decision, times)[1] for decision in approved]
    return [intent for intent in sized if intent is not None]


@given(situations(), wishes())
def test_no_cap_is_exceeded_by_what_is_held_pending_and_sent(at: Situation, proposals: list[Proposal]) -> None:
    sent = intents_of(at, proposals)
    opens = [intent for intent in sent if intent.side is Side.BUY]
    placed = at.state._replace(
        orders={**at.state.orders, **{i.client_order_id: Order(i, Unknown(NOW, "")) for i in opens}}
    )
    after, risk = measure(placed, at.snapshot), at.policy.risk
    shares = (risk.max_tier1_pct, risk.max_tier2_pct, risk.max_tier3_pct, ZERO)
    caps: dict[str, tuple[Decimal, Decimal, Decimal]] = {
        "total": (after.sum(), at.exposure.sum(), risk.max_total_at_risk_pct),
        **{asset: (after.of(asset), at.exposure.of(asset), risk.max_asset_pct) for asset in ASSETS},
        **{
            tier: (after.in_tier(tier, at.state), at.exposure.in_tier(tier, at.state), share)
            for tier, share in zip(TIERS, shares, strict=True)
        },
    }
    for name, (value, before, share) in caps.items():
        assert value <= max(at.equity * share * PERCENT, before), name
    balance = at.snapshot.balances["USDT"]
    spent = sum((intent.notional * D("1.002") for intent in opens), ZERO)
    assert spent <= max(min(balance.free, at.state.cash), ZERO)
    new = after.positions(risk.dust_notional) - at.exposure.positions(risk.dust_notional)
    assert len(new) <= risk.max_new_positions_per_cycle
    assert len(after.positions(risk.dust_notional)) <= max(
        risk.max_positions, len(at.exposure.positions(risk.dust_notional))
    )


@given(situations(), wishes(), st.integers())
def test_the_order_in_which_proposals_arrive_changes_nothing(
    at: Situation, proposals: list[Proposal], seed: int
) -> None:
    shuffled = list(proposals)
    Random(seed).shuffle(shuffled)
    assert judge(at, shuffled) == judge(at, proposals)
    assert len(judge(at, proposals)) == len(proposals)


@given(situations(), wishes())
def test_an_intent_is_at_most_its_approval_and_that_at_most_its_proposal(
    at: Situation, proposals: list[Proposal]
) -> None:
    for intent in intents_of(at, proposals):
        approved, proposal = intent.approved, intent.approved.proposal
        assert 0 < intent.amount <= approved.amount
        if isinstance(proposal.size, Amount):
            assert approved.amount <= proposal.size.value
        else:
            assert approved.amount * approved.decision_price <= proposal.size.value
        if proposal.opens:
            assert intent.notional <= approved.amount * approved.decision_price


@given(situations(), wishes())
def test_what_is_sent_lies_on_the_grid_and_inside_the_bound(at: Situation, proposals: list[Proposal]) -> None:
    for intent in intents_of(at, proposals):
        market, seen = at.snapshot.markets[intent.symbol], at.snapshot.quotes[intent.symbol]
        assert intent.price % market.price_tick == 0
        assert intent.amount % market.amount_step == 0
        assert intent.amount >= market.min_amount
        assert intent.notional >= market.min_notional
        worst = intent.approved.worst_price
        assert intent.price <= worst if intent.side is Side.BUY else intent.price >= worst
        if intent.approved.proposal.urgency is Urgency.MAKER:
            assert seen.bid < intent.price if intent.side is Side.SELL else intent.price < seen.ask


@given(situations(), wishes())
def test_a_sale_never_exceeds_what_is_managed_or_free(at: Situation, proposals: list[Proposal]) -> None:
    sold: dict[str, Decimal] = {}
    for intent in intents_of(at, proposals):
        if intent.side is Side.SELL:
            asset = intent.approved.proposal.base
            assert asset not in sold
            sold[asset] = intent.amount
    for asset, amount in sold.items():
        assert amount <= at.state.positions[asset].quantity
        assert amount <= at.snapshot.balances[asset].free
