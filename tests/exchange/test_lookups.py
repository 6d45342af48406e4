"""The look-up ladder on three exchanges: found in every state, and *not found* only after every rung has answered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rig import WIRED, D, Rig
from tradekit.domain.order import Canceling, Closed, FinalWord, Order
from tradekit.domain.outcome import (
    CancelAccepted,
    LookupAnswer,
    NotFound,
    NotOpen,
    OrderReport,
    ReportedStatus,
    Unanswered,
)

BROKEN = ("drop", "502", "524", "409", "empty", "html", "null", "hollow", "truncate", "403")
KINDS = ("order", "open", "closed", "trades")


def lookup(rig: Rig, order: Order) -> LookupAnswer:
    return rig.exchange.lookup([order])[order.id]


def lost(rig: Rig, **wish: Any) -> Order:
    """An order that was taken, whose answer was lost."""
    intent = rig.intent(**wish)
    assert rig.exchange.symbols()
    rig.faults.put("create", "drop")
    rig.place(intent)
    return rig.order(intent)


def known(rig: Rig, order: Order) -> Order:
    """The same order, acknowledged."""
    (held,) = rig.held(order.intent)
    answer = lookup(rig, order)
    assert isinstance(answer, OrderReport) and held.filled == answer.filled
    return order._replace(exchange_id=answer.exchange_id)


@pytest.mark.parametrize("acknowledged", [True, False])
@pytest.mark.parametrize(
    ("fate", "status", "filled"),
    [
        ("open", ReportedStatus.OPEN, "0"),
        ("partly", ReportedStatus.OPEN, "0.004"),
        ("filled", ReportedStatus.FILLED, "0.01"),
        ("canceled", ReportedStatus.CANCELED, "0"),
        ("partly canceled", ReportedStatus.CANCELED, "0.004"),
    ],
)
def test_an_order_is_found_in_every_state(
    rig: Rig, fate: str, status: ReportedStatus, filled: str, acknowledged: bool
) -> None:
    order = lost(rig)
    if acknowledged:
        order = known(rig, order)
    (held,) = rig.held(order.intent)
    if "partly" in fate:
        rig.engine.fill(held, D("0.004"))
    if fate == "filled":
        rig.engine.fill(held)
    if "canceled" in fate:
        rig.engine.cancel(held)
    report = lookup(rig, order)
    assert isinstance(report, OrderReport)
    assert (report.status, report.filled, report.amount) == (status, D(filled), D("0.01"))
    assert report.client_order_id == order.id


def test_partly_filled_and_canceled_is_not_filled_though_the_exchange_says_closed(rig: Rig) -> None:
    order = lost(rig)
    (held,) = rig.held(order.intent)
    rig.engine.fill(held, D("0.004"))
    rig.engine.cancel(held)
    rig.faults.canceled_is_closed = True
    report = lookup(rig, order)
    assert isinstance(report, OrderReport)
    assert (report.status, report.filled) == (ReportedStatus.CANCELED, D("0.004"))


def test_a_lagging_look_up_says_not_found_and_later_finds(rig: Rig) -> None:
    rig.engine.lookup_lag_ms = 20_000
    order = lost(rig)
    assert isinstance(lookup(rig, order), NotFound)
    rig.time.sleep(20_001)
    assert isinstance(lookup(rig, order), OrderReport)


@pytest.mark.parametrize("word", BROKEN)
def test_a_rung_that_fails_leaves_an_order_that_is_nowhere_unanswered(rig: Rig, word: str) -> None:
    """Each kind of question fails once, alone; the order isn't there, so that no other rung knows it."""
    order = rig.order(rig.intent())
    other = rig.placed(rig.intent(price="2500.10", amount="0.002", ioc=True))  # trades of others lead to look-ups
    assert isinstance(lookup(rig, order), NotFound)
    asked = {kind for kind, _ in rig.server.requests} & set(KINDS)
    assert len(asked) >= 3, asked
    for kind in asked:
        rig.faults.queues.clear()
        rig.faults.put(kind, *[word] * 3)
        assert isinstance(lookup(rig, order), Unanswered), kind
    rig.faults.queues.clear()
    assert isinstance(lookup(rig, other), OrderReport)


