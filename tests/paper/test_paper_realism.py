"""Whether the thin coins fill as thin coins do: a 15 USDT sell, at fixed start times all over the loop.

The shares are those that real thin books gave: at the best ask 3 to 8 % within 25 s behind the queue, twice or three
times that in front of it, 10 to 18 % one tick inside the spread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest

from tradekit.adapters.paper.matching import Matching, Resting, WouldCross
from tradekit.adapters.paper.recording import MINUTE, Recording
from tradekit.domain.numbers import ceil_to
from tradekit.domain.proposal import Side

LATENCY, TTL, STRIDE = 300, 25_000, 7_000
BEST, FRONT, INSIDE, BEHIND = "best", "front", "inside", "behind"


def attempts(recording: Recording, symbol: str) -> Iterator[set[str]]:
    """For each start time the ways of placing the order that filled it whole."""
    listing = recording.listings()[symbol]
    for start in range(0, listing.minutes * MINUTE, STRIDE):
        best = recording.book(symbol, start).best_ask or 0
        price = best * listing.price_tick
        lots = int(ceil_to(15 / price, listing.amount_step) / listing.amount_step)
        arrival = start + LATENCY
        book = recording.book(symbol, arrival)
        queues: dict[str, Matching] = {}
        for name, ticks in ((BEST, 0), (INSIDE, -1), (BEHIND, 5)):
            queues[name] = Matching()
            try:
                order = queues[name].join(1, Side.SELL, best + ticks, lots, book)
            except WouldCross:
                order = Resting(1, Side.SELL, best + ticks, lots, 10**18)
                queues[name] = Matching([order._replace(price=10**18)])
            if name == BEST:
                queues[FRONT] = Matching([order._replace(ahead=0)])
        for event in recording.events(symbol, arrival, arrival + TTL):
            for queue in queues.values():
                queue.feed(event)
        yield {name for name, queue in queues.items() if not queue.resting}


def shares(symbol: str) -> dict[str, Decimal]:
    with closing(Recording()) as recording:
        tries = list(attempts(recording, symbol))
    return {
        name: Decimal(100 * sum(name in filled for filled in tries)) / len(tries)
        for name in (BEST, FRONT, INSIDE, BEHIND)
    }


@pytest.mark.parametrize("symbol", ["PENGU/USDT", "REQ/USDT"])
def test_thin_coins_fill_as_rarely_as_real_ones(symbol: str) -> None:
    share = shares(symbol)
    assert 3 <= share[BEST] <= 8
    assert 2 * share[BEST] <= share[FRONT] <= 3 * share[BEST]
    assert 10 <= share[INSIDE] <= 18
    assert share[BEHIND] < share[BEST]
