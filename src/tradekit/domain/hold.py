"""A hold: a doubt about the books that stops new orders until a person has looked. `tradekit resume` lifts it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

EVERYTHING: Final = ""


class HoldCode(StrEnum):
    """What is in doubt."""

    FILL_QUARANTINED = "fill_quarantined"
    FILL_CHANGED = "fill_changed"
    FILLS_MISSING = "fills_missing"
    ORDER_ADOPTED = "order_adopted"


class Hold(NamedTuple):
    """Nothing is opened in `symbol` (`EVERYTHING`: in none) while it lasts; sales go on.

    `reference` is the trade or order in question, `text` says what is wrong with it. A lifted hold is remembered, so
    that the same doubt isn't raised again.
    """

    code: HoldCode
    symbol: str
    reference: str
    since: int
    text: str
    lifted: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes two holds the same one."""
        return self.code, self.symbol, self.reference
