"""Rebuild: the books folded from zero, out of the journal or out of any history of trades.

The same ledger writes them as in a live run. A history that doesn't reach back to an empty account gets an opening lot
from the balance, marked as assumed: a window that is too short never deletes a position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.book_events import opening_books, write
from tradekit.decide.ledger import Entry, Ledger
from tradekit.domain.books import BookedFill, Books, CostMethod, Owner, Tally, key_of
from tradekit.domain.conversion import is_conversion
from tradekit.domain.event import (
    AccountOpened,
    AssetAdopted,
    AssetReleased,
    BooksRebuilt,
    FillBooked,
    FlowRecorded,
    OrderAcknowledged,
    OrderAdopted,
    OrderIntended,
    Record,
    StateRestored,
)
from tradekit.domain.fill import BrokenTrade, Fill, TradeRow
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import ZERO
from tradekit.domain.position import Position


class FoldedJournal(NamedTuple):
    """Books, or None where the journal doesn't reach back to any, of so many `fills` from `first` to `last`."""

    books: Books | None
    fills: int
    first: int
    last: int


def fold_journal(records: Iterable[Record], method: CostMethod) -> FoldedJournal:
    """The books by the journal alone. Between two other changes of the books, fills go in their order of trading.

    What a person decided, a restore or a rebuild, stands: the fold goes on from it.
    """
    books: Books | None = None
    waiting: list[BookedFill] = []
    count = first = last = 0
    for record in records:
        match record.event:
            case FillBooked(fill, owner):
                waiting.append(BookedFill(fill, owner))
                count += 1
                first, last = min(first or fill.time, fill.time), max(last, fill.time)
            case AccountOpened() as opened:
                books, waiting = opening_books(opened, record.time)._replace(method=method), []
            case AssetAdopted() | AssetReleased() | FlowRecorded() as change:
                if books is not None:
                    ledger = _entered(books, waiting)
                    write(ledger, change, record.time)
                    books = ledger.books()
                waiting = []
            case StateRestored() as restored:
                books = _in_method(restored.recent.before, method)
                waiting = [booked for booked in restored.recent.fills if key_of(booked.fill) > restored.recent.until]
            case BooksRebuilt() as rebuilt if rebuilt.counted_until or books is None:
                books, waiting = _in_method(rebuilt.books, method), []
            case _:
                pass
    return FoldedJournal(None if books is None else _entered(books, waiting).books(), count, first, last)


def _in_method(books: Books, method: CostMethod) -> Books:
    """The same holdings, kept by another method from here on: what is held of an asset becomes one lot, or none."""
    if books.method is method:
        return books
    positions = {asset: position._replace(lots=()) for asset, position in books.positions.items()}
    return books._replace(method=method, positions=positions)


def _entered(books: Books, fills: list[BookedFill]) -> Ledger:
    ledger = Ledger(books)
    for booked in sorted(fills, key=lambda booked: key_of(booked.fill)):
        ledger.enter(booked.fill, booked.owner)
    return ledger


def orders_sent(records: Iterable[Record]) -> frozenset[tuple[str, str]]:
    """Symbol and exchange id of every order of tradekit: not every exchange tells our own id with a trade."""
    symbols: dict[ClientOrderId, str] = {}
    sent = set()
    for record in records:
        match record.event:
            case OrderIntended(intent):
                symbols[intent.client_order_id] = intent.symbol
            case OrderAcknowledged(id, exchange_id):
                sent.add((symbols.get(id, ""), exchange_id))
            case OrderAdopted(intent, exchange_id):
                sent.add((intent.symbol, exchange_id))
            case _:
                pass
    return frozenset(sent)


def conversions_in(records: Iterable[Record], after: int = 0) -> list[Fill]:
    """The conversions that a journal booked after the event with this number. Each was booked once."""
    booked = (record.event.fill for record in records if record.seq > after and isinstance(record.event, FillBooked))
    return [fill for fill in booked if is_conversion(fill)]


