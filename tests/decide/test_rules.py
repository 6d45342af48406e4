"""The built-in rules: how sure they are, what they keep, and what they say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradekit.decide.rules import propose
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import RulesPolicy
from tradekit.domain.proposal import Notional, Origin, Proposal, Side, Urgency
from tradekit.domain.signal import Trigger, TriggerKind

D = Decimal
NOW = 1_700_000_000_000


def policy(**keys: object) -> RulesPolicy:
    return read_policy({"rules": {"min_confidence": 0} | keys}, "test").rules


def move_15m(value: str, symbol: str = "PENGU/USDT") -> Trigger:
    return Trigger(symbol, TriggerKind.MOVE_15M, D(value), D(1), 15)


def move_60m(value: str, symbol: str = "PENGU/USDT") -> Trigger:
    return Trigger(symbol, TriggerKind.MOVE_60M, D(value), D("2.5"), 60)


def spike(value: str, symbol: str = "PENGU/USDT") -> Trigger:
    return Trigger(symbol, TriggerKind.VOLUME_SPIKE, D(value), D(4), 5)


def breakout(close: str, symbol: str = "PENGU/USDT") -> Trigger:
    return Trigger(symbol, TriggerKind.BREAKOUT, D(close), D(100), 60)


@pytest.mark.parametrize(
    ("triggers", "confidence"),
    [
        ([move_15m("1")], "0.4"),  # at the threshold
        ([move_15m("1.5")], "0.5"),  # half beyond: 0.4 + 0.2 x 0.5
        ([move_15m("2")], "0.6"),  # twice the threshold
        ([move_15m("50")], "0.6"),  # and no further
        ([move_60m("3.75")], "0.5"),  # 3.75 / 2.5 = 1.5
        ([breakout("100.5")], "0.5"),  # 0.5 % above the high: 0.4 + 0.2 x 0.5
        ([breakout("101")], "0.6"),
        ([move_15m("1"), move_60m("2.5")], "0.64"),  # 1 - 0.6 x 0.6
        ([move_15m("1"), spike("6")], "0.7"),  # 1 - 0.6 x (1 - 0.5)
        ([move_15m("1"), move_60m("2.5"), spike("4")], "0.78"),  # 1 - 0.216 = 0.784
        ([move_15m("2"), move_60m("5"), breakout("101")], "0.94"),  # 1 - 0.064 = 0.936
        ([move_15m("2"), move_60m("5"), breakout("101"), spike("8")], "0.95"),  # 1 - 0.0256 = 0.9744, capped
    ],
)
def test_confidence_grows_with_triggers_and_with_their_excess(triggers: list[Trigger], confidence: str) -> None:
    (proposal,) = propose(policy(), triggers, NOW)
    assert proposal.confidence == D(confidence)


def test_a_proposal_in_full() -> None:
    triggers = [breakout("100.2"), spike("6.004"), move_15m("1.8"), move_60m("2.777")]
    # doubts: 0.6 - 0.2 x 0.8 = 0.44; 0.6 - 0.2 x 0.1108 = 0.57784; 0.6 - 0.2 x 0.501 = 0.4998; 0.6 - 0.2 x 0.2 = 0.56
    # 1 - 0.44 x 0.57784 x 0.4998 x 0.56 = 0.9288...
    assert propose(policy(order_notional=25), triggers, NOW) == (
        Proposal(
            id=f"rule-PENGU-USDT-{NOW}",
            symbol="PENGU/USDT",
            side=Side.BUY,
            size=Notional(D(25)),
            confidence=D("0.93"),
            reason="rose 1.8 % in 15 min; rose 2.78 % in 60 min; traded 6 times its usual volume in 5 min; "
            "broke its 60-minute high of 100",
            origin=Origin.RULE,
            urgency=Urgency.MAKER,
            expires=None,
        ),
    )


def test_only_the_confident_are_kept_and_the_bound_is_inclusive() -> None:
    triggers = [move_15m("1.5", "A/USDT"), move_15m("1.4", "B/USDT")]  # 0.5 and 0.48
    assert [p.symbol for p in propose(policy(min_confidence="0.5"), triggers, NOW)] == ["A/USDT"]
    assert propose(policy(min_confidence="0.51"), triggers, NOW) == ()


def test_the_most_confident_come_first_then_by_symbol() -> None:
    triggers = [move_15m("1", "C/USDT"), move_15m("2", "Z/USDT"), move_15m("1", "B/USDT"), move_15m("1", "A/USDT")]
    assert [p.symbol for p in propose(policy(), triggers, NOW)] == ["Z/USDT", "A/USDT", "B/USDT", "C/USDT"]


def test_volume_alone_is_no_reason_to_buy() -> None:
    assert propose(policy(), [spike("40")], NOW) == ()


def test_the_same_kind_twice_counts_once_and_the_stronger_speaks() -> None:
    (proposal,) = propose(policy(), [move_15m("2"), move_15m("1"), move_15m("1")], NOW)
    assert (proposal.confidence, proposal.reason) == (D("0.6"), "rose 2 % in 15 min")


@pytest.mark.parametrize("keys", [{"enabled": False}, {"order_notional": 0}])
def test_nothing_is_proposed_when_switched_off(keys: dict[str, object]) -> None:
    assert propose(policy(), [move_15m("2")], NOW) != ()
    assert propose(policy(**keys), [move_15m("2")], NOW) == ()


def test_each_cycle_has_fresh_ids() -> None:
    (first,), (second,) = propose(policy(), [move_15m("2")], NOW), propose(policy(), [move_15m("2")], NOW + 1)
    assert first.id != second.id
    assert first._replace(id="") == second._replace(id="")


makers = st.sampled_from([move_15m, move_60m, spike, breakout])
triggers_drawn = st.builds(
    lambda make, value, name: make(str(D(value) / 10), f"{name}/USDT"),
    makers,
    st.integers(1010, 3000),
    st.sampled_from("ABC"),
)


@given(triggers=st.lists(triggers_drawn, max_size=12), order=st.randoms(use_true_random=False))
def test_order_never_matters_and_confidence_stays_in_bounds(triggers: list[Trigger], order: object) -> None:
    shuffled = list(triggers)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    found = propose(policy(), triggers, NOW)
    assert found == propose(policy(), shuffled, NOW)
    assert len({proposal.symbol for proposal in found}) == len(found)
    assert all(D("0.4") <= proposal.confidence <= D("0.95") for proposal in found)


@given(first=st.integers(100, 300), more=st.integers(0, 100))
def test_more_excess_and_more_triggers_never_lower_the_confidence(first: int, more: int) -> None:
    def sure(*triggers: Trigger) -> Decimal:
        return propose(policy(), triggers, NOW)[0].confidence

    weak, strong = move_15m(str(D(first) / 100)), move_15m(str(D(first + more) / 100))
    assert sure(weak) <= sure(strong) < sure(strong, spike("4"))
