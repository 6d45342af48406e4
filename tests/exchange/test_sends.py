"""What a send proves under every fault, through the real ccxt classes: certain, or unknown and found by the look-up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rig import WIRED, D, Rig
from tradekit.adapters.exchange.failure import Failure
from tradekit.adapters.exchange.outcomes import send_outcome
from tradekit.adapters.exchange.venues import venue_of
from tradekit.adapters.exchange.venues.venue import rfc3339
from tradekit.domain.order import Order
from tradekit.domain.outcome import (
    Acknowledged,
    LookupAnswer,
    NotFound,
    OrderReport,
    RejectCode,
    Rejected,
    ReportedStatus,
    SendOutcome,
    Unanswered,
)
from wire import Answer, Request

ACCEPTED = ("drop", "hang", "truncate", "502", "524", "409", "500", "503", "504", "empty", "html", "null", "hollow")
NEVER_THERE = ("drop_before", "hang_before", "502_before", "524_before", "403")


def lookup(rig: Rig, order: Order) -> LookupAnswer:
    return rig.exchange.lookup([order])[order.id]


@pytest.mark.parametrize("name", WIRED)
@pytest.mark.parametrize("word", ACCEPTED)
def test_an_order_that_was_accepted_is_never_called_refused(rig_of: Any, name: str, word: str) -> None:
    rig = rig_of(name, timeout_ms=300)
    intent = rig.intent()
    assert rig.exchange.symbols()
    rig.faults.put("create", word)
    assert isinstance(rig.place(intent), Unanswered)
    assert len(rig.held(intent)) == 1
    report = lookup(rig, rig.order(intent))
    assert isinstance(report, OrderReport)
    assert (report.client_order_id, report.status) == (intent.client_order_id, ReportedStatus.OPEN)
    assert report.filled == 0


@pytest.mark.parametrize("name", WIRED)
@pytest.mark.parametrize("word", NEVER_THERE)
def test_an_order_that_may_have_been_accepted_is_unknown_until_every_list_was_asked(
    rig_of: Any, name: str, word: str
) -> None:
    rig = rig_of(name, timeout_ms=300)
    intent = rig.intent()
    assert rig.exchange.symbols()
    rig.faults.put("create", word)
    assert isinstance(rig.place(intent), Unanswered)
    assert rig.held(intent) == []
    assert isinstance(lookup(rig, rig.order(intent)), NotFound)


@pytest.mark.parametrize("word", ["429:30", "418:30"])
def test_a_refusal_for_too_many_requests_is_certain_and_silences_the_next_run_too(rig: Rig, word: str) -> None:
    intent = rig.intent()
    assert rig.exchange.symbols()
    rig.faults.put("create", word)
    outcome = rig.place(intent)
    assert isinstance(outcome, Rejected) and outcome.code is RejectCode.RATE_LIMITED
    sent = len(rig.server.requests)
    second = rig.place(rig.intent())
    assert isinstance(second, Rejected) and second.code is RejectCode.RATE_LIMITED
    assert isinstance(rig.exchange.lookup([rig.order(intent)])[intent.client_order_id], Unanswered)
    assert len(rig.server.requests) == sent  # nothing was asked while the exchange wants silence
    rig.time.sleep(31_000)
    assert isinstance(rig.place(rig.intent()), Acknowledged)


def test_a_late_acceptance_is_found_afterwards(rig: Rig) -> None:
    intent = rig.intent()
    assert rig.exchange.symbols()
    rig.faults.put("create", "late:4000")
    assert isinstance(rig.place(intent), Unanswered)
    assert isinstance(lookup(rig, rig.order(intent)), NotFound)
    rig.time.sleep(4001)
    assert isinstance(lookup(rig, rig.order(intent)), OrderReport)


def test_an_order_that_arrives_after_its_time_is_not_accepted_where_the_exchange_can_tell(rig_of: Any) -> None:
    for name in ("binance", "kraken"):  # recvWindow, deadline
        rig = rig_of(name)
        intent = rig.intent()
        assert rig.exchange.symbols()
        rig.faults.put("create", "late:60000")
        assert isinstance(rig.place(intent), Unanswered)
        rig.time.sleep(60_001)
        rig.engine.run_due()
        assert rig.held(intent) == []
        assert rig.exchange.not_found_horizon_ms > 60_000


def test_what_the_exchange_refuses_is_refused_for_the_same_reason(rig: Rig) -> None:
    refused = {
        RejectCode.INSUFFICIENT_FUNDS: rig.intent(amount="100"),
        RejectCode.BAD_PRECISION: rig.intent(price="2499.001"),
    }
    for code, intent in refused.items():
        outcome = rig.place(intent)
        assert isinstance(outcome, Rejected) and outcome.code is code
        assert rig.held(intent) == []


def test_numbers_that_ccxt_would_round_are_not_sent(rig: Rig) -> None:
    assert rig.exchange.symbols()
    before = rig.server.counts["create"]
    for intent in (rig.intent(price="2499.005"), rig.intent(amount="0.01005")):
        outcome = rig.place(intent)
        assert isinstance(outcome, Rejected) and outcome.code is RejectCode.BAD_PRECISION
    assert rig.server.counts["create"] == before


def test_a_post_only_order_that_would_cross_ends_as_refused(rig: Rig) -> None:
    intent = rig.intent(price="2501.00")
    outcome = rig.place(intent)
    if isinstance(outcome, Acknowledged):  # some take it and throw it out
        report = lookup(rig, rig.order(intent, outcome))
        assert isinstance(report, OrderReport) and report.status is ReportedStatus.REJECTED
    else:
        assert isinstance(outcome, Rejected) and outcome.code is RejectCode.POST_ONLY_WOULD_CROSS
    assert rig.engine.trades == []


def test_an_immediate_order_takes_what_is_there_and_leaves_nothing(rig: Rig) -> None:
    rig.engine.touches[rig.symbol()].ask_amount = D("0.004")
    intent = rig.intent(price="2500.10", ioc=True)
    order = rig.placed(intent)
    report = lookup(rig, order)
    assert isinstance(report, OrderReport)
    assert (report.status, report.filled) in (
        (ReportedStatus.CANCELED, D("0.004")),
        (ReportedStatus.EXPIRED, D("0.004")),
    )
    assert rig.engine.open_orders() == []


def test_the_wire_has_the_intents_own_numbers_and_id(rig: Rig) -> None:
    intent = rig.intent(price="2498.10", amount="0.0125")
    rig.placed(intent)
    (held,) = rig.held(intent)
    assert (held.price, held.amount, held.side, held.kind) == (D("2498.10"), D("0.0125"), "buy", "PO")


def test_a_refused_key_is_a_certain_no(rig: Rig) -> None:
    assert rig.exchange.symbols()
    rig.dialect.key = "another key"
    outcome = rig.place(rig.intent())
    expected: tuple[type[SendOutcome], ...] = (Rejected, Unanswered)
    assert isinstance(outcome, expected)
    if isinstance(outcome, Rejected):
        assert outcome.code is RejectCode.AUTHENTICATION
    assert rig.engine.orders == []


@pytest.mark.parametrize("workers", [1, 6])
def test_a_batch_gets_an_outcome_for_each_and_sends_each_once(rig_of: Any, workers: int) -> None:
    for name in WIRED:
        rig = rig_of(name, workers=workers)
        intents = [rig.intent(price=f"{2400 + n}.00") for n in range(12)]
        assert rig.exchange.symbols()
        rig.faults.put("create", "", "drop", "502", "", "429:0")
        outcomes = rig.exchange.place(intents)
        assert outcomes.keys() == {intent.client_order_id for intent in intents}
        assert all(count == 1 for count in rig.engine.accepted.values())
        for intent in intents:
            if isinstance(outcomes[intent.client_order_id], Acknowledged):
                assert len(rig.held(intent)) == 1
            if isinstance(outcomes[intent.client_order_id], Rejected):
                assert rig.held(intent) == []


def test_a_duplicate_is_looked_up_and_never_called_refused(rig_of: Any) -> None:
    for name in ("binance", "kraken"):
        rig = rig_of(name)
        intent = rig.intent()
        rig.placed(intent)
        assert isinstance(rig.place(intent), Unanswered)
        assert isinstance(lookup(rig, rig.order(intent)), OrderReport)
    rig = rig_of("coinbase")  # returns the first order
    intent = rig.intent()
    assert rig.placed(intent) == rig.placed(intent)
    assert len(rig.held(intent)) == 1


def test_a_refusal_with_a_server_fault_is_no_refusal(rig_of: Any) -> None:
    """The order was taken, and something behind it failed with a body that reads like a refusal."""
    bodies = {
        "binance": {"code": -2010, "msg": "Account has insufficient balance for requested action."},
        "kraken": {"error": ["EOrder:Insufficient funds"]},
        "coinbase": {"success": False, "error_response": {"error": "INSUFFICIENT_FUND"}},
    }
    for name, body in bodies.items():
        for status, expected in ((503, Unanswered), (400, Rejected)):
            rig = rig_of(name)
            rig.exchange.symbols()

            rig.dialect.answer = answering(rig, Answer(body, status))
            assert isinstance(rig.place(rig.intent()), expected), (name, status)


def answering(rig: Rig, instead: Answer) -> Callable[[Request], Answer]:
    """The exchange takes an order as ever, and answers something else."""
    answer = rig.dialect.answer

    def bent(request: Request) -> Answer:
        told: Answer = answer(request)
        return instead if rig.dialect.kind(request) == "create" else told

    return bent


def failure(*kinds: str, text: str = "", sent: bool = True, whole: bool = True, limited: bool = False) -> Failure:
    return Failure((*kinds, "BaseError") if kinds else (), text, sent, whole, limited)


@pytest.mark.parametrize(
    ("told", "certain"),
    [
        (failure("InsufficientFunds", "ExchangeError"), True),
        (failure("InsufficientFunds", "ExchangeError", whole=False), False),
        (failure("InvalidOrder", "ExchangeError", sent=False, whole=False), True),
        (failure("InvalidNonce", "NetworkError"), True),
        (failure("DuplicateOrderId", "InvalidOrder", "ExchangeError"), False),
        (failure("InvalidOrder", "ExchangeError", text="Duplicate order sent."), False),
        (failure("OrderNotFound", "InvalidOrder", "ExchangeError"), False),
        (failure("ExchangeError"), False),
        (failure("ExchangeError", text="EService:Timeout"), False),
        (failure("ExchangeError", text="EOrder:Scheduled orders limit exceeded"), True),
        (failure("ExchangeError", text="EAccount:Invalid permissions:SOL trading restricted for DE."), True),
        (failure("ExchangeError", text="EGeneral:Invalid arguments:deadline"), True),
        (failure("OnMaintenance", "ExchangeNotAvailable", text="EService:Market in post_only mode"), True),
        (
            failure("OnMaintenance", "ExchangeNotAvailable", text="EService:Market in post_only mode", whole=False),
            False,
        ),
        (failure("OnMaintenance", "ExchangeNotAvailable", text="System is under maintenance."), False),
        (failure("InvalidOrder", "ExchangeError", text="Order creation timeout"), False),
        (failure("BadRequest", "ExchangeError", text="The request Timed Out."), False),
        (failure("BadRequest", "ExchangeError", text="Submitted to the system for processing!"), False),
        (failure("ExchangeNotAvailable", "NetworkError"), False),
        (failure("RequestTimeout", "NetworkError"), False),
        (failure("OperationFailed"), False),
        (failure("BadResponse", "OperationFailed"), False),
        (failure("CancelPending", "OperationFailed"), False),
        (failure("RateLimitExceeded", "NetworkError", limited=True), True),
        (failure(text="KeyError: 'order_id'"), False),
    ],
)
def test_what_is_certain(told: Failure, certain: bool) -> None:
    outcome = send_outcome(told, venue_of("kraken", None))
    assert isinstance(outcome, Rejected if certain else Unanswered)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EService:Market in cancel_only mode", RejectCode.MARKET_CLOSED),
        ("EService:Market in post_only mode", RejectCode.MARKET_CLOSED),
        ("EAccount:Invalid permissions:SOL trading restricted for DE.", RejectCode.INVALID_ORDER),
        ("EGeneral:Invalid arguments:deadline", RejectCode.INVALID_ORDER),
        ("EService:Deadline elapsed", None),
        ("EService:Busy", None),
        ("EService:Unavailable", None),
    ],
)
def test_which_words_of_an_exchange_are_a_certain_no(rig_of: Any, text: str, code: RejectCode | None) -> None:
    rig = rig_of("kraken")
    assert rig.exchange.symbols()
    rig.dialect.answer = answering(rig, Answer({"error": [text]}))
    outcome = rig.place(rig.intent(side="sell", price="2400.00", ioc=True))
    assert outcome.code is code if isinstance(outcome, Rejected) else code is None


def test_a_wait_for_the_request_budget_leaves_an_order_all_of_its_time(rig_of: Any) -> None:
    """What an exchange must no longer accept is counted from the moment at which it goes out."""
    rig = rig_of("kraken")
    assert rig.exchange.symbols()
    with rig.exchange.ledger._open() as held:
        held["units"] = -9000
    began = rig.time.now()
    rig.placed(rig.intent(price="2500.10", ioc=True))
    assert rig.time.now() - began > 9000, "it waited"
    (sent,) = (request for kind, request in rig.server.requests if kind == "create")
    assert sent.fields["deadline"] == rfc3339(rig.time.now() + 10_000)


@pytest.mark.parametrize(("name", "ends"), [("kraken", True), ("coinbase", True), ("binance", False)])
@pytest.mark.parametrize(("side", "minutes"), [("buy", 10), ("sell", 24 * 60)])
def test_an_order_that_no_run_comes_back_for_ends_where_the_exchange_can_do_that(
    rig_of: Any, name: str, ends: bool, side: str, minutes: int
) -> None:
    rig: Rig = rig_of(name)
    intent = rig.intent(side=side, price="2499.00" if side == "buy" else "2511.00")
    order = rig.placed(intent)
    rig.time.sleep(minutes * 60_000)  # its own deadline is 25 s on, and the exchange's after that
    assert read(rig, order) is ReportedStatus.OPEN
    rig.time.sleep(60_000)
    assert (read(rig, order) is ReportedStatus.OPEN) is not ends


def read(rig: Rig, order: Order) -> ReportedStatus:
    found = rig.reopen().lookup([order])[order.id]
    assert isinstance(found, OrderReport)
    return found.status
