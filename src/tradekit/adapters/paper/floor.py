"""The trading floor: brings open orders up to a time, lets new ones in, lets canceled ones out.

Works on the ledger alone, so that nothing is lost when the process dies. Every call happens inside its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable

from tradekit.adapters.paper import admission, settlement
from tradekit.adapters.paper.ledger import Ledger, PaperOrder
from tradekit.adapters.paper.matching import Execution, Matching, Resting, WouldCross
from tradekit.adapters.paper.setup import PaperSetup
from tradekit.adapters.paper.tape import Feed, Listing
from tradekit.domain.market import Quote
from tradekit.domain.numbers import ZERO
from tradekit.domain.order import OrderIntent, TimeInForce
from tradekit.domain.outcome import Acknowledged, ReportedStatus, SendOutcome
from tradekit.domain.proposal import Side


class Floor:
    """Open orders against the feed. All times are world time in milliseconds."""

    def __init__(self, ledger: Ledger, feed: Feed, setup: PaperSetup) -> None:
        self._ledger = ledger
        self._feed = feed
        self._setup = setup
        self._listings = feed.listings()

    def advance(self, start: int, end: int) -> None:
        """Lets the tape from `start` on and before `end` act on all open orders."""
        taken = self._ledger.taken()
        waiting: dict[str, list[PaperOrder]] = {symbol: [] for symbol in taken}
        for order in self._ledger.open_orders():
            waiting.setdefault(order.symbol, []).append(order)
        for symbol in sorted(waiting):
            self._advance_symbol(symbol, waiting[symbol], taken.get(symbol, []), start, end)

    def enter(self, intent: OrderIntent, now: int) -> SendOutcome:
        """An order arrives: refused, resting, or traded at once as far as its limit allows.

        A client id that is known already gets the first order's acknowledgement again.
        """
        known = self._ledger.find(intent.client_order_id)
        if known is not None:
            return Acknowledged(known.exchange_id)
        listing = self._listings.get(intent.symbol)
        if listing is None or listing.quote != self._setup.quote:
            return admission.unknown_symbol(intent.symbol)
        refused = admission.refusal(intent, listing)
        if refused is not None:
            return refused
        order = self._draft(intent, now)
        asset, needed = settlement.bound(order)
        open_orders = self._ledger.open_orders()
        held = settlement.balances(self._ledger.totals(), open_orders).get(asset)
        free = held.free if held else ZERO
        if needed > free:
            return admission.no_funds(asset, needed, free)
        matching = self._matching(listing, open_orders)
        if order.time_in_force is TimeInForce.IOC:
            return self._take(order, listing, matching, now)
        return self._rest(order, listing, matching, now)

    def leave(self, order: PaperOrder, now: int) -> None:
        """Cancels an open order."""
        self._ledger.update(order._replace(status=ReportedStatus.CANCELED, updated=now))

    def quotes(self, symbols: Iterable[str], now: int) -> dict[str, Quote]:
        """Best bid and ask without what we took. A symbol with an empty side is left out."""
        taken = self._ledger.taken()
        found = {}
        for symbol, top in self._feed.tops(list(symbols), now).items():
            listing = self._listings[symbol]
            book = Matching(taken=taken.get(symbol, ())).visible(top.book)
            bid, ask = book.best_bid, book.best_ask
            if bid is not None and ask is not None:
                tick, step = listing.price_tick, listing.amount_step
                prices, amounts = (bid * tick, ask * tick), (book.bids[bid] * step, book.asks[ask] * step)
                found[symbol] = Quote(symbol, top.time, *prices, *amounts, top.volume_24h)
        return found

    def _advance_symbol(
        self, symbol: str, orders: list[PaperOrder], taken: list[tuple[Side, int, int]], start: int, end: int
    ) -> None:
        listing = self._listings[symbol]
        matching = Matching((_resting(order, listing) for order in orders), taken)
        by_id = {order.id: order for order in orders}
        for event in self._feed.events(symbol, start, end):
            self._book(by_id, matching.feed(event), listing)
        ahead = {resting.key: resting.ahead for resting in matching.resting}
        for before in orders:
            after = by_id[before.id]._replace(ahead=ahead.get(before.id, 0))
            if after != before:
                self._ledger.update(after)
        if len(matching.taken) != len(taken):
            self._ledger.set_taken(symbol, matching.taken)

    def _book(self, orders: dict[int, PaperOrder], executions: Iterable[Execution], listing: Listing) -> None:
        for done in executions:
            amount, price = done.amount * listing.amount_step, done.price * listing.price_tick
            order = orders[done.key]
            orders[done.key] = settlement.book(self._ledger, order, amount, price, done.time, maker=done.maker)

    def _matching(self, listing: Listing, open_orders: Iterable[PaperOrder]) -> Matching:
        resting = (_resting(order, listing) for order in open_orders if order.symbol == listing.symbol)
        return Matching(resting, self._ledger.taken().get(listing.symbol, ()))

    def _rest(self, order: PaperOrder, listing: Listing, matching: Matching, now: int) -> SendOutcome:
        price, lots = _grid(order, listing)
        try:
            resting = matching.join(order.id, order.side, price, lots, self._feed.book(order.symbol, now))
        except WouldCross:
            return admission.would_cross()
        return Acknowledged(self._ledger.add_order(order._replace(ahead=resting.ahead)).exchange_id)

    def _take(self, order: PaperOrder, listing: Listing, matching: Matching, now: int) -> SendOutcome:
        price, lots = _grid(order, listing)
        order = self._ledger.add_order(order._replace(status=ReportedStatus.EXPIRED))
        book = self._feed.book(order.symbol, now)
        executions = matching.take(order.id, order.side, price, lots, book, now)
        orders = {order.id: order}
        self._book(orders, executions, listing)
        self._ledger.update(orders[order.id])
        self._ledger.set_taken(order.symbol, matching.taken)
        return Acknowledged(order.exchange_id)

    def _draft(self, intent: OrderIntent, now: int) -> PaperOrder:
        rate, fee_asset = settlement.fee_terms(self._setup, intent.symbol, intent.side, intent.time_in_force)
        return PaperOrder(
            id=0,
            client_id=intent.client_order_id,
            symbol=intent.symbol,
            side=intent.side,
            time_in_force=intent.time_in_force,
            price=intent.price,
            amount=intent.amount,
            filled=ZERO,
            status=ReportedStatus.OPEN,
            fee_rate=rate,
            fee_asset=fee_asset,
            ahead=0,
            created=now,
            updated=now,
        )


def _grid(order: PaperOrder, listing: Listing) -> tuple[int, int]:
    return int(order.price / listing.price_tick), int(order.remaining / listing.amount_step)


def _resting(order: PaperOrder, listing: Listing) -> Resting:
    price, lots = _grid(order, listing)
    return Resting(order.id, order.side, price, lots, order.ahead)
