"""Plans of purges: begun and ended where the policy, a person or the market says so. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradekit.decide.purge import assets_to_purge, finished, new_plans
from tradekit.domain.event import PurgeEnded, PurgeStarted
from tradekit.domain.market import Snapshot
from tradekit.domain.proposal import Origin
from tradekit.domain.purge import PurgeEnd, PurgeTerms
from tradekit.domain.universe import TierMemory
from tradekit.steps.desk import Desk
from tradekit.steps.orders import cancel


def plan_purges(desk: Desk, snapshot: Snapshot, tiers: Mapping[str, TierMemory]) -> None:
    """Ends plans that are over and begins those that the policy wants."""
    end_purges(desk, snapshot, tiers)
    wanted = assets_to_purge(desk.policy, desk.state, tiers)
    desk.record(*(PurgeStarted(plan) for plan in new_plans(desk.policy, desk.state, snapshot, wanted)))


def begin_purges(desk: Desk, snapshot: Snapshot, assets: Iterable[str], terms: PurgeTerms) -> None:
    """Begins plans by hand, or lets older ones go on under these terms."""
    desk.record(*(PurgeStarted(plan) for plan in new_plans(desk.policy, desk.state, snapshot, assets, terms)))


def stop_purges(desk: Desk, assets: Iterable[str]) -> None:
    """Ends plans by hand. One that the policy wants begins again with the next cycle."""
    desk.record(*(PurgeEnded(asset, PurgeEnd.STOPPED) for asset in assets))


def take_back(desk: Desk, assets: Iterable[str]) -> None:
    """Cancels orders of these purges that still rest: a person wants something else now. A dry run leaves them."""
    live = (order for order in desk.state.orders.values() if order.is_live and not order.is_unanswered)
    proposals = {order.id: order.intent.approved.proposal for order in live}
    resting = [id for id, p in proposals.items() if p.origin is Origin.PURGE and p.base in assets]
    if resting and not desk.dry_run:
        cancel(desk, dict.fromkeys(resting, "the purge begins anew"))


def end_purges(desk: Desk, snapshot: Snapshot, tiers: Mapping[str, TierMemory]) -> tuple[tuple[str, PurgeEnd], ...]:
    """Ends the plans that are over, and says why each is."""
    wanted = assets_to_purge(desk.policy, desk.state, tiers)
    over = finished(desk.policy, desk.state, snapshot, wanted)
    desk.record(*(PurgeEnded(asset, reason) for asset, reason in over))
    return over
