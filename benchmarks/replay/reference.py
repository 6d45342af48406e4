"""Our queues against figures computed elsewhere: single orders, and fill rates by place, size and time to live.

`fill_fixture_orders.csv` has hypothetical sells of 15 USD with the second of their first and full fill,
`fill_targets.csv` fill rates of orders decided every so many seconds, 300 ms before they arrive.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from statistics import median_low
from typing import Final, NamedTuple

from replay.attempt import Fills, conservative, first_fill, full_fill
from replay.fifo import Fifo
from replay.tape import Tape
from tradekit.adapters.paper.matching import Matching, Resting
from tradekit.adapters.paper.tape import Book
from tradekit.domain.proposal import Side

LATENCY: Final = 300
WARM_UP: Final = 5000
LIFE: Final = 60_000
HORIZONS: Final = (5, 10, 15, 25, 30, 60)
FIXTURE_USD: Final = Decimal(15)

PURGES: Final[Mapping[tuple[str, int], Mapping[str, str]]] = {
    ("bitstamp2015", 16): {
        "A": "17.5  > 600  112.8", "B": "47.2  > 600   94.0", "D": "69.9    294   79.7",
        "B2": "72.2    333   78.4", "I2": "95.6    134   60.9", "C": " 100      0  123.9",
    },
    ("bitstamp2015", 200): {
        "A": "10.0      -  117.6", "B": "26.6      -  107.2", "D": "49.6      -   93.4",
        "B2": "45.2      -   95.5", "I2": "58.1      -   86.5", "C": " 100      -  123.9",
    },
}  # fmt: skip
"""Percent sold, median seconds and shortfall with 60/120 bp of one recording, replayed elsewhere from 881 start times.
There an order of $200 counted only when it filled whole.
"""


class OrderCheck(NamedTuple):
    """How many of the fixture's orders agree within 1 ms. `emptied`: first fills told for the moment at which the queue
    ahead was exactly used up, with nothing left for us.
    """

    model: str
    orders: int
    first: int
    emptied: int
    full: int


class RateCheck(NamedTuple):
    """One row of the targets beside ours: percent of the orders that were not rejected, by `HORIZONS`."""

    row: Mapping[str, str]
    orders: int
    rejected: Decimal
    ours: tuple[Decimal, ...]

    @property
    def furthest(self) -> Decimal:
        """The largest difference in percentage points, the rejected share included."""
        theirs = [Decimal(self.row[f"fill_pct_{seconds}s"]) for seconds in HORIZONS]
        apart = [abs(mine - other) for mine, other in zip(self.ours, theirs, strict=True)]
        return max(*apart, abs(self.rejected - Decimal(self.row["post_only_rejected_pct"])))


def check_orders(tape: Tape, fifo: Fifo | None, rows: Iterable[Mapping[str, str]]) -> list[OrderCheck]:
    """The fixture under model C, and under F where orders are known."""
    checks = []
    listed = list(rows)
    size = lots_worth(tape, FIXTURE_USD)
    for model in ("C", "F") if fifo else ("C",):
        first = emptied = full = 0
        for row in listed:
            start, price = int(Decimal(row["arrival_ts_s"]) * 1000), int(row["price_ticks"])
            fills = _fills(model, tape, fifo, tape.met_by(Side.SELL, start), Side.SELL, price, size, start) or ()
            told = _moment(row[f"{model}_first"], start)
            if _near(first_fill(fills), told):
                first += 1
            elif model == "C" and _near(_emptied(tape, price, start), told):
                emptied += 1
            full += _near(full_fill(fills, size), _moment(row[f"{model}_full15"], start))
        checks.append(OrderCheck(model, len(listed), first, emptied, full))
    return checks


def check_rates(tape: Tape, fifo: Fifo | None, rows: Iterable[Mapping[str, str]]) -> list[RateCheck]:
    """The targets under the models that the data allows."""
    wanted = [row for row in rows if row["model"] == "C" or (row["model"] == "F" and fifo)]
    if not wanted:
        return []
    most = max(int(row["n"]) for row in wanted)
    stride = max(round((tape.end - tape.start - WARM_UP - LATENCY - LIFE) / most / 1000), 1) * 1000
    sizes = {row["usd"]: lots_worth(tape, Decimal(row["usd"])) for row in wanted}
    tallies = [_Tally(row, sizes[row["usd"]]) for row in wanted]
    for start in range(tape.start + WARM_UP, tape.end - LATENCY - LIFE + 1, stride):
        decided = tape.book(start)
        met = {side: tape.met_by(side, start + LATENCY) for side in Side}
        for tally in tallies:
            tally.count(tape, fifo, decided, met, start + LATENCY)
    return [tally.checked() for tally in tallies]


class _Tally:
    """The orders of one row of the targets."""

    def __init__(self, row: Mapping[str, str], lots: int) -> None:
        self._row, self._lots, self._side = row, lots, Side(row["side"])
        self._orders = self._rejected = 0
        self._lives: list[int] = []

    def count(self, tape: Tape, fifo: Fifo | None, decided: Book, met: Mapping[Side, Book], start: int) -> None:
        """One more order, where there is room for its price."""
        price = place(decided, self._side, self._row["place"])
        if price is None:
            return
        self._orders += 1
        fills = _fills(self._row["model"], tape, fifo, met[self._side], self._side, price, self._lots, start)
        if fills is None:
            self._rejected += 1
            return
        done = full_fill(fills, self._lots)
        self._lives.append(LIFE * 10 if done is None else done - start)

    def checked(self) -> RateCheck:
        """The shares."""
        rates = tuple(_percent(sum(life <= s * 1000 for life in self._lives), len(self._lives)) for s in HORIZONS)
        return RateCheck(self._row, self._orders, _percent(self._rejected, self._orders), rates)


def place(book: Book, side: Side, word: str) -> int | None:
    """A price in ticks from a word of the targets: `+2` ticks or `+5bp` behind the touch, `-1` tick inside, `mid`."""
    bid, ask = book.best_bid, book.best_ask
    if bid is None or ask is None:
        return None
    best, away = (ask, 1) if side is Side.SELL else (bid, -1)
    if word == "mid":
        return None if ask - bid < 2 else (bid + ask + (side is Side.SELL)) // 2
    if word.endswith("bp"):
        return best + away * int((Decimal(best) * int(word[1:-2]) / 10_000).to_integral_value())
    ticks = int(word)
    return None if ticks < 0 and ask - bid < 2 else best + away * ticks


def lots_worth(tape: Tape, usd: Decimal) -> int:
    """Whole lots for so much quote currency at the median price of the tape's trades."""
    price = median_low(trade.price for trade in tape.printed(tape.start, tape.end + 1)) * tape.grid.tick
    return max(int(usd / price / tape.grid.step), 1)


