"""What must always be true, checked on the exchange's own side and on the durable bytes while a schedule runs.

The numbers are those of the table in docs/reliability.md.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from scene import OUTSIDE, QUOTE
from simulated.border import Border
from simulated.system import SimulatedSystem
from simulated.venue import Venue
from simulated.venue_order import VenueOrder
from tradekit.domain.conversion import ConversionIntent
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import ZERO, total
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.outcome import LookupAnswer, OrderReport, ReportedStatus, SendOutcome, Unanswered
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Amount, Notional, Origin, Side
from tradekit.domain.state import State

_ROUNDING: Final = Decimal("1.03")  # prices move between the decision and the send
_NEARLY: Final = Decimal("0.9")
_SKEW_MS: Final = 2_000
_HALT_EFFECTS: Final = 14  # what a write of intents takes: a halt that is set during it comes too late for them
_HALT_POLLS: Final = 10  # by then orders that rest were looked at several times


class Broken(AssertionError):
    """An invariant does not hold."""

    def __init__(self, number: int, what: str) -> None:
        super().__init__(f"invariant {number}: {what}")
        self.number = number


class Truth:
    """A witness of everything that passes the border, and of all that becomes true on the exchange."""

    def __init__(self, system: SimulatedSystem, venue: Venue, border: Border, horizon_ms: int) -> None:
        self.system = system
        self.venue = venue
        self.held = dict(venue.totals)
        self.taken: set[str] = set()
        self.border = border
        self.horizon_ms = horizon_ms
        self.policy: Policy | None = None
        self.runs_inside = 0
        self.reads_only = False
        self.halted_since: tuple[int, int] | None = None  # run, effect
        self.run = 0
        self.intents: dict[ClientOrderId, OrderIntent] = {}
        self.resting: dict[ClientOrderId, tuple[int, int]] = {}  # first seen open under a halt: run, effect
        self.canceled: set[ClientOrderId] = set()
        self.unsettled: dict[ClientOrderId, OrderIntent] = {}
        self.by_hand = ZERO  # notional that a person traded: what tradekit can't have known of
        self.acknowledged: State | None = None
        self.changed_filters: frozenset[str] = frozenset()  # a run may not have been told of yet
        self.is_hidden: Callable[[VenueOrder], bool] = lambda _: False
        self.told_free: Callable[[str], Decimal] = lambda _: ZERO
        venue.accepted = self.accepted
        venue.traded = self.traded

    # what passes the wire

    def sending(self, intent: OrderIntent) -> None:
        self._only_one_writer()
        id = intent.client_order_id
        self.intents[id] = intent
        if not self.is_durable(id):
            raise Broken(3, f"{id} is sent before its intent is durable")
        self._is_not_sent_into_doubt(intent)
        self._is_on_the_grid(intent)
        self._keeps_the_cap(intent)
        self._obeys_the_halt(intent)
        self._is_held(intent)
        self._leaves_no_stub(intent)
        self.unsettled[id] = intent

    def answered(self, intent: OrderIntent, outcome: SendOutcome) -> None:
        if not isinstance(outcome, Unanswered):
            del self.unsettled[intent.client_order_id]

    def told(self, id: ClientOrderId, answer: LookupAnswer) -> None:
        if not isinstance(answer, OrderReport):
            return
        self.unsettled.pop(id, None)
        rests = answer.status is ReportedStatus.OPEN and answer.side is Side.BUY and not self.reads_only
        if rests and self.halted_since is not None and id not in self.canceled:
            run, effect = self.resting.setdefault(id, (self.run, self.border.count))
            if run == self.run and self.border.count - effect > _HALT_POLLS:
                raise Broken(30, f"{id} goes on resting while the kill switch is set")

    def canceling(self, id: ClientOrderId) -> None:
        self._only_one_writer()
        self.canceled.add(id)
        if self.venue.mine(id) is not None and id not in self.intents:
            raise Broken(17, f"a cancel of {id}, which is not an order of this journal")

    def converting(self, intent: ConversionIntent) -> None:
        self._only_one_writer()
        offer = intent.offer
        if offer.quote_id in self.taken:
            raise Broken(1, f"the offer {offer.quote_id} is taken twice")
        self.taken.add(offer.quote_id)
        if not self.is_durable(intent.id):
            raise Broken(3, f"{intent.id} is sent before its intent is durable")
        if self.policy and not self.policy.risk.exits_when_halted and self._is_halted_for(_HALT_EFFECTS):
            raise Broken(30, f"{intent.id} converts while the kill switch ends all trading")
        held = self._managed(offer.asset, self.venue.totals.get(offer.asset, ZERO))
        if offer.amount > held and not self.by_hand:
            raise Broken(34, f"{offer.amount} {offer.asset} are to be converted, and {held} are held")

    # what becomes true on the exchange

    def accepted(self, order: VenueOrder) -> None:
        id = order.client_id
        if id is None:
            return
        if sum(1 for other in self.venue.orders if other.client_id == id) > 1:
            raise Broken(1, f"the exchange has two orders with the id {id}")
        if id not in self.intents:
            raise Broken(3, f"the exchange has {id}, which was never sent")
        proposal = self.intents[id].approved.proposal
        family = [o for o in self.venue.orders if o.client_id is not None and self._proposal_of(o) == proposal.id]
        if len([other for other in family if other.is_open]) > 1:
            raise Broken(2, f"two orders of the proposal {proposal.id} are open")
        if proposal.origin is Origin.EXTERNAL:
            self._asks_no_more_than_was_wished(order, family)

    def traded(self, order: VenueOrder, fill: Fill) -> None:
        gone = order.client_id is not None and self.venue.totals.get(OUTSIDE, ZERO) < self.held[OUTSIDE]
        if gone and not any(
            self.is_hidden(other) for other in self.venue.orders if other.symbol == f"{OUTSIDE}/{QUOTE}"
        ):
            raise Broken(13, f"{fill.trade_id} sold {OUTSIDE} that is not tradekit's to sell")
        for asset in (fill.base, fill.quote):
            if self.venue.totals[asset] < 0:
                raise Broken(13, f"{fill.trade_id} sold more {asset} than there was")

    # what is recorded

    def closed(self, order: Order) -> None:
        """An order is over for tradekit: then it is over on the exchange, and all its trades are booked."""
        there = self.venue.mine(order.id)
        if there is None or there.is_open:
            raise Broken(16, f"{order.id} is called over, and the exchange says otherwise")
        if there.filled != order.filled:
            raise Broken(22, f"{order.id} is over with {order.filled} booked, and {there.filled} were filled")

    # what is durable

    def is_durable(self, id: ClientOrderId) -> bool:
        """Whether an intent is in the journal in such a way that no power cut can take it."""
        found = self.system.everything(durable=True)
        needle = id.encode()
        return any(needle in data for path, data in found.items() if path.endswith(".jsonl"))

    def is_recovered(self, state: State) -> None:
        """Whether a run that begins finds everything that was acknowledged."""
        before = self.acknowledged
        if before is None:
            return
        if state.seq < before.seq:
            raise Broken(7, f"{before.seq - state.seq} acknowledged records are gone")
        if state.seq == before.seq and state != before:
            raise Broken(23, "the state after a restart is not the one before it")

    def _only_one_writer(self) -> None:
        if self.runs_inside != 1:
            raise Broken(8, f"{self.runs_inside} runs are past the lock")
        if self.reads_only:
            raise Broken(9, "a run that only looks sends something")

    def _is_not_sent_into_doubt(self, intent: OrderIntent) -> None:
        """A purchase waits for any order of its symbol that nobody knows of, a sale for a sale."""
        for id, other in self.unsettled.items():
            over = other.created + self.horizon_ms <= self.venue.agenda.now + _SKEW_MS
            in_doubt = Side.BUY not in (other.side, intent.side) or intent.side is Side.BUY
            if other.symbol == intent.symbol and in_doubt and not over and other.created != intent.created:
                raise Broken(5, f"{intent.side} of {intent.symbol} is sent while nobody knows of {id}")

    def _is_on_the_grid(self, intent: OrderIntent) -> None:
        market, approved = self.venue.markets[intent.symbol], intent.approved
        if market.symbol in self.changed_filters:
            return
        if intent.price % market.price_tick or intent.amount % market.amount_step:
            raise Broken(28, f"{intent.client_order_id} is not on the grid")
        if intent.amount > approved.amount:
            raise Broken(28, f"{intent.client_order_id} is larger than what was approved")
        worst = approved.worst_price
        if intent.price > worst if intent.side is Side.BUY else intent.price < worst:
            at_least = intent.amount * intent.price <= market.min_notional * 2
            if not (intent.side is Side.SELL and at_least):
                raise Broken(28, f"{intent.client_order_id} at {intent.price} is worse than {worst}")

    def _keeps_the_cap(self, intent: OrderIntent) -> None:
        if intent.side is not Side.BUY or self.policy is None:
            return
        risk, worth, at_risk = self.policy.risk, self.venue.totals[QUOTE], ZERO
        per_asset: dict[str, Decimal] = {}
        for asset, held in self.venue.totals.items():
            if asset != QUOTE and f"{asset}/{QUOTE}" in self.venue.quotes:
                quote = self.venue.quotes[f"{asset}/{QUOTE}"]
                books = self.acknowledged.positions.get(asset) if self.acknowledged else None
                worth += max(held - (books.outside if books else ZERO), ZERO) * quote.ask
                per_asset[asset] = self._managed(asset, held) * quote.bid
        pending = [intent, *(other for id, other in self.unsettled.items() if self.venue.mine(id) is None)]
        for other in pending:
            if other.side is Side.BUY and other.created + self.horizon_ms > self.venue.agenda.now:
                base = other.approved.proposal.base
                per_asset[base] = per_asset.get(base, ZERO) + other.notional
        for order in self.venue.open():
            if order.client_id is not None and order.side is Side.BUY and not self.is_hidden(order):
                base = order.symbol.partition("/")[0]
                per_asset[base] = per_asset.get(base, ZERO) + order.remaining * order.price
        at_risk = total(per_asset.values())
        cap = worth * risk.max_total_at_risk_pct / 100
        if at_risk > cap * _ROUNDING + self.by_hand + self.hidden_notional():
            raise Broken(4, f"{at_risk:.2f} would be at risk, and {cap:.2f} may be")
        base = intent.approved.proposal.base
        cap = worth * risk.max_asset_pct / 100
        if per_asset[base] > cap * _ROUNDING + self.by_hand + self.hidden_notional():
            raise Broken(4, f"{per_asset[base]:.2f} of {base} would be at risk, and {cap:.2f} may be")

    def hidden_notional(self) -> Decimal:
        """What the exchange kept to itself beyond its horizon."""
        hidden = (o for o in self.venue.orders if o.client_id is not None and self.is_hidden(o))
        return total(order.amount * order.price for order in hidden)

    def _managed(self, asset: str, held: Decimal) -> Decimal:
        """What of it tradekit may trade with. What is outside only ever gets less."""
        books = self.acknowledged.positions.get(asset) if self.acknowledged else None
        return max(held - min(self.held.get(asset, ZERO), books.outside if books else ZERO), ZERO)

    def _obeys_the_halt(self, intent: OrderIntent) -> None:
        if intent.side is Side.BUY and self._is_halted_for(_HALT_EFFECTS):
            raise Broken(30, f"{intent.client_order_id} opens while the kill switch is set")

    def _is_halted_for(self, effects: int) -> bool:
        if self.halted_since is None:
            return False
        run, effect = self.halted_since
        return (run < self.run and self.border.count > effects) or self.border.count - effect > effects

    def _is_held(self, intent: OrderIntent) -> None:
        """All that is on its way to be sold, seen together, is there and tradekit's."""
        if intent.side is Side.BUY or self.by_hand:
            return
        base = intent.approved.proposal.base
        sold = intent.amount + total(o.remaining for o in self.venue.open(intent.symbol) if o.side is Side.SELL)
        for id, other in self.unsettled.items():
            waits = other.symbol == intent.symbol and other.side is Side.SELL and self.venue.mine(id) is None
            if waits and other.created + self.horizon_ms > self.venue.agenda.now + _SKEW_MS:
                sold += other.amount
        held = self._managed(base, self.venue.totals.get(base, ZERO))
        if sold > held + total(o.amount for o in self.venue.orders if o.symbol == intent.symbol and self.is_hidden(o)):
            raise Broken(34, f"{sold} {base} are to be sold, and {held} are held")

    def _leaves_no_stub(self, intent: OrderIntent) -> None:
        """A sale that could leave a rest large enough to be sold does so, as far as the books can know."""
        market, base = self.venue.markets[intent.symbol], intent.approved.proposal.base
        held = self._managed(base, self.venue.totals.get(base, ZERO))
        books = self.acknowledged.positions.get(base) if self.acknowledged else None
        if intent.side is Side.BUY or market.symbol in self.changed_filters or books is None or books.quantity != held:
            return
        if min(self.venue.free(base), self.told_free(base)) < held:
            return
        rest, bid = held - intent.amount, self.venue.quotes[intent.symbol].bid
        smallest = max(market.min_amount, market.min_notional / bid)
        if market.amount_step <= rest < smallest * _NEARLY and intent.amount - (smallest - rest) > smallest * 2:
            raise Broken(33, f"{rest} {base} are left, and {smallest:.4f} is the least that can be sold")

    def _proposal_of(self, order: VenueOrder) -> str:
        assert order.client_id is not None
        return self.intents[order.client_id].approved.proposal.id

    def _asks_no_more_than_was_wished(self, order: VenueOrder, family: list[VenueOrder]) -> None:
        assert order.client_id is not None
        size = self.intents[order.client_id].approved.proposal.size
        amount = total(other.filled + (other.remaining if other.is_open else ZERO) for other in family)
        worth = total((o.filled + (o.remaining if o.is_open else ZERO)) * o.price for o in family)
        if isinstance(size, Amount) and amount > size.value:
            raise Broken(27, f"{amount} of {self._proposal_of(order)} are ordered, {size.value} were wished for")
        if isinstance(size, Notional) and worth > size.value * _ROUNDING:
            raise Broken(27, f"{worth} of {self._proposal_of(order)} are ordered, {size.value} were wished for")