def test_many_orders_that_are_nowhere_cost_no_more_lists_than_one(rig: Rig) -> None:
    """What can't be asked for by our id is listed once for all of them, from before the earliest on."""
    oldest, early = rig.order(rig.intent(amount="0.012")), lost(rig, amount="0.011")
    (held,) = rig.held(early.intent)
    rig.engine.fill(held)
    rig.time.sleep(3_600_000)
    orders = [rig.order(rig.intent(amount=f"0.01{number}")) for number in range(3, 9)]
    shared = {"binance": ["trades"], "kraken": ["trades"], "coinbase": ["closed", "open", "trades"]}[rig.name]

    def lists(sought: list[Order]) -> dict[str, int]:
        rig.server.requests.clear()
        told = rig.exchange.lookup(sought)
        assert {type(told[order.id]) for order in sought if order is not early} == {NotFound}
        assert early not in sought or isinstance(told[early.id], OrderReport)
        asked = [kind for kind, _ in rig.server.requests]
        return {kind: asked.count(kind) for kind in shared}

    one = lists([oldest])
    assert all(one.values())
    assert lists([*orders, early, oldest]) == one


def test_an_old_tombstone_makes_the_list_of_a_fresh_order_no_longer(rig_of: Any) -> None:
    """A list of a thousand orders can't be read to its end here: who looks back far enough finds nothing in it."""
    rig = rig_of("binance")
    assert rig.exchange.symbols()
    given_up = Closed(rig.time.now() + 900_000, FinalWord.NOT_PLACED)
    tombstone = rig.order(rig.intent())._replace(state=given_up)
    for number in range(1000):
        rig.time.sleep(29_000)
        rig.engine.cancel(rig.engine.place(f"x{number}", rig.symbol(), "buy", "PO", D("0.01"), D("2400")))
    rig.time.sleep(60_000)
    fresh = rig.order(rig.intent())
    told = rig.exchange.review([tombstone, fresh], {}).answers
    assert isinstance(told[tombstone.id], Unanswered)
    assert isinstance(told[fresh.id], NotFound)


def test_no_list_is_read_before_all_orders_of_a_batch_were_asked_for(rig: Rig) -> None:
    """One that fills after the list was read, and before it was asked for by its id, would be in neither."""
    orders = [rig.order(rig.intent(amount=f"0.01{number}")) for number in range(3, 9)]
    rig.exchange.review(orders, {})
    asked = [
        "own" if any(order.id in request.path + request.query + request.body for order in orders) else kind
        for kind, request in rig.server.requests
    ]
    own = [place for place, kind in enumerate(asked) if kind == "own"]
    lists = [place for place, kind in enumerate(asked) if kind in ("closed", "trades")]
    assert lists and max(own, default=0) < min(lists)


def test_an_order_that_is_known_to_be_another_one_is_not_asked_for(rig: Rig) -> None:
    gone = rig.order(rig.intent())
    for number in range(5):
        rig.placed(rig.intent(price=f"2500.1{number}", amount="0.002", ioc=True))
    stranger = rig.engine.place("by-hand", rig.symbol("ETH"), "buy", "IOC", D("0.002"), D("2500.20"))
    assert isinstance(lookup(rig, gone), NotFound)
    asked = [request.path + request.query + request.body for kind, request in rig.server.requests if kind == "order"]
    assert len(asked) <= 2, "by our own id, and the order of the stranger"
    rig.server.requests.clear()
    assert isinstance(lookup(rig, gone), NotFound)
    assert sum(kind == "order" for kind, _ in rig.server.requests) <= 1, "who the stranger is has been learned"
    assert stranger.filled


def test_a_list_that_leaves_our_id_out_hides_no_lost_order(rig_of: Any) -> None:
    rig = rig_of("coinbase")
    order = lost(rig)
    (held,) = rig.held(order.intent)
    answer = rig.dialect.answer

    def nameless(request: Any) -> Any:
        told = answer(request)
        if rig.dialect.kind(request) in ("open", "closed"):
            told.body["orders"] = [{**item, "client_order_id": ""} for item in told.body["orders"]]
        return told

    rig.dialect.answer = nameless
    rig.exchange.review([], {})
    rig.engine.fill(held, D("0.004"))
    assert isinstance(lookup(rig, order), OrderReport)


