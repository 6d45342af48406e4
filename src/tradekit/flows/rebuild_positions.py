"""`tradekit rebuild-positions`: the books folded from zero, beside the books in force, and taken over on request.

From the journal, from the exchange's own history, or from a file of trades; the same ledger writes all of them. Nothing
is changed without `apply`, and a restore of the state before takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.decide.changes import PositionChange, compare
from tradekit.decide.doubts import holds_for
from tradekit.decide.history import fold_by_policy
from tradekit.decide.order_events import order_of
from tradekit.decide.proof import ProofRow, prove
from tradekit.decide.rebuild import (
    History,
    OpeningLot,
    conversions_in,
    fold_journal,
    orders_sent,
    with_opening_lots,
)
from tradekit.decide.reconcile import OVERLAP_MS, owner_of, rows_of
from tradekit.domain.books import BookedFill, Books, CostMethod, Owner, key_of
from tradekit.domain.errors import ExitCode, NeedsHuman, Problem
from tradekit.domain.event import BooksRebuilt, FilledPart, HoldPlaced
from tradekit.domain.fill import BrokenTrade, Fill, TradeRow
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Snapshot
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Closed
from tradekit.steps.desk import Desk
from tradekit.steps.settle import known_symbols, settle
from tradekit.steps.snapshot import open_account, take_snapshot
from tradekit.steps.troubles import describe_rest, exit_code_of


class Source(StrEnum):
    """Where the trades come from."""

    JOURNAL = "journal"
    EXCHANGE = "exchange"
    FILE = "file"


class RebuildReport(NamedTuple):
    """Old and new side by side, asset by asset. `trades` were folded in, the first and last at these times (0: none).

    `openings` are lots that no trade shows. `proof` holds the new books against the balances; empty for the journal,
    which asks nobody. `broken` trades are in no book.
    """

    source: Source
    method: CostMethod
    trades: int
    duplicates: int
    first: int
    last: int
    broken: tuple[BrokenTrade, ...]
    openings: tuple[OpeningLot, ...]
    changes: tuple[PositionChange, ...]
    proof: tuple[ProofRow, ...]
    applied: bool
    problems: tuple[Problem, ...]
    exit_code: ExitCode


class _New(NamedTuple):
    """Books from a source, and what the event needs besides them."""

    history: History
    openings: tuple[OpeningLot, ...] = ()
    fills: tuple[BookedFill, ...] = ()
    counted_until: int = 0
    filled: Mapping[ClientOrderId, FilledPart] = {}
    proof: tuple[ProofRow, ...] = ()


def rebuild_positions(
    desk: Desk,
    source: Source,
    file: History | None = None,
    since: int | None = None,
    *,
    apply: bool,
) -> RebuildReport:
    """Folds the books from `source`; of a file `fold_file` has done so. With `apply` they replace those in force.

    Raises `NeedsHuman` where orders are unsettled or the journal has no beginning, and `Unreachable`.
    """
    if not (source is Source.JOURNAL and desk.state.is_opened):
        open_account(desk)
        settle(desk)
    if apply:
        _refuse_unsettled(desk)
        desk.save()  # the state before is a generation from here on: a restore takes all this back
    old = desk.state.books
    if source is Source.JOURNAL:
        new = _journal(desk)
    elif source is Source.EXCHANGE:
        new = _exchange(desk, since or 0)
    else:
        assert file is not None
        new = _opened(desk, file, (), desk.clock.now())
    changes = compare(old, new.history.books, new.openings)
    broken = (*new.history.broken, *new.history.changed)
    if apply:
        _take_over(desk, source, new, broken)
    quote = desk.state.stamp.quote
    problems = (
        *(Problem("fill_quarantined", f"{t.symbol}: trade {t.trade_id} {t.why}", _LOOK) for t in broken[:20]),
        *(describe_rest(row, quote) for row in new.proof if row.doubtful),
    )
    return RebuildReport(
        source=source,
        method=new.history.books.method,
        trades=new.history.trades,
        duplicates=new.history.duplicates,
        first=new.history.first,
        last=new.history.last,
        broken=broken,
        openings=new.openings,
        changes=changes,
        proof=new.proof,
        applied=apply,
        problems=problems,
        exit_code=exit_code_of(problems),
    )


_LOOK = "it is in no book; its symbol is held until `tradekit resume` where the books are applied"

_SETTLE = (
    "`tradekit halt`, then one `tradekit cycle`, looks up their fate and cancels what rests;"
    " `tradekit purge ASSET --stop` cancels a purge's"
)


def _refuse_unsettled(desk: Desk) -> None:
    """A trade of an order that isn't over might be in the balances and not in the list yet, and be counted twice."""
    unsure = [order.intent for order in desk.state.orders.values() if not isinstance(order.state, Closed)]
    names = [f"{intent.client_order_id} ({intent.symbol})" for intent in unsure]
    names += [f"{id} (conversion, {item.intent.symbol})" for id, item in desk.state.conversions.items()]
    if names:
        count = "the fate of 1 order" if len(names) == 1 else f"the fate of {len(names)} orders"
        what = f"{count} is open: {', '.join(names[:5])}"
        raise NeedsHuman(Problem("orders_unsettled", what, _SETTLE))


