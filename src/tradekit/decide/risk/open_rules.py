"""The rules that bind opening orders: gates that say yes or no, and caps that leave room for a size.

Each is one small function; the two lists at the end are the order in which they are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from tradekit.decide.risk import situation
from tradekit.decide.risk.situation import Ask, Breach, Cap, Situation
from tradekit.domain.numbers import BP, COST_PLACES, ONE, PERCENT, ZERO, divide, floor_to
from tradekit.domain.order import Closed
from tradekit.domain.proposal import Side
from tradekit.domain.universe import Tier

_HOUR_MS: Final = 3_600_000
_SMALLEST: Final = Decimal(1).scaleb(-COST_PLACES)


def kill_switch(at: Situation, ask: Ask) -> Breach | None:
    """Nothing is opened under the kill switch."""
    return Breach("halted", "halt") if at.halted else None


def expiry(at: Situation, ask: Ask) -> Breach | None:
    """A proposal may say until when it holds."""
    expires = ask.proposal.expires
    if expires is None or at.now < expires:
        return None
    return Breach("proposal_expired", "expires", Decimal(expires), Decimal(at.now), "ms")


def tradable(at: Situation, ask: Ask) -> Breach | None:
    """The exchange trades the symbol now, with filters and a quote that can be reckoned with."""
    return situation.tradable(at, ask.proposal)


def eligible(at: Situation, ask: Ask) -> Breach | None:
    """Only coins of the universe are opened."""
    return Breach("not_in_universe", "universe") if ask.tier is Tier.NONE else None


def answered(at: Situation, ask: Ask) -> Breach | None:
    """No new order of a symbol while the exchange owes us an answer on an older one."""
    waiting = [o for o in at.state.orders.values() if o.is_unanswered and o.intent.symbol == ask.proposal.symbol]
    return Breach("order_unanswered", "order", ZERO, Decimal(len(waiting)), "orders") if waiting else None


def not_selling(at: Situation, ask: Ask) -> Breach | None:
    """Nothing is bought back in the cycle that sells it, nor while a sale of it is open."""
    base = ask.proposal.base
    sales = sum(1 for granted in at.grants if not granted.opens and granted.base == base)
    sales += sum(
        1
        for order in at.state.orders.values()
        if order.intent.side is Side.SELL
        and order.intent.approved.proposal.base == base
        and not isinstance(order.state, Closed)
    )
    return Breach("sale_working", "order", ZERO, Decimal(sales), "orders") if sales else None


def books_match(at: Situation, ask: Ask) -> Breach | None:
    """Nothing is opened in an asset whose balance is not what the books say; nothing at all when that is the cash."""
    unsure = {ask.proposal.base, at.state.stamp.quote} & at.mismatched
    return Breach("books_mismatch", "books") if unsure else None


def not_in_doubt(at: Situation, ask: Ask) -> Breach | None:
    """Nothing is opened where a fill or an order is in doubt, until a person has looked."""
    holds = at.state.holds_on(ask.proposal.symbol)
    return Breach("held", "resume", ZERO, Decimal(len(holds)), "holds") if holds else None


def trades_per_hour(at: Situation, ask: Ask) -> Breach | None:
    """Opening orders in the last 60 minutes."""
    done = sum(1 for item in at.state.openings if item.time > at.now - _HOUR_MS) + len(at.opens)
    return _count("pace_hour", "risk.max_trades_per_hour", at.policy.risk.max_trades_per_hour, done, "orders")


def trades_per_day(at: Situation, ask: Ask) -> Breach | None:
    """Opening orders in the last 24 hours."""
    done = sum(1 for item in at.state.openings if item.time > at.now - 24 * _HOUR_MS) + len(at.opens)
    return _count("pace_day", "risk.max_trades_per_day", at.policy.risk.max_trades_per_day, done, "orders")


def pause(at: Situation, ask: Ask) -> Breach | None:
    """Seconds between two opening orders of any symbol."""
    times = [item.time for item in at.state.openings] + [at.now for _ in at.opens]
    return _spacing(
        "pace_pause", "risk.min_seconds_between_trades", at.policy.risk.min_seconds_between_trades, times, at
    )


def symbol_pause(at: Situation, ask: Ask) -> Breach | None:
    """Seconds between two opening orders of this symbol."""
    symbol = ask.proposal.symbol
    times = [item.time for item in at.state.openings if item.symbol == symbol]
    times += [at.now for granted in at.opens if granted.symbol == symbol]
    key = "risk.min_seconds_between_symbol_trades"
    return _spacing("pace_symbol", key, at.policy.risk.min_seconds_between_symbol_trades, times, at)


def position_count(at: Situation, ask: Ask) -> Breach | None:
    """Assets held or being bought. Adding to one of them may be allowed when the count is reached."""
    risk = at.policy.risk
    positions = at.exposure.positions(risk.dust_notional)
    if ask.proposal.base in positions:
        if len(positions) < risk.max_positions or risk.allow_adds_when_saturated:
            return None
        return Breach(
            "adds_blocked",
            "risk.allow_adds_when_saturated",
            Decimal(risk.max_positions),
            Decimal(len(positions)),
            "positions",
        )
    return _count("position_count", "risk.max_positions", risk.max_positions, len(positions), "positions")


def new_positions(at: Situation, ask: Ask) -> Breach | None:
    """Assets first bought in this cycle."""
    risk = at.policy.risk
    before = at.exposure._replace(granted={}).positions(risk.dust_notional)
    if ask.proposal.base in before or ask.proposal.base in at.exposure.granted:
        return None
    begun = len(frozenset(at.exposure.granted) - before)
    return _count(
        "new_positions", "risk.max_new_positions_per_cycle", risk.max_new_positions_per_cycle, begun, "positions"
    )


def minimum(at: Situation, ask: Ask) -> Breach | None:
    """An opening order is worth at least the policy's minimum, and the exchange's also when its stop sells it."""
    limit = max(at.policy.risk.min_order_notional, sellable_at_stop(at, ask))
    if ask.notional >= limit:
        return None
    return Breach("below_min_notional", "risk.min_order_notional", limit, ask.notional, at.state.stamp.quote)


def sellable_at_stop(at: Situation, ask: Ask) -> Decimal:
    """The smallest purchase that the exchange still lets the stop sell, in quote currency."""
    market, exits = at.snapshot.markets[ask.proposal.symbol], at.policy.exits
    at_stop = (ONE - exits.stop_loss_pct * PERCENT) * (ONE - exits.stop_slippage_bp * BP)
    left_at_stop = at_stop * (ONE - market.taker_fee)
    return divide(market.min_notional, left_at_stop) if left_at_stop > ZERO else market.min_notional


def total_cap(at: Situation, ask: Ask) -> Cap:
    """All positions and opening orders."""
    limit = at.equity * at.policy.risk.max_total_at_risk_pct * PERCENT
    return Cap("cap_total", "risk.max_total_at_risk_pct", limit, at.exposure.sum())


def asset_cap(at: Situation, ask: Ask) -> Cap:
    """One asset."""
    limit = at.equity * at.policy.risk.max_asset_pct * PERCENT
    return Cap("cap_asset", "risk.max_asset_pct", limit, at.exposure.of(ask.proposal.base))


def tier_cap(at: Situation, ask: Ask) -> Cap:
    """All assets of the symbol's tier."""
    risk = at.policy.risk
    number, share = {
        Tier.T1: ("1", risk.max_tier1_pct),
        Tier.T2: ("2", risk.max_tier2_pct),
        Tier.T3: ("3", risk.max_tier3_pct),
        Tier.NONE: ("3", ZERO),
    }[ask.tier]
    used = at.exposure.in_tier(ask.tier, at.state)
    return Cap("cap_tier", f"risk.max_tier{number}_pct", at.equity * share * PERCENT, used)


