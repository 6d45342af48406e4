"""Orders and trades as ccxt unifies them, made into the domain's records, or refused as broken.

A status word that isn't understood is never final, and neither is a final word without a filled amount. `closed` alone
doesn't say *filled*: some exchanges say it of what was canceled half way.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.numbers import exact, exact_or_none, rounded
from tradekit.adapters.exchange.venues.venue import Venue
from tradekit.adapters.safe_text import safe
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.money import Money
from tradekit.domain.outcome import OrderReport, ReportedStatus
from tradekit.domain.proposal import Side

_STATUS: Final = {
    "open": ReportedStatus.OPEN,
    "closed": ReportedStatus.FILLED,
    "canceled": ReportedStatus.CANCELED,
    "expired": ReportedStatus.EXPIRED,
    "rejected": ReportedStatus.REJECTED,
}
_LONGEST_ID: Final = 100
_NO_LETTER: Final = "\ufffd"  # stands for bytes that are no text


def order_report(told: dict[str, Any], venue: Venue, amount: Decimal | None = None) -> OrderReport:
    """One order. `amount` is what we sent, where we know it. Raises `BrokenAnswer`."""
    if venue.mend_order is not None:
        venue.mend_order(told)
    symbol, side = text_of(told, "symbol"), _side(told)
    asked = exact_or_none(told.get("amount"), "amount") if amount is None else amount
    filled = exact_or_none(told.get("filled"), "filled")
    if filled is not None and (filled < 0 or (asked is not None and filled > asked)):
        raise BrokenAnswer(f"filled {filled} of {asked}")
    status = _status(told, venue, asked, filled)
    client_id = venue.own_id(told.get("clientOrderId"))
    return OrderReport(
        client_order_id=None if client_id is None else ClientOrderId(safe(client_id, _LONGEST_ID)),
        exchange_id=text_of(told, "id"),
        symbol=symbol,
        side=side,
        status=status,
        price=None if told.get("price") is None else rounded(told["price"], "price"),
        amount=asked,
        filled=filled,
        time=_time(told.get("timestamp")),
    )


def fill_of(told: dict[str, Any], venue: Venue, client_id: ClientOrderId | None = None) -> Fill:
    """One trade of ours; `client_id` where it is known already. Finite nonsense is passed on, to be set aside by the
    books; raises `BrokenAnswer` for what is no number at all.
    """
    if venue.mend_trade is not None:
        venue.mend_trade(told)
    amount, price = exact(told.get("amount"), "amount"), rounded(told.get("price"), "price")
    cost = amount * price if told.get("cost") is None else rounded(told["cost"], "cost")
    named = venue.own_id(told["info"].get(venue.trades.client_id)) if venue.trades.client_id else None
    time = _time(told.get("timestamp"))
    if time <= 0:
        raise BrokenAnswer("a trade without a time")
    return Fill(
        symbol=text_of(told, "symbol"),
        trade_id=text_of(told, "id"),
        exchange_id=text_of(told, "order"),
        client_order_id=client_id if named is None else ClientOrderId(safe(named, _LONGEST_ID)),
        side=_side(told),
        amount=amount,
        price=price,
        cost=cost,
        fees=_fees(told),
        time=time,
        maker={"maker": True, "taker": False}.get(told.get("takerOrMaker") or ""),
    )


def _status(told: Mapping[str, Any], venue: Venue, asked: Decimal | None, filled: Decimal | None) -> ReportedStatus:
    status = _STATUS.get(told.get("status") or "", ReportedStatus.UNCLEAR)
    if status in (ReportedStatus.OPEN, ReportedStatus.UNCLEAR):
        return status
    if filled is None or (status is ReportedStatus.FILLED and asked is None):
        return ReportedStatus.UNCLEAR
    if asked is not None and filled == asked:
        return ReportedStatus.FILLED
    info = told.get("info") or {}
    if filled == 0 and any(info.get(name) == value for name, value in venue.post_only_marks):
        return ReportedStatus.REJECTED
    return ReportedStatus.CANCELED if status is ReportedStatus.FILLED else status


def _fees(told: Mapping[str, Any]) -> tuple[Money, ...]:
    listed = told.get("fees") or [told.get("fee") or {}]
    fees = []
    for fee in listed:
        cost = exact_or_none(fee.get("cost"), "fee")
        if cost:
            fees.append(Money(cost, text_of(fee, "currency")))
    return tuple(fees)


def _side(told: Mapping[str, Any]) -> Side:
    try:
        return Side(told.get("side") or "")
    except ValueError:
        raise BrokenAnswer("a side that is neither buy nor sell") from None


def text_of(told: Mapping[str, Any], name: str) -> str:
    """A name or an id. Raises `BrokenAnswer` where there is none that can be read."""
    value = told.get(name)
    if not isinstance(value, str) or not value or safe(value, _LONGEST_ID) != value or _NO_LETTER in value:
        raise BrokenAnswer(f"{name} is missing or no plain text")
    return value


def _time(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
