"""The intent behind an order of ours that this journal has never seen, as far as the exchange tells it."""

from __future__ import annotations

from tradekit.domain.decision import Approved
from tradekit.domain.numbers import ONE, ZERO
from tradekit.domain.order import OrderIntent, TimeInForce
from tradekit.domain.outcome import OrderReport
from tradekit.domain.proposal import Amount, Origin, Proposal


def adopted_intent(report: OrderReport, now: int) -> OrderIntent:
    """An intent whose time is over `now` (milliseconds): nobody knows how long the order was meant to live."""
    assert report.client_order_id is not None
    amount, price = report.amount or report.filled or ZERO, report.price or ZERO
    proposal = Proposal(
        id=f"adopted-{report.client_order_id}",
        symbol=report.symbol,
        side=report.side,
        size=Amount(amount),
        confidence=ONE,
        reason="found open on the exchange",
        origin=Origin.ADOPTED,
    )
    approved = Approved(proposal, amount, decision_price=price, worst_price=price)
    created = min(report.time, now)
    return OrderIntent(approved, 1, report.client_order_id, amount, price, TimeInForce.PO, created, deadline=now)
