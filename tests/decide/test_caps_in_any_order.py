"""No cap is ever exceeded, counting everything that is held or pending, whatever order things happen in.

Proposals come in batches; between them orders are answered or not, fill in parts, and are canceled. Bid and ask are
equal and nothing costs a fee, so the equity stays what it is and the caps can be compared exactly.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from desk import buy, policy, sell
from risk_desk import NOW, PRICES, situation
from tradekit.decide.attempts import first_attempt
from tradekit.decide.budget import times_of
from tradekit.decide.fold import fold
from tradekit.decide.risk.exposure import measure
from tradekit.decide.risk.judge import judge
from tradekit.decide.risk.situation import look
from tradekit.domain.account import Balance
from tradekit.domain.decision import Approved
from tradekit.domain.event import (
    CancelRequested,
    Event,
    FillBooked,
    OrderAcknowledged,
    OrderFinal,
    OrderIntended,
    OrderUnanswered,
    Record,
)
from tradekit.domain.fill import Fill
from tradekit.domain.market import Snapshot
from tradekit.domain.numbers import PERCENT, ZERO, floor_to
from tradekit.domain.order import FinalWord, Order, Unknown
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Side
from tradekit.domain.state import State
from tradekit.domain.universe import Tier

D = Decimal
ASSETS = sorted(PRICES)
SAME = {"BTC": ("100", "100"), "ETH": ("50", "50"), "SOL": ("20", "20"), "DOGE": ("0.5", "0.5"), "ZK": ("0.1", "0.1")}
TIERS = {"BTC": Tier.T1, "ETH": Tier.T1, "SOL": Tier.T2, "DOGE": Tier.T3, "ZK": Tier.T3}
EQUITY = D(1000)


class Account:
    """A state that events are folded into, as a run would."""

    def __init__(self, policy_: Policy) -> None:
        at = situation(policy_, cash=str(EQUITY), quotes=SAME, tiers=TIERS)
        self.policy, self.market = policy_, at.snapshot
        self.state: State = at.state
        self.trades = 0

    @property
    def snapshot(self) -> Snapshot:
        bound = sum((o.remaining * o.intent.price for o in self.live() if o.intent.side is Side.BUY), ZERO)
        balances = {asset: Balance(asset, p.quantity, p.quantity) for asset, p in self.state.positions.items()}
        balances["USDT"] = Balance("USDT", self.state.cash - bound, self.state.cash)
        return self.market._replace(balances=balances)

    def live(self) -> list[Order]:
        return [order for order in self.state.orders.values() if order.is_live]

    def record(self, event: Event) -> None:
        self.state = fold(self.state, Record(self.state.seq + 1, NOW + self.state.seq, event))

    def batch(self, proposals: list[Any]) -> None:
        now = NOW + self.state.seq
        at = look(self.policy, self.state, self.snapshot, now=now)
        for decision in judge(at, proposals):
            if isinstance(decision, Approved):
                times = times_of(self.policy, now, now)
                _, intent = first_attempt(self.policy, at.state, at.snapshot, decision, times)
                if intent is not None:
                    self.record(OrderIntended(intent))

    def answer(self, order: Order, *, known: bool) -> None:
        if order.is_unanswered:
            id = order.id
            self.record(OrderAcknowledged(id, f"x{id}") if known else OrderUnanswered(id, "timeout"))

    def fill(self, order: Order, share: int) -> None:
        step = self.market.markets[order.intent.symbol].amount_step
        amount = floor_to(order.remaining * share / 100, step)
        if amount > 0:
            self.trades += 1
            price, intent = order.intent.price, order.intent
            names = (intent.symbol, f"t{self.trades}", f"x{order.id}", order.id, intent.side)
            self.record(FillBooked(Fill(*names, amount, price, amount * price, (), NOW + self.trades)))

    def cancel(self, order: Order) -> None:
        if not isinstance(order.state, Unknown):
            self.record(CancelRequested(order.id, "time"))
            self.record(OrderFinal(order.id, FinalWord.CANCELED, self.state.orders[order.id].filled))

    def check(self) -> None:
        risk, exposure = self.policy.risk, measure(self.state, self.snapshot)
        assert exposure.sum() <= EQUITY * risk.max_total_at_risk_pct * PERCENT
        for asset in ASSETS:
            assert exposure.of(asset) <= EQUITY * risk.max_asset_pct * PERCENT
        for tier, share in (
            (Tier.T1, risk.max_tier1_pct),
            (Tier.T2, risk.max_tier2_pct),
            (Tier.T3, risk.max_tier3_pct),
        ):
            assert exposure.in_tier(tier, self.state) <= EQUITY * share * PERCENT
        for name, share in risk.max_theme_pct.items():
            assert exposure.sum(risk.themes[name]) <= EQUITY * share * PERCENT
        assert len(exposure.positions(risk.dust_notional)) <= risk.max_positions
        bought = [order for order in self.live() if order.intent.side is Side.BUY]
        needed = sum((order.remaining * order.intent.price for order in bought), ZERO)
        assert self.state.cash - needed >= EQUITY * risk.quote_reserve_pct * PERCENT or not (needed or self.trades)
        if risk.max_order_notional:
            assert all(order.intent.notional <= risk.max_order_notional for order in self.state.orders.values())


@settings(max_examples=60)
@given(st.data())
def test_no_cap_is_exceeded_in_any_order_of_events(data: st.DataObject) -> None:
    share = st.sampled_from([3, 7, 12, 25, 60])
    total = data.draw(share)
    keys = {
        "max_total_at_risk_pct": total,
        "max_asset_pct": min(total, data.draw(share)),
        "max_tier1_pct": data.draw(share),
        "max_tier2_pct": data.draw(share),
        "max_tier3_pct": data.draw(share),
        "themes": {"ONE": ["BTC", "DOGE"], "TWO": ["SOL", "ZK"]},
        "max_theme_pct": {"ONE": data.draw(share), "TWO": data.draw(share)},
        "max_positions": data.draw(st.integers(1, 5)),
        "max_order_notional": data.draw(st.sampled_from([0, 40])),
        "quote_reserve_pct": data.draw(st.sampled_from([0, 60, 90])),
        "clamp_to_caps": data.draw(st.booleans()),
    }
    account = Account(policy(risk=keys, exits={"stop_loss_pct": 0}))
    for round_ in range(data.draw(st.integers(2, 8))):
        wishes = [
            (buy if data.draw(st.integers(0, 3)) else sell)(
                f"{data.draw(st.sampled_from(ASSETS))}/USDT", id=f"p{round_}-{number}", notional=size
            )
            for number, size in enumerate(data.draw(st.lists(st.sampled_from(["6", "20", "55", "400"]), max_size=6)))
        ]
        account.batch(wishes)
        account.check()
        for order in account.live():
            what = data.draw(st.sampled_from(["known", "lost", "fill", "part", "cancel", "wait"]))
            account.answer(order, known=what != "lost")
            fresh = account.state.orders[order.id]
            if what in ("fill", "part"):
                account.fill(fresh, 100 if what == "fill" else data.draw(st.integers(1, 99)))
            elif what == "cancel":
                account.cancel(fresh)
            account.check()
