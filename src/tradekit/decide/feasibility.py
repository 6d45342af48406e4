"""Whether a policy can trade at all with an equity: dead zones, keys that never bind, and caps that contradict.

Reckons with an empty account and with the policy alone; what the exchange asks for comes on top. Says which key to
move, and how far.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

from tradekit.domain.numbers import BP, ONE, PERCENT, ZERO, plain
from tradekit.domain.policy.sections import Policy

_SHARE: Final = Decimal("0.01")
_TIERS: Final = (1, 2, 3)


class Cap(NamedTuple):
    """A cap on one order in quote currency, with the value of its key; `share` for a percentage of equity."""

    key: str
    value: Decimal
    limit: Decimal
    share: bool


class DeadZone(NamedTuple):
    """No order fits `where`: the largest that `key` allows is below the smallest. `needed` is the value of the key
    from which one fits (None where no value helps), `from_equity` the equity from which it would as it stands.
    """

    where: str
    key: str
    largest: Decimal
    smallest: Decimal
    smallest_key: str
    needed: Decimal | None
    from_equity: Decimal | None


class Shadowed(NamedTuple):
    """`key` never binds, because `by` always does before it: `why`."""

    key: str
    by: str
    why: str


class Feasibility(NamedTuple):
    """`room` is the largest order in each tier that isn't closed, on an empty account, with the key that binds."""

    equity: Decimal
    smallest: Decimal
    room: tuple[tuple[str, Decimal, str], ...]
    dead_zones: tuple[DeadZone, ...]
    shadowed: tuple[Shadowed, ...]


def check_feasibility(policy: Policy, equity: Decimal) -> Feasibility:
    """What can be opened with `equity` in quote currency and nothing held."""
    smallest = policy.risk.min_order_notional
    zones: dict[tuple[str, str], DeadZone] = {}
    for where, caps in _places(policy, equity):
        for zone in _zones(where, caps, policy, equity):
            same = zones.get((zone.key, zone.smallest_key))
            zones[zone.key, zone.smallest_key] = zone if same is None else same._replace(where=f"{same.where}, {where}")
    tiers = [(where, min(caps, key=lambda cap: cap.limit)) for where, caps in _places(policy, equity, themes=False)]
    return Feasibility(
        equity,
        smallest,
        tuple((where, cap.limit, cap.key) for where, cap in tiers),
        tuple(zones.values()),
        tuple(_shadowed(policy, equity)),
    )


def _places(policy: Policy, equity: Decimal, *, themes: bool = True) -> Iterator[tuple[str, list[Cap]]]:
    """Every tier and theme that isn't closed by a cap of zero, with the caps on its first order."""
    risk, common = policy.risk, _common(policy, equity)
    for number in _TIERS:
        share = getattr(risk, f"max_tier{number}_pct")
        if share:
            yield f"tier {number}", [*common, _share(f"risk.max_tier{number}_pct", share, equity)]
    for name, share in risk.max_theme_pct.items() if themes else ():
        if share and risk.themes.get(name):
            yield f"theme {name}", [_share(f"risk.max_theme_pct.{name}", share, equity)]


def _common(policy: Policy, equity: Decimal) -> list[Cap]:
    risk = policy.risk
    free = (ONE - risk.quote_reserve_pct * PERCENT) / (ONE + policy.paper.taker_fee_bp * BP)
    caps = [
        _share("risk.max_total_at_risk_pct", risk.max_total_at_risk_pct, equity),
        _share("risk.max_asset_pct", risk.max_asset_pct, equity),
        Cap("risk.quote_reserve_pct", risk.quote_reserve_pct, equity * free, share=True),
    ]
    if risk.max_order_notional:
        caps.append(Cap("risk.max_order_notional", risk.max_order_notional, risk.max_order_notional, share=False))
    return caps


def _share(key: str, share: Decimal, equity: Decimal) -> Cap:
    return Cap(key, share, equity * share * PERCENT, share=True)


def _zones(where: str, caps: list[Cap], policy: Policy, equity: Decimal) -> Iterator[DeadZone]:
    """One for each cap that is too small: all of them have to move."""
    for key, smallest in _sizes(policy):
        for cap in caps:
            if cap.limit < smallest:
                yield _zone(where, cap, key, smallest, policy, equity)


def _sizes(policy: Policy) -> list[tuple[str, Decimal]]:
    """The smallest order, and where orders may not shrink, the size that the built-in rules propose."""
    sizes = [("risk.min_order_notional", policy.risk.min_order_notional)]
    if policy.rules.enabled and not policy.risk.clamp_to_caps:
        sizes.append(("rules.order_notional", policy.rules.order_notional))
    return sizes


