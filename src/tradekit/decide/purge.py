"""Which holdings are sold off, and how much of each in one cycle, so that nothing unsellable stays behind.

Must never touch the account's quote currency, what the policy protects, or what tradekit doesn't manage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from tradekit.decide.dust import topped_up
from tradekit.decide.fate import rests_on
from tradekit.decide.manner import purge_ttl_seconds
from tradekit.decide.risk.exposure import is_wild
from tradekit.decide.sizing import smallest_sale
from tradekit.decide.universe import tier_of
from tradekit.domain.market import Market, Quote, Snapshot
from tradekit.domain.memory import Mark
from tradekit.domain.numbers import ONE, floor_to, plain
from tradekit.domain.order import Closed, Order
from tradekit.domain.policy.sections import Policy
from tradekit.domain.position import Position
from tradekit.domain.proposal import Amount, Origin, Proposal, Side
from tradekit.domain.purge import PurgeEnd, PurgePlan, PurgeTerms
from tradekit.domain.state import State
from tradekit.domain.times import HOUR_MS
from tradekit.domain.universe import Tier, TierMemory

_BY_POLICY: Final = PurgeTerms()


def assets_to_purge(policy: Policy, state: State, tiers: Mapping[str, TierMemory]) -> tuple[str, ...]:
    """Managed assets that the policy wants to be sold off: those it lists, if it says so those of no tier, and those
    that were topped up.
    """
    wanted = {*policy.purge.assets, *topped_up(state)}
    if policy.purge.ineligible:
        wanted |= ineligible(state, tiers)
    return tuple(sorted(asset for asset in wanted if _may_purge(policy, state, asset)))


def ineligible(state: State, tiers: Mapping[str, TierMemory]) -> set[str]:
    """Assets with a managed position whose symbol was looked at and is in no tier."""
    quote = state.stamp.quote
    symbols = ((asset, f"{asset}/{quote}") for asset, position in state.positions.items() if position.quantity > 0)
    return {asset for asset, symbol in symbols if symbol in tiers and tier_of(tiers, symbol) is Tier.NONE}


def new_plans(
    policy: Policy, state: State, snapshot: Snapshot, assets: Iterable[str], terms: PurgeTerms | None = None
) -> tuple[PurgePlan, ...]:
    """Plans for assets that have none; with `terms` (by hand) for all of them. One without both prices has to wait,
    and so has one that would be over at once, unless a person asks for it.
    """
    plans, wanted = [], frozenset(assets)
    for asset in sorted(wanted):
        quote = snapshot.quotes.get(f"{asset}/{state.stamp.quote}")
        if quote is not None and quote.is_whole and (terms is not None or asset not in state.purges):
            # what was bought only to be sold again is sold, whatever the policy says of the asset
            meant = terms is not None or asset in topped_up(state)
            plan = PurgePlan(asset, snapshot.time, quote.mid, meant, terms or _BY_POLICY)
            if terms is not None or _why_over(policy, state, snapshot, plan, wanted) is None:
                plans.append(plan)
    return tuple(plans)


def finished(
    policy: Policy, state: State, snapshot: Snapshot, wanted: Iterable[str]
) -> tuple[tuple[str, PurgeEnd], ...]:
    """Plans that are over. One with an order that isn't settled never is."""
    busy = {o.intent.approved.proposal.base for o in state.orders.values() if not isinstance(o.state, Closed)}
    found = []
    for asset, plan in state.purges.items():
        reason = None if asset in busy else _why_over(policy, state, snapshot, plan, wanted)
        if reason is not None:
            found.append((asset, reason))
    return tuple(found)


def propose_purges(policy: Policy, state: State, snapshot: Snapshot, now: int) -> tuple[Proposal, ...]:
    """One slice of each asset that has a plan. Assets with a sale that rests are left to it, and under the governor's
    second step only so many take their turn. `now` is in milliseconds.
    """
    quote_asset = state.stamp.quote
    selling = {
        o.intent.approved.proposal.base
        for o in state.orders.values()
        if o.intent.side is Side.SELL and not isinstance(o.state, Closed)
    }
    proposals = []
    for asset in _in_turn(policy, state, sorted(state.purges.keys() - selling)):
        symbol, position = f"{asset}/{quote_asset}", state.positions.get(asset)
        market, quote = snapshot.markets.get(symbol), snapshot.quotes.get(symbol)
        if position is None or position.quantity <= 0 or market is None or quote is None or not quote.bid:
            continue
        amount = slice_of(policy, state.purges[asset], position, market, quote)
        if amount > 0:
            reason = f"sold off since {plain(state.purges[asset].decision_price)}, {purge_ttl_seconds(policy, state)} s"
            id = f"purge-{asset}-{now}-{state.purges[asset].orders}"  # of two in one millisecond too
            proposals.append(Proposal(id, symbol, Side.SELL, Amount(amount), ONE, reason, Origin.PURGE))
    return tuple(proposals)


