"""Before an opening order is tried again: does what is left of its approval still fit under every cap?"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from tradekit.decide.risk.rulebook import CAPS
from tradekit.decide.risk.situation import Situation, ask_of
from tradekit.domain.numbers import ZERO, floor_to
from tradekit.domain.proposal import Amount, Proposal


def still_fits(at: Situation, asked: Iterable[tuple[Proposal, Decimal]]) -> dict[str, Decimal]:
    """By proposal id, how much of so many base units may still be bought; each one uses up room that the next sees.

    Nothing under the kill switch, in doubt, or without a quote.
    """
    fits: dict[str, Decimal] = {}
    for proposal, left in asked:
        ask = ask_of(at, proposal._replace(size=Amount(left)))
        barred = at.halted or at.state.holds_on(proposal.symbol) or {proposal.base} & at.mismatched
        if barred or ask.market is None or ask.quote is None:
            fits[proposal.id] = ZERO
            continue
        readings = (rule.read(at, ask) for rule in CAPS)
        room = min(reading.room for reading in readings if reading.limit is not None)
        amount = max(floor_to(min(left, room / ask.quote.mid), ask.market.amount_step), ZERO)
        fits[proposal.id] = amount
        counts = not at.policy.risk.auto_approve_adds
        tally = at.tally.with_buy(proposal, ask.tier, amount * ask.quote.mid, at.now, adds_count=counts)
        at = at._replace(tally=tally)
    return fits
