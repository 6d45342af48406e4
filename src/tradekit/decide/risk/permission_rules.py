"""Rules on whether the account and the symbol may be traded at all: halts, expiry, orders that are under way, books."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from tradekit.decide.risk.advice import by_hand, next_cycle, switch, wait_for
from tradekit.decide.risk.rule import FAILS, PASSES, Kind, Reading, Rule, Sense
from tradekit.decide.risk.situation import Ask, Situation
from tradekit.domain.decision import ChangeKey, Nothing, WouldPass
from tradekit.domain.numbers import ZERO
from tradekit.domain.policy.check import show_value
from tradekit.domain.proposal import Origin
from tradekit.domain.times import DAY_MS, MINUTE_MS
from tradekit.domain.universe import Tier


def _halted(at: Situation, ask: Ask) -> Reading:
    return FAILS if at.halted else PASSES


def _sales_halted(at: Situation, ask: Ask) -> Reading:
    return FAILS if at.halted and not at.policy.risk.exits_when_halted else PASSES


def _expired(at: Situation, ask: Ask) -> Reading:
    expires = ask.proposal.expires
    if expires is None:
        return PASSES
    return Reading(at.now < expires, Decimal(expires), after=Decimal(at.now))


def _asset_halted(at: Situation, ask: Ask) -> Reading:
    return FAILS if ask.proposal.base in at.policy.guards.halted_assets else PASSES


def _without_asset(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    kept = tuple(asset for asset in at.policy.guards.halted_assets if asset != ask.proposal.base)
    return ChangeKey("guards.halted_assets", show_value(kept))


def _ineligible(at: Situation, ask: Ask) -> Reading:
    return FAILS if ask.tier is Tier.NONE else PASSES


def _unanswered(at: Situation, ask: Ask) -> Reading:
    return _none(at.tally.unanswered.get(ask.proposal.symbol, 0))


def _selling(at: Situation, ask: Ask) -> Reading:
    base = ask.proposal.base
    return _none(at.tally.selling.get(base, 0), 1 if base in at.tally.sold else 0)


def _after_the_sale(at: Situation, ask: Ask, reading: Reading) -> WouldPass:
    return Nothing("the next cycle asks the exchange for it first") if reading.held else next_cycle(at)


def _leaving(at: Situation, ask: Ask) -> Reading:
    """A top-up of dust is bought to be sold."""
    base, purge = ask.proposal.base, at.policy.purge
    wanted = base in at.state.purges or (base in purge.assets and base not in purge.protect)
    return FAILS if wanted and ask.proposal.origin is not Origin.DUST else PASSES


def _books_differ(at: Situation, ask: Ask) -> Reading:
    return FAILS if {ask.proposal.base, at.state.stamp.quote} & at.mismatched else PASSES


def _revived(at: Situation, ask: Ask) -> Reading:
    since = at.state.risk.revived.get(ask.proposal.symbol)
    if since is None:
        return PASSES
    passed = Decimal(at.now - since) / 1000
    return Reading(at.now - since >= DAY_MS, Decimal(DAY_MS // 1000), passed, after=passed)


def _day_after_revival(at: Situation, ask: Ask, reading: Reading) -> int:
    return at.state.risk.revived[ask.proposal.symbol] + DAY_MS


def _silences(at: Situation, ask: Ask) -> Reading:
    limit, times = at.policy.guards.max_api_errors, _recent_silences(at)
    count = Decimal(len(times))
    return Reading(not limit or len(times) < limit, Decimal(limit) if limit else None, count, after=count)


def _recent_silences(at: Situation) -> list[int]:
    """Oldest first."""
    window = at.policy.guards.api_quiet_minutes * MINUTE_MS
    return [time for time in at.state.risk.silences if time > at.now - window]


def _enough_answered(at: Situation, ask: Ask, reading: Reading) -> int:
    return _recent_silences(at)[-at.policy.guards.max_api_errors] + at.policy.guards.api_quiet_minutes * MINUTE_MS


def _held(at: Situation, ask: Ask) -> Reading:
    return _none(len(at.state.holds_on(ask.proposal.symbol)))


def _none(held: int, pending: int = 0) -> Reading:
    return Reading(held + pending == 0, ZERO, Decimal(held), Decimal(pending), after=Decimal(held + pending))


HALTED: Final = Rule(
    "kill switch", "halted", ("halt",), "", Kind.GATE, Sense.NONE, "nothing is opened under the kill switch",
    _halted, by_hand("`tradekit resume` ends the halt"),
)  # fmt: skip
SALES_HALTED: Final = Rule(
    "kill switch", "halted", ("risk.exits_when_halted",), "", Kind.GATE, Sense.NONE,
    "the policy says whether sales go on under the kill switch", _sales_halted, switch("risk.exits_when_halted", True),
)  # fmt: skip
EXPIRED: Final = Rule(
    "expiry", "proposal_expired", ("expires",), "ms", Kind.GATE, Sense.AT_MOST,
    "a proposal may say until when it holds", _expired, by_hand("propose it anew"),
)  # fmt: skip
ASSET_HALTED: Final = Rule(
    "halted assets", "symbol_halted", ("guards.halted_assets",), "", Kind.GATE, Sense.NONE,
    "the policy leaves some assets alone for now", _asset_halted, _without_asset,
)  # fmt: skip
INELIGIBLE: Final = Rule(
    "universe", "not_in_universe", ("universe",), "", Kind.GATE, Sense.NONE, "only coins of a tier are opened",
    _ineligible, by_hand("look at the floors in [universe], at universe.only and universe.exclude"),
)  # fmt: skip
UNANSWERED: Final = Rule(
    "no answer yet", "order_unanswered", ("order",), "orders", Kind.GATE, Sense.AT_MOST,
    "no new order of a symbol while the exchange owes an answer on an older one", _unanswered,
    by_hand("each cycle asks the exchange again"),
)  # fmt: skip
SELLING: Final = Rule(
    "working sales", "sale_working", ("order",), "orders", Kind.GATE, Sense.AT_MOST,
    "an asset is neither sold again nor bought back while a sale of it works", _selling, _after_the_sale,
)  # fmt: skip
LEAVING: Final = Rule(
    "sold off", "selling_off", ("purge.assets",), "", Kind.GATE, Sense.NONE,
    "what is being sold off is not bought", _leaving,
    by_hand("wait for its end, or end it: `tradekit purge ASSET --stop`, and take it out of purge.assets"),
)  # fmt: skip
BOOKS_DIFFER: Final = Rule(
    "books", "books_mismatch", ("books",), "", Kind.GATE, Sense.NONE,
    "nothing is opened with an asset whose balance is not what the books say", _books_differ,
    by_hand("find the deposit, the withdrawal or the order placed elsewhere"),
)  # fmt: skip
HELD: Final = Rule(
    "doubts", "held", ("resume",), "holds", Kind.GATE, Sense.AT_MOST,
    "nothing is opened where a fill or an order is in doubt, until a person has looked", _held,
    by_hand("look at it, then `tradekit resume`"),
)  # fmt: skip
API_ERRORS: Final = Rule(
    "api errors", "api_errors", ("guards.max_api_errors", "guards.api_quiet_minutes"), "runs", Kind.GATE,
    Sense.AT_MOST, "the exchange has answered lately; closes by itself", _silences, wait_for(_enough_answered),
)  # fmt: skip
REVIVED: Final = Rule(
    "revived orders", "order_revived", ("order",), "seconds", Kind.GATE, Sense.AT_LEAST,
    "a symbol is left alone for a day after an order came back that had been given up", _revived,
    wait_for(_day_after_revival),
)  # fmt: skip
