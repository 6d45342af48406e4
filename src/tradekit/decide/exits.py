"""When a position is sold: stop loss, trailing stop, take profit, longest time held.

Must never sell on a quote that is missing or broken, and never against a cost or an opening time that is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from typing import Final, NamedTuple

from tradekit.domain.market import Quote, Snapshot
from tradekit.domain.numbers import ONE, PERCENT, ZERO, divide, floor_to, plain
from tradekit.domain.policy.sections import ExitsPolicy
from tradekit.domain.position import Position
from tradekit.domain.proposal import Amount, Origin, Proposal, Side, Urgency
from tradekit.domain.times import HOUR_MS

_SHOWN: Final = Context(prec=8)


class _Exit(NamedTuple):
    name: str
    urgency: Urgency
    reason: str


def raised_peaks(
    positions: Mapping[str, Position], quotes: Mapping[str, Quote], quote_asset: str
) -> dict[str, Decimal]:
    """By asset, the highest bid seen while held (quote currency per unit), this quote included. It never falls.

    Only assets with a quantity above zero. `quotes` are by symbol; a missing or broken one keeps the old peak.
    """
    return {
        asset: max(position.peak, _bid(quotes, asset, quote_asset) or ZERO)
        for asset, position in sorted(positions.items())
        if position.quantity > ZERO
    }


def sellable_exits(exits: Iterable[Proposal], snapshot: Snapshot) -> tuple[Proposal, ...]:
    """Those exits whose amount the exchange would take at the bid. Dust is nobody's emergency, minute after minute."""
    kept = []
    for proposal in exits:
        market, quote = snapshot.markets.get(proposal.symbol), snapshot.quotes.get(proposal.symbol)
        if market is not None and quote is not None:
            amount = floor_to(proposal.size.value, market.amount_step) if market.amount_step > 0 else ZERO
            if amount < market.min_amount or amount * quote.bid < market.min_notional:
                continue
        kept.append(proposal)
    return tuple(kept)


def find_exits(
    policy: ExitsPolicy,
    positions: Mapping[str, Position],
    quotes: Mapping[str, Quote],
    quote_asset: str,
    now: int,
) -> tuple[Proposal, ...]:
    """Proposals to sell whole positions, by asset; at most one for each. `quotes` are by symbol, `now` in milliseconds.

    The first of stop loss, trailing stop (both at once), take profit, longest time held (both as a maker).
    """
    proposals = []
    for asset, position in sorted(positions.items()):
        bid = _bid(quotes, asset, quote_asset)
        if bid is None or position.quantity <= ZERO:
            continue
        found = (
            _stop_loss(policy, position, bid)
            or _trailing_stop(policy, position, bid)
            or _take_profit(policy, position, bid)
            or _max_hold(policy, position, now)
        )
        if found is not None:
            proposals.append(
                Proposal(
                    id=f"exit-{found.name}-{asset}-{now}",
                    symbol=f"{asset}/{quote_asset}",
                    side=Side.SELL,
                    size=Amount(position.quantity),
                    confidence=ONE,
                    reason=found.reason,
                    origin=Origin.EXIT,
                    urgency=found.urgency,
                )
            )
    return tuple(proposals)


def _bid(quotes: Mapping[str, Quote], asset: str, quote_asset: str) -> Decimal | None:
    """What the asset could be sold at; None without a bid, and for a crossed book, which is a broken reading."""
    quote = quotes.get(f"{asset}/{quote_asset}")
    if quote is None or quote.bid <= ZERO or ZERO < quote.ask < quote.bid:
        return None
    return quote.bid


def _stop_loss(policy: ExitsPolicy, position: Position, bid: Decimal) -> _Exit | None:
    limit = position.cost * (ONE - policy.stop_loss_pct * PERCENT)
    # worth against cost, not bid against average: the average is rounded and could miss the limit by a hair
    if not policy.stop_loss_pct or position.cost <= ZERO or bid * position.quantity > limit:
        return None
    return _Exit("stop_loss", Urgency.AT_ONCE, _compared(bid, _average(position), "the average cost"))


def _trailing_stop(policy: ExitsPolicy, position: Position, bid: Decimal) -> _Exit | None:
    # the peak before this quote is enough: a bid that raises it can't be below it
    if not policy.trailing_stop_pct or bid > position.peak * (ONE - policy.trailing_stop_pct * PERCENT):
        return None
    return _Exit("trailing_stop", Urgency.AT_ONCE, _compared(bid, position.peak, "the highest bid while held"))


def _take_profit(policy: ExitsPolicy, position: Position, bid: Decimal) -> _Exit | None:
    limit = position.cost * (ONE + policy.take_profit_pct * PERCENT)
    if not policy.take_profit_pct or position.cost <= ZERO or bid * position.quantity < limit:
        return None
    return _Exit("take_profit", Urgency.MAKER, _compared(bid, _average(position), "the average cost"))


def _max_hold(policy: ExitsPolicy, position: Position, now: int) -> _Exit | None:
    held = now - position.opened
    # an opening time of zero is not known: it would read as held since 1970
    if not policy.max_hold_hours or position.opened <= 0 or held < policy.max_hold_hours * HOUR_MS:
        return None
    hours = plain(divide(Decimal(held), Decimal(HOUR_MS)).quantize(PERCENT))
    return _Exit("max_hold", Urgency.MAKER, f"held for {hours} h, and {policy.max_hold_hours} h is the longest")


def _average(position: Position) -> Decimal:
    """Not rounded to 18 decimals, where a tiny cost of a huge quantity would become a zero to divide by."""
    return position.cost / position.quantity


def _compared(bid: Decimal, other: Decimal, name: str) -> str:
    pct = divide((bid - other) * 100, other).quantize(PERCENT)
    where = "under" if pct < ZERO else "above"
    return f"bid {plain(bid)} is {plain(abs(pct))} % {where} {name} {plain(_SHOWN.plus(other))}"
