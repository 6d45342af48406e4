"""What the risk desk said of a proposal. Only an `Approved` can become an order."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.proposal import Proposal


class Resize(NamedTuple):
    """The same proposal with the size `value` in `unit`: the nearest one that passes."""

    value: Decimal
    unit: str


class Wait(NamedTuple):
    """The same proposal, so many milliseconds later."""

    ms: int


class NextCycle(NamedTuple):
    """The same proposal in the next cycle, `seconds` after this one began: what this one granted is in the way."""

    seconds: int


class FreeRoom(NamedTuple):
    """The same proposal once `value` in `unit` is free; selling of `holdings`, in their order, frees it."""

    value: Decimal
    unit: str
    holdings: tuple[str, ...]


class ChangeKey(NamedTuple):
    """The same proposal under a policy in which `key` is `value`, written as TOML."""

    key: str
    value: str


class Nothing(NamedTuple):
    """No size, time, room or key lets it pass; `instead` says what a person can do, where there is something."""

    instead: str = ""


WouldPass = Resize | Wait | NextCycle | FreeRoom | ChangeKey | Nothing


class Approved(NamedTuple):
    """Leave to trade up to `amount` base units in this cycle, at `worst_price` or better.

    `decision_price` is the mid that the decision was taken at. `clamped_from` is the amount asked for where
    `binding_rule` allowed less.
    """

    proposal: Proposal
    amount: Decimal
    decision_price: Decimal
    worst_price: Decimal
    clamped_from: Decimal | None = None
    binding_rule: str | None = None


class Refused(NamedTuple):
    """A stable `code` without numbers, the rule (its policy key), and `actual` against `limit` in `unit`.

    `would_pass` is the smallest single change with which the rule lets it pass. `also` are the codes of further rules
    that stand in the way; with none, the change alone gets it approved.
    """

    proposal: Proposal
    code: str
    rule: str
    limit: Decimal | None = None
    actual: Decimal | None = None
    unit: str = ""
    would_pass: WouldPass = Nothing()
    also: tuple[str, ...] = ()


Decision = Approved | Refused
