"""Holdings too small to be sold: how they came about, what could be done about each, and what that costs.

Only what saves money is done. A top-up is a purchase and is judged as one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from tradekit.decide.conversion import believed_bid, weigh
from tradekit.decide.sizing import smallest_purchase, smallest_sale
from tradekit.decide.universe import tier_of
from tradekit.domain.conversion import ConversionOffer, OfferAnswer
from tradekit.domain.market import Market, Quote, Snapshot
from tradekit.domain.numbers import ZERO, ceil_to, floor_to
from tradekit.domain.order import Closed
from tradekit.domain.policy.sections import Policy
from tradekit.domain.position import Position
from tradekit.domain.proposal import Amount, Origin, Proposal, Side
from tradekit.domain.state import State
from tradekit.domain.universe import Tier, TierMemory

_LEAST_CONFIDENT: Final = ZERO
_NO_OFFERS: Final[Mapping[str, OfferAnswer]] = {}


class DustCause(StrEnum):
    """What left the holding too small."""

    ADOPTED = "held_before"
    SALE = "left_by_a_sale"
    PURCHASE = "bought_in_part"
    PRICE = "price_fell"
    NO_MARKET = "no_market"


class DustAction(StrEnum):
    """What can be done. `RIDE` costs nothing: the next sale of the asset takes it along."""

    TOP_UP = "top_up"
    CONVERT = "convert"
    RIDE = "ride"
    WRITE_OFF = "write_off"
    WAIT = "wait"


class DustChoice(NamedTuple):
    """One thing that could be done: what it costs and frees in quote currency, and why it isn't done (empty: it is)."""

    action: DustAction
    cost: Decimal
    frees: Decimal
    why_not: str = ""


class DustRow(NamedTuple):
    """One holding: `worth` at the bid (None without a price), `smallest` sale in base units, `age_ms` since its last
    trade, and every choice. `free` is what may be converted of it, `offer` what the exchange promises for it.
    """

    asset: str
    quantity: Decimal
    worth: Decimal | None
    smallest: Decimal | None
    age_ms: int
    cause: DustCause
    choices: tuple[DustChoice, ...]
    chosen: DustAction
    top_up: Decimal = ZERO
    free: Decimal = ZERO
    offer: ConversionOffer | None = None


def find_dust(
    policy: Policy,
    state: State,
    snapshot: Snapshot,
    tiers: Mapping[str, TierMemory],
    now: int,
    offers: Mapping[str, OfferAnswer] = _NO_OFFERS,
) -> tuple[DustRow, ...]:
    """Every managed holding that can't be sold on its own, by asset. Those with an order or a conversion at work are
    left out. `offers` are what the exchange promises for some assets.
    """
    busy = {o.intent.approved.proposal.base for o in state.orders.values() if not isinstance(o.state, Closed)}
    busy |= state.converting
    rows = []
    for asset, position in sorted(state.positions.items()):
        if position.quantity <= 0 or asset in busy or asset == state.stamp.quote:
            continue
        if state.written_off.get(asset, ZERO) >= position.quantity:
            continue
        symbol = f"{asset}/{state.stamp.quote}"
        market, quote = snapshot.markets.get(symbol), snapshot.quotes.get(symbol)
        if market is None or not market.active or quote is None or not quote.bid:
            if market is None or not market.active:  # a price that is missing just now says nothing
                rows.append(_stuck(policy, state, position, symbol, now))
        elif floor_to(position.quantity, market.amount_step) < smallest_sale(market, quote.bid):
            balance = snapshot.balances.get(asset)
            free = min(position.quantity, ZERO if balance is None else balance.free)
            at = believed_bid(policy, state, snapshot, asset)
            convert = DustChoice(DustAction.CONVERT, *weigh(policy, asset, free, at, offers.get(asset), now))
            row = _row(policy, state, position, market, quote, tiers, now, convert)
            rows.append(row._replace(free=free, offer=_given(offers.get(asset))))
    return tuple(rows)


def top_ups(rows: Iterable[DustRow], quote_asset: str, now: int) -> tuple[Proposal, ...]:
    """A purchase for every holding that is worth one. `now` is in milliseconds."""
    return tuple(
        Proposal(
            f"dust-{row.asset}-{now}",
            f"{row.asset}/{quote_asset}",
            Side.BUY,
            Amount(row.top_up),
            _LEAST_CONFIDENT,
            "a holding too small to be sold alone",
            Origin.DUST,
        )
        for row in rows
        if row.chosen is DustAction.TOP_UP
    )


def topped_up(state: State) -> frozenset[str]:
    """Assets that were bought only to be sold with what was there: their top-up is done and nothing sold them since."""
    newest = {o.intent.approved.proposal.base: o for o in state.orders.values() if o.filled}
    done = (
        asset
        for asset, order in newest.items()
        if order.intent.approved.proposal.origin is Origin.DUST and isinstance(order.state, Closed)
    )
    return frozenset(
        asset for asset in done if asset not in state.purges and (held := state.positions.get(asset)) and held.quantity
    )


