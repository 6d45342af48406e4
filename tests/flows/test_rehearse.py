"""Rehearsals: whatever the weather, books and exchange agree in the end; the same seed plays the same piece."""

from __future__ import annotations

import pytest

from tradekit.adapters.rehearsal.severity import WEATHER, Severity
from tradekit.adapters.rehearsal.stage import RehearsalStage
from tradekit.cli.paper_desk import paper_setup
from tradekit.decide.ledger import Ledger
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.policy.check import read_policy
from tradekit.domain.state import State
from tradekit.flows.rehearse import RehearsalReport, rehearse

POLICY = read_policy(
    {
        "purge": {"assets": ["ZK", "PENGU"], "slice_notional": 15},
        "risk": {"min_seconds_between_trades": 0, "min_seconds_between_symbol_trades": 0, "max_trades_per_hour": 60},
        "losses": {"streak": 0},
    },
    "rehearsal",
)


def played(severity: Severity, seed: str, cycles: int = 60) -> RehearsalReport:
    start = State(Stamp("paper", "main", Mode.PAPER, "USDT", ""))
    with RehearsalStage(POLICY, paper_setup(POLICY), severity, seed, wishes_per_hour=40) as stage:
        return rehearse(stage, POLICY, start, cycles, lambda done: None)


@pytest.mark.parametrize("severity", Severity)
def test_books_and_exchange_agree_in_the_end(severity: Severity) -> None:
    report = played(severity, "1")
    assert report.is_sound, (report.differences, report.unanswered)
    assert report.orders > 10
    assert report.fills > 3


@pytest.mark.parametrize("seed", [str(number) for number in range(2, 8)])
def test_hostile_weather_is_survived(seed: str) -> None:
    report = played(Severity.HOSTILE, seed)
    assert report.is_sound, (report.differences, report.unanswered)
    assert report.killed > 0


def test_the_same_seed_plays_the_same_piece_and_another_one_another() -> None:
    assert played(Severity.NORMAL, "a", 30) == played(Severity.NORMAL, "a", 30)
    assert played(Severity.NORMAL, "a", 30) != played(Severity.NORMAL, "b", 30)


def test_a_bug_makes_a_rehearsal_unsound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fees that nobody books: the cash of the books is more than what the exchange holds."""
    enter = Ledger.enter
    monkeypatch.setattr(Ledger, "enter", lambda self, fill, owner: enter(self, fill._replace(fees=()), owner))
    report = played(Severity.CALM, "1")
    assert not report.is_sound
    assert report.differences["USDT"][0] > report.differences["USDT"][1]


def test_worse_weather_is_worse() -> None:
    calm, normal, hostile = (WEATHER[severity] for severity in Severity)
    for name in ("silent_read", "lost_send", "crash", "late_trade", "missed_cycle"):
        assert getattr(calm, name) <= getattr(normal, name) < getattr(hostile, name)
