"""What draws attention to a coin: a figure that reached its threshold. Rules make proposals of it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class TriggerKind(StrEnum):
    """What was measured."""

    MOVE_15M = "move_15m"
    MOVE_60M = "move_60m"
    VOLUME_SPIKE = "volume_spike"
    BREAKOUT = "breakout"


class Trigger(NamedTuple):
    """`value` reached `threshold` (always above zero) within the last `minutes`.

    Moves are in percent, a volume spike in times the usual volume, a breakout in quote currency per unit: the close
    (`value`) against the highest high before it (`threshold`).
    """

    symbol: str
    kind: TriggerKind
    value: Decimal
    threshold: Decimal
    minutes: int