def told_purges(names: Iterable[str], worth: Decimal) -> Mapping[str, str]:
    """The figures told elsewhere of whole purges on a recording with one of these names; none for most."""
    return next((PURGES[name, int(worth)] for name in names if (name, int(worth)) in PURGES), {})


def read_csv(path: Path) -> Iterator[Mapping[str, str]]:
    """The rows of a table; none where there is no file."""
    if path.exists():
        with path.open(encoding="ascii", newline="") as lines:
            yield from csv.DictReader(lines)


def _fills(
    model: str, tape: Tape, fifo: Fifo | None, met: Book, side: Side, price: int, lots: int, start: int
) -> Fills | None:
    fills = conservative(tape, met, side, price, lots, start, start + LIFE + 1)
    if fills is None or model == "C" or fifo is None:
        return fills
    return list(fifo.fills(side, price, lots, start, start + LIFE + 1))


def _emptied(tape: Tape, price: int, start: int) -> int | None:
    """When the queue ahead of a sell came to nothing."""
    ahead = tape.met_by(Side.SELL, start).shown(Side.SELL, price)
    queue = Matching([Resting(1, Side.SELL, price, 1, ahead)])
    for event in tape.matters_to(Side.SELL, price, start, start + LIFE):
        queue.feed(event)
        if not queue.resting or queue.resting[0].ahead == 0:
            return event.time
    return None


def _moment(text: str, start: int) -> int | None:
    return start + int(Decimal(text) * 1000) if text else None


def _near(ours: int | None, theirs: int | None) -> bool:
    return ours == theirs if ours is None or theirs is None else abs(ours - theirs) <= 1


def _percent(part: int, whole: int) -> Decimal:
    return Decimal(100 * part) / whole if whole else Decimal(0)
