"""Laws of the queue model that hold for every tape."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.paper.hand_feed import ROUND, asked, bid, bought, sold

from tradekit.adapters.paper.matching import Execution, Matching
from tradekit.adapters.paper.tape import Print, TapeEvent
from tradekit.domain.proposal import Side

_lots = st.integers(0, 120)
_prices = st.integers(985, 1012)
_words = st.sampled_from((bought, sold, asked, bid))
TAPES = st.lists(st.tuples(_words, _lots, _prices), max_size=40).map(
    lambda rows: [word(time, lots, price) for time, (word, lots, price) in enumerate(rows)]
)
SELLS = st.lists(st.tuples(st.integers(991, 1010), st.integers(1, 80)), min_size=1, max_size=5)


def run(orders: list[tuple[int, int]], tape: list[TapeEvent], ahead: int | None = None) -> list[list[Execution]]:
    matching = Matching()
    resting = [matching.join(key, Side.SELL, price, lots, ROUND) for key, (price, lots) in enumerate(orders)]
    if ahead is not None:
        matching = Matching(order._replace(ahead=ahead) for order in resting)
    return [matching.feed(event) for event in tape]


@given(SELLS, TAPES)
def test_no_print_is_given_out_twice_and_no_order_overfills(
    orders: list[tuple[int, int]], tape: list[TapeEvent]
) -> None:
    answers = run(orders, tape)
    for event, done in zip(tape, answers, strict=True):
        printed = event.amount if isinstance(event, Print) and event.taker is Side.BUY else 0
        assert sum(e.amount for e in done) <= printed
        assert all(e.amount > 0 and e.price <= event.price for e in done)
    for key, (_, lots) in enumerate(orders):
        assert sum(e.amount for done in answers for e in done if e.key == key) <= lots


@given(st.integers(991, 1000), st.integers(1, 10), st.integers(1, 80), TAPES)
def test_a_worse_price_never_fills_more_at_any_time(price: int, ticks: int, lots: int, tape: list[TapeEvent]) -> None:
    better = worse = 0
    for near, far in zip(run([(price, lots)], tape), run([(price + ticks, lots)], tape), strict=True):
        better += sum(e.amount for e in near)
        worse += sum(e.amount for e in far)
        assert better >= worse


@given(st.integers(991, 1010), st.integers(1, 80), TAPES)
def test_the_front_of_the_queue_is_never_worse(price: int, lots: int, tape: list[TapeEvent]) -> None:
    front = back = 0
    for first, last in zip(run([(price, lots)], tape, ahead=0), run([(price, lots)], tape), strict=True):
        front += sum(e.amount for e in first)
        back += sum(e.amount for e in last)
        assert front >= back


@given(SELLS, TAPES, st.integers(0, 40))
@settings(max_examples=50)
def test_waiting_longer_never_fills_less(orders: list[tuple[int, int]], tape: list[TapeEvent], cut: int) -> None:
    assert run(orders, tape)[:cut] == run(orders, tape[:cut])


@given(SELLS, TAPES, st.integers(0, 40))
@settings(max_examples=50)
def test_a_queue_that_was_put_away_goes_on_as_if_nothing_happened(
    orders: list[tuple[int, int]], tape: list[TapeEvent], cut: int
) -> None:
    first = Matching()
    for key, (price, lots) in enumerate(orders):
        first.join(key, Side.SELL, price, lots, ROUND)
    answers = [first.feed(event) for event in tape[:cut]]
    second = Matching(first.resting, first.taken)
    assert answers + [second.feed(event) for event in tape[cut:]] == run(orders, tape)
