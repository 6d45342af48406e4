"""The share that has happened by a time: figures worked out by hand, and the laws of the estimator."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradekit.decide.survival import Curve, Life, kaplan_meier

D = Decimal


def lives(text: str) -> list[Life]:
    """`"6 6 6+ 7"`: a plus was given up at that time."""
    return [Life(int(word.rstrip("+")), not word.endswith("+")) for word in text.split()]


def test_the_remission_times_of_freireich() -> None:
    # 6-MP arm of Freireich et al., Blood 21 (1963), the example of every textbook: survival .857 .807 .753 .690 .627
    curve = kaplan_meier(lives("6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"))
    assert [(time, round(1 - share, 3)) for time, share in curve.steps] == [
        (6, D("0.857")), (7, D("0.807")), (10, D("0.753")), (13, D("0.690")), (16, D("0.627")), (22, D("0.538")),
        (23, D("0.448")),
    ]  # fmt: skip
    assert curve.observed_ms == 35
    assert (curve.by(5), curve.by(36)) == (D(0), None)
    assert curve.by(35) == curve.by(23) != curve.by(22)


@pytest.mark.parametrize(
    ("text", "at", "share"),
    [
        ("", 1, None),
        ("5+", 5, D(0)),
        ("5+", 6, None),
        ("5", 4, D(0)),
        ("5", 9, D(1)),  # it has happened to all: what comes later is known
        ("5 5+", 5, D("0.5")),
        ("3+ 5", 5, D(1)),
        ("3 5+ 5+ 5+", 5, D("0.25")),
    ],
)
def test_shares_by_hand(text: str, at: int, share: Decimal | None) -> None:
    assert kaplan_meier(lives(text)).by(at) == share


_lives = st.lists(st.builds(Life, st.integers(0, 50), st.booleans()), max_size=60)


@given(_lives)
def test_shares_never_fall_and_stay_between_none_and_all(found: list[Life]) -> None:
    curve = kaplan_meier(found)
    shares = [share for _, share in curve.steps]
    assert shares == sorted(shares)
    assert all(0 < share <= 1 for share in shares)
    assert curve == kaplan_meier(reversed(found))


@given(st.lists(st.integers(0, 50), min_size=1))
def test_without_anyone_given_up_it_is_the_plain_share(times: list[int]) -> None:
    curve = kaplan_meier([Life(time, happened=True) for time in times])
    for moment in range(51):
        share = curve.by(moment)
        assert share is not None
        assert abs(share - D(sum(time <= moment for time in times)) / len(times)) < D("1e-15")


def test_nothing_watched() -> None:
    assert kaplan_meier([]) == Curve()
