"""Words for paper tests: a market written down by hand, orders as one line of text, and a world on top of them.

The market is X/USDT with a tick of 0.01 and a step of 0.1, so that 1000 ticks are 10.00 and 50 lots are 5.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import count

from tradekit.adapters.paper.setup import FeeAsset, PaperSetup
from tradekit.adapters.paper.tape import Book, Level, Listing, Print, TapeEvent, Top, tops_of_books
from tradekit.adapters.paper.world import BEGINNING
from tradekit.domain.decision import Approved
from tradekit.domain.ids import client_order_id
from tradekit.domain.market import Candle, Source
from tradekit.domain.order import Open, Order, OrderIntent, TimeInForce
from tradekit.domain.proposal import Amount, Origin, Proposal, Side

LATENCY = 300
ROUND = Book(bids={990: 200, 980: 500}, asks={1000: 50, 1001: 30, 1010: 400})
_numbers = count()


class HandFeed:
    """A `Feed` over lists. Event times count from the beginning of the world."""

    def __init__(self, events: Sequence[TapeEvent] = (), book: Book = ROUND, *, active: bool = True) -> None:
        self._book = book
        self._events = [event._replace(time=BEGINNING + event.time) for event in events]
        filters = (Decimal("0.01"), Decimal("0.1"), Decimal("0.2"), Decimal(5))
        names = (("X/USDT", "X", "USDT", active), ("Y/USDT", "Y", "USDT", True), ("X/EUR", "X", "EUR", True))
        self._listings = {
            symbol: Listing(symbol, base, quote, *filters, trading, Source.SYNTHETIC, 60, Decimal(1_000_000))
            for symbol, base, quote, trading in names
        }

    def listings(self) -> Mapping[str, Listing]:
        return self._listings

    def book(self, symbol: str, time: int) -> Book:
        book = Book(self._book.bids, self._book.asks)
        for event in self.events(symbol, BEGINNING, time):
            book.apply(event)
        return book

    def tops(self, symbols: Sequence[str], time: int) -> Mapping[str, Top]:
        return tops_of_books(self, symbols, time)

    def events(self, symbol: str, start: int, end: int) -> Iterator[TapeEvent]:
        return (event for event in self._events if symbol == "X/USDT" and start <= event.time < end)

    def candles(self, symbol: str, before: int, minutes: int) -> Sequence[Candle]:
        return [Candle(before, Decimal(1), Decimal(1), Decimal(1), Decimal(1), Decimal(len(symbol)))] * minutes


def bought(time: int, lots: int, price: int) -> Print:
    """A taker bought: sellers who rest may be filled."""
    return Print(time, Side.BUY, price, lots)


def sold(time: int, lots: int, price: int) -> Print:
    """A taker sold: buyers who rest may be filled."""
    return Print(time, Side.SELL, price, lots)


def asked(time: int, lots: int, price: int) -> Level:
    """The ask level now shows so many lots."""
    return Level(time, Side.SELL, price, lots)


def bid(time: int, lots: int, price: int) -> Level:
    """The bid level now shows so many lots."""
    return Level(time, Side.BUY, price, lots)


def setup(fee_asset: FeeAsset = FeeAsset.QUOTE, **balances: str) -> PaperSetup:
    """10 bp for makers, 20 bp for takers; 1000 USDT and 100 X unless told otherwise."""
    held = {asset: Decimal(text) for asset, text in (balances or {"USDT": "1000", "X": "100"}).items()}
    return PaperSetup("USDT", held, Decimal("0.001"), Decimal("0.002"), fee_asset, LATENCY)


def intent(text: str, name: str | None = None) -> OrderIntent:
    """`"sell 5.0 X/USDT @ 10.00"`, post-only unless it ends in `IOC`. A name fixes the client order id."""
    side, amount, symbol, _, price, *force = text.split()
    key = name or f"{text} {next(_numbers)}"
    proposal = Proposal(key, symbol, Side(side), Amount(Decimal(amount)), Decimal(1), "test", Origin.RULE)
    approved = Approved(proposal, Decimal(amount), Decimal(price), Decimal(price))
    in_force = TimeInForce.IOC if force else TimeInForce.PO
    numbers = (Decimal(amount), Decimal(price))
    return OrderIntent(approved, 0, client_order_id("test", key, 0), *numbers, in_force, BEGINNING, BEGINNING + 25_000)


def as_order(sent: OrderIntent) -> Order:
    """The order that tradekit would keep for it."""
    return Order(sent, Open(BEGINNING))
