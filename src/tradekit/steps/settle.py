"""Settle: before any new decision, find out what became of everything that earlier runs left behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from tradekit.decide.fate import rests_on
from tradekit.decide.reconcile import Reconciled, ask_from
from tradekit.domain.account import Balance
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.event import OrderKept
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Closed, Order
from tradekit.domain.ports import Review
from tradekit.domain.state import State
from tradekit.steps.convert import settle_conversions
from tradekit.steps.desk import Desk
from tradekit.steps.fills import Listed, book, book_new_fills
from tradekit.steps.orders import acknowledge, book_what_is_missing, cancel, finish, is_overdue
from tradekit.steps.ownership import adopt_lost, note_foreign


class Settled(NamedTuple):
    """`resolved` orders became final; `canceled` were past their deadline; `open` still are not final.

    `adopted` are orders of ours that this journal did not know; `fills` tells what became of the trades listed.
    """

    resolved: tuple[ClientOrderId, ...]
    canceled: tuple[ClientOrderId, ...]
    open: tuple[ClientOrderId, ...]
    adopted: tuple[ClientOrderId, ...]
    fills: Reconciled


class Settlement(NamedTuple):
    """What was settled, and the balances that the exchange told in the same round, if it was asked for them."""

    settled: Settled
    balances: Mapping[str, Balance]


def settle(
    desk: Desk, symbols: Iterable[str] = (), since: int | None = None, *, with_balances: bool = False
) -> Settlement:
    """Looks up conversions, unfinished orders and tombstones, books fills, adopts lost orders, cancels what is past its
    deadline.

    Trades are asked for where orders may have some, and for `symbols`, those at or after `since` (milliseconds) too.
    Raises `Unreachable`. A dry run cancels nothing. A part that could not be sold on its own rests on.
    """
    before = unfinished(desk.state)
    adopted: tuple[ClientOrderId, ...] = ()
    fills, review, silent = Reconciled(), Review({}, (), (), {}), None
    with suppress(Unreachable):  # before the balances are read: what is booked is in them
        settle_conversions(desk)
    try:
        orders = [order for order in desk.state.orders.values() if order.is_tombstone or order.id in before]
        wanted = ask_from(desk.state, {*symbols, *(o.intent.symbol for o in orders if not o.is_tombstone)}, since)
        review = desk.exchange.review(orders, wanted, with_balances=with_balances)
        acknowledge(desk, review.answers)
        adopted = adopt_lost(desk, review, wanted)
        fills = book(desk, Listed(review.fills, wanted))
        book_what_is_missing(desk, review.answers)
        book_new_fills(desk, {desk.state.orders[id].intent.symbol for id in adopted})
        finish(desk, review.answers)
        note_foreign(desk, review.open_orders)
    except Unreachable as error:
        silent = error  # what is past its deadline is canceled all the same
    live = [order for order in desk.state.orders.values() if order.is_live and not order.is_unanswered]
    late = [order for order in live if is_overdue(desk, order) or order.is_canceling]
    spared = {order.id: until for order in late if (until := _rests_on(desk, order))}
    overdue = tuple(order.id for order in late if order.id not in spared)
    desk.record(*(OrderKept(id, until) for id, until in spared.items()))
    if overdue and not desk.dry_run:
        cancel(desk, dict.fromkeys(overdue, "past its deadline"))
    if silent is not None:
        raise silent
    after = unfinished(desk.state)
    resolved = tuple(id for id in before if id not in after)
    return Settlement(Settled(resolved, overdue, after, adopted, fills), review.balances)


def settle_again(desk: Desk) -> tuple[Problem, ...]:
    """Settles once the work is done. An exchange that falls silent here leaves the rest to the next run."""
    problems: list[Problem] = []
    try:
        settle(desk)
    except Unreachable as silent:
        problems.extend(silent.problems)
    if desk.clock.must_stop():
        fix = "the next run goes on from what is written down"
        what = "a signal ended the work: nothing more was placed, and what the policy says was canceled"
        problems.append(Problem("interrupted", what, fix))
    return tuple(problems)


def settle_asset_differences(desk: Desk, assets: frozenset[str], since: int | None = None) -> Reconciled:
    """Books trades that a difference between balance and books points to, those at or after `since` (milliseconds) too.

    Raises `Unreachable`.
    """
    quote = desk.state.stamp.quote
    symbols = {f"{asset}/{quote}" for asset in assets if asset != quote}
    if quote in assets:  # cash alone doesn't say which symbol it was
        symbols |= known_symbols(desk)
    return book_new_fills(desk, symbols, since)


def known_symbols(desk: Desk) -> set[str]:
    """Every symbol that something was ever traded in, is held or managed of, or is ordered."""
    state = desk.state
    quote = state.stamp.quote
    held = {asset for asset, position in state.positions.items() if position.total or position.cost}
    watched = {f"{asset}/{quote}" for asset in held | {*desk.policy.account.managed} if asset != quote}
    return {*state.cursors, *(order.intent.symbol for order in state.orders.values()), *watched}


def _rests_on(desk: Desk, order: Order) -> int:
    """Until when an order past its deadline is left alone all the same; 0 for one that has to go."""
    until = 0 if order.is_canceling else rests_on(desk.policy, desk.state, order)
    return until if until > desk.clock.now() else 0


def unfinished(state: State) -> tuple[ClientOrderId, ...]:
    """Orders that can still trade or whose fills are not all booked."""
    return tuple(id for id, order in state.orders.items() if not isinstance(order.state, Closed))