def _journal(desk: Desk) -> _New:
    folded = fold_journal(desk.store.history(), CostMethod(desk.policy.books.cost_method))
    if folded.books is None:
        fix = "`rebuild-positions --from exchange` folds them from the exchange's own history"
        raise NeedsHuman(Problem("journal_without_opening", "the journal doesn't reach back to any books", fix))
    return _New(History(folded.books, folded.fills, 0, (), (), folded.first, folded.last))


def _exchange(desk: Desk, since: int) -> _New:
    """Books of the exchange's own history, and of the conversions that the journal knows; what is older than the window
    is in an opening lot.
    """
    managed, state, now = desk.policy.account.managed, desk.state, desk.clock.now()
    sent = orders_sent(desk.store.history())
    since = min(since, now)
    quote = state.stamp.quote
    held = {f"{asset}/{quote}" for asset in desk.exchange.snapshot(()).balances if asset != quote}
    listed = [
        *desk.exchange.fills_since(dict.fromkeys(sorted(known_symbols(desk) | held), since)),
        *(fill for fill in conversions_in(desk.store.history()) if fill.time >= since),  # no exchange lists these
    ]
    owners = {
        (t.symbol, t.trade_id): Owner.TRADEKIT if (t.symbol, t.exchange_id) in sent else owner_of(state, t, managed)
        for t in listed
        if isinstance(t, Fill)
    }
    rows = rows_of(listed, now)
    history = fold_by_policy(desk.policy, quote, rows, lambda row: owners[row.symbol, row.trade_id])
    fills = _each_once(rows, listed, owners)
    new = _opened(desk, history, fills, max(now - OVERLAP_MS, since - 1))
    return new._replace(filled=_filled(desk, fills, since))


def _opened(desk: Desk, history: History, fills: Iterable[BookedFill], counted_until: int) -> _New:
    """The books of a history, opened with what the balances show beyond it."""
    state, managed = desk.state, desk.policy.account.managed
    snapshot = take_snapshot(desk)
    balances = {asset: balance.total for asset, balance in snapshot.balances.items()}
    built = with_opening_lots(history.books, balances, state.books, _prices(snapshot), managed, desk.clock.now())
    proven = state._replace(books=built.books)
    return _New(
        history._replace(books=built.books),
        built.openings,
        tuple(booked for booked in fills if booked.fill.time > counted_until),
        counted_until,
        proof=prove(proven, snapshot.balances, snapshot, desk.policy.books.tolerance_notional),
    )


def _each_once(
    rows: Iterable[TradeRow | BrokenTrade],
    listed: Iterable[Fill | BrokenTrade],
    owners: Mapping[tuple[str, str], Owner],
) -> list[BookedFill]:
    """The trades that the books are made of: of those with one id the first, and none without sense."""
    booked = {(row.symbol, row.trade_id) for row in rows if isinstance(row, TradeRow)}
    once: dict[tuple[str, str], Fill] = {}
    for fill in sorted((trade for trade in listed if isinstance(trade, Fill)), key=key_of):
        if (fill.symbol, fill.trade_id) in booked:
            once.setdefault((fill.symbol, fill.trade_id), fill)
    return [BookedFill(fill, owners[id]) for id, fill in once.items()]


def _prices(snapshot: Snapshot) -> dict[str, Decimal]:
    return {symbol.partition("/")[0]: quote.bid for symbol, quote in snapshot.quotes.items()}


def _filled(desk: Desk, fills: Iterable[BookedFill], since: int) -> dict[ClientOrderId, FilledPart]:
    """What the history shows of each order that is remembered and was sent since it begins."""
    parts: dict[ClientOrderId, FilledPart] = {}
    for fill, _ in fills:
        order = order_of(desk.state.orders, fill)
        if order is not None and order.intent.created >= since:
            part = parts.get(order.id, FilledPart(ZERO, ZERO))
            parts[order.id] = FilledPart(part.amount + fill.amount, part.cost + fill.cost)
    return parts


def _take_over(desk: Desk, source: Source, new: _New, broken: Iterable[BrokenTrade]) -> None:
    books: Books = new.history.books
    desk.record(
        BooksRebuilt(source, books, new.fills, new.counted_until, new.filled),
        *(HoldPlaced(hold) for hold in holds_for(desk.state, broken, desk.clock.now())),
    )
    desk.save()
