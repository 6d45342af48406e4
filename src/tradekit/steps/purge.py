"""Plans of purges: begun and ended where the policy, a person or the market says so. Sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tradekit.decide.fate import rests_on
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


def take_back(desk: Desk, assets: Iterable[str], *, to_sell_again: bool = False) -> tuple[str, ...]:
    """Cancels orders of these purges that still rest: a person wants something else now. A dry run leaves them, and
    tells the assets.

    `to_sell_again`: one whose rest could not be sold otherwise rests on.
    """
    state, now, wanted = desk.state, desk.clock.now(), frozenset(assets)
    live = {order.id: order for order in state.orders.values() if order.is_live and not order.is_unanswered}
    if to_sell_again:
        live = {id: order for id, order in live.items() if rests_on(desk.policy, state, order) <= now}
    proposals = {id: order.intent.approved.proposal for id, order in live.items()}
    resting = [id for id, p in proposals.items() if p.origin is Origin.PURGE and p.base in wanted]
    if desk.dry_run:
        return tuple(sorted({proposals[id].base for id in resting}))
    if resting:
        cancel(desk, dict.fromkeys(resting, "the purge begins anew"))
    return ()


def end_purges(desk: Desk, snapshot: Snapshot, tiers: Mapping[str, TierMemory]) -> tuple[tuple[str, PurgeEnd], ...]:
    """Ends the plans that are over, and says why each is."""
    wanted = assets_to_purge(desk.policy, desk.state, tiers)
    over = finished(desk.policy, desk.state, snapshot, wanted)
    desk.record(*(PurgeEnded(asset, reason) for asset, reason in over))
    return over