def test_a_ghost_in_the_open_list_does_not_keep_a_canceled_order_open(rig: Rig) -> None:
    rig.engine.ghost_ms = 3_600_000
    orders = [rig.placed(rig.intent(price=f"{2400 + n}.00")) for n in range(25)]
    rig.exchange.cancel(orders)
    asked = [order.move(Canceling(rig.time.now(), "test")) for order in orders]
    answers = rig.exchange.lookup(asked)
    assert {type(answer) for answer in answers.values()} == {OrderReport}
    assert {getattr(answer, "status", None) for answer in answers.values()} == {ReportedStatus.CANCELED}


def test_many_open_orders_cost_one_question(rig: Rig) -> None:
    orders = [rig.placed(rig.intent(price=f"{2400 + n}.00")) for n in range(25)]
    before = len(rig.server.requests)
    answers = rig.exchange.lookup(orders)
    assert len(rig.server.requests) == before + 1
    assert all(isinstance(answer, OrderReport) for answer in answers.values())


def test_an_answer_about_another_order_is_not_believed(rig: Rig) -> None:
    """The exchange mixes up ids: what it tells under our id is for the other side."""
    order = lost(rig)
    (held,) = rig.held(order.intent)
    held.side = "sell"
    assert isinstance(lookup(rig, order), Unanswered)


@pytest.mark.parametrize("filled", ["-0.001", "0.02", "NaN", "1e400", "", "many"])
def test_a_nonsense_amount_is_no_answer(rig: Rig, filled: str) -> None:
    order = lost(rig)
    (held,) = rig.held(order.intent)

    class Odd(Decimal):
        def __str__(self) -> str:
            return filled

    held.filled = Odd("0.001")
    answer = lookup(rig, order)
    assert isinstance(answer, Unanswered)


def test_an_unknown_status_word_is_never_final(rig_of: Any) -> None:
    import binance_server
    import coinbase_server
    import kraken_server

    for name, module in zip(WIRED, (binance_server, coinbase_server, kraken_server), strict=True):
        rig = rig_of(name)
        order = lost(rig)
        rig.held(order.intent)[0].status = "pending_new_v2"
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(module._STATUS, "pending_new_v2", "PENDING_NEW_V2")
            report = lookup(rig, order)
        assert isinstance(report, OrderReport) and report.status is ReportedStatus.UNCLEAR


def test_cancels_of_open_finished_and_unknown_orders(rig: Rig) -> None:
    order, ended, nowhere = rig.placed(rig.intent()), rig.placed(rig.intent(price="2400.00")), rig.order(rig.intent())
    rig.engine.fill(rig.held(ended.intent)[0])
    outcomes = rig.exchange.cancel([order, ended, nowhere])
    assert outcomes[order.id] == CancelAccepted(order.exchange_id or "")
    assert isinstance(outcomes[ended.id], NotOpen)
    assert isinstance(outcomes[nowhere.id], NotOpen)
    assert rig.engine.open_orders() == []


@pytest.mark.parametrize("word", ["drop", "502", "524", "409", "empty", "html", "null", "hollow", "truncate"])
def test_a_cancel_whose_answer_is_lost_is_unanswered_and_can_be_asked_again(rig: Rig, word: str) -> None:
    order = rig.placed(rig.intent())
    rig.faults.put("cancel", word)
    assert isinstance(rig.exchange.cancel([order])[order.id], Unanswered)
    assert isinstance(rig.exchange.cancel([order])[order.id], NotOpen)


def test_an_unanswered_order_is_canceled_by_whatever_names_it(rig: Rig) -> None:
    order = lost(rig)
    assert isinstance(rig.exchange.cancel([order])[order.id], CancelAccepted)
    assert rig.engine.open_orders() == []


def test_a_cancel_does_not_repeat_the_error_of_the_one_before(rig: Rig) -> None:
    """One class judges a failed cancel by the text of the last answer, whosever it was."""
    first, second = rig.placed(rig.intent()), rig.placed(rig.intent(price="2400.00"))
    rig.engine.cancel(rig.held(first.intent)[0])
    assert isinstance(rig.exchange.cancel([first])[first.id], NotOpen)
    rig.faults.put("cancel", "drop_before")
    assert isinstance(rig.exchange.cancel([second])[second.id], Unanswered)
    assert len(rig.engine.open_orders()) == 1
