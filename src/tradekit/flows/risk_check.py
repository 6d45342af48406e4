"""`tradekit risk-check`: what would be decided now, why, and what would change it. Never writes, never sends.

look (or a saved look), judge, explain; and once more under other policy values or another equity.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from tradekit.decide.proof import ProofRow
from tradekit.decide.risk.consider import Considered, consider
from tradekit.decide.risk.explain import Explanation, explain
from tradekit.decide.risk.room import CapRoom, SymbolRoom, cap_rooms, probe, symbol_rooms
from tradekit.domain.decision import Approved
from tradekit.domain.errors import BadInput, ExitCode, Problem
from tradekit.domain.policy.sections import Policy
from tradekit.domain.proposal import Proposal
from tradekit.domain.saved_look import SavedLook
from tradekit.steps.assess import save_look
from tradekit.steps.desk import Desk


class Trial(NamedTuple):
    """Another policy and another equity (None: as it is) to judge under, and the changes in words."""

    policy: Policy
    equity: Decimal | None
    changes: tuple[str, ...]


class View(NamedTuple):
    """What is decided under one policy: an explanation for every proposal, and the room that is left without them."""

    equity: Decimal
    worth: Decimal
    explanations: tuple[Explanation, ...]
    caps: tuple[CapRoom, ...]
    symbols: tuple[SymbolRoom, ...]


class RiskCheck(NamedTuple):
    """`what_if` is the view under the trial, beside `now`. Times are exchange time in milliseconds."""

    time: int
    quote: str
    halted: bool
    now: View
    changes: tuple[str, ...]
    what_if: View | None
    exit_code: ExitCode


def look_for_check(
    desk: Desk, proposals: Sequence[Proposal], symbol: str | None
) -> tuple[SavedLook, tuple[ProofRow, ...]]:
    """What the next cycle would see, and `symbol` where one is named. Raises `Unreachable`."""
    return save_look(desk, {*(proposal.symbol for proposal in proposals), *([symbol] if symbol else ())})


def risk_check(
    policy: Policy, saved: SavedLook, proposals: Sequence[Proposal], symbol: str | None, trial: Trial | None
) -> RiskCheck:
    """Judges proposals beside what the rules propose. With a `symbol` only its proposals and room are told, and where
    there are none, a buy of the size that the built-in rules would take is probed.

    Raises `BadInput` for a symbol that the look doesn't know.
    """
    if symbol is not None:
        _refuse_unknown(saved, proposals, symbol)
    now = _view(policy, saved, proposals, symbol, None)
    told = now.explanations
    approved = any(isinstance(item.decision, Approved) for item in told)
    return RiskCheck(
        time=saved.now,
        quote=saved.state.stamp.quote,
        halted=saved.halted,
        now=now,
        changes=trial.changes if trial else (),
        what_if=_view(trial.policy, saved, proposals, symbol, trial.equity) if trial else None,
        exit_code=ExitCode.ALL_REFUSED if told and not approved else ExitCode.DONE,
    )


def _refuse_unknown(saved: SavedLook, proposals: Sequence[Proposal], symbol: str) -> None:
    """A symbol that is proposed, traded or held can be judged; any other one is a slip of the pen."""
    base, _, counter = symbol.partition("/")
    quote = saved.state.stamp.quote
    position = saved.state.positions.get(base)
    is_held = counter == quote and position is not None and position.total > 0
    if not is_held and symbol not in saved.snapshot.markets and all(item.symbol != symbol for item in proposals):
        what = f"{symbol} is neither traded on the exchange nor held"
        raise BadInput(Problem("symbol_unknown", what, f"write it like BTC/{quote}"))


def _view(
    policy: Policy, saved: SavedLook, proposals: Sequence[Proposal], symbol: str | None, equity: Decimal | None
) -> View:
    seen = consider(policy, saved, proposals, equity=equity)
    if symbol is not None:
        if not any(item.ask.proposal.symbol == symbol for item in seen.judgements):
            seen = consider(policy, saved, (*proposals, probe(symbol, policy.rules.order_notional)), equity=equity)
        seen = _only(seen, symbol)
    return View(
        equity=seen.situation.equity,
        worth=seen.situation.worth,
        explanations=tuple(explain(item) for item in seen.judgements),
        caps=cap_rooms(seen.situation),
        symbols=symbol_rooms(seen.situation, None if symbol is None else (symbol,)),
    )


def _only(seen: Considered, symbol: str) -> Considered:
    return seen._replace(judgements=tuple(item for item in seen.judgements if item.ask.proposal.symbol == symbol))
