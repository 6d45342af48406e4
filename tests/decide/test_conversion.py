"""Whether an offer is worth taking, and what an answer of the exchange means for a conversion."""

from __future__ import annotations

from decimal import Decimal

import pytest

from desk import STAMP, policy
from fake_time import MINUTE, START
from tradekit.decide.conversion import intent_of, looked_up, weigh
from tradekit.domain.conversion import (
    Accepted,
    Asked,
    Conversion,
    ConversionAnswer,
    ConversionFailed,
    ConversionOffer,
    ConversionPending,
    Converted,
    NotOffered,
    OfferAnswer,
)
from tradekit.domain.event import ConversionAccepted, ConversionDone, ConversionEnded, FillBooked, HoldPlaced
from tradekit.domain.ids import is_ours
from tradekit.domain.outcome import NotFound, Unanswered
from tradekit.domain.proposal import Side
from tradekit.domain.state import State

D = Decimal
OFFER = ConversionOffer("q1", "BTC", "USDT", D("0.04"), D("3.95"), START + 10_000)
ITEM = Conversion(intent_of(State(STAMP), OFFER, START), Asked(START))
HORIZON = 15 * MINUTE
OVER = OFFER.expires + HORIZON


@pytest.mark.parametrize(
    ("offer", "keys", "why_not"),
    [
        (OFFER, {}, ""),
        (OFFER, {"actions": ["ride"]}, "not in dust.actions"),
        (None, {}, "no offer was asked for"),
        (NotOffered("not offered here"), {}, "not offered here"),
        (OFFER._replace(amount=D("0.041")), {}, "the offer is for more than is held and free"),
        (OFFER._replace(expires=START), {}, "the offer has run out"),
        (OFFER._replace(expires=START + 1), {}, ""),
        (OFFER._replace(promised=D("3.92")), {}, ""),  # worth 4: 2 % of it
        (OFFER._replace(promised=D("3.919")), {}, "loses more than dust.max_convert_cost_pct"),
        (OFFER._replace(promised=D("3.919")), {"max_convert_cost_pct": "2.1"}, ""),
        (OFFER._replace(promised=D("4.2")), {"max_convert_cost_pct": 0}, ""),
        (OFFER, {"min_gain_notional": "3.95"}, ""),
        (OFFER, {"min_gain_notional": "3.96"}, "frees less than dust.min_gain_notional"),
    ],
)
def test_an_offer_is_taken_only_where_it_pays(offer: OfferAnswer | None, keys: dict[str, object], why_not: str) -> None:
    rules = policy(dust={"actions": ["convert"], **keys})
    verdict = weigh(rules, "BTC", D("0.04"), D(100), offer, START)
    assert verdict.why_not == why_not
    if isinstance(offer, ConversionOffer) and why_not != "not in dust.actions":
        assert verdict.frees - verdict.cost == offer.promised


def test_what_is_never_sold_off_is_never_converted() -> None:
    rules = policy(dust={"actions": ["convert"]}, purge={"protect": ["BTC"]})
    assert weigh(rules, "BTC", D("0.04"), D(100), OFFER, START).why_not == "in purge.protect"


DONE = Converted("c1", D("0.04"), D("3.94"), START + 2000)


def test_the_books_get_what_was_given_and_what_came_and_not_what_was_promised() -> None:
    booked, done = looked_up(ITEM, DONE, frozenset(), START + 5000, HORIZON)
    assert done == ConversionDone(ITEM.id)
    assert isinstance(booked, FillBooked)
    fill = booked.fill
    assert (fill.symbol, fill.side, fill.amount, fill.cost, fill.fees) == (
        "BTC/USDT", Side.SELL, D("0.04"), D("3.94"), ()
    )  # fmt: skip
    assert (fill.trade_id, fill.client_order_id, fill.time) == ("convert-q1", ITEM.id, START + 2000)
    assert is_ours(ITEM.id)
    assert looked_up(ITEM, DONE, frozenset({"convert-q1"}), START + 5000, HORIZON) == [done]


@pytest.mark.parametrize("told", [0, START + 24 * 60 * MINUTE, START - 24 * 60 * MINUTE])
def test_a_date_that_can_not_be_is_not_believed(told: int) -> None:
    booked, _ = looked_up(ITEM, DONE._replace(time=told), frozenset(), START + 5000, HORIZON)
    assert isinstance(booked, FillBooked) and booked.fill.time == START + 5000


@pytest.mark.parametrize(
    ("answer", "accepted", "now", "ends"),
    [
        (NotFound("no"), False, OVER, None),
        (NotFound("no"), False, OVER + 1, "not_accepted"),
        (NotFound("no"), True, OVER + 24 * 60 * MINUTE, None),  # the exchange said that it took it
        (NotFound("no"), True, OVER + 24 * 60 * MINUTE + 1, "forgotten"),
        (Unanswered("no"), False, OVER + 7 * 24 * 60 * MINUTE, None),
        (Unanswered("no"), False, OVER + 7 * 24 * 60 * MINUTE + 1, "forgotten"),
        (Unanswered("no"), False, OVER + 1, None),
        (ConversionPending("c1"), False, OVER + 1, None),
        (ConversionFailed("no"), False, START, "failed"),
        (ConversionFailed("no"), True, START, "failed"),
    ],
)
def test_a_conversion_ends_only_on_what_is_certain(
    answer: ConversionAnswer, accepted: bool, now: int, ends: str | None
) -> None:
    item = ITEM._replace(state=Accepted(START, "c1")) if accepted else ITEM
    events = looked_up(item, answer, frozenset(), now, HORIZON)
    assert [event.end for event in events if isinstance(event, ConversionEnded)] == ([ends] if ends else [])
    assert [event.hold.symbol for event in events if isinstance(event, HoldPlaced)] == (
        [item.intent.symbol] if ends == "forgotten" else []
    )
    learned = isinstance(answer, ConversionPending) and not accepted
    assert [event for event in events if isinstance(event, ConversionAccepted)] == (
        [ConversionAccepted(item.id, "c1")] if learned else []
    )