def _zone(where: str, cap: Cap, size_key: str, smallest: Decimal, policy: Policy, equity: Decimal) -> DeadZone:
    from_equity = (smallest * equity / cap.limit).quantize(_SHARE, ROUND_CEILING) if cap.share and cap.limit else None
    return DeadZone(where, cap.key, cap.limit, smallest, size_key, _needed(cap, smallest, policy, equity), from_equity)


def _needed(cap: Cap, smallest: Decimal, policy: Policy, equity: Decimal) -> Decimal | None:
    if not cap.share:
        return smallest
    if equity <= 0:
        return None
    if cap.key == "risk.quote_reserve_pct":
        spent = smallest * (ONE + policy.paper.taker_fee_bp * BP)
        kept = ((equity - spent) * 100 / equity).quantize(_SHARE, ROUND_FLOOR)
        return kept if kept >= 0 else None
    needed = (smallest * 100 / equity).quantize(_SHARE, ROUND_CEILING)
    return needed if needed <= 100 else None


def _shadowed(policy: Policy, equity: Decimal) -> Iterator[Shadowed]:
    yield from _shadowed_shares(policy, equity)
    yield from _shadowed_themes(policy)
    yield from _shadowed_counts(policy, equity)
    execution, losses = policy.execution, policy.losses
    slippage = max(execution.slippage_tier1_bp, execution.slippage_tier2_bp, execution.slippage_tier3_bp)
    if policy.guards.max_spread_bp > 2 * slippage:
        yield Shadowed("guards.max_spread_bp", "execution.slippage_tier3_bp", "half the spread may not exceed slippage")
    if losses.max_weekly_loss_pct and losses.max_daily_loss_pct > losses.max_weekly_loss_pct:
        yield Shadowed("losses.max_daily_loss_pct", "losses.max_weekly_loss_pct", "a day is part of its week")


def _shadowed_shares(policy: Policy, equity: Decimal) -> Iterator[Shadowed]:
    risk, total = policy.risk, "risk.max_total_at_risk_pct"
    for number in _TIERS:
        if getattr(risk, f"max_tier{number}_pct") > risk.max_total_at_risk_pct:
            yield Shadowed(f"risk.max_tier{number}_pct", total, "a tier can't hold more than everything together")
    open_tiers = [share for n in _TIERS if (share := getattr(risk, f"max_tier{n}_pct"))]
    if open_tiers and risk.max_asset_pct > max(open_tiers):
        yield Shadowed("risk.max_asset_pct", "risk.max_tier1_pct", "no tier may hold as much as one asset may")
    if risk.max_total_at_risk_pct + risk.quote_reserve_pct > 100:
        yield Shadowed(total, "risk.quote_reserve_pct", "the reserve is reached before the cap")
    if risk.max_order_notional > equity * risk.max_asset_pct * PERCENT:
        yield Shadowed("risk.max_order_notional", "risk.max_asset_pct", "one asset may not hold as much as one order")


def _shadowed_themes(policy: Policy) -> Iterator[Shadowed]:
    risk, total = policy.risk, "risk.max_total_at_risk_pct"
    for name, share in risk.max_theme_pct.items():
        if share > risk.max_total_at_risk_pct:
            yield Shadowed("risk.max_theme_pct", total, f"theme {name} can't hold more than everything together")
        if not risk.themes.get(name):
            yield Shadowed("risk.max_theme_pct", "risk.themes", f"there are no assets in theme {name}")
    for name in risk.themes:
        if name not in risk.max_theme_pct:
            yield Shadowed("risk.themes", "risk.max_theme_pct", f"theme {name} has no cap")


def _shadowed_counts(policy: Policy, equity: Decimal) -> Iterator[Shadowed]:
    risk = policy.risk
    if risk.max_trades_per_day > 24 * risk.max_trades_per_hour:
        yield Shadowed("risk.max_trades_per_day", "risk.max_trades_per_hour", "24 such hours are fewer")
    if risk.min_seconds_between_trades * risk.max_trades_per_hour > 3600:
        why = "so many pauses don't fit into an hour"
        yield Shadowed("risk.max_trades_per_hour", "risk.min_seconds_between_trades", why)
    if risk.max_new_positions_per_cycle > risk.max_positions:
        yield Shadowed("risk.max_new_positions_per_cycle", "risk.max_positions", "there can't be so many")
    most = equity * risk.max_total_at_risk_pct * PERCENT
    if risk.min_order_notional > ZERO and most >= risk.min_order_notional:
        fit = int(most / risk.min_order_notional)
        if fit < risk.max_positions:
            why = f"no more than {fit} of the smallest orders ({plain(risk.min_order_notional)}) fit under the cap"
            yield Shadowed("risk.max_positions", "risk.max_total_at_risk_pct", why)
