"""An amount that knows its asset. Adding across assets is a bug and raises."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tradekit.domain.numbers import plain


class MixedAssets(TypeError):
    """Two amounts of different assets met in one sum."""


@dataclass(frozen=True)
class Money:
    """`amount` in units of `asset`; negative when it leaves the account."""

    amount: Decimal
    asset: str

    def __add__(self, other: Money) -> Money:
        if self.asset != other.asset:
            raise MixedAssets(f"{self} + {other}")
        return Money(self.amount + other.amount, self.asset)

    def __sub__(self, other: Money) -> Money:
        return self + -other

    def __neg__(self) -> Money:
        return Money(-self.amount, self.asset)

    def __str__(self) -> str:
        return f"{plain(self.amount)} {self.asset}"
