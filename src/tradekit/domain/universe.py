"""Which coins may be opened, in three tiers by liquidity, and the memory that keeps them from flapping."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Tier(StrEnum):
    """T1 is the most liquid; `NONE` is not eligible for opening."""

    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    NONE = "none"


class TierMemory(NamedTuple):
    """The tier in force, and for how many cycles in a row the market has looked like `candidate` instead."""

    tier: Tier
    candidate: Tier
    cycles: int
