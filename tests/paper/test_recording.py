"""The shipped recording: what it holds, that it loops without a seam, and that it can be built again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings.build import write_coin
from recordings.coins import COINS

from tradekit.adapters.paper.codec import pack_book, pack_events, unpack_book, unpack_events
from tradekit.adapters.paper.recording import MINUTE, SCHEMA, SHIPPED, Recording
from tradekit.adapters.paper.tape import Book, Level, Print, TapeEvent
from tradekit.adapters.paper.world import BEGINNING
from tradekit.domain.errors import NeedsHuman
from tradekit.domain.market import Source
from tradekit.domain.proposal import Side


@pytest.fixture(scope="module")
def recording() -> Iterator[Recording]:
    with closing(Recording()) as opened:
        yield opened


def shipped_file() -> sqlite3.Connection:
    return sqlite3.connect(f"{SHIPPED.as_uri()}?mode=ro&immutable=1", uri=True)


def levels(book: Book) -> tuple[dict[int, int], dict[int, int]]:
    return book.bids, book.asks


_numbers = st.integers(1, 10**12)
_events = st.builds(
    lambda noun, side, price, amount, wait: (noun, side, price, amount, wait),
    st.sampled_from((Print, Level)),
    st.sampled_from(Side),
    _numbers,
    st.integers(0, 10**12),
    st.integers(0, 900),
)


@given(st.lists(_events, max_size=60), st.integers(0, 10**13))
def test_events_come_back_as_they_went_in(
    rows: list[tuple[type[Print] | type[Level], Side, int, int, int]], start: int
) -> None:
    time, events = start, list[TapeEvent]()
    for noun, side, price, amount, wait in rows:
        time += wait
        events.append(noun(time, side, price, amount))
    assert unpack_events(pack_events(events, start), start) == events


@given(st.dictionaries(_numbers, _numbers, max_size=20), st.dictionaries(_numbers, _numbers, max_size=20))
def test_books_come_back_as_they_went_in(bids: dict[int, int], asks: dict[int, int]) -> None:
    assert levels(unpack_book(pack_book(Book(bids, asks)))) == (bids, asks)


def test_fifty_symbols_in_four_megabytes(recording: Recording) -> None:
    listings = recording.listings()
    assert len(listings) == 50
    assert SHIPPED.stat().st_size <= 4_000_000
    assert {m.quote for m in listings.values()} == {"USDT"}
    assert [s for s, m in listings.items() if m.source is Source.RECORDED] == ["BTC/USDT"]
    assert {m.source for m in listings.values()} == {Source.RECORDED, Source.SYNTHETIC}
    assert all(m.active and m.min_notional >= 1 for m in listings.values())
    assert {"PENGU/USDT", "ZK/USDT", "ETH/USDT"} <= listings.keys()


def test_the_licence_travels_with_the_data() -> None:
    with closing(shipped_file()) as db:
        ((text,),) = db.execute("SELECT text FROM notice")
    assert "hftbacktest" in text
    assert "MIT License" in text


def test_a_missing_recording_is_said_plainly() -> None:
    with pytest.raises(NeedsHuman) as caught:
        Recording(SHIPPED.with_name("nowhere.sqlite3"))
    assert caught.value.problems[0].code == "paper_recording_unreadable"


def test_books_are_sound_at_any_time(recording: Recording) -> None:
    for symbol, listing in recording.listings().items():
        for time in range(0, listing.minutes * MINUTE, listing.minutes * 1511):
            book = recording.book(symbol, BEGINNING + time)
            assert book.best_bid is not None
            assert book.best_ask is not None
            assert book.best_bid < book.best_ask
            assert min(book.bids.values()) > 0
            assert min(book.asks.values()) > 0


@pytest.mark.parametrize("symbol", ["BTC/USDT", "PENGU/USDT", "ETH/USDT"])
def test_tape_and_books_tell_the_same_story(recording: Recording, symbol: str) -> None:
    """Also over the seam: the book before it, played on, is the book after it."""
    length = recording.listings()[symbol].minutes
    start = BEGINNING // MINUTE
    start = (start - start % length + length - 2) * MINUTE
    book = recording.book(symbol, start)
    looks = [start + ms for ms in (0, 1, 60_000, 119_999, 120_000, 120_001, 180_000, 240_777)]
    for before, now in pairwise(looks):
        for event in recording.events(symbol, before, now):
            book.apply(event)
        assert levels(book) == levels(recording.book(symbol, now))


def test_synthetic_loops_end_where_they_began(recording: Recording) -> None:
    for symbol, listing in recording.listings().items():
        if listing.source is Source.SYNTHETIC:
            seam = listing.minutes * MINUTE * 1000
            assert levels(recording.book(symbol, seam)) == levels(recording.book(symbol, seam + 1))


def test_cutting_the_tape_in_pieces_loses_nothing(recording: Recording) -> None:
    whole = list(recording.events("ZK/USDT", BEGINNING, BEGINNING + 5 * MINUTE))
    cuts = [BEGINNING + cut for cut in (0, 1, 59_999, 60_000, 60_001, 150_000, 5 * MINUTE)]
    assert [e for a, b in pairwise(cuts) for e in recording.events("ZK/USDT", a, b)] == whole
    assert [e.time for e in whole] == sorted(e.time for e in whole)


def test_candles_are_the_prints_of_their_minutes(recording: Recording) -> None:
    now = BEGINNING + 17 * MINUTE + 5
    for symbol in ("BTC/USDT", "PENGU/USDT", "SOL/USDT"):
        listing = recording.listings()[symbol]
        candles = recording.candles(symbol, now, 300)
        assert [c.time for c in candles] == [BEGINNING + (17 - 300 + n) * MINUTE for n in range(300)]
        for candle in candles[-3:]:
            prints = [e for e in recording.events(symbol, candle.time, candle.time + MINUTE) if isinstance(e, Print)]
            assert candle.volume == sum(e.amount for e in prints) * listing.amount_step
            if prints:
                prices = [e.price * listing.price_tick for e in prints]
                assert candle[1:5] == (prices[0], max(prices), min(prices), prices[-1])


def test_the_stated_volume_is_the_traded_one(recording: Recording) -> None:
    for symbol, listing in recording.listings().items():
        candles = recording.candles(symbol, 0, listing.minutes)
        top = sum(c.high * c.volume for c in candles) * 1440 / listing.minutes
        bottom = sum(c.low * c.volume for c in candles) * 1440 / listing.minutes
        assert bottom <= listing.volume_24h + 1
        assert listing.volume_24h <= top + 1


def test_there_is_something_for_every_tier_and_every_trigger(recording: Recording) -> None:
    volumes = [m.volume_24h for m in recording.listings().values()]
    assert sum(v > 10_000_000 for v in volumes) >= 9
    assert sum(5_000_000 < v < 12_000_000 for v in volumes) >= 8
    assert sum(2_000_000 < v <= 5_000_000 for v in volumes) >= 5
    assert sum(v < 2_000_000 for v in volumes) >= 15
    moved = 0
    for symbol, listing in recording.listings().items():
        closes = [c.close for c in recording.candles(symbol, 0, listing.minutes)]
        moved += any(abs(b / a - 1) > Decimal("0.015") for a, b in zip(closes, closes[15:], strict=False))
    assert moved >= 20


def test_a_synthetic_symbol_is_built_again_to_the_byte() -> None:
    number, coin = next((n, coin) for n, coin in enumerate(COINS, start=2) if coin.symbol == "PENGU/USDT")
    with closing(sqlite3.connect(":memory:")) as fresh, closing(shipped_file()) as shipped:
        fresh.executescript(SCHEMA)
        write_coin(fresh, number, coin)
        for query in (
            f"SELECT * FROM market WHERE id = {number}",
            f"SELECT * FROM candle WHERE market = {number} ORDER BY minute",
            f"SELECT * FROM tape WHERE market = {number} ORDER BY minute",
        ):
            assert fresh.execute(query).fetchall() == shipped.execute(query).fetchall()
