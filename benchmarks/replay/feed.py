"""A `Feed` over tapes, so that the whole of tradekit can be run on a recorded market: one tape, under as many names as
there are assets to sell, each name from a moment of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from replay.tape import Tape
from tradekit.adapters.paper.tape import Book, Listing, Print, TapeEvent, Top, tops_of_books
from tradekit.adapters.paper.world import BEGINNING
from tradekit.domain.market import Candle, Source
from tradekit.domain.times import DAY_MS, MINUTE_MS

LEAST_NOTIONAL = Decimal(5)


class TapeFeed:
    """Implements `Feed`. `starts` says for each asset which moment of the tape is the beginning of its world."""

    def __init__(self, tape: Tape, quote: str, starts: Mapping[str, int], source: Source = Source.RECORDED) -> None:
        self._tape = tape
        self._shifts = {f"{asset}/{quote}": start - BEGINNING for asset, start in starts.items()}
        traded = sum(trade.price * trade.amount for trade in tape.printed(tape.start, tape.end + 1))
        volume = traded * tape.grid.tick * tape.grid.step * DAY_MS / (tape.end - tape.start)
        filters = (tape.grid.tick, tape.grid.step, tape.grid.step, LEAST_NOTIONAL)
        minutes = (tape.end - tape.start) // MINUTE_MS
        self._listings = {
            symbol: Listing(symbol, symbol.partition("/")[0], quote, *filters, True, source, minutes, volume)
            for symbol in self._shifts
        }

    def listings(self) -> Mapping[str, Listing]:
        """All names, with the same filters."""
        return self._listings

    def book(self, symbol: str, time: int) -> Book:
        """See `Feed`."""
        return self._tape.book(time + self._shifts[symbol])

    def tops(self, symbols: Sequence[str], time: int) -> Mapping[str, Top]:
        """See `Feed`."""
        return tops_of_books(self, symbols, time)

    def events(self, symbol: str, start: int, end: int) -> Iterable[TapeEvent]:
        """See `Feed`."""
        shift = self._shifts[symbol]
        return (e._replace(time=e.time - shift) for e in self._tape.between(start + shift, end + shift))

    def candles(self, symbol: str, before: int, minutes: int) -> list[Candle]:
        """See `Feed`. Only minutes that the tape has; one without a trade repeats the close before it."""
        found: list[Candle] = []
        shift, first = self._shifts[symbol], before - before % MINUTE_MS - minutes * MINUTE_MS
        for start in range(first, first + minutes * MINUTE_MS, MINUTE_MS):
            trades = list(self._tape.printed(start + shift, start + shift + MINUTE_MS))
            if trades:
                found.append(self._candle(start, trades))
            elif found:
                found.append(_unchanged(start, found[-1].close))
        return found

    def _candle(self, start: int, trades: list[Print]) -> Candle:
        tick, step = self._tape.grid
        prices = [trade.price * tick for trade in trades]
        volume = sum(trade.amount for trade in trades) * step
        return Candle(start, prices[0], max(prices), min(prices), prices[-1], volume)


def _unchanged(start: int, price: Decimal) -> Candle:
    return Candle(start, price, price, price, price, Decimal(0))
