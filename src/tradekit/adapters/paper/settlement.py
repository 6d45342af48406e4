"""Who owns what after an execution, and what open orders bind. Exact products, nothing is rounded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from tradekit.adapters.paper.ledger import Ledger, PaperOrder, PaperTrade
from tradekit.adapters.paper.setup import FeeAsset, PaperSetup
from tradekit.domain.account import Balance
from tradekit.domain.numbers import ONE, ZERO
from tradekit.domain.order import TimeInForce
from tradekit.domain.outcome import ReportedStatus
from tradekit.domain.proposal import Side


def fee_terms(setup: PaperSetup, symbol: str, side: Side, force: TimeInForce) -> tuple[Decimal, str]:
    """The fee fraction of an order and the asset that it is paid in."""
    rate = setup.taker_fee if force is TimeInForce.IOC else setup.maker_fee
    base, _, quote = symbol.partition("/")
    return rate, base if setup.fee_asset is FeeAsset.RECEIVED and side is Side.BUY else quote


def bound(order: PaperOrder) -> tuple[str, Decimal]:
    """The asset and amount that an order needs while it is open, its fee included."""
    base, _, quote = order.symbol.partition("/")
    if order.side is Side.SELL:
        return base, order.remaining
    fee = max(order.fee_rate, ZERO) if order.fee_asset == quote else ZERO
    return quote, order.remaining * order.price * (ONE + fee)


def balances(totals: Mapping[str, Decimal], open_orders: Iterable[PaperOrder]) -> dict[str, Balance]:
    """Totals, and what of them is free."""
    free = dict(totals)
    for order in open_orders:
        asset, amount = bound(order)
        free[asset] = free.get(asset, ZERO) - amount
    return {asset: Balance(asset, free[asset], totals.get(asset, ZERO)) for asset in sorted(free)}


def book(ledger: Ledger, order: PaperOrder, amount: Decimal, price: Decimal, time: int, *, maker: bool) -> PaperOrder:
    """Enters an execution: trade, balances and order. The order comes back as it is now."""
    base, _, quote = order.symbol.partition("/")
    cost = amount * price
    fee = order.fee_rate * (amount if order.fee_asset == base else cost)
    sign = 1 if order.side is Side.BUY else -1
    changes = {base: sign * amount, quote: -sign * cost}
    changes[order.fee_asset] -= fee
    ledger.move(changes)
    terms = (order.symbol, order.side, amount, price, cost, fee, order.fee_asset, maker, time)
    ledger.add_trade(PaperTrade(0, order.id, order.client_id, *terms))
    filled = order.filled + amount
    status = ReportedStatus.FILLED if filled == order.amount else order.status
    return order._replace(filled=filled, status=status, updated=time)
