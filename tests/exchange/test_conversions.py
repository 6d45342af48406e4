"""Conversions through the real ccxt class over HTTP: taken once, and never called refused that may have been taken."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from rig import WIRED, D, Rig
from tradekit.adapters.exchange.conversions import _look
from tradekit.adapters.exchange.venues import KNOWN, venue_of
from tradekit.decide.conversion import intent_of
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.conversion import (
    Accepted,
    Asked,
    Conversion,
    ConversionAnswer,
    ConversionFailed,
    ConversionIntent,
    ConversionOffer,
    ConversionPending,
    ConversionTaken,
    ConversionWish,
    Converted,
    ConvertOutcome,
    NotOffered,
)
from tradekit.domain.errors import Unreachable
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.outcome import NotFound, Rejected, Unanswered
from tradekit.domain.state import State
from tradekit.domain.times import DAY_MS
from wire import Answer

STATE = State(Stamp("binance", "main", Mode.LIVE, "USDT", ""))
AFTER = ("drop", "hang", "truncate", "502", "524", "409", "500", "503", "504", "empty", "html", "null", "hollow")
BEFORE = ("drop_before", "hang_before", "502_before", "524_before", "403")


@dataclass
class Stage:
    """Binance with 40 DOGE to convert, worth 4 USDT."""

    rig: Rig

    @property
    def desk(self) -> Any:
        return self.rig.dialect.converts

    def wish(self, asset: str = "DOGE", amount: str = "40") -> ConversionWish:
        return ConversionWish(asset, "USDT", D(amount))

    def offer(self) -> ConversionOffer:
        offer = self.rig.exchange.offers([self.wish()])["DOGE"]
        assert isinstance(offer, ConversionOffer), offer
        return offer

    def intent(self) -> ConversionIntent:
        return intent_of(STATE, self.offer(), self.rig.time.now())

    def take(self, intent: ConversionIntent) -> ConvertOutcome:
        return self.rig.exchange.convert([intent])[intent.id]

    def look(self, intent: ConversionIntent) -> ConversionAnswer:
        item = Conversion(intent, Asked(intent.created))
        return self.rig.exchange.conversions([item])[intent.id]


@pytest.fixture
def stage(rig_of: Any) -> Stage:
    return Stage(rig_of("binance", timeout_ms=300))


def test_a_conversion_from_the_offer_to_the_money(stage: Stage) -> None:
    intent = stage.intent()
    assert (intent.offer.amount, intent.offer.promised) == (D(40), D("3.98"))
    assert intent.offer.expires == stage.rig.time.now() + 10_000
    outcome = stage.take(intent)
    assert isinstance(outcome, ConversionTaken)
    assert stage.look(intent) == Converted(outcome.exchange_id, D(40), D("3.98"), intent.created)
    assert (stage.rig.engine.totals["DOGE"], stage.rig.engine.totals["USDT"]) == (D(960), D("10003.98"))
    sent = [(kind, request.fields) for kind, request in stage.rig.server.requests if "conv" in kind or kind == "offer"]
    assert [kind for kind, _ in sent] == ["offer", "convert", "conversion"]
    assert {"fromAsset": "DOGE", "toAsset": "USDT", "fromAmount": "40", "walletType": "SPOT"}.items() <= sent[0][
        1
    ].items()
    assert sent[1][1]["quoteId"] == sent[2][1]["quoteId"] == intent.offer.quote_id
    assert "orderId" not in sent[2][1]


@pytest.mark.parametrize("word", AFTER)
def test_one_that_was_taken_is_never_called_refused(stage: Stage, word: str) -> None:
    intent = stage.intent()
    stage.rig.faults.put("convert", word)
    assert isinstance(stage.take(intent), Unanswered)
    assert isinstance(stage.look(intent), Converted)
    assert stage.desk.accepts == 1


@pytest.mark.parametrize("word", BEFORE)
def test_one_that_may_have_been_taken_is_unknown_until_the_list_was_asked(stage: Stage, word: str) -> None:
    intent = stage.intent()
    stage.rig.faults.put("convert", word)
    assert isinstance(stage.take(intent), Unanswered)
    assert isinstance(stage.look(intent), NotFound)
    for kind in ("conversion", "conversions"):
        for silence in ("drop", "502", "html", "empty", "hollow", "null", "truncate"):
            stage.rig.faults.put(kind, silence)
            assert isinstance(stage.look(intent), Unanswered), (kind, silence)


def test_one_that_arrives_late_is_found_afterwards(stage: Stage) -> None:
    intent = stage.intent()
    stage.rig.faults.put("convert", "late:3000")
    assert isinstance(stage.take(intent), Unanswered)
    assert isinstance(stage.look(intent), NotFound)
    stage.rig.time.sleep(3001)
    assert isinstance(stage.look(intent), Converted)


def test_one_that_arrives_after_its_offer_ran_out_is_not_taken(stage: Stage) -> None:
    intent = stage.intent()
    stage.rig.faults.put("convert", "late:60000")
    stage.take(intent)
    stage.rig.time.sleep(60_001)
    assert isinstance(stage.look(intent), NotFound)
    assert stage.rig.engine.totals["DOGE"] == 1000


def test_a_look_up_that_lags_is_caught_by_the_list(stage: Stage) -> None:
    stage.rig.engine.lookup_lag_ms = 20_000
    intent = stage.intent()
    stage.take(intent)
    assert isinstance(stage.look(intent), Converted)


def test_a_second_take_of_one_offer_is_never_called_a_refusal_of_the_first(stage: Stage) -> None:
    intent = stage.intent()
    stage.take(intent)
    assert not isinstance(stage.take(intent), Rejected)
    assert stage.rig.engine.totals["DOGE"] == 960


@pytest.mark.parametrize("body", [{"orderId": 7}, {"a": 1}, [], {"code": 0}])
def test_a_look_up_that_answers_in_another_form_leaves_it_open(stage: Stage, body: Any) -> None:
    """The list doesn't know it, and yet nothing is proven."""
    intent = stage.intent()
    answer = stage.rig.dialect.answer
    stage.rig.dialect.answer = lambda r: Answer(body) if stage.rig.dialect.kind(r) == "conversion" else answer(r)
    assert isinstance(stage.look(intent), Unanswered)


