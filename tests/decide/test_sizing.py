"""From an approval to an intent: on the grid, never more than approved, or the filter that forbids it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk import buy, market, policy, sell
from risk_desk import NOW, situation
from tradekit.decide.attempts import next_attempt
from tradekit.decide.budget import times_of
from tradekit.decide.job import Ending, Job
from tradekit.decide.manner import manner_of
from tradekit.decide.risk.situation import Situation
from tradekit.domain.decision import Approved
from tradekit.domain.ids import ClientOrderId, is_ours
from tradekit.domain.market import Market
from tradekit.domain.order import OrderIntent, TimeInForce, Unplaceable
from tradekit.domain.proposal import Origin, Proposal, Urgency
from tradekit.domain.universe import Tier

D = Decimal
BTC = buy("BTC/USDT")


def size(
    proposal: Proposal, amount: str, at: Situation | None = None, *, attempt: int = 1, worst: str = "100.60"
) -> OrderIntent | Unplaceable:
    at = at or situation()
    approved = Approved(proposal, D(amount), D(100), D(worst))
    job = Job(approved, manner_of(at.policy, at.state, proposal), sent=(ClientOrderId("earlier"),) * (attempt - 1))
    seen, times = at.snapshot, times_of(at.policy, NOW, NOW)
    symbol = proposal.symbol
    job, intent = next_attempt(
        at.policy, at.state, job, seen.markets[symbol], seen.quotes[symbol], times, approved.amount
    )
    found = intent or job.unplaceable
    assert found is not None
    return found


def placeable(found: OrderIntent | Unplaceable) -> OrderIntent:
    assert isinstance(found, OrderIntent), found
    return found


def with_market(**changes: object) -> Situation:
    made: Market = market("BTC/USDT", **changes)
    return situation(markets={"BTC/USDT": made})


def test_an_intent_says_all_that_goes_over_the_wire() -> None:
    intent = placeable(size(BTC, "0.3"))
    assert (intent.amount, intent.price, intent.time_in_force) == (D("0.3"), D("99.96"), TimeInForce.PO)
    assert (intent.created, intent.deadline) == (NOW, NOW + 12_000)
    assert is_ours(intent.client_order_id)


@pytest.mark.parametrize(("tier", "seconds"), [(Tier.T1, 12), (Tier.T2, 15), (Tier.T3, 25), (Tier.NONE, 25)])
def test_the_deadline_is_the_tiers(tier: Tier, seconds: int) -> None:
    assert placeable(size(BTC, "0.3", situation(tiers={"BTC": tier}))).deadline == NOW + seconds * 1000


def test_at_once_means_a_bounded_ioc() -> None:
    stop = sell("BTC/USDT", amount="1", origin=Origin.EXIT, urgency=Urgency.AT_ONCE)
    intent = placeable(size(stop, "1", worst="98.00"))
    assert (intent.time_in_force, intent.price) == (TimeInForce.IOC, D("98.00"))


def test_ids_differ_by_attempt_by_proposal_and_by_who_asks() -> None:
    """An outsider who calls a proposal like one of our own exits must not get its order id."""
    proposals = [BTC, buy("BTC/USDT", id="other"), buy("BTC/USDT", origin=Origin.RULE)]
    ids = {placeable(size(p, "0.3", attempt=attempt)).client_order_id for p in proposals for attempt in (1, 2)}
    assert len(ids) == 6
    assert placeable(size(BTC, "0.3")).client_order_id == placeable(size(BTC, "0.2")).client_order_id


@pytest.mark.parametrize(
    ("changes", "amount", "limit", "actual", "unit"),
    [
        ({"min_amount": D("0.4")}, "0.3", "0.4", "0.3", "BTC"),
        ({"min_amount": D(0)}, "0", "0", "0", "BTC"),
        ({"min_notional": D("29.989")}, "0.3", "29.989", "29.988", "USDT"),  # 0.3 x 99.96
    ],
)
def test_a_filter_forbids(changes: dict[str, object], amount: str, limit: str, actual: str, unit: str) -> None:
    found = size(BTC, amount, with_market(**changes))
    assert isinstance(found, Unplaceable)
    assert (found.code, found.limit, found.actual, found.unit) == (
        "below_exchange_minimum", D(limit), D(actual), unit,
    )  # fmt: skip


def test_exactly_the_minimum_is_enough() -> None:
    assert placeable(size(BTC, "0.3", with_market(min_notional=D("29.988"), min_amount=D("0.3")))).amount == D("0.3")


def test_a_purchase_above_the_decisions_price_buys_less() -> None:
    """Approved are 0.3 at 100, that is 30: at a bid that moved up to 105 only 30 / 105.01 = 0.2856... are left."""
    at = situation(quotes={"BTC": ("105.00", "105.10")})
    intent = placeable(size(BTC, "0.3", at, worst="106.00"))
    assert (intent.price, intent.amount) == (D("105.01"), D("0.285"))
    assert intent.notional <= 30


def late(seconds: int, proposal: Proposal = BTC) -> tuple[Job, OrderIntent | None]:
    """The attempt that begins so long after its cycle did; the budget is 10 s, of which 3 are kept for the end."""
    at = situation(policy(execution={"budget_seconds": 10}))
    approved = Approved(proposal, D("0.3"), D(100), D("100.60"))
    job = Job(approved, manner_of(at.policy, at.state, proposal))
    times, seen = times_of(at.policy, NOW, NOW + seconds * 1000), at.snapshot
    return next_attempt(
        at.policy, at.state, job, seen.markets["BTC/USDT"], seen.quotes["BTC/USDT"], times, approved.amount
    )


def test_a_cycle_near_its_end_shortens_the_life_of_its_orders() -> None:
    _, intent = late(2)
    assert intent is not None
    assert intent.deadline == NOW + 7000


def test_an_order_that_could_not_live_for_three_seconds_is_deferred() -> None:
    job, intent = late(5)
    assert (job.ending, intent) == (Ending.TIME, None)
    assert late(4)[1] is not None


@pytest.mark.parametrize(
    ("held", "sold"),
    [
        ("0.7", "0.7"),  # all of it
        ("0.72", "0.669"),  # 0.02 would be worth 2, and the exchange wants 5 at a bid of 99.95: 0.051 stay
        ("0.76", "0.7"),  # 0.06 can be sold later
    ],
)
def test_a_later_attempt_leaves_no_stub_of_what_came_in_meanwhile(held: str, sold: str) -> None:
    at = situation(held={"BTC": (held, "70")})
    approved = Approved(sell("BTC/USDT", amount="0.7"), D("0.7"), D(100), D("99.40"))
    job = Job(approved, manner_of(at.policy, at.state, approved.proposal), sent=(ClientOrderId("earlier"),))
    seen, times = at.snapshot, times_of(at.policy, NOW, NOW)
    _, intent = next_attempt(
        at.policy, at.state, job, seen.markets["BTC/USDT"], seen.quotes["BTC/USDT"], times, D("0.7")
    )
    assert intent is not None
    assert intent.amount == D(sold)
