"""How bad it is out there: the share of each fault in one simulated world, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random
from typing import Final

_WORST: Final = {
    "request_lost": 0.15,
    "reply_lost": 0.20,
    "late": 0.20,
    "refused": 0.05,
    "cancel_lost": 0.20,
    "cancel_answer_lost": 0.20,
    "cancel_late": 0.10,
    "filled_first": 0.30,
    "silent": 0.10,
    "unanswered": 0.10,
    "lagging": 0.50,
    "late_trades": 0.50,
    "cut": 0.10,
    "shuffled": 0.30,
    "duplicated": 0.20,
    "stale_balances": 0.20,
    "short_writes": 0.10,
    "sync_errors": 0.02,
    "disk_full": 0.10,
    "filters_change": 0.05,
    "market_halts": 0.05,
    "hand_trades": 0.20,
    "hand_orders": 0.10,
    "transfers": 0.05,
    "restores": 0.05,
}


@dataclass
class Weather:
    """Shares between 0 and 1 of messages, or of runs, that a fault hits.

    A sent order: `request_lost`, `reply_lost` after it was accepted, accepted `late`, `refused` for nothing. A cancel:
    lost, its answer lost, late, or trades come first. Reads: no answer at all (`silent`), none for one order
    (`unanswered`), orders or trades that show up late, lists that are cut, shuffled or doubled, balances of some
    seconds ago. A run: short writes and failed syncs, a full disk, a market that changes its filters or halts, and
    what a person does by hand: trades, orders and transfers on the exchange, and going back to older books.
    """

    request_lost: float = 0.0
    reply_lost: float = 0.0
    late: float = 0.0
    refused: float = 0.0
    cancel_lost: float = 0.0
    cancel_answer_lost: float = 0.0
    cancel_late: float = 0.0
    filled_first: float = 0.0
    silent: float = 0.0
    unanswered: float = 0.0
    lagging: float = 0.0
    late_trades: float = 0.0
    cut: float = 0.0
    shuffled: float = 0.0
    duplicated: float = 0.0
    stale_balances: float = 0.0
    short_writes: float = 0.0
    sync_errors: float = 0.0
    disk_full: float = 0.0
    filters_change: float = 0.0
    market_halts: float = 0.0
    hand_trades: float = 0.0
    hand_orders: float = 0.0
    transfers: float = 0.0
    restores: float = 0.0


def draw_weather(luck: Random) -> Weather:
    """Each share is nothing, a quarter of the worst, or the worst, so that every world has faults of its own."""
    shares = {item.name: luck.choice((0.0, 0.0, 0.25, 1.0)) * _WORST[item.name] for item in fields(Weather)}
    return Weather(**shares)
