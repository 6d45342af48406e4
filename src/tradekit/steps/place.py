"""Placing orders: the intent becomes durable, then it is sent once, then the answer becomes durable.

The only place that sends an order. It takes nothing but an `OrderIntent`, and those come only from an `Approved`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.event import Event, OrderAcknowledged, OrderIntended, OrderRejected, OrderUnanswered
from tradekit.domain.order import OrderIntent
from tradekit.domain.outcome import Acknowledged, Rejected, SendOutcome, Unanswered
from tradekit.steps.desk import Desk


def place(desk: Desk, intents: Sequence[OrderIntent]) -> tuple[Problem, ...]:
    """Sends intents as one batch. Opens are left out under the kill switch or when the disk is nearly full; sales
    under the kill switch only where the policy says so. Asserts that no id was ever sent before.

    Returns the problems that kept something from being sent. Never raises for the exchange: a missing answer is an
    outcome too. Raises `NeedsHuman` when the journal can't be written; nothing is sent then.
    """
    ids = [intent.client_order_id for intent in intents]
    assert len(ids) == len({*ids}) and not desk.state.orders.keys() & {*ids}, "an id is sent once"
    sales = [intent for intent in intents if not intent.approved.proposal.opens]
    opens = [intent for intent in intents if intent.approved.proposal.opens]
    problems: list[Problem] = []
    if sales and not desk.policy.risk.exits_when_halted and desk.store.is_halted():
        problems.append(Problem("halted", f"{len(sales)} sales were not sent: the kill switch is set", _RESUME))
        sales = []
    if opens and desk.store.is_halted():
        problems.append(
            Problem("halted", f"{len(opens)} opening orders were not sent: the kill switch is set", _RESUME)
        )
        opens = []
    desk.record(*(OrderIntended(intent) for intent in sales))
    try:
        desk.record(*(OrderIntended(intent) for intent in opens), reduces_risk=False)
    except NeedsHuman as refused:
        if {problem.code for problem in refused.problems} != {"disk_full"}:
            raise
        problems.extend(refused.problems)
        opens = []
    sent = [*sales, *opens]
    if sent:
        outcomes = desk.exchange.place(sent)
        desk.record(*(_answer(intent, outcomes[intent.client_order_id]) for intent in sent))
    return tuple(problems)


_RESUME = "`tradekit resume` ends the halt"


def _answer(intent: OrderIntent, outcome: SendOutcome) -> Event:
    match outcome:
        case Acknowledged(exchange_id):
            return OrderAcknowledged(intent.client_order_id, exchange_id)
        case Rejected(code, text):
            return OrderRejected(intent.client_order_id, code, text)
        case Unanswered(reason):
            return OrderUnanswered(intent.client_order_id, reason)
