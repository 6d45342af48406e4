"""Rows 51 to 60: what the exchange says, through the whole program on a live account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cases import LiveStory
from live_home import LiveHome
from rig import D


def ideas(live: LiveHome, id: str = "a", base: str = "ETH") -> str:
    return live.proposals({"id": id, "symbol": live.rig.symbol(base), "side": "buy", "notional": "30"})


def sent(live: LiveHome) -> int:
    return live.requests().count("create")


def types(ran: Any) -> list[str]:
    return [decision["type"] for decision in ran.data["decisions"]]


def _lost_on_create(word: str) -> Callable[[LiveHome], None]:
    """The order is there, its answer is not: it is looked up and never sent again."""

    def tell(live: LiveHome) -> None:
        live.rig.faults.put("create", word)
        first = live(f"cycle --json {ideas(live)}")
        assert first.code in (0, 11), first.problems
        again = live(f"cycle --json {ideas(live)}")
        assert (again.code, again.data["repeated"]) == (0, ["a"])
        assert sent(live) == 1 and live.rig.engine.open_orders() == []

    return tell


def _bent(kind: str, change: Callable[[Any], Any]) -> Callable[[LiveHome], None]:
    """From now on the answers of a kind are changed."""

    def bend(live: LiveHome) -> None:
        answer = live.rig.dialect.answer

        def bent(request: Any) -> Any:
            told = answer(request)
            if live.rig.dialect.kind(request) != kind:
                return told
            return told.__class__(change(told.body), told.status, told.headers)

        live.rig.dialect.answer = bent

    return bend


def _without_id(live: LiveHome) -> None:
    _bent("create", lambda body: {name: part for name, part in body.items() if name != "orderId"})(live)
    live(f"cycle {ideas(live)}")
    again = live(f"cycle --json {ideas(live)}")
    assert (again.data["repeated"], sent(live)) == (["a"], 1)


def _bought(live: LiveHome) -> None:
    live(f"cycle {ideas(live)}")
    (order,) = live.rig.engine.orders
    order.status = "open"
    live.rig.engine.fill(order)


def _held_after(**changes: Any) -> Callable[[LiveHome], None]:
    """A trade with these figures is in no book, is not dropped, and stops its symbol until a person has looked."""

    def tell(live: LiveHome) -> None:
        _bought(live)
        trades = live.rig.engine.trades
        trades[-1] = trades[-1].__class__(**{**vars(trades[-1]), **changes})
        ran = live("reconcile-fills --json")
        assert (ran.code, "held" in ran.problems) == (12, True)
        again = live(f"cycle --json {ideas(live, 'b')}")
        assert (types(again), sent(live)) == (["refused"], 1)

    return tell


def _nan_price(live: LiveHome) -> None:
    """What is no number at all is no answer: nothing is decided on it."""
    _bought(live)
    _bent("trades", lambda body: [{**trade, "price": "NaN"} for trade in body])(live)
    ran = live(f"cycle --json {ideas(live, 'b')}")
    assert (ran.code, ran.problems, sent(live)) == (13, ["unreachable"], 1)


def _third_asset(live: LiveHome) -> None:
    live.rig.engine.third_asset = "BNB"
    live.rig.engine.totals["BNB"] = D(1)
    _bought(live)
    assert live("reconcile-fills --json").code in (0, 11, 12)
    assert live("state verify").code == 0


def _changed_trade(live: LiveHome) -> None:
    _bought(live)
    assert live("reconcile-fills").code == 0
    trades = live.rig.engine.trades
    trades[-1] = trades[-1].__class__(**{**vars(trades[-1]), "amount": trades[-1].amount * 2})
    ran = live("reconcile-fills --json --since 1d")
    assert (ran.code, "held" in ran.problems) == (12, True)
    assert ran.data["settled"]["fills"]["fresh"] == [], "the first figures stay"


def _odd_status(live: LiveHome) -> None:
    """A word that nobody knows ends nothing: the order is asked for until the exchange says something clear."""
    live(f"cycle {ideas(live)}")
    (order,) = live.rig.engine.orders
    order.status, order.gone_from = "open", 0
    _bent("order", lambda body: {**body, "status": "PENDING_NEW_V2"} if "status" in body else body)(live)
    ran = live(f"cycle --json {ideas(live)}")
    assert ran.code in (0, 11) and sent(live) == 1
    assert live("state verify").code == 0


def _foreign(live: LiveHome) -> None:
    live.rig.engine.place("", live.rig.symbol(), "buy", "limit", D(1), D(2400))
    for _ in range(2):
        assert live("cycle --json").code == 0
    assert "cancel" not in live.requests() and len(live.rig.engine.open_orders()) == 1
    assert [order["symbol"] for order in live("status --json").data["foreign"]] == [live.rig.symbol()]


def _wrong_time(seconds: Callable[[float], int]) -> Callable[[LiveHome], None]:
    def tell(live: LiveHome) -> None:
        import time

        live.rig.server.wrong_date = seconds(time.time())
        ran = live(f"cycle --json {ideas(live)}")
        assert (ran.code, ran.problems, sent(live)) == (13, ["exchange_time"], 0)

    return tell


def _filters(**changes: Any) -> Callable[[LiveHome], None]:
    """The market with nonsense for a grid is left out alone, also where that comes in the middle of a day."""

    def tell(live: LiveHome) -> None:
        rig = live.rig
        listing = rig.engine.listings[rig.symbol()]
        rig.engine.listings[rig.symbol()] = listing.__class__(**{**vars(listing), **changes})
        for path in (live.home / "exchange_cache").glob("markets*"):
            path.unlink()
        live.policy(account={"managed": []})
        ran = live(f"cycle --json {ideas(live)}")
        assert [decision["code"] for decision in ran.data["decisions"]] == ["unknown_symbol"]
        assert types(live(f"cycle --json {ideas(live, 'b', 'SOL')}")) == ["approved"]

    return tell


def _no_balances(live: LiveHome) -> None:
    kept = dict(live.rig.engine.totals)
    live.rig.engine.totals.clear()
    ran = live(f"cycle {ideas(live)}")
    assert (ran.code, ran.problems, sent(live)) == (13, ["unreachable"], 0)
    live.rig.engine.totals.update(kept)
    assert live("cycle").code == 0


def _banned(word: str) -> Callable[[LiveHome], None]:
    def tell(live: LiveHome) -> None:
        live.rig.faults.put("balance", word)
        assert live(f"cycle {ideas(live)}").problems == ["rate_limited"]
        before = len(live.rig.server.requests)
        for command in (f"cycle {ideas(live)}", "reconcile-fills", "purge ETH"):
            assert (live(command).code, live.requests(before)) == (13, []), "the ban is kept across runs"

    return tell


CASES: Final[list[LiveStory]] = [
    *(LiveStory(51, word, _lost_on_create(word)) for word in ("html", "truncate")),
    LiveStory(52, "an empty object", _lost_on_create("hollow")),
    LiveStory(52, "everything but the id", _without_id),
    *(LiveStory(53, word, _lost_on_create(word)) for word in ("503", "drop")),
    LiveStory(54, "a price below zero", _held_after(price=D(-1))),
    LiveStory(54, "more than its order", _held_after(amount=D(100))),
    LiveStory(54, "a price of NaN", _nan_price),
    LiveStory(54, "a fee in a third asset", _third_asset),
    LiveStory(55, "the first figures stay", _changed_trade),
    LiveStory(56, "a status that nobody knows", _odd_status),
    LiveStory(57, "it counts, and is never touched", _foreign),
    LiveStory(58, "1970", _wrong_time(lambda now: 0)),
    LiveStory(58, "a day ahead", _wrong_time(lambda now: int(now) + 86_400)),
    LiveStory(59, "a tick of 0", _filters(tick=D(0))),
    LiveStory(59, "a step of 0", _filters(step=D(0))),
    LiveStory(60, "not one balance", _no_balances),
    LiveStory(60, "429 for an hour", _banned("429:3600")),
    LiveStory(60, "418 for an hour", _banned("418:3600")),
]
