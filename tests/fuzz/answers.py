"""One dialect with spoiled answers: whatever the exchange says, the program gets a value or `Unreachable`.

An answer that is broken must never look like less than there is: no order gone, no trade missing, no balance empty, and
no refusal of an order that was taken. What the exchange really has is read off the engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import requests
from requests.structures import CaseInsensitiveDict

from rig import Rig
from spoiling import Choose, spoiled_answer
from texts import check_told
from tradekit.domain.errors import Unreachable
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.domain.order import Order
from tradekit.domain.outcome import (
    Acknowledged,
    CancelAccepted,
    NotFound,
    NotOpen,
    OrderReport,
    Rejected,
    ReportedStatus,
    Unanswered,
)
from wire import Answer, Request

MARKETS: Final = frozenset(
    f"{base}{way}USD{end}"
    for base in ("BTC", "XBT", "ETH", "SOL", "DOGE", "XDG")
    for way in ("", "-", "/")
    for end in ("", "T")
)


class Bench(NamedTuple):
    """A rig with an open order, one that is filled, and their trades."""

    rig: Rig
    open: Order
    filled: Order


def is_a_lie(spoiled: bytes) -> bool:
    """Whether the answer is whole and untrue: a trade or an order under a name that could be any market's, or an empty
    list in the place of one.
    """
    try:
        tree = json.loads(spoiled.decode(errors="replace"), parse_float=str)
    except (ValueError, RecursionError):
        return False
    found, left = [], [tree]
    while left:
        item = left.pop()
        if item in ([], {}):
            return True
        left += [*item.values()] if isinstance(item, dict) else item if isinstance(item, list) else []
        found += [item.get(name) for name in ("symbol", "pair", "product_id")] if isinstance(item, dict) else []
    return any(isinstance(name, str | int) and name not in MARKETS for name in found)


def bench_of(name: str, folder: Path) -> Bench:
    """A new one, whose open order never ends by itself, however long answers are waited for; close its rig."""
    rig = Rig(name, folder)
    rig.__enter__()
    with straight(rig):
        filled = rig.placed(rig.intent(price="2500.10", ioc=True))
        resting = rig.placed(rig.intent())
        rig.exchange.review([resting, filled], {rig.symbol(): 0})
    rig.engine.agenda.clear()
    return Bench(rig, resting, filled)


@contextmanager
def straight(rig: Rig, bend: Callable[[str, Answer], bytes | None] | None = None) -> Iterator[None]:
    """Requests reach the server by a call, not over a socket; `bend` says what comes back instead of an answer."""

    def send(adapter: object, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        path, _, query = (request.url or "").removeprefix(rig.server.url).partition("?")
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        headers = {str(name): str(value) for name, value in request.headers.items()}
        asked = Request(request.method or "GET", path, query, body, headers, rig.server.url.removeprefix("http://"))
        kind, told = rig.dialect.kind(asked), rig.dialect.answer(asked)
        rig.server.counts[kind] += 1
        instead = None if bend is None else bend(kind, told)
        response = requests.Response()
        response.status_code, response.url, response.request = told.status, request.url or "", request
        response.headers = CaseInsensitiveDict({"Content-Type": "application/json", **told.headers})
        response._content = instead if instead is not None else json.dumps(told.body).encode()
        return response

    with patch.object(requests.adapters.HTTPAdapter, "send", send):
        yield


def look_at_open(bench: Bench) -> None:
    """The order is open, and no answer may make it anything final, or nothing."""
    told = bench.rig.exchange.lookup([bench.open])[bench.open.id]
    assert isinstance(told, OrderReport | Unanswered), told
    if isinstance(told, OrderReport):
        assert told.status in (ReportedStatus.OPEN, ReportedStatus.UNCLEAR), told


def look_at_filled(bench: Bench) -> None:
    """It was filled, and no answer may say that nobody knows it."""
    told = bench.rig.exchange.lookup([bench.filled])[bench.filled.id]
    assert not isinstance(told, NotFound), told


def review(bench: Bench) -> None:
    """Open orders, trades and balances, none of them fewer than there are; one balance may be told as a good zero."""
    rig = bench.rig
    told = rig.exchange.review([], {rig.symbol(): 0}, with_balances=True)
    assert len(told.open_orders) >= len(rig.engine.open_orders())
    check_fills(rig, told.fills)
    assert len(told.balances) >= len([total for total in rig.engine.totals.values() if total]) - 1


def trades(bench: Bench) -> None:
    """All trades, or a broken one in the place of each."""
    check_fills(bench.rig, bench.rig.exchange.fills_since({bench.rig.symbol(): 0}))


def check_fills(rig: Rig, fills: Any) -> None:
    assert all(isinstance(fill, Fill | BrokenTrade) for fill in fills)
    assert len(fills) >= len(rig.engine.trades), fills


def prices(bench: Bench) -> None:
    """A price is never below zero; zero is a side of the book on which nobody stands."""
    rig = bench.rig
    told = rig.exchange.snapshot([rig.symbol(), rig.symbol("SOL")])
    assert all(quote.bid >= 0 and quote.ask >= 0 for quote in told.quotes.values()), told.quotes


def candles(bench: Bench) -> None:
    """Candles, or none of that symbol."""
    bench.rig.exchange._candles.unlink(missing_ok=True)
    told = bench.rig.exchange.candles([bench.rig.symbol()], 30)
    assert all(candle.close > 0 for series in told.values() for candle in series)


def markets(bench: Bench) -> None:
    """The start of a run that knows no market yet."""
    exchange = bench.rig.open(fresh_markets=True)
    try:
        assert all(m.price_tick > 0 and m.amount_step > 0 for m in exchange.markets().values())
    finally:
        exchange.close()


def permissions(bench: Bench) -> None:
    """What the key may do is said in so many words, or it was not said."""
    told = bench.rig.exchange.permissions()
    assert told is not None
    assert isinstance(told.can_withdraw, bool) or bench.rig.name == "kraken", "it doesn't tell everybody"


def place(bench: Bench) -> None:
    """A certain no is never said of an order that is there."""
    rig = bench.rig
    intent = rig.intent()
    told = rig.place(intent)
    assert isinstance(told, Acknowledged | Rejected | Unanswered)
    if isinstance(told, Rejected):
        assert not rig.held(intent), told
    if isinstance(told, Acknowledged):
        assert told.exchange_id


def cancel(bench: Bench) -> None:
    """Any of the three outcomes: the order is looked up afterwards."""
    told = bench.rig.exchange.cancel([bench.open])[bench.open.id]
    assert isinstance(told, CancelAccepted | NotOpen | Unanswered)


CALLS: Final[dict[str, Callable[[Bench], None]]] = {
    "look at an open order": look_at_open,
    "look at a filled order": look_at_filled,
    "review": review,
    "trades": trades,
    "prices": prices,
    "candles": candles,
    "markets": markets,
    "permissions": permissions,
    "place": place,
    "cancel": cancel,
}


@contextmanager
def untouched(bench: Bench) -> Iterator[None]:
    """Whatever a call does to the exchange is undone, and its time for asking is over."""
    rig, engine = bench.rig, bench.rig.engine
    kept = {name: list(getattr(engine, name)) for name in ("orders", "trades")}
    marks = [(order, dict(vars(order))) for order in engine.orders]
    totals = dict(engine.totals)
    try:
        yield
    finally:
        for name, items in kept.items():
            getattr(engine, name)[:] = items
        for order, values in marks:
            vars(order).update(values)
        engine.totals.clear()
        engine.totals.update(totals)
        for path in (*rig.folder.glob("requests-*"), *rig.folder.glob("*names*")):
            path.unlink()
        rig.time.sleep(200_000)


def ask_spoiled(bench: Bench, call: str, choose: Choose) -> bool:
    """One call of which one answer is spoiled. Returns whether it brought a value all the same."""
    left, said = [choose(3)], [b""]

    def bend(kind: str, told: Answer) -> bytes | None:
        left[0] -= 1
        if left[0] == -1:
            said[0] = spoiled_answer(told.body, choose)
        return said[0] if left[0] == -1 else None

    try:
        with untouched(bench), straight(bench.rig, bend):
            CALLS[call](bench)
        return True
    except AssertionError as wrong:
        if is_a_lie(said[0]):
            return True
        wrong.add_note(f"{bench.rig.name}, {call}: {said[0][:3000]!r}")
        raise
    except Unreachable as error:
        check_told(error)
        return False
