"""What a cycle keeps of its refusals: all of them counted by code, and the details of a bounded number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tradekit.domain.decision import Refused
from tradekit.domain.event import Refusal

DETAILS_KEPT: Final = 20


def count_codes(refused: Sequence[Refused]) -> dict[str, int]:
    """How often each code was given, by code."""
    counts: dict[str, int] = {}
    for item in sorted(refused, key=lambda item: item.code):
        counts[item.code] = counts.get(item.code, 0) + 1
    return counts


def kept_details(refused: Sequence[Refused]) -> tuple[Refusal, ...]:
    """At most `DETAILS_KEPT` of them, in the order they were judged; the first of every code goes before the second."""
    rank: dict[str, int] = {}
    ranked = []
    for place, item in enumerate(refused):
        rank[item.code] = rank.get(item.code, 0) + 1
        ranked.append((rank[item.code], place))
    chosen = sorted(place for _, place in sorted(ranked)[:DETAILS_KEPT])
    return tuple(_detail(refused[place]) for place in chosen)


def _detail(item: Refused) -> Refusal:
    p, figures = item.proposal, (item.limit, item.actual, item.unit)
    return Refusal(p.id, p.symbol, p.side, p.origin, item.code, item.rule, *figures, item.would_pass, item.also)
