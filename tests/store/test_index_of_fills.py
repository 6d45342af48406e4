"""Which trades are booked, by the index: whatever was restored, rebuilt and restored again, as the books say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from plain_values import UNHURRIED
from tradekit.adapters.journal_index import FileIndex
from tradekit.adapters.store.record_line import Line, Position
from tradekit.domain.books import BookedFill, Books, Owner, RecentFills
from tradekit.domain.event import BooksRebuilt, Event, FillBooked, Record, StateRestored
from tradekit.domain.fill import Fill
from tradekit.domain.proposal import Side

D = Decimal
SYMBOLS = ("BTC/USDT", "ETH/USDT")
IDS = [(symbol, str(number)) for symbol in SYMBOLS for number in range(4)]  # the same ids on two symbols


def fill(symbol: str, id: str, amount: int) -> Fill:
    return Fill(symbol, id, "x1", None, Side.BUY, D(amount), D(1), D(amount), (), 7)


def back_to(seq: int) -> StateRestored:
    return StateRestored("older", seq, Books(), RecentFills(), 0, {}, {})


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("fill"), st.sampled_from(IDS)),
        st.tuples(st.just("restore"), st.integers(0, 8)),
        st.tuples(st.just("rebuild"), st.lists(st.sampled_from(IDS), max_size=3, unique=True)),
    ),
    max_size=12,
)


@settings(UNHURRIED, max_examples=25)
@example([("fill", IDS[0]), ("restore", 0), ("restore", 1)], 2)
@given(EVENTS, st.integers(0, 12))
def test_the_index_knows_the_trades_of_the_books_in_force(story: list[tuple[str, object]], asked_at: int) -> None:
    records: list[Record] = []
    booked: dict[tuple[str, str], str] = {}
    as_of = [dict(booked)]

    def lines(after: Position) -> Iterable[Line]:
        return [Line(record, Position(1, record.seq, record.seq, "")) for record in records if record.seq > after.seq]

    with tempfile.TemporaryDirectory() as folder:
        index = FileIndex(Path(folder) / "cache" / "index", lines)
        for number, (what, detail) in enumerate(story, start=1):
            event: Event
            match what, detail:
                case "fill", (str(symbol), str(id)):
                    made = fill(symbol, id, number)
                    if (symbol, id) in booked:  # nothing is booked twice
                        made = fill(symbol, f"{id}-{number}", number)
                    event = FillBooked(made)
                    booked[made.symbol, made.trade_id] = made.digest
                case "restore", int(seq):
                    event = back_to(min(seq, len(records)))
                    booked = dict(as_of[min(seq, len(records))])
                case _:
                    assert isinstance(detail, list)
                    listed = [fill(symbol, id, number) for symbol, id in detail]
                    event = BooksRebuilt(
                        "exchange", Books(), tuple(BookedFill(f, Owner.OUTSIDE) for f in listed), 1, {}
                    )
                    booked |= {(f.symbol, f.trade_id): f.digest for f in listed}
            records.append(Record(number, 0, event))
            as_of.append(dict(booked))
            if number == asked_at:
                assert index.fills(IDS) == {id: booked[id] for id in IDS if id in booked}
        for asked in (index, FileIndex(Path(folder) / "cache" / "another", lines)):
            assert asked.fills(IDS) == {id: booked[id] for id in IDS if id in booked}
