"""All that a rule may look at, and what it may say."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.risk.exposure import Exposure
from tradekit.domain.market import Quote, Snapshot
from tradekit.domain.numbers import ZERO
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Proposal, Urgency
from tradekit.domain.state import State
from tradekit.domain.universe import Tier


class Situation(NamedTuple):
    """The account, the market and the policy at one moment. `grants` are the proposals approved so far in this batch.

    `mismatched` are assets whose balance is not what the books say: nothing is opened in them.
    """

    policy: Policy
    state: State
    snapshot: Snapshot
    exposure: Exposure
    equity: Decimal
    halted: bool
    mismatched: frozenset[str]
    now: int
    grants: tuple[Proposal, ...] = ()

    @property
    def opens(self) -> tuple[Proposal, ...]:
        """The opening proposals approved so far."""
        return tuple(granted for granted in self.grants if granted.opens)


class Ask(NamedTuple):
    """An opening proposal with its size in quote currency and the tier of its symbol."""

    proposal: Proposal
    notional: Decimal
    tier: Tier


class Breach(NamedTuple):
    """A rule that an ask doesn't meet: a stable code, the policy key, and the figures."""

    code: str
    rule: str
    limit: Decimal | None = None
    actual: Decimal | None = None
    unit: str = ""


class Cap(NamedTuple):
    """A limit on a sum of notionals, and how much of it is used up."""

    code: str
    rule: str
    limit: Decimal
    used: Decimal

    @property
    def room(self) -> Decimal:
        """What still fits."""
        return max(self.limit - self.used, Decimal(0))


def tradable(at: Situation, proposal: Proposal) -> Breach | None:
    """The exchange trades the symbol now, with filters and a quote that can be reckoned with.

    A stop needs a bid only; everything else is priced from both sides of the book.
    """
    market = at.snapshot.markets.get(proposal.symbol)
    if market is None or not market.active or market.price_tick <= ZERO or market.amount_step <= ZERO:
        return Breach("market_closed", "market")
    quote: Quote | None = at.snapshot.quotes.get(proposal.symbol)
    needs_ask = proposal.opens or proposal.urgency is not Urgency.AT_ONCE
    if quote is None or quote.bid <= ZERO or ZERO < quote.ask < quote.bid or (needs_ask and quote.ask <= ZERO):
        return Breach("no_quote", "quote")
    return None
