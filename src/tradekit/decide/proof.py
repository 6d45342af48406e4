"""The balance proof: start + bought - sold - fees + transfers = the exchange's balance, for each asset.

What is left over is shown with its likely causes. It is never booked on its own: only a person, or the policy, puts it
down to a deposit or a withdrawal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.risk.prices import sound_quote
from tradekit.domain.account import Balance
from tradekit.domain.books import Tally
from tradekit.domain.event import FlowRecorded
from tradekit.domain.hold import HoldCode
from tradekit.domain.market import Snapshot
from tradekit.domain.numbers import ZERO, divide, plain
from tradekit.domain.order import Closed, Closing
from tradekit.domain.state import State


class ProofRow(NamedTuple):
    """One asset in its own units: its tally, what the books and the exchange say, and `rest`, what is unexplained.

    `worth` is the rest in quote currency, None without a quote. `doubtful`: it is above the policy's tolerance.
    """

    asset: str
    tally: Tally
    books: Decimal
    exchange: Decimal
    rest: Decimal
    worth: Decimal | None
    doubtful: bool
    causes: tuple[str, ...]


def prove(
    state: State, balances: Mapping[str, Balance], snapshot: Snapshot, tolerance_notional: Decimal
) -> tuple[ProofRow, ...]:
    """A row for every asset in the books or on the exchange, in alphabetical order."""
    assets = sorted(state.books.tallies.keys() | balances.keys())
    return tuple(_row(state, asset, balances, snapshot, tolerance_notional) for asset in assets)


def unexplained(rows: Iterable[ProofRow]) -> tuple[ProofRow, ...]:
    """The rows whose two sides differ."""
    return tuple(row for row in rows if row.rest)


def stops_opens(row: ProofRow, quote: str) -> bool:
    """More cash than the books say is no reason to stop; less is, and so is any other asset either way."""
    return row.doubtful and (row.asset != quote or row.rest < 0)


def flow_of(row: ProofRow, *, by_hand: bool) -> FlowRecorded:
    """The event that puts the rest down to a deposit or a withdrawal."""
    price = ZERO if row.worth is None else divide(row.worth, row.rest)
    return FlowRecorded(row.asset, row.rest, price, by_hand)


def _row(state: State, asset: str, balances: Mapping[str, Balance], snapshot: Snapshot, tolerance: Decimal) -> ProofRow:
    books = state.books.total(asset)
    exchange = balances[asset].total if asset in balances else ZERO
    rest = exchange - books
    worth = _worth(state, asset, rest, snapshot)
    return ProofRow(
        asset=asset,
        tally=state.books.tallies.get(asset, Tally()),
        books=books,
        exchange=exchange,
        rest=rest,
        worth=worth,
        doubtful=rest != 0 and (worth is None or abs(worth) > tolerance),
        causes=_causes(state, asset, rest) if rest else (),
    )


def _worth(state: State, asset: str, rest: Decimal, snapshot: Snapshot) -> Decimal | None:
    if asset == state.stamp.quote or not rest:
        return rest
    quote = sound_quote(snapshot, asset, state.stamp.quote)
    return None if quote is None else rest * quote.bid


def _causes(state: State, asset: str, rest: Decimal) -> tuple[str, ...]:
    """What could explain a rest, the likeliest first."""
    causes = [
        f"order {order.id} has fills that the exchange has not listed yet"
        for order in state.orders.values()
        if isinstance(order.state, Closing) and asset in order.intent.symbol.split("/")
    ]
    causes += [
        f"nobody knows yet what became of order {order.id}"
        for order in state.orders.values()
        if order.is_unanswered and asset in order.intent.symbol.split("/")
    ]
    causes += [
        f"nobody knows yet what became of the conversion of {plain(item.intent.offer.amount)} {item.intent.offer.asset}"
        for item in state.conversions.values()
        if asset in item.intent.symbol.split("/")
    ]
    causes += [
        f"{hold.text}"
        for hold in state.holds
        if hold.code is not HoldCode.ORDER_ADOPTED and asset in hold.symbol.split("/")
    ]
    tally = state.books.tallies.get(asset, Tally())
    if rest < 0 and _fees_elsewhere(state, asset):
        causes.append("a fee was taken in it that the exchange did not tell")
    if rest > 0 and tally.total and rest * 100 < tally.total:
        causes.append("interest, a staking reward or a rebate")
    causes.append("a deposit or an airdrop" if rest > 0 else "a withdrawal or a transfer")
    causes.append("a trade in a market that is not watched, or a conversion")
    return tuple(causes)


def _fees_elsewhere(state: State, asset: str) -> bool:
    """Whether fees were paid in an asset that is little traded: an exchange's own coin."""
    tally = state.books.tallies.get(asset)
    recent = (order for order in state.orders.values() if isinstance(order.state, Closed) and order.filled)
    return tally is not None and (tally.fees > 0 or any(asset in order.intent.symbol.split("/") for order in recent))