def test_pending_and_failed(stage: Stage) -> None:
    stage.desk.process_ms = 5000
    intent = stage.intent()
    stage.take(intent)
    assert isinstance(stage.look(intent), ConversionPending)
    stage.desk.fails = True
    stage.rig.time.sleep(5001)
    assert isinstance(stage.look(intent), ConversionFailed)


def test_a_refused_key_is_a_certain_no_for_a_take_and_none_for_a_look_up(stage: Stage) -> None:
    intent = stage.intent()
    stage.rig.dialect.key = "another key"
    assert isinstance(stage.take(intent), Rejected)
    assert isinstance(stage.look(intent), Unanswered)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("promised", D(0)), ("amount", D(41)), ("source", "ETH"), ("target", "BTC"), ("status", "TOMORROW"),
        ("promised", D("-1")), ("status", {"a": 1}), ("status", ["SUCCESS"]),
    ],
)  # fmt: skip
def test_an_answer_without_sense_books_nothing(stage: Stage, field: str, value: object) -> None:
    intent = stage.intent()
    stage.take(intent)
    setattr(stage.desk.quotes[0], field, value)
    if field == "promised" and value == 0:
        stage.desk.quotes[0].promised = D("1e-30")
    assert isinstance(stage.look(intent), Unanswered)


