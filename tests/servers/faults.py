"""What goes wrong on the way: one word per coming request of a kind, from a queue or from a seeded draw.

Words that strike *before* the exchange acts: drop_before, hang_before, 502_before, 524_before, 403, 429:SECONDS and
418:SECONDS (with Retry-After), late:MS (nothing now, it acts later). Words that strike its answer *after* it acted:
drop, hang, truncate, 502, 524, 409, empty, html, null, hollow (`{}`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event, Lock

BEFORE = ("drop_before", "hang_before", "502_before", "524_before", "429", "418", "403", "late")
AFTER = ("drop", "hang", "truncate", "502", "524", "409", "empty", "html", "null", "hollow")
HTML = "<html><head><title>Maintenance</title></head><body>We will be back soon</body></html>"


@dataclass
class Faults:
    """`queues` hold the words for the next requests of a kind ("" is no fault); `draw` speaks when a queue is empty.

    Trades: `shuffled`, `duplicated`, `page_cut` (each page has at most that many). `in_quote`: fills are told in quote
    currency where the dialect can. `canceled_is_closed`: a partly filled order that was canceled is told as finished.
    """

    queues: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    draw: Callable[[str], str] | None = None
    shuffled: Random | None = None
    duplicated: bool = False
    page_cut: int = 0
    in_quote: bool = False
    canceled_is_closed: bool = False
    released: Event = field(default_factory=Event)
    seen: list[tuple[str, str]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def put(self, kind: str, *words: str) -> None:
        """The next requests of this kind meet these faults."""
        self.queues[kind].extend(words)

    def next(self, kind: str) -> str:
        """The word for this request; it is used up."""
        with self._lock:
            for name in (kind, "any"):
                if self.queues[name]:
                    word = self.queues[name].popleft()
                    break
            else:
                word = self.draw(kind) if self.draw is not None else ""
            self.seen.append((kind, word))
            return word