def _row(
    policy: Policy,
    state: State,
    position: Position,
    market: Market,
    quote: Quote,
    tiers: Mapping[str, TierMemory],
    now: int,
    convert: DustChoice,
) -> DustRow:
    worth, smallest = position.quantity * quote.bid, smallest_sale(market, quote.bid)
    amount, tier = _top_up_amount(policy, market, quote), tier_of(tiers, market.symbol)
    choices = (
        _top_up(policy, floor_to(position.quantity, market.amount_step) * quote.bid, amount, market, quote, tier),
        convert,
        _ride(policy, worth, tier),
        _write_off(policy, worth),
    )
    cause = _cause(state, position)
    age = now - max(state.cursors.get(market.symbol, 0), position.opened)
    held = position.quantity
    return DustRow(position.asset, held, worth, smallest, age, cause, choices, _choose(choices), amount)


def _given(answer: OfferAnswer | None) -> ConversionOffer | None:
    return answer if isinstance(answer, ConversionOffer) else None


def _choose(choices: Sequence[DustChoice]) -> DustAction:
    """The first that can be done, but of those that free something now the one that costs least."""
    able = [choice for choice in choices if not choice.why_not]
    now = [choice for choice in able if choice.action in (DustAction.TOP_UP, DustAction.CONVERT)]
    return min(now or able[:1], key=lambda choice: choice.cost).action if able else DustAction.WAIT


def _stuck(policy: Policy, state: State, position: Position, symbol: str, now: int) -> DustRow:
    """Nothing can be bought or sold where there is no market."""
    choice = _write_off(policy, ZERO)
    chosen = DustAction.WAIT if choice.why_not else DustAction.WRITE_OFF
    age = now - max(state.cursors.get(symbol, 0), position.opened)
    return DustRow(position.asset, position.quantity, None, None, age, DustCause.NO_MARKET, (choice,), chosen)


def _top_up_amount(policy: Policy, market: Market, quote: Quote) -> Decimal:
    """The smallest purchase that the policy and the exchange take, in base units; alone it can be sold again."""
    wanted = ceil_to(policy.risk.min_order_notional / quote.mid, market.amount_step)
    return max(wanted, smallest_purchase(policy, market, quote.mid))


def _top_up(policy: Policy, worth: Decimal, amount: Decimal, market: Market, quote: Quote, tier: Tier) -> DustChoice:
    """Both ways as a maker, with the spread reckoned in: a purchase at the ask, a sale at the bid. What is less than a
    step stays whatever is bought, so `worth` is without it.
    """
    spent = amount * quote.ask
    cost = spent * market.maker_fee + (amount * quote.bid + worth) * market.maker_fee + amount * (quote.ask - quote.bid)
    least = policy.dust.min_gain_notional
    if DustAction.TOP_UP not in policy.dust.actions:
        return DustChoice(DustAction.TOP_UP, cost, worth, "not in dust.actions")
    if market.base in policy.purge.protect:
        return DustChoice(DustAction.TOP_UP, cost, worth, "in purge.protect, so it could not be sold")
    if tier is Tier.NONE:
        return DustChoice(DustAction.TOP_UP, cost, worth, "the coin is in no tier, so nothing of it is bought")
    why = "" if worth - cost >= least and worth > cost else "costs more than it frees"
    return DustChoice(DustAction.TOP_UP, cost, worth, why)


def _ride(policy: Policy, worth: Decimal, tier: Tier) -> DustChoice:
    if DustAction.RIDE not in policy.dust.actions:
        return DustChoice(DustAction.RIDE, ZERO, worth, "not in dust.actions")
    why = "" if tier is not Tier.NONE else "the coin is in no tier, so nothing buys or sells it"
    return DustChoice(DustAction.RIDE, ZERO, worth, why)


def _write_off(policy: Policy, worth: Decimal) -> DustChoice:
    if DustAction.WRITE_OFF not in policy.dust.actions:
        return DustChoice(DustAction.WRITE_OFF, worth, ZERO, "not in dust.actions")
    most = policy.dust.write_off_notional
    return DustChoice(
        DustAction.WRITE_OFF, worth, ZERO, "" if worth <= most else "worth more than dust.write_off_notional"
    )


def _cause(state: State, position: Position) -> DustCause:
    tally = state.books.tallies.get(position.asset)
    if tally is not None and tally.sold > 0:
        return DustCause.SALE
    if position.adopted > 0:
        return DustCause.ADOPTED
    bought_in_part = any(
        order.intent.approved.proposal.base == position.asset and 0 < order.filled < order.intent.amount
        for order in state.orders.values()
    )
    return DustCause.PURCHASE if bought_in_part else DustCause.PRICE
