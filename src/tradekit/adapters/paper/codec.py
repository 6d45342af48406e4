"""Books and minutes of tape as bytes: variable-length integers, prices as differences. No floats, no pickle.

A number takes seven bits a byte, lowest first; the high bit says that more follow. Signed numbers are folded to
0, -1, 1, -2 ... An event is (milliseconds since the one before, four times the folded price step plus kind plus
side, amount).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tradekit.adapters.paper.tape import Book, Level, Print, TapeEvent
from tradekit.domain.proposal import Side

_KINDS: Final = ((Print, Side.BUY), (Print, Side.SELL), (Level, Side.BUY), (Level, Side.SELL))


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Non-negative integers as bytes."""
    out = bytearray()
    for number in numbers:
        rest = number
        while rest > 127:
            out.append(rest & 127 | 128)
            rest >>= 7
        out.append(rest)
    return bytes(out)


def unpack_numbers(data: bytes) -> list[int]:
    """The integers again."""
    numbers: list[int] = []
    append = numbers.append
    value = shift = 0
    for byte in data:
        if byte > 127:
            value |= (byte & 127) << shift
            shift += 7
        elif shift:
            append(value | byte << shift)
            value = shift = 0
        else:
            append(byte)
    return numbers


def pack_book(book: Book) -> bytes:
    """Bids from the best down, then asks from the best up; each step to the next price is positive."""
    numbers = [len(book.bids)]
    price = 0
    for bid in sorted(book.bids, reverse=True):
        numbers += (abs(price - bid), book.bids[bid])
        price = bid
    price = 0
    for ask in sorted(book.asks):
        numbers += (ask - price, book.asks[ask])
        price = ask
    return pack_numbers(numbers)


def unpack_book(data: bytes) -> Book:
    """The book again."""
    numbers = unpack_numbers(data)
    split = 1 + 2 * numbers[0]
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    price = 0
    for index in range(1, split, 2):
        price = numbers[index] if index == 1 else price - numbers[index]
        bids[price] = numbers[index + 1]
    price = 0
    for index in range(split, len(numbers), 2):
        price += numbers[index]
        asks[price] = numbers[index + 1]
    return Book(bids, asks)


def pack_events(events: Iterable[TapeEvent], start: int) -> bytes:
    """The events of a minute that begins at `start`, in order of time."""
    numbers: list[int] = []
    time, price = start, 0
    for event in events:
        kind = (0 if event.taker is Side.BUY else 1) if isinstance(event, Print) else 2 + (event.side is Side.SELL)
        numbers += (event.time - time, _fold(event.price - price) << 2 | kind, event.amount)
        time, price = event.time, event.price
    return pack_numbers(numbers)


def unpack_events(data: bytes, start: int) -> list[TapeEvent]:
    """The events again, in a minute that begins at `start`."""
    numbers = iter(unpack_numbers(data))
    events: list[TapeEvent] = []
    time, price = start, 0
    for wait, word, amount in zip(numbers, numbers, numbers, strict=True):
        time += wait
        folded = word >> 2
        price += -(folded + 1 >> 1) if folded & 1 else folded >> 1
        noun, side = _KINDS[word & 3]
        events.append(noun(time, side, price, amount))
    return events


def _fold(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1
