"""What it costs to get rid of a holding, and that tradekit's own code can be run on a tape."""

from __future__ import annotations

from decimal import Decimal

import pytest
from replay.account import purge
from replay.exit import CHEAP, DEAR, Exit, Fees, Sold, sold_to_bids
from replay.habits import HABITS, MINUTE, Habit, fixed, follow
from replay.shelf import shipped
from replay.tape import Grid, Tape

from tradekit.adapters.paper.tape import Level, Print, TapeEvent
from tradekit.domain.proposal import Side

NO_FEES = Fees(Decimal(0), Decimal(0))
OPENING = [Level(-1, Side.BUY, 990, 5), Level(-1, Side.BUY, 980, 50), Level(-1, Side.SELL, 1010, 7)]


def tape(*events: TapeEvent) -> Tape:
    return Tape(Grid(Decimal("0.01"), Decimal("0.1")), [*OPENING, *events, Level(30 * MINUTE, Side.BUY, 1, 1)])


def test_shortfall_counts_prices_fees_and_the_rest() -> None:
    half = Sold(10, 1010, 5, maker=True)
    sold = Exit(Decimal(1000), 10, (half, half))
    assert (sold.is_done, sold.done_at, int(sold.shortfall(NO_FEES))) == (True, 10, -100)
    assert sold.shortfall(DEAR) == Decimal("-100") + 60 * Decimal("1.01")
    rest = Exit(Decimal(1000), 10, (half,), (Sold(60, 990, 5, maker=False),))
    assert (rest.is_done, rest.done_at, int(rest.shortfall(NO_FEES))) == (False, None, 0)
    assert rest.shortfall(CHEAP) == 10


def test_what_is_left_walks_down_the_bids() -> None:
    assert sold_to_bids(tape(), 100, 8, 60) == (Sold(60, 990, 5, False), Sold(60, 980, 3, False))
    assert sold_to_bids(tape(), 100, 60, 60)[-1] == Sold(60, 980, 5, False), "what no bid takes goes at the worst one"
    assert sold_to_bids(tape(), 100, 0, 60) == ()


def test_habits_follow_the_minute_and_the_latency() -> None:
    bought = [Print(20_000, Side.BUY, 1010, 9), Print(70_000, Side.BUY, 1010, 30)]
    once = follow(HABITS["B"], tape(*bought), 0, 6, 10 * MINUTE)
    assert once.exit.parts == (Sold(20_000, 1010, 2, True), Sold(70_000, 1010, 4, True))
    assert once.busy == (25_300, 10_000)
    missed = follow(Habit("late", (fixed(5000),)), tape(*bought), 0, 6, 10 * MINUTE)
    assert (missed.exit.parts, missed.busy) == ((), (5300,) * 10)
    assert missed.exit.rest == (Sold(600_000, 990, 5, False), Sold(600_000, 980, 1, False))
    rested = follow(HABITS["D"], tape(*bought), 0, 6, 10 * MINUTE)
    assert rested.exit.done_at == 70_000
    above = follow(Habit("above", (fixed(25_000),), ticks=1), tape(*bought), 0, 6, 10 * MINUTE)
    assert above.exit.parts == ()
    inside = follow(Habit("inside", (fixed(25_000),), improves=True), tape(*bought), 0, 6, 10 * MINUTE)
    assert inside.exit.parts == (Sold(20_000, 1009, 6, True),)


def test_an_order_that_counts_only_whole_sells_nothing_in_parts() -> None:
    bought = [Print(20_000, Side.BUY, 1010, 9), Print(70_000, Side.BUY, 1010, 12)]
    assert follow(HABITS["B"], tape(*bought), 0, 6, MINUTE, whole_only=True).exit.parts == ()
    assert follow(HABITS["B"], tape(*bought), 0, 6, 2 * MINUTE).exit.parts[-1] == Sold(70_000, 1010, 4, True)


@pytest.mark.parametrize("number", [0, 1])
def test_tradekit_sells_on_the_shipped_markets(number: int) -> None:
    recorded = shipped()[number]
    purged = purge(recorded.tape, [recorded.tape.start + 5000 + 40_000 * n for n in range(3)], Decimal(16), 2 * MINUTE)
    assert len(purged.exits) == 3
    assert len(purged.took) == 2
    assert all(took <= MINUTE for took in purged.took)
    for out in purged.exits:
        assert sum(part.lots for part in (*out.parts, *out.rest)) == out.lots
        assert all(0 <= part.time < 2 * MINUTE for part in out.parts)
        assert out.shortfall(DEAR) > out.shortfall(CHEAP)