def cash_cap(at: Situation, ask: Ask) -> Cap:
    """Free quote currency, with the fee set aside."""
    balance = at.snapshot.balances.get(at.state.stamp.quote)
    free = ZERO if balance is None else max(min(balance.free, at.state.cash), ZERO)
    fee = at.snapshot.markets[ask.proposal.symbol].taker_fee
    granted = sum(at.exposure.granted.values(), ZERO)
    return Cap("cash", "cash", floor_to(free / (ONE + fee), _SMALLEST), granted)


def _count(code: str, rule: str, limit: int, done: int, unit: str) -> Breach | None:
    return None if done < limit else Breach(code, rule, Decimal(limit), Decimal(done + 1), unit)


def _spacing(code: str, rule: str, seconds: int, times: list[int], at: Situation) -> Breach | None:
    if not times:
        return None
    passed = Decimal(at.now - max(times)) / 1000
    return None if passed >= seconds else Breach(code, rule, Decimal(seconds), passed, "seconds")


Gate = Callable[[Situation, Ask], Breach | None]
CapRule = Callable[[Situation, Ask], Cap]

GATES: Final[tuple[Gate, ...]] = (
    kill_switch,
    expiry,
    tradable,
    eligible,
    answered,
    not_selling,
    books_match,
    not_in_doubt,
    trades_per_hour,
    trades_per_day,
    pause,
    symbol_pause,
    position_count,
    new_positions,
    minimum,
)
CAPS: Final[tuple[CapRule, ...]] = (total_cap, asset_cap, tier_cap, cash_cap)
