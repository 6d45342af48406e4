"""Converting: an offer is asked for, taken once, and looked up by its id until the exchange says what became of it.

The only place that takes an offer. The intent is durable before, and the money is booked only when the exchange says
what was given and what came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from tradekit.decide.conversion import answered, intent_of, looked_up, why_not_asked
from tradekit.decide.dust import DustAction, DustRow
from tradekit.domain.conversion import ConversionIntent, ConversionOffer, ConversionWish, OfferAnswer
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.event import ConversionIntended
from tradekit.steps.desk import Desk
from tradekit.steps.fills import put_in_order

_LOOKS: Final = 3


def ask_offers(desk: Desk, rows: Iterable[DustRow]) -> Mapping[str, OfferAnswer]:
    """What the exchange promises for dust that may be converted. A question, also in a dry run: it binds nobody.

    Raises `Unreachable`.
    """
    wishes = [
        ConversionWish(row.asset, desk.state.stamp.quote, row.free)
        for row in rows
        if row.free > 0 and not why_not_asked(desk.policy, row.asset)
    ]
    return desk.exchange.offers(wishes) if wishes else {}


def convert(desk: Desk, rows: Iterable[DustRow]) -> tuple[Problem, ...]:
    """Takes the offers that were chosen, each once, and waits a moment for their ends. A dry run takes none.

    A conversion reduces: under the kill switch it goes on where sales do. Never raises for the exchange. Raises
    `NeedsHuman` when the journal can't be written; nothing is sent then.
    """
    offers = [row.offer for row in rows if row.chosen is DustAction.CONVERT and row.offer is not None]
    if not offers or desk.dry_run or desk.clock.must_stop():
        return ()
    if not desk.policy.risk.exits_when_halted and desk.store.is_halted():
        what = f"{len(offers)} conversions were not sent: the kill switch is set"
        return (Problem("halted", what, "`tradekit resume` ends the halt"),)
    intents = _intents(desk, offers)
    desk.record(*(ConversionIntended(intent) for intent in intents))
    if intents:
        outcomes = desk.exchange.convert(intents)
        desk.record(*(event for intent in intents for event in answered(intent, outcomes[intent.id])))
        _wait(desk, [intent.id for intent in intents])
    return ()


def settle_conversions(desk: Desk) -> None:
    """Looks up every conversion whose end is open, by the id of its quote; books what was carried out.

    Raises `Unreachable`; what was recorded before stays.
    """
    conversions = tuple(desk.state.conversions.values())
    if not conversions:
        return
    answers = desk.exchange.conversions(conversions)
    booked = _booked(desk, [item.intent for item in conversions])
    now, horizon = desk.clock.now(), desk.exchange.not_found_horizon_ms
    desk.record(*(event for item in conversions for event in looked_up(item, answers[item.id], booked, now, horizon)))
    put_in_order(desk)


def _intents(desk: Desk, offers: Sequence[ConversionOffer]) -> list[ConversionIntent]:
    """An offer that has run out meanwhile would only be refused. Nothing is asked twice, and no asset while one of it
    is open.
    """
    now = desk.clock.now()
    intents = [intent_of(desk.state, offer, now) for offer in offers if now < offer.expires]
    assets = [intent.offer.asset for intent in intents]
    assert len(assets) == len({*assets}) and not desk.state.converting & {*assets}, "one at a time"
    assert desk.state.stamp.quote not in assets, "the quote currency is never converted"
    return intents


def _wait(desk: Desk, ids: Sequence[str]) -> None:
    """Most are over at once. What is not is the next run's first concern."""
    for look in range(_LOOKS):
        with suppress(Unreachable):
            settle_conversions(desk)
        if not desk.state.conversions.keys() & {*ids} or look == _LOOKS - 1:
            return
        desk.clock.sleep(desk.policy.execution.poll_ms)


def _booked(desk: Desk, intents: Sequence[ConversionIntent]) -> frozenset[str]:
    """A write that was torn may have kept the fill and lost the end of its conversion."""
    recent = {(booked.fill.symbol, booked.fill.trade_id) for booked in desk.state.recent.fills}
    wanted = [(intent.symbol, intent.trade_id) for intent in intents]
    older = desk.index.fills([id for id in wanted if id not in recent])
    return frozenset(trade for symbol, trade in wanted if (symbol, trade) in recent or (symbol, trade) in older)
