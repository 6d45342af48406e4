"""The queue model, scenario by scenario. Prices in ticks, amounts in lots; the arithmetic stands beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.paper.hand_feed import ROUND, asked, bid, bought, sold

from tradekit.adapters.paper.matching import Matching, WouldCross
from tradekit.adapters.paper.tape import Book, TapeEvent
from tradekit.domain.proposal import Side

# a sell of 20 lots at 1000, where 50 are displayed
SCENARIOS = {
    "a print that the queue swallows": ([bought(1, 50, 1000)], []),  # 50 - 50 = 0 left for us
    "the excess over the queue is ours": ([bought(1, 57, 1000)], [(1, 7)]),  # 57 - 50
    "two prints add up": ([bought(1, 30, 1000), bought(2, 30, 1000)], [(2, 10)]),  # 60 - 50
    "after the queue every lot is ours": ([bought(1, 55, 1000), bought(2, 9, 1000)], [(1, 5), (2, 9)]),
    "never more than we asked for": ([bought(1, 500, 1000)], [(1, 20)]),
    "takers who sell do nothing": ([sold(1, 500, 1000), bought(2, 51, 1000)], [(2, 1)]),
    "a print below our price does nothing": ([bought(1, 500, 999)], []),
    "through the price: no queue, but only what was printed": ([bought(1, 8, 1001)], [(1, 8)]),
    "through the price, all of it": ([bought(1, 30, 1005)], [(1, 20)]),
    "through the price clears the queue": ([bought(1, 8, 1001), bought(2, 5, 1000)], [(1, 8), (2, 5)]),
    "a cancel helps only through the cap": ([asked(1, 40, 1000), bought(2, 45, 1000)], [(2, 5)]),  # min(50, 40)
    "the level grows behind us": ([asked(1, 90, 1000), bought(2, 55, 1000)], [(2, 5)]),  # still 50 ahead
    "the level vanishes: we are alone": ([asked(1, 0, 1000), bought(2, 5, 1000)], [(2, 5)]),
    "a cap and then growth": ([asked(1, 10, 1000), asked(2, 90, 1000), bought(3, 12, 1000)], [(3, 2)]),
    "print and its own level change count once": (
        [bought(1, 30, 1000), asked(1, 20, 1000), bought(2, 25, 1000)],  # 50 - 30 = 20, min(20, 20), 25 - 20
        [(2, 5)],
    ),
    "another level does not matter": ([asked(1, 0, 1001), bought(2, 51, 1000)], [(2, 1)]),
    "bids that rise over us don't fill us": ([bid(1, 99, 1002)], []),
}


@pytest.mark.parametrize(("events", "expected"), SCENARIOS.values(), ids=SCENARIOS.keys())
def test_a_sell_in_the_queue(events: Sequence[TapeEvent], expected: Sequence[tuple[int, int]]) -> None:
    matching = Matching()
    assert matching.join(1, Side.SELL, 1000, 20, ROUND).ahead == 50
    done = [execution for event in events for execution in matching.feed(event)]
    assert [(e.time, e.amount) for e in done] == expected
    assert all(e.price == 1000 and e.maker for e in done)


def test_a_buy_is_the_mirror_image() -> None:
    matching = Matching()
    assert matching.join(1, Side.BUY, 990, 20, ROUND).ahead == 200
    assert matching.feed(sold(1, 210, 990))[0].amount == 10  # 210 - 200
    assert matching.feed(bought(2, 210, 990)) == []
    assert matching.feed(sold(3, 4, 989))[0].amount == 4  # through us, as far as printed
    assert matching.resting[0].remaining == 6


def test_inside_the_spread_nobody_is_ahead() -> None:
    matching = Matching()
    assert matching.join(1, Side.SELL, 995, 20, ROUND).ahead == 0
    assert matching.feed(bought(1, 6, 995))[0].amount == 6


def test_price_then_time_among_our_own() -> None:
    matching = Matching()
    matching.join(1, Side.SELL, 1000, 20, ROUND)
    matching.join(2, Side.SELL, 1000, 20, ROUND)
    matching.join(3, Side.SELL, 999, 10, ROUND)
    # 90 printed at 1000: 10 go to the better price, 80 are left, 50 stood ahead, 20 and then 10 are ours
    assert [(e.key, e.amount) for e in matching.feed(bought(1, 90, 1000))] == [(3, 10), (1, 20), (2, 10)]
    assert [(o.key, o.remaining, o.ahead) for o in matching.resting] == [(2, 10, 0)]


def test_one_print_is_not_given_out_twice() -> None:
    matching = Matching()
    for key in (1, 2, 3):
        matching.join(key, Side.SELL, 1000, 20, ROUND)
    assert sum(e.amount for e in matching.feed(bought(1, 30, 1001))) == 30


@pytest.mark.parametrize(("side", "price"), [(Side.SELL, 990), (Side.SELL, 985), (Side.BUY, 1000), (Side.BUY, 2000)])
def test_post_only_that_would_cross_is_rejected(side: Side, price: int) -> None:
    matching = Matching()
    with pytest.raises(WouldCross):
        matching.join(1, side, price, 5, ROUND)
    assert matching.resting == ()


def test_immediate_order_walks_the_levels_within_its_limit() -> None:
    done = Matching().take(1, Side.BUY, 1009, 200, ROUND, 7)
    assert [(e.price, e.amount, e.maker) for e in done] == [(1000, 50, False), (1001, 30, False)]  # 1010 is beyond
    done = Matching().take(1, Side.SELL, 980, 300, ROUND, 7)
    assert [(e.price, e.amount) for e in done] == [(990, 200), (980, 100)]


def test_what_we_took_is_gone_until_the_level_changes() -> None:
    matching = Matching()
    matching.take(1, Side.BUY, 1000, 40, ROUND, 7)
    assert matching.visible(ROUND).asks[1000] == 10
    assert [e.amount for e in matching.take(2, Side.BUY, 1000, 40, ROUND, 8)] == [10]
    assert matching.visible(ROUND).best_ask == 1001
    assert matching.take(3, Side.BUY, 1000, 40, ROUND, 9) == []
    matching.feed(asked(10, 45, 1000))
    refreshed = Book(ROUND.bids, ROUND.asks | {1000: 45})
    assert [e.amount for e in matching.take(4, Side.BUY, 1000, 60, refreshed, 11)] == [45]


def test_post_only_may_rest_where_we_took_everything() -> None:
    matching = Matching()
    matching.take(1, Side.SELL, 990, 200, ROUND, 7)
    assert matching.join(2, Side.SELL, 990, 5, ROUND).ahead == 0
