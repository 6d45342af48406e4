"""Laws: the state is the fold of the journal however it is cut, and books, numbers and ids keep theirs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby, product
from typing import Any, get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from account_files import STATE, finished, folded, intent, store
from event_stories import LOTS, PRICES, STAMP, Story, draw_fill, stories
from memory_disk import MemoryDisk
from plain_values import TEXTS, UNHURRIED, values_of
from some_books import books_of, unexplained
from tradekit.adapters.store.record_line import START
from tradekit.adapters.store.snapshot import parse, render
from tradekit.decide.fold import fold, replay
from tradekit.decide.ledger import Ledger
from tradekit.domain.books import Books, Owner
from tradekit.domain.event import EVENT_TYPES, Event, Record
from tradekit.domain.fill import Fill
from tradekit.domain.numbers import (
    plain,
    total,
)
from tradekit.domain.order import (
    LEGAL_MOVES,
    Canceling,
    Closed,
    Closing,
    FinalWord,
    IllegalMove,
    Intended,
    Open,
    Order,
    OrderState,
    Unknown,
)
from tradekit.domain.plain import BadShape, from_plain, to_plain
from tradekit.domain.position import Position
from tradekit.domain.proposal import Side
from tradekit.domain.state import State

ZERO = Decimal(0)


@UNHURRIED
@given(stories(), st.data())
def test_a_state_and_the_events_after_it_make_the_state_of_all_events(story: Story, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(story.records)))
    saved = parse(render(story.states[cut], START), STATE).state
    assert replay(saved, story.records[cut:]) == story.states[-1] == replay(State(STAMP), story.records)


@settings(UNHURRIED, max_examples=40)
@given(stories(), st.lists(st.integers(1, 6), min_size=1, max_size=8), st.data())
def test_however_a_story_is_written_and_saved_the_store_gives_it_back(
    story: Story, batches: list[int], data: st.DataObject
) -> None:
    disk = MemoryDisk()
    at = store(disk, segment_bytes=2000)
    at.load()
    at.create(State(STAMP))
    state, left = State(STAMP), list(story.records)
    while left:
        size = batches[len(left) % len(batches)]
        _, together = next(groupby(left[:size], key=lambda record: record.time))  # one write has one time
        written = list(together)
        left = left[len(written) :]
        state = replay(state, at.append([r.event for r in written], written[-1].time, reduces_risk=True))
        if data.draw(st.booleans()):
            at.save(state)
    loaded = store(disk).load()
    assert loaded.state is not None
    assert replay(loaded.state, loaded.tail) == state
    assert folded([line.record for line in store(disk).lines()]) == state
    store(disk).verify()


@UNHURRIED
@given(stories())
def test_every_prefix_of_a_story_is_a_valid_state_of_its_own(story: Story) -> None:
    for record, state in zip(story.records, story.states[1:], strict=True):
        assert (state.seq, state.is_opened) == (record.seq, True)
        assert state.time >= record.time
        assert state.books.tallies.keys() - {"USDT"} == state.positions.keys()
        for asset, position in state.positions.items():
            assert min(position.quantity, position.outside, unexplained(state.books, asset)) >= 0
            assert state.books.tallies[asset].total == position.total


def test_a_skipped_or_repeated_record_is_refused() -> None:
    record = Record(2, 0, finished(0))
    for seq in (0, 2, 7):
        with pytest.raises(ValueError, match="does not follow"):
            fold(State(STAMP, seq=seq), record)


@pytest.mark.parametrize("kind", [*EVENT_TYPES, State, Order, Position, Fill])
def test_everything_that_is_written_is_read_back_as_it_was(kind: Any) -> None:
    @settings(UNHURRIED, max_examples=30)
    @given(values_of(kind))
    def holds(value: Any) -> None:
        text = json.dumps(to_plain(kind, value))
        back = from_plain(kind, json.loads(text))
        assert back == value
        assert json.dumps(to_plain(kind, back)) == text

    holds()


@UNHURRIED
@given(values_of(Event))
def test_an_event_says_which_one_it_is(event: Any) -> None:
    back = from_plain(Event, json.loads(json.dumps(to_plain(Event, event))))
    assert (type(back), back) == (type(event), event)


@UNHURRIED
@given(TEXTS | st.text("0123456789.-+eE_ ", max_size=8) | st.integers() | st.floats() | st.none() | st.booleans())
@example("--1")
@example("1.")
@example(".5")
@example("1e5")
@example("1_0")
@example("1\n")
@example("\u0661")
@example("NaN")
def test_a_number_is_read_strictly_or_refused(text: Any) -> None:
    try:
        number = from_plain(Decimal, text)
    except BadShape:
        return
    assert number.is_finite()
    assert set(text) <= set("-.0123456789")
    assert from_plain(Decimal, plain(number)) == number


def held(books: Books, asset: str) -> Decimal:
    """Units on the account by the books, less what was sold beyond them."""
    return books.total(asset) - unexplained(books, asset)


def book_fill(books: Books, fill: Fill) -> Books:
    ledger = Ledger(books)
    ledger.enter(fill, Owner.TRADEKIT)
    return ledger.books()


def moved_by(fill: Fill) -> dict[str, Decimal]:
    """What a trade does to each asset, straight from its definition."""
    sign = 1 if fill.side is Side.BUY else -1
    moved = {fill.base: sign * fill.amount, fill.quote: -sign * fill.cost}
    for fee in fill.fees:
        moved[fee.asset] = moved.get(fee.asset, ZERO) - fee.amount
    return moved


def trades() -> st.SearchStrategy[list[Fill]]:
    symbols = st.sampled_from(["BTC/USDT", "ETH/USDT", "BNB/USDT"])
    orders = st.builds(lambda side, symbol: intent(1, side=side, symbol=symbol), st.sampled_from(Side), symbols)
    return st.lists(st.composite(lambda draw: draw_fill(draw, draw(orders), "x", 1, 5))(), max_size=12)


def opened() -> Books:
    return books_of(Decimal(1000), [Position("BTC", Decimal(3), Decimal(100), outside=Decimal(1))])


@UNHURRIED
@given(trades())
def test_booking_conserves_every_asset_to_the_last_digit(trade: list[Fill]) -> None:
    books, begin = opened(), opened()
    moved: dict[str, Decimal] = {}
    for fill in trade:
        books = book_fill(books, fill)
        for asset, amount in moved_by(fill).items():
            moved[asset] = moved.get(asset, ZERO) + amount
    for asset in {*moved, "BTC", "USDT"}:
        assert held(books, asset) == held(begin, asset) + moved.get(asset, ZERO)


@UNHURRIED
@given(trades())
def test_nothing_held_is_ever_negative_and_what_is_gone_costs_nothing(trade: list[Fill]) -> None:
    books = opened()
    for fill in trade:
        rebate = any(fee.amount < 0 for fee in fill.fees)
        before, books = books, book_fill(books, fill)
        for asset, position in books.positions.items():
            assert min(position.quantity, position.outside, unexplained(books, asset)) >= 0
            was = before.positions.get(asset, Position(asset))
            assert position.cost >= 0 or rebate or was.cost < 0
            assert position.quantity > 0 or position.cost == 0
            assert unexplained(books, asset) >= unexplained(before, asset)


@UNHURRIED
@given(trades())
def test_what_was_paid_is_in_the_cost_or_in_the_result(trade: list[Fill]) -> None:
    """Third-asset fees and what had no cost aside, quote currency only moves between cash, cost and result."""
    books = opened()
    for fill in trade:
        fees = tuple(fee for fee in fill.fees if fee.asset == fill.quote)
        amount = fill.amount
        if fill.side is Side.SELL:
            amount = min(amount, books.positions.get(fill.base, Position(fill.base)).quantity)
        if amount:
            books = book_fill(books, fill._replace(fees=fees, amount=amount, cost=amount * fill.price))
    values = books.positions.values()
    assert books.cash + total(p.cost - p.realized for p in values) == Decimal(1000) + Decimal(100)


@UNHURRIED
@given(LOTS, PRICES, LOTS)
def test_a_sale_removes_cost_in_proportion_rounded_once(bought: Decimal, price: Decimal, sold: Decimal) -> None:
    buy = intent(1)
    fill = Fill(buy.symbol, "1", "x", None, Side.BUY, bought, price, bought * price, (), 1)
    books = book_fill(books_of(ZERO), fill)
    sold = min(sold, bought)
    books = book_fill(books, fill._replace(trade_id="2", side=Side.SELL, amount=sold, cost=sold * price))
    removed = (bought * price * sold / bought).quantize(Decimal("1e-18"), ROUND_HALF_EVEN)
    assert books.positions["BTC"].cost == bought * price - removed
    assert books.cash == (sold - bought) * price


@pytest.mark.parametrize(("cost", "removed"), [("0.5", "0"), ("1.5", "2"), ("2.5", "2"), ("2.500001", "3")])
def test_a_cost_that_falls_between_two_last_digits_goes_to_the_even_one(cost: str, removed: str) -> None:
    """`cost` and `removed` in units of the last digit, for half of what is held."""
    digit = Decimal("1e-18")
    held_for = 2 * Decimal(cost) * digit
    fill = Fill("BTC/USDT", "1", "x", None, Side.SELL, Decimal(1), ZERO, ZERO, (), 1)
    books = book_fill(books_of(ZERO, [Position("BTC", Decimal(2), held_for)]), fill)
    assert books.positions["BTC"].cost == held_for - Decimal(removed) * digit


def an(kind: type[Any]) -> OrderState:
    made: dict[type[Any], OrderState] = {
        Intended: Intended(1),
        Unknown: Unknown(1, "x"),
        Open: Open(1),
        Canceling: Canceling(1, "x"),
        Closing: Closing(1, FinalWord.FILLED, ZERO),
        Closed: Closed(1, FinalWord.FILLED),
    }
    return made[kind]


@pytest.mark.parametrize(("begin", "end"), list(product(get_args(OrderState), repeat=2)))
def test_an_order_moves_only_as_the_table_says(begin: type[Any], end: type[Any]) -> None:
    order = Order(intent(1), an(begin))
    if end in LEGAL_MOVES[begin]:
        assert order.move(an(end)) == order._replace(state=an(end))
    else:
        with pytest.raises(IllegalMove):
            order.move(an(end))


def test_the_table_of_moves_never_leads_back() -> None:
    ranks: Iterable[type[Any]] = (Intended, Unknown, Open, Canceling, Closing, Closed)
    rank = {kind: number for number, kind in enumerate(ranks)}
    assert rank.keys() == LEGAL_MOVES.keys() == set(get_args(OrderState))
    assert all(rank[end] >= rank[begin] for begin, ends in LEGAL_MOVES.items() for end in ends)
    assert not LEGAL_MOVES[Closed]


def test_only_a_tombstone_comes_back_to_life() -> None:
    for word in FinalWord:
        order = Order(intent(1), Closed(1, word))
        if word is FinalWord.NOT_PLACED:
            assert order.move(Open(2)).state == Open(2)
        else:
            with pytest.raises(IllegalMove):
                order.move(Open(2))
