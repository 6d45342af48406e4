"""One synthetic market: a fair price that ends where it began, makers who quote around it, takers who come at random.

Deterministic: the seed is the symbol, and every exponential or logarithm is rounded to nine places, so that another
machine's mathematics library gives the same file. Floats live here only; what comes out is whole ticks and lots.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from recordings.coins import Coin
from tradekit.adapters.paper.tape import Book, Level, Print, TapeEvent
from tradekit.domain.proposal import Side

MAX_LEVELS = 8
SECOND = 1000


class Weather:
    """Per second: the fair price in ticks, how lively it is, and which share of takers buys."""

    def __init__(self, coin: Coin, chance: random.Random) -> None:
        seconds = coin.tier.minutes * 60
        step = coin.tier.volatility_bp / 10_000 / round(math.sqrt(60), 9)
        drift = [step * chance.gauss(0, 1) for _ in range(seconds)]
        # takers come in bursts: each minute has its own mood, one on average
        moods = [round(math.exp(0.8 * chance.gauss(0, 1) - 0.32), 9) for _ in range(coin.tier.minutes)]
        self.activity = [moods[second // 60] for second in range(seconds)]
        self.buyers = [0.5] * seconds
        for _ in range(coin.tier.moves):
            self._move(drift, chance)
        excess = sum(drift) / seconds
        self.fair: list[float] = []
        height, start = 0.0, float(coin.price) / float(coin.tick)
        for slip in drift:
            height += slip - excess
            self.fair.append(start * round(math.exp(height), 9))

    def _move(self, drift: list[float], chance: random.Random) -> None:
        length = chance.randrange(4, 12) * 60
        begin = chance.randrange(0, len(drift) - 4 * length)
        size = chance.choice((-1, 1)) * chance.uniform(0.012, 0.032)
        for second in range(begin, begin + length):
            drift[second] += size / length
            self.activity[second] *= 3.5
            self.buyers[second] = 0.72 if size > 0 else 0.28
        # most of it comes back slowly, so that the bridge has little to mend
        for second in range(begin + length, begin + 4 * length):
            drift[second] -= size * 0.9 / (3 * length)


class Street:
    """Makers and takers of one coin, with the book between them."""

    def __init__(self, coin: Coin) -> None:
        self._coin = coin
        self._chance = random.Random(f"tradekit recording 1 {coin.symbol}")
        self._weather = Weather(coin, self._chance)
        self._lot_usdt = float(coin.price) * float(coin.step)
        self._book = Book()
        self._fair = self._weather.fair[0]
        for side in Side:
            for _ in self._restock(side, 0):
                pass
        self.opening = Book(self._book.bids, self._book.asks)

    def events(self) -> Iterator[TapeEvent]:
        """The whole loop; its last millisecond brings the opening book back."""
        seconds = len(self._weather.fair)
        for second in range(seconds):
            self._fair = self._weather.fair[second]
            for time, is_taker, side in self._arrivals(second):
                yield from self._taker(side, time) if is_taker else self._requote(side, time)
        last = seconds * SECOND - 1
        for change in self._book.changes_to(self.opening, last):
            self._book.apply(change)
            yield change

    def _arrivals(self, second: int) -> list[tuple[int, bool, Side]]:
        tier, buyers = self._coin.tier, self._weather.buyers[second]
        lively = self._weather.activity[second]
        found = []
        for side in Side:
            share = 2 * (buyers if side is Side.BUY else 1 - buyers)
            takers, requotes = tier.takers * share * lively, tier.requotes * min(max(lively, 1.0), 2.0)
            for is_taker, rate in ((True, takers), (False, requotes)):
                # the last 100 ms of a second stay free for the closing of the loop
                times = [self._chance.randrange(0, 900) for _ in range(self._count(rate / 60))]
                found += [(second * SECOND + time, is_taker, side) for time in times]
        return sorted(found)

    def _count(self, mean: float) -> int:
        count, level, floor = 0, self._chance.random(), round(math.exp(-mean), 9)
        while level > floor:
            count += 1
            level *= self._chance.random()
        return count

    def _taker(self, side: Side, time: int) -> Iterator[TapeEvent]:
        tier = self._coin.tier
        lots = self._lots(tier.taker_usdt, tier.taker_spread)
        other = Side.SELL if side is Side.BUY else Side.BUY
        levels = self._book.levels(other)
        for price in sorted(levels, reverse=other is Side.BUY)[:3]:
            if not lots or len(levels) == 1:
                return
            part = min(lots, levels[price])
            lots -= part
            yield Print(time, side, price, part)
            yield self._show(time, other, price, levels[price] - part)

    def _requote(self, side: Side, time: int) -> Iterator[TapeEvent]:
        for stale_side in Side:
            yield from self._pull_stale(stale_side, time)
        tier, levels = self._coin.tier, self._book.levels(side)
        best = min(levels) if side is Side.SELL else max(levels)
        target = self._around(side, self._half() * self._chance.uniform(0.55, 1.6))
        away = (best - target) * self._sign(side)
        if away > 0:
            yield self._show(time, side, target, self._touch())
        elif self._chance.random() < 0.45:
            yield self._show(time, side, best, self._touch())
        else:
            deep = best + self._sign(side) * (1 + int(self._half() * self._chance.uniform(0.2, 3)))
            yield self._show(time, side, deep, self._lots(tier.touch_usdt * 1.5, tier.touch_spread))
        yield from self._restock(side, time)

    def _pull_stale(self, side: Side, time: int) -> Iterator[TapeEvent]:
        limit = self._around(side, self._half() * 0.3)
        stale = [p for p in self._book.levels(side) if (limit - p) * self._sign(side) > 0]
        for price in stale:
            yield self._show(time, side, price, 0)
        if stale:
            yield from self._restock(side, time)

    def _restock(self, side: Side, time: int) -> Iterator[TapeEvent]:
        levels, sign = self._book.levels(side), self._sign(side)
        if not levels:
            yield self._show(time, side, self._around(side, self._half()), self._touch())
        while len(levels) < 5:
            farthest = max(levels) if side is Side.SELL else min(levels)
            gap = 1 + int(self._half() * self._chance.uniform(0.3, 1.5))
            size = self._lots(self._coin.tier.touch_usdt * 2, self._coin.tier.touch_spread)
            yield self._show(time, side, farthest + sign * gap, size)
        while len(levels) > MAX_LEVELS:
            yield self._show(time, side, max(levels) if side is Side.SELL else min(levels), 0)

    def _show(self, time: int, side: Side, price: int, lots: int) -> Level:
        level = Level(time, side, price, lots)
        self._book.apply(level)
        return level

    def _half(self) -> float:
        return max(self._fair * self._coin.tier.spread_bp / 20_000, 0.5)

    def _around(self, side: Side, distance: float) -> int:
        return math.ceil(self._fair + distance) if side is Side.SELL else math.floor(self._fair - distance)

    def _sign(self, side: Side) -> int:
        return 1 if side is Side.SELL else -1

    def _touch(self) -> int:
        return self._lots(self._coin.tier.touch_usdt, self._coin.tier.touch_spread)

    def _lots(self, median_usdt: float, spread: float) -> int:
        size = median_usdt * round(math.exp(spread * self._chance.gauss(0, 1)), 9)
        return max(1, round(size / self._lot_usdt))
