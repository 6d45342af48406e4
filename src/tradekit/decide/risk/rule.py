"""What a rule is: a record that can be listed, counted and shown, with one function that reads and one that advises."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from tradekit.decide.risk.situation import Ask, Situation
from tradekit.domain.decision import WouldPass
from tradekit.domain.numbers import ZERO


class Kind(StrEnum):
    """A gate says yes or no. A cap leaves room for a size, and may shrink an order to it."""

    GATE = "gate"
    CAP = "cap"


class Sense(StrEnum):
    """How the figure compares with the limit; `NONE` where there is no figure."""

    AT_MOST = "at most"
    AT_LEAST = "at least"
    NONE = ""


class Reading(NamedTuple):
    """What a rule sees of one proposal, in the rule's unit: `after` is what is compared with `limit`.

    `held` stands already, `pending` is on its way or was granted in this batch, `asked` is what the proposal adds.
    `key` is the policy key that binds here, where the rule has several.
    """

    passes: bool
    limit: Decimal | None = None
    held: Decimal | None = None
    pending: Decimal | None = None
    asked: Decimal | None = None
    after: Decimal | None = None
    key: str = ""

    @property
    def room(self) -> Decimal:
        """Of a cap: what still fits; below zero where it is exceeded already."""
        assert self.limit is not None
        return self.limit - (self.held or ZERO) - (self.pending or ZERO)


class Rule(NamedTuple):
    """One rule. `keys` are its policy keys, or the word for what binds where there is none; `unit` is `quote` or
    `base` for the account's currency or the asset. `advise` is asked only about a reading that doesn't pass.

    After a rule with `blocks` fails, nothing can be read any more: there is no market or no price to reckon with.
    """

    name: str
    code: str
    keys: tuple[str, ...]
    unit: str
    kind: Kind
    sense: Sense
    doc: str
    read: Callable[[Situation, Ask], Reading]
    advise: Callable[[Situation, Ask, Reading], WouldPass]
    blocks: bool = False


PASSES = Reading(True)
FAILS = Reading(False)
