"""Live public markets as a `Feed`: strangers trade on a real exchange, and the paper account queues up behind them.

What it can't see counts against us: trades that the exchange no longer lists move nothing, and a level deeper than
what it shows stays as it was. Never asks for anything that needs a key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tradekit.adapters.exchange.cache_file import read_cache, write_cache
from tradekit.adapters.exchange.public import Depth, PublicMarkets, PublicTrade
from tradekit.adapters.paper.tape import Book, Level, Listing, Print, TapeEvent, Top
from tradekit.domain.market import Candle, Market, Source
from tradekit.domain.numbers import ZERO
from tradekit.domain.proposal import Side

_NO_LOOP: Final = 0


class LiveFeed:
    """Implements `Feed`. Books that were seen are kept in the file `memory` (None: nowhere), so that the next run knows
    which levels have changed. `only` limits it to some base assets.
    """

    def __init__(self, markets: PublicMarkets, memory: Path | None, only: Collection[str] = ()) -> None:
        self._public = markets
        self._memory = memory
        found = markets.markets()
        self._listings = {s: _listing(m) for s, m in found.items() if not only or m.base in only}
        self._seen = {} if memory is None else _remembered(read_cache(memory))

    def listings(self) -> Mapping[str, Listing]:
        """All markets in the account's quote currency."""
        return self._listings

    def book(self, symbol: str, time: int) -> Book:
        """The book as it is shown now; `time` is now."""
        book = self._look(symbol)
        self._remember(symbol, book)
        return Book(book.bids, book.asks)

    def tops(self, symbols: Sequence[str], time: int) -> Mapping[str, Top]:
        """Best prices of all, in as few questions as the exchange allows."""
        found = {}
        for symbol, quote in self._public.quotes(list(symbols)).items():
            listing = self._listings[symbol]
            sides = ((quote.bid, quote.bid_amount), (quote.ask, quote.ask_amount))
            bids, asks = (((price, amount),) if price else () for price, amount in sides)
            found[symbol] = Top(quote.time, _book(Depth(bids, asks), listing), quote.volume_24h)
        return found

    def events(self, symbol: str, start: int, end: int) -> Iterable[TapeEvent]:
        """Trades since the last look, as far as they are still listed; then the levels that have changed since.

        What was traded before a book was seen is in that book.
        """
        listing = self._listings[symbol]
        seen, before = self._seen.get(symbol, (start, None))
        printed = [trade for trade in self._public.trades(symbol) if max(start, seen) <= trade.time < end]
        for trade in printed:
            yield from _prints(trade, listing)
        book = self._look(symbol)
        self._remember(symbol, book)
        if before is not None:
            yield from (change for change in before.changes_to(book, end - 1) if _is_shown(change, book))

    def candles(self, symbol: str, before: int, minutes: int) -> Sequence[Candle]:
        """The last complete minutes."""
        return self._public.candles([symbol], minutes).get(symbol, ())

    def _look(self, symbol: str) -> Book:
        return _book(self._public.depths([symbol])[symbol], self._listings[symbol])

    def _remember(self, symbol: str, book: Book) -> None:
        self._seen[symbol] = (self._public.now, book)
        if self._memory is not None:
            kept = {
                name: {"time": time, "bids": list(seen.bids.items()), "asks": list(seen.asks.items())}
                for name, (time, seen) in self._seen.items()
            }
            write_cache(self._memory, kept)


def _listing(market: Market) -> Listing:
    names = (market.symbol, market.base, market.quote)
    filters = (market.price_tick, market.amount_step, market.min_amount, market.min_notional)
    return Listing(*names, *filters, market.active, Source.PUBLIC, _NO_LOOP, ZERO)


def _book(depth: Depth, listing: Listing) -> Book:
    """On a coarser grid than the exchange's own, prices move away from each other, and amounts shrink."""
    bids, asks = Book(), Book()
    for levels, side, up in ((depth.bids, bids.bids, False), (depth.asks, asks.asks, True)):
        for price, amount in levels:
            tick = _ticks(price, listing, up=up)
            side[tick] = side.get(tick, 0) + int(amount / listing.amount_step)
    return Book({p: lots for p, lots in bids.bids.items() if lots}, {p: lots for p, lots in asks.asks.items() if lots})


def _prints(trade: PublicTrade, listing: Listing) -> Iterator[Print]:
    """The trade on the listing's grid. Where nobody says who took, it counts for what it went through: a trade below a
    bid has passed that bid, whoever began it.
    """
    lots = int(trade.amount / listing.amount_step)
    if not lots:
        return
    up, down = _ticks(trade.price, listing, up=True), _ticks(trade.price, listing, up=False)
    if trade.taker is not Side.BUY:
        yield Print(trade.time, Side.SELL, up if trade.taker else up + 1, lots)
    if trade.taker is not Side.SELL:
        yield Print(trade.time, Side.BUY, down if trade.taker else down - 1, lots)


def _ticks(price: Decimal, listing: Listing, *, up: bool) -> int:
    ticks = price / listing.price_tick
    whole = int(ticks)
    return whole + 1 if up and ticks != whole else whole


def _is_shown(change: Level, book: Book) -> bool:
    """Whether the level lies within what the exchange shows; deeper down nothing is known."""
    levels = book.levels(change.side)
    if not levels:
        return False
    return change.price >= min(levels) if change.side is Side.BUY else change.price <= max(levels)


def _remembered(kept: Any) -> dict[str, tuple[int, Book]]:
    try:
        return {name: (int(s["time"]), Book(dict(s["bids"]), dict(s["asks"]))) for name, s in kept.items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        return {}
