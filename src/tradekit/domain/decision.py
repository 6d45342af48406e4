"""What the risk desk said of a proposal. Only an `Approved` can become an order."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.proposal import Proposal


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
    """A stable `code` without numbers, the rule (its policy key), and `actual` against `limit` in `unit`."""

    proposal: Proposal
    code: str
    rule: str
    limit: Decimal | None = None
    actual: Decimal | None = None
    unit: str = ""


Decision = Approved | Refused
