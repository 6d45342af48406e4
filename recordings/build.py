"""Builds `src/tradekit/adapters/paper/recording.sqlite3`: one real pair and 49 synthetic ones.

    python -m recordings.build --fast-pair FILE [--output FILE]

The same input gives the same rows. See README.md beside this file for what they are and where they come from.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from recordings.coins import COINS, Coin
from recordings.fast_pair import MINUTES, STEP, SYMBOL, TICK, Thinned
from recordings.synthetic import Street
from tradekit.adapters.paper.codec import pack_book, pack_events
from tradekit.adapters.paper.recording import FORMAT, MINUTE, SCHEMA, SHIPPED
from tradekit.adapters.paper.tape import Book, Listing, Print, TapeEvent
from tradekit.domain.market import Source
from tradekit.domain.numbers import ceil_to, plain

MIN_NOTIONAL = Decimal(5)
NOTICE = Path(__file__).with_name("NOTICE")


class Minute(NamedTuple):
    """One minute of one symbol as it goes into the file, prices in ticks and volumes in lots."""

    minute: int
    book: bytes
    events: bytes
    candle: tuple[int, int, int, int, int]


def build(fast_pair: Path, output: Path) -> None:
    """Writes the whole file anew."""
    output.unlink(missing_ok=True)
    db = sqlite3.connect(output)
    db.executescript(f"PRAGMA page_size = 16384; PRAGMA user_version = {FORMAT}; {SCHEMA}")
    db.execute("INSERT INTO notice VALUES (?)", (NOTICE.read_text(encoding="utf-8"),))
    real = Thinned(fast_pair)
    price = Decimal(real.opening.best_bid or 0) * TICK
    write(db, 1, _listing(SYMBOL, TICK, STEP, price, Source.RECORDED, MINUTES), real.opening, real.events)
    for number, coin in enumerate(COINS, start=2):
        write_coin(db, number, coin)
    db.commit()
    db.execute("VACUUM")
    db.close()


def write_coin(db: sqlite3.Connection, number: int, coin: Coin) -> None:
    """Writes one synthetic symbol."""
    tick, step, price = Decimal(coin.tick), Decimal(coin.step), Decimal(coin.price)
    listing = _listing(coin.symbol, tick, step, price, Source.SYNTHETIC, coin.tier.minutes)
    street = Street(coin)
    write(db, number, listing, street.opening, street.events())


def write(db: sqlite3.Connection, number: int, listing: Listing, opening: Book, events: Iterable[TapeEvent]) -> None:
    """Writes one symbol; its 24 h volume is what the loop would trade in a day."""
    tape = list(events)
    rows = list(minutes(opening, tape, listing.minutes))
    traded = sum(e.price * e.amount for e in tape if isinstance(e, Print))
    daily = traded * listing.price_tick * listing.amount_step * 1440 / listing.minutes
    filters = (listing.price_tick, listing.amount_step, listing.min_amount, listing.min_notional)
    db.execute(
        "INSERT INTO market VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (number, listing.symbol, *map(plain, filters), 1, listing.source, listing.minutes, plain(round(daily, 2))),
    )
    db.executemany("INSERT INTO candle VALUES (?, ?, ?, ?, ?, ?, ?)", ((number, r.minute, *r.candle) for r in rows))
    db.executemany("INSERT INTO tape VALUES (?, ?, ?, ?)", ((number, r.minute, r.book, r.events) for r in rows))


def minutes(opening: Book, tape: list[TapeEvent], length: int) -> Iterator[Minute]:
    """Cuts a tape with times from 0 into whole minutes. A minute without a print repeats the last close."""
    by_minute = {m: list(group) for m, group in groupby(tape, lambda event: event.time // MINUTE)}
    close = next(event.price for event in reversed(tape) if isinstance(event, Print))
    book = Book(opening.bids, opening.asks)
    for minute in range(length):
        events = by_minute.get(minute, [])
        before = pack_book(book)
        prints = [event for event in events if isinstance(event, Print)]
        prices = [event.price for event in prints] or [close]
        close = prices[-1]
        candle = (prices[0], max(prices), min(prices), close, sum(event.amount for event in prints))
        yield Minute(minute, before, pack_events(events, minute * MINUTE), candle)
        for event in events:
            book.apply(event)


def _listing(symbol: str, tick: Decimal, step: Decimal, price: Decimal, source: Source, length: int) -> Listing:
    base, _, quote = symbol.partition("/")
    min_amount = ceil_to(1 / price, step)
    return Listing(symbol, base, quote, tick, step, min_amount, MIN_NOTIONAL, True, source, length, Decimal(0))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast-pair", type=Path, required=True, help="L2 recording of BTC/USDT (see README.md)")
    parser.add_argument("--output", type=Path, default=SHIPPED)
    options = parser.parse_args()
    build(options.fast_pair, options.output)


if __name__ == "__main__":
    main()
