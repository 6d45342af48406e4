"""Rules on how many: assets held or being bought, and assets first bought in one cycle.

`risk.allow_adds_when_saturated` and `risk.auto_approve_adds` lift these two for adds to what is held; no toggle lifts
a cap on notional.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradekit.decide.risk.advice import next_cycle, raised, switch
from tradekit.decide.risk.rule import PASSES, Kind, Reading, Rule, Sense
from tradekit.decide.risk.situation import Ask, Situation
from tradekit.domain.decision import FreeRoom, WouldPass
from tradekit.domain.numbers import ONE


def _count(at: Situation, ask: Ask) -> Reading:
    limit, positions = at.policy.risk.max_positions, at.tally.positions
    if ask.proposal.base in positions:
        return PASSES
    return _more(limit, len(positions))


def _adds(at: Situation, ask: Ask) -> Reading:
    risk, positions = at.policy.risk, at.tally.positions
    if ask.proposal.base not in positions or risk.allow_adds_when_saturated:
        return PASSES
    held = Decimal(len(positions))
    return Reading(len(positions) < risk.max_positions, Decimal(risk.max_positions), held, after=held)


def _new(at: Situation, ask: Ask) -> Reading:
    risk, asset, tally = at.policy.risk, ask.proposal.base, at.tally
    if asset in tally.begun or (asset in tally.before and risk.auto_approve_adds):
        return PASSES
    return _more(risk.max_new_positions_per_cycle, len(tally.begun))


def _more(limit: int, standing: int) -> Reading:
    return Reading(standing < limit, Decimal(limit), Decimal(standing), None, ONE, Decimal(standing + 1))


def _fewer(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    """As many holdings sold as there are too many, the smallest first; a key where they are not there to be sold."""
    assert reading.after is not None and reading.limit is not None
    surplus = int(reading.after - reading.limit)
    buying = at.exposure.pending.keys() | at.tally.begun
    held = sorted(
        (at.exposure.held[asset], asset)
        for asset in at.tally.before - buying
        if asset in at.state.positions and at.state.positions[asset].quantity > 0
    )
    if len(held) >= surplus:
        return FreeRoom(Decimal(surplus), "positions", tuple(asset for _, asset in held[:surplus]))
    return raised("risk.max_positions", reading.after, ONE)


def _later(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    limit = at.policy.risk.max_new_positions_per_cycle
    return next_cycle(at) if limit else raised("risk.max_new_positions_per_cycle", ONE, ONE)


POSITIONS: Final = Rule(
    "positions", "position_count", ("risk.max_positions",), "positions", Kind.GATE, Sense.AT_MOST,
    "assets held or being bought, dust aside", _count, _fewer,
)  # fmt: skip
ADDS: Final = Rule(
    "adds", "adds_blocked", ("risk.allow_adds_when_saturated",), "positions", Kind.GATE, Sense.AT_MOST,
    "more of what is held is bought below the count only", _adds, switch("risk.allow_adds_when_saturated", True),
)  # fmt: skip
NEW_POSITIONS: Final = Rule(
    "new positions", "new_positions", ("risk.max_new_positions_per_cycle",), "positions", Kind.GATE, Sense.AT_MOST,
    "assets first bought in one cycle; adds too, where risk.auto_approve_adds is false", _new, _later,
)  # fmt: skip
