"""The built-in rules: from the triggers of a coin to one proposal to buy it, always of the same size.

Must never propose on volume alone: heavy trading has no direction, and a crash has plenty of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, assert_never

from tradekit.domain.numbers import ONE, PERCENT, ZERO, divide, plain
from tradekit.domain.policy.sections import RulesPolicy
from tradekit.domain.proposal import Notional, Origin, Proposal, Side
from tradekit.domain.signal import Trigger, TriggerKind

_KINDS: Final = tuple(TriggerKind)
_AT_THRESHOLD: Final = Decimal("0.4")
_FOR_EXCESS: Final = Decimal("0.2")
_MOST_CONFIDENT: Final = Decimal("0.95")


def propose(policy: RulesPolicy, triggers: Iterable[Trigger], now: int) -> tuple[Proposal, ...]:
    """At most one proposal per symbol, the most confident first, then by symbol. `now` is in milliseconds.

    A trigger's weight is 0.4 at its threshold and grows to 0.6 at twice the threshold (a breakout: at 1 % above the
    old high). The confidence is 1 - (1 - w1)(1 - w2)..., as of independent witnesses, at most 0.95 and rounded to two
    decimals: 0.4 for one trigger at its threshold, 0.64 for two, 0.78 for three. What is rounded is compared with
    `min_confidence`. Volume needs a rise or a breakout beside it.
    """
    if not policy.enabled or policy.order_notional <= ZERO:
        return ()
    proposals = []
    for symbol, found in _by_symbol(triggers).items():
        confidence = _confidence(found.values())
        if confidence >= policy.min_confidence and found.keys() != {TriggerKind.VOLUME_SPIKE}:
            proposals.append(
                Proposal(
                    id=f"rule-{symbol.replace('/', '-')}-{now}",
                    symbol=symbol,
                    side=Side.BUY,
                    size=Notional(policy.order_notional),
                    confidence=confidence,
                    reason="; ".join(_words(trigger) for trigger in found.values()),
                    origin=Origin.RULE,
                )
            )
    return tuple(sorted(proposals, key=lambda proposal: (-proposal.confidence, proposal.symbol)))


def _by_symbol(triggers: Iterable[Trigger]) -> dict[str, dict[TriggerKind, Trigger]]:
    """Per symbol the strongest trigger of each kind, so that saying the same twice doesn't count twice."""
    grouped: dict[str, dict[TriggerKind, Trigger]] = {}
    for trigger in sorted(triggers, key=lambda t: (t.symbol, _KINDS.index(t.kind), _excess(t), t)):
        grouped.setdefault(trigger.symbol, {})[trigger.kind] = trigger
    return grouped


def _confidence(triggers: Iterable[Trigger]) -> Decimal:
    doubt = ONE
    for trigger in triggers:
        doubt *= ONE - _AT_THRESHOLD - _FOR_EXCESS * min(_excess(trigger), ONE)
    return min(ONE - doubt, _MOST_CONFIDENT).quantize(PERCENT)


def _excess(trigger: Trigger) -> Decimal:
    """How far the value is beyond its threshold: 1 is twice the threshold, or 1 % above the old high."""
    beyond = divide(trigger.value - trigger.threshold, trigger.threshold)
    return beyond * 100 if trigger.kind is TriggerKind.BREAKOUT else beyond


def _words(trigger: Trigger) -> str:
    figure = plain(trigger.value.quantize(PERCENT))
    match trigger.kind:
        case TriggerKind.MOVE_15M | TriggerKind.MOVE_60M:
            return f"rose {figure} % in {trigger.minutes} min"
        case TriggerKind.VOLUME_SPIKE:
            return f"traded {figure} times its usual volume in {trigger.minutes} min"
        case TriggerKind.BREAKOUT:
            return f"broke its {trigger.minutes}-minute high of {plain(trigger.threshold)}"
        case unexpected:
            assert_never(unexpected)
