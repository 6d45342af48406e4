"""What events do to the plans of purges: progress follows from the orders, failures from what the exchange said.

Must never count a fill twice: progress is the difference that an event made to what its orders have filled.
"""

from __future__ import annotations

from collections.abc import Mapping

from tradekit.domain.event import (
    BooksRebuilt,
    FillBooked,
    OrderIntended,
    OrderNotPlaced,
    OrderRejected,
    Record,
    StateRestored,
)
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import Order
from tradekit.domain.outcome import RejectCode
from tradekit.domain.proposal import Origin
from tradekit.domain.purge import PurgePlan
from tradekit.domain.state import State


def start(plans: Mapping[str, PurgePlan], plan: PurgePlan) -> dict[str, PurgePlan]:
    """With one more plan. Where there is one for the asset, it goes on under the new terms, as far as it has come."""
    old = plans.get(plan.asset)
    if old is not None:
        plan = old._replace(by_hand=plan.by_hand, terms=plan.terms, failures=0, failed_at=0)
    return {**plans, plan.asset: plan}


def follow(before: State, after: State, record: Record, order: Order | None) -> Mapping[str, PurgePlan]:
    """The plans after a record that made one state into the next. `order` is the one that a fill belongs to."""
    if not after.purges:
        return after.purges
    match record.event:
        case FillBooked():
            return after.purges if order is None else _moved(before, after, order.id)
        case StateRestored() | BooksRebuilt():
            plans = after
            for id in after.orders:
                plans = plans._replace(purges=_moved(before, plans, id))
            return plans.purges
        case OrderIntended(intent) if intent.approved.proposal.origin is Origin.PURGE:
            return _changed(after.purges, intent.approved.proposal.base, orders=1)
        case OrderRejected(id, code, _) if code is not RejectCode.POST_ONLY_WOULD_CROSS:
            return _failed(after, id, record.time)
        case OrderNotPlaced(id):
            return _failed(after, id, record.time)
        case _:
            return after.purges


def _moved(before: State, after: State, id: ClientOrderId) -> Mapping[str, PurgePlan]:
    """A fill ends what failures there were."""
    old, new = before.orders[id], after.orders[id]
    if new.intent.approved.proposal.origin is not Origin.PURGE:
        return after.purges
    sold, proceeds = new.filled - old.filled, new.cost - old.cost
    plan = after.purges.get(new.intent.approved.proposal.base)
    if plan is None or not sold:
        return after.purges
    # what was sold before this plan began is no progress of it
    plan = plan._replace(sold=max(plan.sold + sold, ZERO), proceeds=max(plan.proceeds + proceeds, ZERO))
    return {**after.purges, plan.asset: plan._replace(failures=0, failed_at=0)}


def _failed(state: State, id: ClientOrderId, now: int) -> Mapping[str, PurgePlan]:
    proposal = state.orders[id].intent.approved.proposal
    if proposal.origin is not Origin.PURGE:
        return state.purges
    return _changed(state.purges, proposal.base, failures=1, failed_at=now)


def _changed(
    plans: Mapping[str, PurgePlan], asset: str, *, orders: int = 0, failures: int = 0, failed_at: int = 0
) -> Mapping[str, PurgePlan]:
    plan = plans.get(asset)
    if plan is None:
        return plans
    counted = plan._replace(orders=plan.orders + orders, failures=plan.failures + failures)
    return {**plans, asset: counted._replace(failed_at=failed_at or plan.failed_at)}