def left_resting(policy: Policy, state: State, now: int) -> tuple[Order, ...]:
    """Orders of purges that an earlier run left for the next cycle to take up. What rests for longer, because a person
    wants it so or because it could not be sold otherwise, is left alone. `now` is in milliseconds.
    """
    return tuple(
        order for order in _resting(state) if not _rests_long(state, order) and rests_on(policy, state, order) <= now
    )


def resting_long(state: State) -> tuple[Order, ...]:
    """Orders of purges that rest longer than that, because a person wants it so."""
    return tuple(order for order in _resting(state) if _rests_long(state, order))


def is_barred(policy: Policy, order: Order, *, halted: bool) -> bool:
    """Whether one of those may not rest any more: the policy protects the asset now, or halts sales."""
    stopped = halted and not policy.risk.exits_when_halted
    return stopped or order.intent.approved.proposal.base in policy.purge.protect


def goes_on(
    policy: Policy, state: State, snapshot: Snapshot, tiers: Mapping[str, TierMemory], order: Order, *, halted: bool
) -> bool:
    """Whether a cycle goes on with a resting order of a purge, or takes it back: a cycle that has to save time begins
    with the assets whose turn it is. What couldn't be sold any more once it is taken back is left to rest.
    """
    asset, symbol = order.intent.approved.proposal.base, order.intent.symbol
    plan, market = state.purges.get(asset), snapshot.markets.get(symbol)
    if plan is None or market is None or not market.active:
        return False
    if state.governor.step > 1 or (halted and not policy.risk.exits_when_halted):
        return False
    why_over = _why_over(policy, state, snapshot, plan, assets_to_purge(policy, state, tiers))
    return why_over in (None, PurgeEnd.TOO_SMALL) and snapshot.time >= pause_until(policy, plan)


def can_be_taken_up(snapshot: Snapshot, marks: Mapping[str, Mark], order: Order) -> bool:
    """Whether a resting sale can be decided on anew: both sides of its book are told and no fall that nobody believes
    yet, as for any other sale, and what is left of it could be sent again. One that can't rests on until its deadline.
    """
    proposal = order.intent.approved.proposal
    market, quote = snapshot.markets.get(proposal.symbol), snapshot.quotes.get(proposal.symbol)
    if market is None or not market.active or quote is None or not quote.is_whole:
        return False
    if is_wild(marks, proposal.base) and quote.mid < marks[proposal.base].price:
        return False
    return order.remaining >= smallest_sale(market, quote.bid)


def slice_of(policy: Policy, plan: PurgePlan, position: Position, market: Market, quote: Quote) -> Decimal:
    """What to sell of it in this cycle, in base units: at most the slice, and all where the rest could not be sold.

    Nothing where even all of it is too small for the exchange.
    """
    step = market.amount_step
    whole, smallest = floor_to(position.quantity, step), smallest_sale(market, quote.bid)
    if whole < smallest:
        return whole - whole
    most = plan.terms.slice_notional or policy.purge.slice_notional
    if not most:
        return whole
    part = max(floor_to(most / quote.mid, step), smallest)
    return part if whole - part >= smallest else whole


def pause_until(policy: Policy, plan: PurgePlan) -> int:
    """When a plan that failed too often goes on, in milliseconds; 0 for one that may go on now."""
    beyond, hours = plan.failures - policy.purge.max_failures, policy.purge.backoff_hours
    if beyond < 0 or not hours:
        return 0
    return plan.failed_at + hours[min(beyond, len(hours) - 1)] * HOUR_MS


def _resting(state: State) -> Iterator[Order]:
    for order in state.orders.values():
        of_purge = order.intent.approved.proposal.origin is Origin.PURGE
        if of_purge and order.is_live and not (order.is_unanswered or order.is_canceling):
            yield order


def _rests_long(state: State, order: Order) -> bool:
    plan = state.purges.get(order.intent.approved.proposal.base)
    return plan is not None and plan.terms.rests


def _may_purge(policy: Policy, state: State, asset: str) -> bool:
    position = state.positions.get(asset)
    barred = asset == state.stamp.quote or asset in policy.purge.protect
    return not barred and position is not None and position.quantity > 0


def _why_over(
    policy: Policy, state: State, snapshot: Snapshot, plan: PurgePlan, wanted: Iterable[str]
) -> PurgeEnd | None:
    position = state.positions.get(plan.asset)
    if position is None or position.quantity <= 0:
        return PurgeEnd.SOLD
    if plan.asset in policy.purge.protect or not (plan.by_hand or plan.asset in wanted):
        return PurgeEnd.NOT_WANTED
    symbol = f"{plan.asset}/{state.stamp.quote}"
    market, quote = snapshot.markets.get(symbol), snapshot.quotes.get(symbol)
    if market is None or quote is None or not quote.bid or slice_of(policy, plan, position, market, quote) > 0:
        return None
    return PurgeEnd.TOO_SMALL


def _in_turn(policy: Policy, state: State, assets: list[str]) -> list[str]:
    """All of them, or under the governor's second step the next few, cycle by cycle."""
    most = policy.governor.purge_assets
    if state.governor.step < 2 or len(assets) <= most:
        return assets
    first = state.cycles * most % len(assets)
    return (assets + assets)[first : first + most]
