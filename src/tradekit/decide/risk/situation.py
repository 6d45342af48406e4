"""All that a rule may look at: account, market and policy at one moment, and the proposal with its sizes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.risk import tally
from tradekit.decide.risk.exposure import Exposure, believed_equity, equity_for_caps, measure
from tradekit.decide.risk.prices import look_at
from tradekit.decide.risk.tally import Tally
from tradekit.decide.sizing import smallest_purchase
from tradekit.decide.universe import tier_of
from tradekit.domain.market import Market, Quote, Snapshot
from tradekit.domain.memory import Mark
from tradekit.domain.numbers import ZERO
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Amount, Proposal
from tradekit.domain.state import State
from tradekit.domain.universe import Tier


class Situation(NamedTuple):
    """The account, the market and the policy at one moment, and in `tally` what this batch was granted so far.

    `equity` is what percentages are of, `worth` what losses are measured with. `mismatched` are assets whose balance
    is not what the books say: nothing is opened in them. `marks` are the last good prices, this snapshot included;
    `closes` the newest trades of symbols whose candles are at hand.
    """

    policy: Policy
    state: State
    snapshot: Snapshot
    exposure: Exposure
    equity: Decimal
    worth: Decimal
    halted: bool
    mismatched: frozenset[str]
    now: int
    marks: Mapping[str, Mark]
    closes: Mapping[str, Decimal]
    tally: Tally


class Ask(NamedTuple):
    """A proposal with what the market says of its symbol: its size in quote currency (zero without a quote)."""

    proposal: Proposal
    notional: Decimal
    tier: Tier
    market: Market | None
    quote: Quote | None


def look(
    policy: Policy,
    state: State,
    snapshot: Snapshot,
    *,
    now: int,
    halted: bool = False,
    mismatched: frozenset[str] = frozenset(),
    closes: Mapping[str, Decimal] | None = None,
    equity: Decimal | None = None,
    watched: Iterable[str] = (),
) -> Situation:
    """The situation before anything is granted. `equity` stands in for what percentages are of; `watched` are assets
    that are not held and whose prices are followed all the same.
    """
    closes = closes or {}
    held = (asset for asset, position in state.positions.items() if position.quantity > 0)
    marks = look_at(policy, state, snapshot, (*held, *watched), closes)
    exposure = measure(state, snapshot, marks, with_outside=policy.risk.count_outside_holdings)
    return Situation(
        policy=policy,
        state=state,
        snapshot=snapshot,
        exposure=exposure,
        equity=equity_for_caps(state, snapshot, marks) if equity is None else equity,
        worth=believed_equity(state, snapshot, marks),
        halted=halted,
        mismatched=mismatched,
        now=now,
        marks=marks,
        closes=closes,
        tally=tally.count(policy, state, exposure, now),
    )


def ask_of(at: Situation, proposal: Proposal) -> Ask:
    """The proposal with its market, its quote and its worth."""
    quote = at.snapshot.quotes.get(proposal.symbol)
    size = proposal.size.value
    if isinstance(proposal.size, Amount):
        size = size * quote.mid if quote else ZERO
    market = at.snapshot.markets.get(proposal.symbol)
    return Ask(proposal, size, tier_of(at.state.tiers, proposal.symbol), market, quote)


def smallest_amount(at: Situation, ask: Ask) -> Decimal:
    """The smallest purchase in base units that the exchange takes, and still takes when its stop sells it."""
    assert ask.market is not None and ask.quote is not None
    return smallest_purchase(at.policy, ask.market, ask.quote.mid)


def smallest_notional(at: Situation, ask: Ask) -> Decimal:
    """The smallest opening order in quote currency: the policy's minimum, or the exchange's where that is more."""
    assert ask.quote is not None
    return max(at.policy.risk.min_order_notional, smallest_amount(at, ask) * ask.quote.mid)
