"""What the log says of a conversion: sent, accepted, carried out and come to nothing are different lines."""

from __future__ import annotations

from decimal import Decimal

from desk import STAMP
from fake_time import START
from tradekit.cli.watchers import log_line
from tradekit.decide.conversion import intent_of
from tradekit.domain.conversion import ConversionEnd, ConversionOffer, Converted, fill_of
from tradekit.domain.event import (
    ConversionAccepted,
    ConversionDone,
    ConversionEnded,
    ConversionIntended,
    Event,
    FillBooked,
    Record,
)
from tradekit.domain.state import State

D = Decimal
OFFER = ConversionOffer("q\x1b1", "BTC", "USDT", D("0.04"), D("3.95"), START + 10_000)


def test_each_line_says_one_thing() -> None:
    intent = intent_of(State(STAMP), OFFER, START)
    fill = fill_of(intent, Converted("c1", D("0.04"), D("3.94"), START), START)
    events: list[Event] = [
        ConversionIntended(intent),
        ConversionAccepted(intent.id, "c1"),
        FillBooked(fill),
        ConversionDone(intent.id),
        ConversionEnded(intent.id, ConversionEnd.REFUSED, "no\x1b[0m"),
    ]
    lines = [log_line(Record(1, START, event), State(STAMP)) for event in events]
    assert [line and line["event"] for line in lines] == [
        "conversion_sent", "conversion_accepted", "converted", None, "conversion_refused"
    ]  # fmt: skip
    told = [line for line in lines if line is not None]
    assert {line["client_order_id"] for line in told} == {intent.id}
    assert (told[0]["promised"], told[2]["received"]) == ("3.95", "3.94")
    assert "\x1b" not in str([list(line.values()) for line in told])