class History(NamedTuple):
    """What a history of trades makes of an empty account. Times are those of its first and last trade.

    `changed` came again with other content; `broken` make no sense; neither is in the books.
    """

    books: Books
    trades: int
    duplicates: int
    changed: tuple[BrokenTrade, ...]
    broken: tuple[BrokenTrade, ...]
    first: int
    last: int


class _Market(NamedTuple):
    """What the trades of one symbol have in common, at hand: looked up once and not a million times."""

    ids: set[str]
    base: Entry
    quote: Entry
    owner: Owner


def fold_history(
    rows: Iterable[TradeRow | BrokenTrade],
    quote: str,
    method: CostMethod,
    owner_of: Callable[[str], Owner],
    whose: Callable[[TradeRow], Owner | None] | None = None,
) -> History:
    """Folds trades that come in (time, symbol, id) order, each once.

    Whose trade it is says `whose` where it knows, else `owner_of` by symbol.
    """
    ledger = Ledger(Books(quote, method))
    markets: dict[str, _Market] = {}
    changed: list[BrokenTrade] = []
    broken: list[BrokenTrade] = []
    duplicates = first = 0
    last: TradeRow | None = None
    trade = ledger.trade
    for row in rows:
        if isinstance(row, BrokenTrade):
            broken.append(row)
            continue
        symbol, id, _, buys, amount, cost, fees, time = row
        market = markets.get(symbol)
        if market is None:
            base, _, quoted = symbol.partition("/")
            market = markets[symbol] = _Market(set(), ledger.entry(base), ledger.entry(quoted), owner_of(symbol))
            first = first or time
        ids, page, counter, owner = market
        if id in ids:
            if row == last:
                duplicates += 1
            else:
                changed.append(BrokenTrade(symbol, id, time, "comes again with other content; the first counts"))
            continue
        ids.add(id)
        if whose is not None:
            owner = whose(row) or owner
        trade(page, counter, buys, amount, cost, fees, time, owner)
        last = row
    trades, until = sum(len(market.ids) for market in markets.values()), 0 if last is None else last.time
    return History(ledger.books(), trades, duplicates, tuple(changed), tuple(broken), first, until)


class OpeningLot(NamedTuple):
    """Units that the account had before its history begins, taken from the balance; `price` is an assumption."""

    asset: str
    quantity: Decimal
    price: Decimal


class Rebuilt(NamedTuple):
    """Books that agree with the balances where they can, and the opening lots that this took."""

    books: Books
    openings: tuple[OpeningLot, ...]


def with_opening_lots(
    history: Books,
    balances: Mapping[str, Decimal],
    before: Books,
    prices: Mapping[str, Decimal],
    managed: Iterable[str],
    now: int,
) -> Rebuilt:
    """What the balances show beyond the history was there before it, what the history sold of it included.

    What is left of that is valued at the average of the books `before`, or else at `prices`. It is managed where the
    policy says so, and as far as it was. A balance smaller than the history is left as a difference to explain.
    """
    ledger, managed = Ledger(history), frozenset(managed)
    openings = []
    for asset in sorted(balances.keys() | history.tallies.keys()):
        tally = history.tallies.get(asset, Tally())
        start = balances.get(asset, ZERO) - (tally.total - tally.unexplained)
        if asset != history.quote:
            start = max(start, tally.unexplained)
        if start == 0:
            continue
        left = start - tally.unexplained
        had = before.positions.get(asset, Position(asset))
        rebuilt = history.positions.get(asset, Position(asset))
        ours = left if asset in managed else min(max(had.quantity - rebuilt.quantity, ZERO), left)
        price = had.average or prices.get(asset, ZERO)
        ledger.assume_opening(asset, start, ours, price, had.opened or now)
        openings.append(OpeningLot(asset, start, price))
    return Rebuilt(ledger.books(), tuple(openings))
