"""Why the exchange refuses an order at the door, before it meets the book."""

from __future__ import annotations

from decimal import Decimal

from tradekit.adapters.paper.tape import Listing
from tradekit.domain.numbers import ZERO, plain
from tradekit.domain.order import OrderIntent
from tradekit.domain.outcome import RejectCode, Rejected


def unknown_symbol(symbol: str) -> Rejected:
    """The refusal of a symbol that is not listed in the account's quote currency."""
    return Rejected(RejectCode.INVALID_ORDER, f"unknown symbol {symbol}")


def refusal(intent: OrderIntent, listing: Listing) -> Rejected | None:
    """The first filter that the order fails, None when it passes all."""
    if not listing.active:
        return Rejected(RejectCode.MARKET_CLOSED, f"{listing.symbol} is not trading")
    if not all(number.is_finite() and number > ZERO for number in (intent.price, intent.amount)):
        return Rejected(RejectCode.INVALID_ORDER, "price and amount must be positive numbers")
    if listing.ticks(intent.price) is None:
        return _precision("price", intent.price, listing.price_tick)
    if listing.lots(intent.amount) is None:
        return _precision("amount", intent.amount, listing.amount_step)
    if intent.amount < listing.min_amount:
        return _minimum("amount", intent.amount, listing.min_amount)
    if intent.notional < listing.min_notional:
        return _minimum("notional", intent.notional, listing.min_notional)
    return None


def no_funds(asset: str, needed: Decimal, free: Decimal) -> Rejected:
    """The refusal for want of money."""
    return Rejected(RejectCode.INSUFFICIENT_FUNDS, f"needs {plain(needed)} {asset}, free is {plain(free)}")


def would_cross() -> Rejected:
    """The refusal of a post-only order that would have taken."""
    return Rejected(RejectCode.POST_ONLY_WOULD_CROSS, "post-only order would have traded at once")


def _precision(what: str, actual: Decimal, unit: Decimal) -> Rejected:
    return Rejected(RejectCode.BAD_PRECISION, f"{what} {plain(actual)} is not a multiple of {plain(unit)}")


def _minimum(what: str, actual: Decimal, limit: Decimal) -> Rejected:
    return Rejected(RejectCode.BELOW_MINIMUM, f"{what} {plain(actual)} is below {plain(limit)}")
