"""Stories of an account as hypothesis tells them: random events, each of them possible after those before it."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from account_files import START_TIME, opening
from tradekit.decide.fold import fold
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.conversion import ConversionEnd, ConversionIntent, ConversionOffer
from tradekit.domain.decision import Approved
from tradekit.domain.event import (
    AssetAdopted,
    CancelRequested,
    ConversionAccepted,
    ConversionDone,
    ConversionEnded,
    ConversionIntended,
    CycleFinished,
    Event,
    FillBooked,
    OrderAcknowledged,
    OrderFinal,
    OrderIntended,
    OrderNotPlaced,
    OrderRejected,
    OrderUnanswered,
    Record,
    StateRestored,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import client_order_id
from tradekit.domain.money import Money
from tradekit.domain.numbers import ONE
from tradekit.domain.order import (
    Canceling,
    Closed,
    Closing,
    FinalWord,
    Intended,
    Open,
    Order,
    OrderIntent,
    TimeInForce,
    Unknown,
)
from tradekit.domain.outcome import RejectCode
from tradekit.domain.proposal import Amount, Origin, Proposal, Side
from tradekit.domain.state import State
from tradekit.domain.universe import Tier, TierMemory

STAMP = Stamp("paper", "main", Mode.PAPER, "USDT", "")
SYMBOLS = ("BTC/USDT", "ETH/USDT", "BNB/USDT")
LOTS = st.integers(1, 10**9).map(lambda lots: Decimal(lots).scaleb(-6))
PRICES = st.integers(1, 10**9).map(lambda ticks: Decimal(ticks).scaleb(-4))
PEAKS = st.dictionaries(st.sampled_from(["BTC", "ETH", "XRP"]), PRICES, max_size=2)
TIERS = st.dictionaries(
    st.sampled_from(SYMBOLS),
    st.builds(TierMemory, st.sampled_from(Tier), st.sampled_from(Tier), st.integers(0, 9)),
    max_size=2,
)
FEES = st.integers(-(10**4), 10**6).map(lambda units: Decimal(units).scaleb(-9))


class Story(NamedTuple):
    """Records and the state after each of them, beginning with the state before the first."""

    records: tuple[Record, ...]
    states: tuple[State, ...]


@st.composite
def stories(draw: st.DrawFn, longest: int = 25) -> Story:
    """An opened account and what happened to it."""
    states = [State(STAMP)]
    records: list[Record] = []
    for number in range(draw(st.integers(1, longest))):
        time = START_TIME + number * draw(st.sampled_from([0, 1000, 3_600_000, 20 * 3_600_000]))
        event = opening() if number == 0 else event_after(draw, states[-1], number, time)
        records.append(Record(number + 1, time, event))
        states.append(fold(states[-1], records[-1]))
    return Story(tuple(records), tuple(states))


def event_after(draw: st.DrawFn, state: State, number: int, time: int) -> Event:
    """Something that may happen next. First what, then with which numbers: that keeps the choice cheap."""
    orders = list(state.orders.values())
    what = draw(st.sampled_from(["intent", "move", "move", "fill", "fill", "end", "adopt", "restore", "convert"]))
    if what in ("move", "fill") and orders:
        order = orders[draw(st.integers(0, len(orders) - 1))]
        moves = _next_moves(order) if what == "move" else []
        if moves:
            return draw(moves[draw(st.integers(0, len(moves) - 1))])
        return FillBooked(draw_fill(draw, order.intent, order.exchange_id or "x", number, time))
    outside = [asset for asset, position in state.positions.items() if position.outside > 0]
    if what == "adopt" and outside:
        return AssetAdopted(outside[0], draw(PRICES))
    if what == "end":
        return CycleFinished(time, 10, draw(PRICES), draw(PEAKS), draw(TIERS), (), (), 0, 0)
    if what == "convert":
        return draw_conversion(draw, state, number, time)
    if what == "restore":
        return restored(state, "state-1-1.json")
    return draw_intent(draw, number, time)


def draw_conversion(draw: st.DrawFn, state: State, number: int, time: int) -> Event:
    """A new one, or the next thing that happens to an open one."""
    if not state.conversions or draw(st.booleans()):
        offer = ConversionOffer(f"q{number}", "BTC", "USDT", draw(LOTS), draw(PRICES), time + 10_000)
        return ConversionIntended(ConversionIntent(client_order_id("proof", f"q{number}", 1), offer, time))
    id = draw(st.sampled_from(sorted(state.conversions)))
    ends: list[Event] = [
        ConversionAccepted(id, "c1"),
        ConversionDone(id),
        ConversionEnded(id, ConversionEnd.FAILED, "no"),
    ]
    return ends[draw(st.integers(0, len(ends) - 1))]


def restored(state: State, name: str) -> StateRestored:
    """A restore of the books of this state, with orders that had nothing filled by then."""
    return StateRestored(name, state.seq, state.books, state.recent, state.counted_until, state.cursors, {})


def _next_moves(order: Order) -> list[st.SearchStrategy[Event]]:
    id = order.id
    final = st.builds(OrderFinal, st.just(id), st.sampled_from(list(FinalWord)[:3]), st.just(order.filled) | LOTS)
    match order.state:
        case Intended() | Unknown():
            return [
                st.just(OrderAcknowledged(id, f"x-{id}")),
                st.just(OrderUnanswered(id, "timeout")),
                st.builds(OrderRejected, st.just(id), st.sampled_from(RejectCode), st.text(max_size=5)),
                st.just(OrderNotPlaced(id)),
            ]
        case Open() | Canceling():
            return [st.just(CancelRequested(id, "time")), final]
        case Closing():
            return [final]
        case Closed() if order.is_tombstone:
            return [st.just(OrderAcknowledged(id, f"x-{id}"))]
        case Closed():
            return []


def draw_intent(draw: st.DrawFn, number: int, time: int) -> OrderIntended:
    """A new order."""
    side, symbol = draw(st.sampled_from(Side)), draw(st.sampled_from(SYMBOLS))
    amount, price = draw(LOTS), draw(PRICES)
    proposal = Proposal(f"p{number}", symbol, side, Amount(amount), ONE, "because", draw(st.sampled_from(Origin)))
    approved = Approved(proposal, amount, price, price)
    id = client_order_id("proof", proposal.id, 1)
    return OrderIntended(OrderIntent(approved, 1, id, amount, price, TimeInForce.PO, time, time + 12_000))


def draw_fill(draw: st.DrawFn, intent: OrderIntent, exchange_id: str, number: int, time: int) -> Fill:
    """A trade of an order, with up to two fees in base, quote or a third asset."""
    amount, price = draw(LOTS), draw(PRICES)
    assets = (*intent.symbol.split("/"), "BNB")
    fees = tuple(Money(draw(FEES), draw(st.sampled_from(assets))) for _ in range(draw(st.integers(0, 2))))
    return Fill(
        symbol=intent.symbol,
        trade_id=f"t{number}",
        exchange_id=exchange_id,
        client_order_id=intent.client_order_id if draw(st.booleans()) else None,
        side=intent.side,
        amount=amount,
        price=price,
        cost=amount * price,
        fees=fees,
        time=time,
        maker=draw(st.sampled_from([None, True, False])),
    )
