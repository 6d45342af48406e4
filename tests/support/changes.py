"""What a refusal says would pass, carried out on the situation it was given in; and the same a hair too small."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

from some_books import books_of
from tradekit.decide.memory import day_of, week_of
from tradekit.decide.risk import tally
from tradekit.decide.risk.prices import look_at
from tradekit.decide.risk.situation import Situation
from tradekit.decide.risk.tally import Sum, Tally
from tradekit.domain.account import Balance
from tradekit.domain.decision import ChangeKey, FreeRoom, NextCycle, Nothing, Refused, Resize, Wait, WouldPass
from tradekit.domain.numbers import ZERO
from tradekit.domain.policy.check import read_policy, show_value
from tradekit.domain.policy.keys import COUNT, NumberText, keys_of
from tradekit.domain.policy.sections import SECTIONS, Policy, all_keys
from tradekit.domain.proposal import Amount, Proposal
from tradekit.domain.universe import Tier, TierMemory

HAIR = Decimal("0.00000001")
TOO_SMALL = ("below_min_notional", "below_exchange_minimum")


def with_key(policy: Policy, path: str, value: str) -> Policy:
    """The policy with one key changed to a value in TOML, through the door that a file takes."""
    raw: dict[str, dict[str, Any]] = {}
    for name, section in SECTIONS.items():
        text = "\n".join(
            f"{key.path.partition('.')[2]} = {show_value(getattr(getattr(policy, name), key.path.partition('.')[2]))}"
            for key in keys_of(section)
        )
        raw[name] = tomllib.loads(text, parse_float=NumberText)
    section_name, _, field = path.partition(".")
    raw[section_name][field] = tomllib.loads(f"x = {value}", parse_float=NumberText)["x"]
    return read_policy(raw, "changed")


def applied(at: Situation, proposal: Proposal, change: WouldPass) -> tuple[Situation, Proposal]:
    """The situation and the proposal after the change."""
    match change:
        case Resize(value):
            return at, proposal._replace(size=type(proposal.size)(value))
        case Wait(ms):
            return _later(at, ms), proposal
        case NextCycle():
            return at._replace(tally=tally.count(at.policy, at.state, at.exposure, at.now)), proposal
        case FreeRoom(value, "positions", holdings):
            return _without(at, holdings[: int(value)]), proposal
        case FreeRoom(value, _, holdings):
            return _freed(at, value, holdings), proposal
        case ChangeKey(key, value):
            policy = with_key(at.policy, key, value)
            there = at._replace(policy=policy, marks=look_at(policy, at.state, at.snapshot, at.marks, at.closes))
            return _managing(there), proposal
        case Nothing():
            raise AssertionError("there is nothing to apply")


def hair_less(at: Situation, said: Refused) -> WouldPass | None:
    """A change that is smaller by the least that can be told; None for one that has no size."""
    match said.would_pass:
        case Resize(value, unit):
            symbol, in_units = said.proposal.symbol, isinstance(said.proposal.size, Amount)
            step = at.snapshot.markets[symbol].amount_step
            hair = step if in_units else HAIR if said.proposal.opens else step * at.snapshot.quotes[symbol].mid
            return Resize(value - hair if said.code in TOO_SMALL else value + hair, unit)
        case Wait(ms):
            return Wait(ms - 1)
        case FreeRoom(value, "positions", holdings):
            return FreeRoom(value - 1, "positions", holdings)
        case FreeRoom(value, unit, holdings):
            return FreeRoom(value - HAIR, unit, holdings)
        case ChangeKey(key, value):
            kind = next(item.kind for item in all_keys() if item.path == key)
            if not value.replace(".", "").isdigit():
                return None
            hair = Decimal(1) if kind is COUNT else HAIR if key == "risk.max_order_notional" else Decimal("0.01")
            if key == "risk.quote_reserve_pct":
                hair = -hair
            return ChangeKey(key, f"{max(Decimal(value) - hair, ZERO):f}")
        case _:
            return None


def _later(at: Situation, ms: int) -> Situation:
    """Cycles go on meanwhile: quotes are fresh again unless they are of the future, the last good equity is known."""
    now = at.now + ms
    quotes = {symbol: quote._replace(time=max(quote.time, now)) for symbol, quote in at.snapshot.quotes.items()}
    if ms <= 0 or any(quote.time > at.now for quote in at.snapshot.quotes.values()):
        quotes = dict(at.snapshot.quotes)
    risk, last = at.state.risk, at.state.equity
    if risk.watermarks is not None and last is not None:
        day, week = day_of(at.now), week_of(at.now)
        same_day, same_week = risk.watermarks.day == day, risk.watermarks.week == week
        marks = risk.watermarks._replace(
            day=day,
            day_equity=risk.watermarks.day_equity if same_day else last,
            week=week,
            week_equity=risk.watermarks.week_equity if same_week else last,
            last=at.worth,
        )
        risk = risk._replace(watermarks=marks)
    state = at.state._replace(equity=at.worth, risk=risk)
    sold = at.tally.turnover - tally.count(at.policy, at.state, at.exposure, at.now).turnover
    turnover = tally.count(at.policy, at.state, at.exposure, now).turnover + sold
    at = at._replace(tally=at.tally._replace(turnover=turnover))
    return at._replace(now=now, snapshot=at.snapshot._replace(quotes=quotes), state=state)


def _without(at: Situation, assets: tuple[str, ...]) -> Situation:
    gone = frozenset(assets)
    kept = {asset: value for asset, value in at.exposure.held.items() if asset not in gone}
    counted = at.tally._replace(positions=at.tally.positions - gone, before=at.tally.before - gone)
    return at._replace(exposure=at.exposure._replace(held=kept), tally=counted)


def _freed(at: Situation, value: Decimal, holdings: tuple[str, ...]) -> Situation:
    """Sales take the room out of the holdings in their order, and bring as much in cash."""
    found, left = at.tally, value
    for asset in holdings:
        part = min(at.exposure.held[asset], left)
        found, left = _less(found, at, asset, part), left - part
    quote = at.state.stamp.quote
    before = at.snapshot.balances[quote]
    balances = {**at.snapshot.balances, quote: Balance(quote, before.free + value, before.total + value)}
    state = at.state._replace(books=books_of(at.state.cash + value, at.state.positions))
    return at._replace(tally=found, snapshot=at.snapshot._replace(balances=balances), state=state)


def _less(found: Tally, at: Situation, asset: str, part: Decimal) -> Tally:
    def minus(item: Sum) -> Sum:
        return Sum(item.held - part, item.pending)

    tier = at.state.tiers.get(f"{asset}/{at.state.stamp.quote}", TierMemory(Tier.NONE, Tier.NONE, 0)).tier
    themes = found.themes_of.get(asset, ())
    return found._replace(
        total=minus(found.total),
        assets={**found.assets, asset: minus(found.assets[asset])},
        tiers={**found.tiers, tier: minus(found.tiers[tier])},
        themes={**found.themes, **{theme: minus(found.themes[theme]) for theme in themes}},
    )


def _managing(at: Situation) -> Situation:
    """Assets that the policy newly manages are taken into the books."""
    positions = {
        asset: held._replace(quantity=held.quantity + held.outside, outside=ZERO)
        if asset in at.policy.account.managed
        else held
        for asset, held in at.state.positions.items()
    }
    return at._replace(state=at.state._replace(books=books_of(at.state.cash, positions)))
