"""Refusals in words: what would let a proposal pass, and how long a wait is."""

from __future__ import annotations

from decimal import Decimal

from tradekit.cli.output import number
from tradekit.domain.decision import ChangeKey, FreeRoom, NextCycle, Nothing, Resize, Wait, WouldPass


def would_pass_words(change: WouldPass) -> str:
    """What would let it pass, short enough for a table."""
    match change:
        case Resize(value, unit):
            return f"a size of {number(value)} {unit}"
        case Wait(ms):
            return f"in {duration(ms)}"
        case NextCycle():
            return "in the next cycle"
        case FreeRoom(value, "positions", holdings):
            return f"sell {', '.join(holdings)}" if value == len(holdings) else f"{value:f} positions fewer"
        case FreeRoom(value, unit, holdings):
            return f"sell {number(_up(value), 2)} {unit} of {', '.join(holdings)}"
        case ChangeKey(key, value):
            return f"{key} = {value}"
        case Nothing(instead):
            return instead or "nothing"


def duration(ms: int) -> str:
    """A time that has to pass, rounded up to what one would wait."""
    seconds = -(-ms // 1000)
    if seconds < 120:
        return f"{seconds} s"
    minutes = -(-seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _up(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), "ROUND_CEILING")