@pytest.mark.parametrize("days", [1, 29, 31, 400])
def test_one_that_was_never_taken_is_not_found_however_long_ago_it_was(stage: Stage, days: int) -> None:
    """Binance lists conversions of at most 30 days."""
    intent = stage.intent()
    stage.rig.time.sleep(days * DAY_MS)
    answer = stage.rig.dialect.answer

    def strict(request: Any) -> Answer:
        asked = request.fields if stage.rig.dialect.kind(request) == "conversions" else {"startTime": 0, "endTime": 0}
        if int(asked["endTime"]) - int(asked["startTime"]) > 30 * DAY_MS:
            return Answer({"code": -9000, "msg": "startTime and endTime can not be greater than 30 days"}, 400)
        told: Answer = answer(request)
        return told

    stage.rig.dialect.answer = strict
    stage.rig.reopen()
    assert isinstance(stage.look(intent), NotFound)


@pytest.mark.parametrize("later", [0, 99, 100, 250])
def test_a_list_of_conversions_is_read_back_to_the_one_that_is_looked_for(later: int) -> None:
    how = venue_of("bybit", None).conversions
    assert how is not None
    intent = ConversionIntent(ClientOrderId("k1"), ConversionOffer("q1", "DOGE", "USDT", D(40), D(4), 10_000), 1000)
    made = [*range(1_000_000 + later, 1_000_000, -1), -100_000]
    listed = [{"exchangeTxId": f"other{n}", "createdAt": str(max(time, 0))} for n, time in enumerate(made)]

    def call(method: str, fields: dict[str, str]) -> Any:
        if "history" not in method:
            return {"result": {"result": {}}}
        first = (int(fields["index"]) - 1) * int(fields["limit"])
        return {"result": {"list": listed[first : first + int(fields["limit"])]}}

    api = SimpleNamespace(milliseconds=lambda: 2_000_000)
    connection: Any = SimpleNamespace(call=call, api=api, venue=venue_of("bybit", None))
    assert isinstance(_look(connection, how, Conversion(intent, Asked(1000))), NotFound)


def test_what_is_not_offered_is_told_and_a_silence_is_no_answer(stage: Stage) -> None:
    exchange = stage.rig.exchange
    told = exchange.offers([stage.wish("XYZ"), stage.wish(amount="1001"), stage.wish("SOL", "0.01")])
    assert isinstance(told["XYZ"], NotOffered) and "not supported" in told["XYZ"].text
    assert told["DOGE"] == NotOffered("the exchange names a price and makes no offer")
    assert isinstance(told["SOL"], ConversionOffer)
    for word in ("drop", "502", "html", "hollow", "429:1"):
        stage.rig.faults.put("offer", word)
        with pytest.raises(Unreachable):
            exchange.offers([stage.wish()])
        stage.rig.time.sleep(2000)


def test_a_batch_gets_an_outcome_for_each(stage: Stage) -> None:
    offers = stage.rig.exchange.offers([stage.wish(), stage.wish("SOL", "0.01"), stage.wish("ETH", "0.001")])
    intents = [intent_of(STATE, o, stage.rig.time.now()) for o in offers.values() if isinstance(o, ConversionOffer)]
    stage.rig.faults.put("convert", "", "drop", "429:0")
    outcomes = stage.rig.exchange.convert(intents)
    assert [type(outcomes[intent.id]) for intent in intents] == [ConversionTaken, Unanswered, Rejected]
    stage.rig.time.sleep(2000)
    answers = stage.rig.exchange.conversions([Conversion(i, Accepted(i.created, "c")) for i in intents])
    assert [type(answers[intent.id]) for intent in intents] == [Converted, Converted, NotFound]


@pytest.mark.parametrize("name", [name for name in WIRED if name != "binance"])
def test_where_nothing_can_be_looked_up_nothing_is_offered(rig_of: Any, name: str) -> None:
    rig = rig_of(name)
    before = len(rig.server.requests) if rig.exchange.symbols() else 0
    assert rig.exchange.offers([ConversionWish("ETH", "USD", D(1))]) == {"ETH": NotOffered("not offered here")}
    assert len(rig.server.requests) == before


def test_the_exchanges_that_convert_are_these() -> None:
    assert {name for name in KNOWN if venue_of(name, None).conversions is not None} == {"binance", "bybit"}
