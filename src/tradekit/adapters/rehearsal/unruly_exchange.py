"""The paper exchange with bad manners: the same books, and answers that are lost, late, repeated or missing.

What it did is counted by name, so that a report can say what the account lived through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random

from tradekit.adapters.rehearsal.severity import Chances
from tradekit.domain.conversion import (
    Conversion,
    ConversionAnswer,
    ConversionIntent,
    ConversionWish,
    ConvertOutcome,
    OfferAnswer,
)
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.fill import BrokenTrade, Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.market import Candle, Quote, Snapshot
from tradekit.domain.order import Order, OrderIntent
from tradekit.domain.outcome import CancelOutcome, LookupAnswer, NotFound, OrderReport, SendOutcome, Unanswered
from tradekit.domain.ports import Clock, Exchange, ProcessEnded, Review


class UnrulyExchange:
    """Implements `Exchange` over another one. Raises `ProcessEnded` where the run dies."""

    def __init__(self, real: Exchange, clock: Clock, chances: Chances, luck: Random) -> None:
        self._real, self._clock = real, clock
        self._chances, self._luck = chances, luck
        self._hidden: dict[ClientOrderId, int] = {}
        self._late: dict[tuple[str, str], int] = {}
        self._outage_left = 0
        self.faults: Counter[str] = Counter()

    @property
    def not_found_horizon_ms(self) -> int:
        """Longer than any order is ever hidden."""
        return self._chances.horizon_ms

    def begin_cycle(self) -> None:
        """Outages last for whole cycles."""
        if self._outage_left:
            self._outage_left -= 1
        elif self._happens(self._chances.outage):
            self._outage_left = self._luck.randint(1, self._chances.outage_cycles)
            self.faults["outages"] += 1

    def behave(self) -> None:
        """No more faults from here on: what they left behind can be settled."""
        self._chances = Chances(horizon_ms=self._chances.horizon_ms)
        self._outage_left = 0

    def symbols(self) -> Sequence[str]:
        """As the real one."""
        return self._real.symbols()

    def snapshot(self, symbols: Sequence[str]) -> Snapshot:
        """As the real one, or no answer."""
        self._read()
        return self._real.snapshot(symbols)

    def quotes(self, symbols: Sequence[str]) -> Mapping[str, Quote]:
        """As the real one, or no answer."""
        self._read()
        return self._real.quotes(symbols)

    def candles(self, symbols: Sequence[str], minutes: int) -> Mapping[str, Sequence[Candle]]:
        """As the real one, or no answer."""
        self._read()
        return self._real.candles(symbols, minutes)

    def place(self, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
        """Some never arrive, and of some the answer is lost."""
        self._may_die("before a send")
        lost = [intent for intent in intents if self._outage_left or self._happens(self._chances.lost_send)]
        arrived = [intent for intent in intents if intent not in lost]
        outcomes = dict(self._real.place(arrived))
        for intent in arrived:
            if self._happens(self._chances.hidden_order):
                self._hidden[intent.client_order_id] = self._clock.now() + self._chances.hidden_ms
                self.faults["orders hidden for a while"] += 1
            if self._happens(self._chances.lost_answer):
                outcomes[intent.client_order_id] = Unanswered("the answer was lost")
                self.faults["orders placed without an answer"] += 1
        for intent in lost:
            outcomes[intent.client_order_id] = Unanswered("the request was lost")
            self.faults["orders lost on the way"] += 1
        self._may_die("after a send")
        return outcomes

    def cancel(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, CancelOutcome]:
        """Some never arrive, and of some the answer is lost."""
        self._may_die("before a cancel")
        lost = [order for order in orders if self._outage_left or self._happens(self._chances.lost_cancel)]
        outcomes = dict(self._real.cancel([order for order in orders if order not in lost]))
        for id in list(outcomes):
            if self._happens(self._chances.lost_cancel_answer):
                outcomes[id] = Unanswered("the answer was lost")
                self.faults["cancels without an answer"] += 1
        for order in lost:
            outcomes[order.id] = Unanswered("the request was lost")
            self.faults["cancels lost on the way"] += 1
        return outcomes

    def lookup(self, orders: Sequence[Order]) -> Mapping[ClientOrderId, LookupAnswer]:
        """Hidden orders are not found; in an outage there is no answer."""
        if self._outage_left:
            return {order.id: Unanswered("no answer") for order in orders}
        return {id: self._seen(id, answer) for id, answer in self._real.lookup(orders).items()}

    def review(self, orders: Sequence[Order], since: Mapping[str, int], *, with_balances: bool = False) -> Review:
        """As the real one with hidden orders and late or repeated trades, or no answer."""
        self._read()
        told = self._real.review(orders, since, with_balances=with_balances)
        answers = {id: self._seen(id, answer) for id, answer in told.answers.items()}
        open_orders = [report for report in told.open_orders if not self._is_hidden(report.client_order_id)]
        return Review(answers, open_orders, self._listed(told.fills), told.balances)

    def fills_since(self, since: Mapping[str, int]) -> Sequence[Fill | BrokenTrade]:
        """As the real one with late or repeated trades, or no answer."""
        self._read()
        return self._listed(self._real.fills_since(since))

    def offers(self, wishes: Sequence[ConversionWish]) -> Mapping[str, OfferAnswer]:
        """As the real one, or no answer."""
        self._read()
        return self._real.offers(wishes)

    def convert(self, intents: Sequence[ConversionIntent]) -> Mapping[ClientOrderId, ConvertOutcome]:
        """Some never arrive, and of some the answer is lost."""
        self._may_die("before a conversion")
        lost = [intent for intent in intents if self._outage_left or self._happens(self._chances.lost_send)]
        outcomes = dict(self._real.convert([intent for intent in intents if intent not in lost]))
        for id in list(outcomes):
            if self._happens(self._chances.lost_answer):
                outcomes[id] = Unanswered("the answer was lost")
                self.faults["conversions without an answer"] += 1
        for intent in lost:
            outcomes[intent.id] = Unanswered("the request was lost")
            self.faults["conversions lost on the way"] += 1
        self._may_die("after a conversion")
        return outcomes

    def conversions(self, open: Sequence[Conversion]) -> Mapping[ClientOrderId, ConversionAnswer]:
        """In an outage there is no answer."""
        if self._outage_left:
            return {item.id: Unanswered("no answer") for item in open}
        return self._real.conversions(open)

    def _read(self) -> None:
        self._may_die("before a read")
        if self._outage_left or self._happens(self._chances.silent_read):
            self.faults["reads without an answer"] += 1
            raise Unreachable(
                Problem("unreachable", "the exchange gave no answer in this rehearsal", "the next run asks")
            )

    def _seen(self, id: ClientOrderId, answer: LookupAnswer) -> LookupAnswer:
        return NotFound("not found") if isinstance(answer, OrderReport) and self._is_hidden(id) else answer

    def _is_hidden(self, id: ClientOrderId | None) -> bool:
        return id is not None and self._hidden.get(id, 0) > self._clock.now()

    def _listed(self, fills: Sequence[Fill | BrokenTrade]) -> list[Fill | BrokenTrade]:
        """What is late comes with a later question; some come twice."""
        listed: list[Fill | BrokenTrade] = []
        for fill in fills:
            if isinstance(fill, Fill):
                key = (fill.symbol, fill.trade_id)
                if key not in self._late:
                    late = self._happens(self._chances.late_trade)
                    self._late[key] = self._clock.now() + self._chances.late_ms if late else 0
                    if late:
                        self.faults["trades told late"] += 1
                if self._late[key] > self._clock.now():
                    continue
            listed.append(fill)
            if self._happens(self._chances.repeated_trade):
                listed.append(fill)
                self.faults["trades told twice"] += 1
        return listed

    def _may_die(self, where: str) -> None:
        # a cycle has some ten such moments
        if self._luck.randrange(10_000) < self._chances.crash:
            self.faults[f"runs killed {where}"] += 1
            raise ProcessEnded(where)

    def _happens(self, chance: int) -> bool:
        return chance > 0 and self._luck.randrange(1000) < chance
