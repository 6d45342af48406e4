"""Laws of the books: whatever the order of delivery and the batches, fold, rebuild and reconcile agree to the digit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from event_stories import STAMP
from plain_values import UNHURRIED
from some_books import unexplained
from tradekit.decide import booking
from tradekit.decide.fold import fold
from tradekit.decide.rebuild import fold_history, fold_journal, with_opening_lots
from tradekit.decide.reconcile import Known, reconcile, rows_of
from tradekit.domain.books import Books, CostMethod, Owner, Tally, key_of
from tradekit.domain.event import (
    AccountOpened,
    AssetAdopted,
    BooksRebuilt,
    Event,
    FillBooked,
    FlowRecorded,
    Holding,
    Record,
)
from tradekit.domain.fill import Fill, TradeRow
from tradekit.domain.money import Money
from tradekit.domain.proposal import Side
from tradekit.domain.state import State

D = Decimal
OPENED = 1_000
NOW = 1_000_000
SYMBOLS = ("BTC/USDT", "ETH/USDT", "BNB/USDT", "ETH/BTC")
MANAGED = ("ETH", "BNB")
LOTS = st.integers(1, 10**6).map(lambda lots: D(lots).scaleb(-4))
PRICES = st.integers(1, 10**6).map(lambda ticks: D(ticks).scaleb(-3))


@st.composite
def histories(draw: st.DrawFn, longest: int = 14) -> list[Fill]:
    """Trades in some order, several in one millisecond, with fees in base, quote or a third asset."""
    made = []
    for number in range(draw(st.integers(0, longest))):
        symbol, side = draw(st.sampled_from(SYMBOLS)), draw(st.sampled_from(Side))
        amount, price = draw(LOTS), draw(PRICES)
        base, quote = symbol.split("/")
        fees = []
        kind = draw(st.sampled_from(["none", "base", "quote", "third", "rebate"]))
        if kind != "none":
            asset = {"base": base, "quote": quote, "third": "BNB", "rebate": quote}[kind]
            share = D("0.001") if kind != "rebate" else D("-0.0002")
            fees = [Money((amount if asset == base else amount * price) * share, asset)]
        time = OPENED + 1 + draw(st.integers(0, 6)) * 1000
        made.append(
            Fill(symbol, f"t{number:02}", f"x{number}", None, side, amount, price, amount * price, tuple(fees), time)
        )
    return made


class Account:
    """A state and its journal, fed with lists of trades as an exchange gives them."""

    def __init__(self, method: CostMethod = CostMethod.AVERAGE) -> None:
        self.records: list[Record] = []
        self.state = State(STAMP)
        held = (
            Holding("ETH", D(5), D(10), managed=True),
            Holding("BTC", D(2), D(0), managed=False),
            Holding("BNB", D(3), D(7), managed=True),
        )
        self.record(AccountOpened(STAMP, "laws", D(1000), held, method), time=OPENED)

    def record(self, *events: Event, time: int = NOW) -> None:
        for event in events:
            record = Record(len(self.records) + 1, time, event)
            self.state = fold(self.state, record)
            self.records.append(record)

    def listed(self, trades: Sequence[Fill]) -> None:
        booked = {(e.fill.symbol, e.fill.trade_id): e.fill.digest for e in self.events(FillBooked)}
        since = dict.fromkeys(SYMBOLS, 0)
        found = reconcile(self.state, trades, since, Known(booked), MANAGED, NOW)
        assert not found.holds
        self.record(*found.fresh)
        if self.state.recent.out_of_order:
            folded = fold_journal(self.records, self.state.books.method)
            assert folded.books is not None
            self.record(BooksRebuilt("journal", folded.books, (), 0, {}))

    def events(self, kind: type[FillBooked]) -> list[FillBooked]:
        return [record.event for record in self.records if isinstance(record.event, kind)]


def in_order(trades: Sequence[Fill]) -> list[Fill]:
    return sorted(trades, key=key_of)


@settings(UNHURRIED, max_examples=120)
@given(histories(), st.randoms(), st.integers(1, 5), st.sampled_from(CostMethod), st.sampled_from([1, 3, 60]))
def test_the_order_of_delivery_changes_nothing(
    trades: list[Fill], chance: object, batch: int, method: CostMethod, kept: int
) -> None:
    import random

    assert isinstance(chance, random.Random)
    straight, shuffled = Account(method), Account(method)
    straight.listed(in_order(trades))
    delivered = [*trades, *chance.choices(trades, k=3)] if trades else []  # some are listed twice
    chance.shuffle(delivered)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(booking, "RECENT_KEPT", kept)
        for begin in range(0, len(delivered), batch):
            shuffled.listed(delivered[begin : begin + batch])
    assert shuffled.state.books == straight.state.books
    assert len(shuffled.events(FillBooked)) == len(trades)
    folded = fold_journal(shuffled.records, method)
    assert (folded.books, folded.fills) == (straight.state.books, len(trades))


@settings(UNHURRIED, max_examples=60)
@given(histories(), histories(), st.sampled_from(CostMethod))
def test_the_journal_rebuilds_the_books_across_other_changes(
    first: list[Fill], second: list[Fill], method: CostMethod
) -> None:
    account = Account(method)
    account.listed(first)
    account.record(AssetAdopted("BTC", D(100)), FlowRecorded("ETH", D("-1.5"), D(10), by_hand=True))
    account.listed([fill._replace(trade_id=f"later-{fill.trade_id}") for fill in second])
    assert fold_journal(account.records, method).books == account.state.books


@settings(UNHURRIED, max_examples=80)
@given(histories(), st.sampled_from(CostMethod))
def test_every_asset_is_conserved_and_every_proof_adds_up(trades: list[Fill], method: CostMethod) -> None:
    account = Account(method)
    before = account.state.books
    account.listed(trades)
    books = account.state.books
    moved: dict[str, Decimal] = {}
    for fill in trades:
        sign = 1 if fill.side is Side.BUY else -1
        paid = [(fee.asset, -fee.amount) for fee in fill.fees]
        for asset, amount in ((fill.base, sign * fill.amount), (fill.quote, -sign * fill.cost), *paid):
            moved[asset] = moved.get(asset, D(0)) + amount
    for asset in {*moved, *before.tallies}:
        found = books.total(asset) - unexplained(books, asset)
        assert found == before.total(asset) + moved.get(asset, D(0))
        assert books.tallies.get(asset, Tally()).total == books.total(asset)
    for position in books.positions.values():
        assert min(position.quantity, position.outside, position.adopted) >= 0
        assert position.adopted <= position.quantity
        if position.lots:
            assert method is not CostMethod.AVERAGE
            assert sum((lot.quantity for lot in position.lots), D(0)) == position.quantity
            assert sum((lot.cost for lot in position.lots), D(0)) == position.cost


def managed_all(symbol: str) -> Owner:
    return Owner.MANAGED


@settings(UNHURRIED, max_examples=80)
@given(histories(), st.dictionaries(st.sampled_from(["BTC", "ETH", "BNB", "USDT", "XRP"]), LOTS, max_size=4))
def test_a_rebuilt_history_agrees_with_the_balances_and_never_loses_a_position(
    trades: list[Fill], more: dict[str, Decimal]
) -> None:
    """The balances are what the trades leave of some unknown beginning; the history is all that there is to see."""
    history = fold_history(rows_of(trades, NOW), "USDT", CostMethod.AVERAGE, managed_all).books
    balances = {}
    for asset in {*history.tallies, *more}:
        tally = history.tallies.get(asset, Tally())
        balances[asset] = tally.total + more.get(asset, D(0))
    rebuilt = with_opening_lots(history, balances, Books("USDT"), {}, MANAGED, NOW)
    for asset, balance in balances.items():
        assert rebuilt.books.total(asset) == balance
        assert rebuilt.books.tallies.get(asset, Tally()).total == balance
    assert {lot.asset: lot.quantity for lot in rebuilt.openings} == {
        asset: tally.assumed for asset, tally in rebuilt.books.tallies.items() if tally.assumed
    }


@settings(UNHURRIED, max_examples=60)
@given(histories(), st.integers(0, 14))
def test_a_window_that_is_too_short_changes_no_quantity(trades: list[Fill], cut: int) -> None:
    whole = fold_history(rows_of(trades, NOW), "USDT", CostMethod.AVERAGE, managed_all).books
    balances = {asset: whole.total(asset) for asset in whole.tallies}
    window = in_order(trades)[cut:]
    part = fold_history(rows_of(window, NOW), "USDT", CostMethod.AVERAGE, managed_all).books
    rebuilt = with_opening_lots(part, balances, whole, {}, (), NOW).books
    for asset in balances:
        assert rebuilt.total(asset) == whole.total(asset)


def test_duplicates_count_once_and_changed_ones_are_told() -> None:
    one = TradeRow("BTC/USDT", "1", None, True, D(1), D(100), (), 5)
    rows = [one, one, one._replace(time=7, amount=D(2)), one._replace(trade_id="2", time=9)]
    found = fold_history(rows, "USDT", CostMethod.AVERAGE, managed_all)
    assert (found.trades, found.duplicates, [t.trade_id for t in found.changed]) == (2, 1, ["1"])
    assert found.books.positions["BTC"].quantity == 2
