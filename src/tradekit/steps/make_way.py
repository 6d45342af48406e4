"""Make way: a sale of ours that still rests binds what a stop has to sell, or what a purge no longer wants to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradekit.decide.purge import goes_on, is_barred, left_resting, resting_long
from tradekit.domain.market import Snapshot
from tradekit.domain.order import Order
from tradekit.domain.proposal import Origin, Proposal, Side, Urgency
from tradekit.domain.universe import TierMemory
from tradekit.steps.desk import Desk
from tradekit.steps.orders import cancel


def make_way(desk: Desk, snapshot: Snapshot, tiers: Mapping[str, TierMemory], proposals: Iterable[Proposal]) -> bool:
    """Cancels resting sales of assets that a stop wants to sell, and those of purges that no exit may wait for or that
    don't go on. Says whether balances changed by that.
    """
    exits = [proposal for proposal in proposals if proposal.origin is Origin.EXIT]
    stops = {proposal.symbol for proposal in exits if proposal.urgency is Urgency.AT_ONCE}
    policy, state, leaving = desk.policy, desk.state, {proposal.symbol for proposal in exits}
    resting = left_resting(policy, state, snapshot.time)
    long = resting_long(state)
    halted = bool(resting or long) and desk.store.is_halted()
    reasons = {order.id: "the purge does not go on" for order in long if is_barred(policy, order, halted=halted)}
    reasons |= {
        order.id: "the purge does not go on"
        for order in resting
        if order.intent.symbol in leaving or not goes_on(policy, state, snapshot, tiers, order, halted=halted)
    }
    in_the_way = [order for order in desk.state.orders.values() if _rests(order) and order.intent.symbol in stops]
    reasons |= {order.id: "a stop has to sell" for order in in_the_way}
    if not reasons or desk.dry_run:
        return False
    cancel(desk, reasons)
    return True


def _rests(order: Order) -> bool:
    return order.is_live and not order.is_unanswered and order.intent.side is Side.SELL
