"""The recordings on the shelf: those in a folder, each in a format that its first line tells, or what is shipped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from replay import order_log, quote_log
from replay.fifo import Fifo
from replay.tape import Grid, Tape
from tradekit.adapters.paper.recording import Recording
from tradekit.adapters.paper.tape import Book
from tradekit.adapters.paper.world import BEGINNING
from tradekit.domain.times import MINUTE_MS

_NAME: Final = re.compile(
    r"(?P<venue>[a-z]+)_(?P<base>[a-z0-9]+?)(?P<quote>usdt|usdc|usd|eur|eth|btc)_(?P<year>\d{4})\d{4}_"
)
_SHIPPED: Final = {"PENGU/USDT": 180, "BTC/USDT": 10}
_LONG: Final = 20 * MINUTE_MS


class Recorded(NamedTuple):
    """A tape with its title. `names` are those that tables of reference figures may call it by, `fifo` the exact queue
    where its orders are known.
    """

    title: str
    names: tuple[str, ...]
    tape: Tape
    fifo: Fifo | None = None

    @property
    def horizon(self) -> int:
        """Milliseconds that a holding has to be sold in: ten minutes, and two on a short recording."""
        return (10 if self.tape.end - self.tape.start >= _LONG else 2) * MINUTE_MS


def from_folder(folder: Path) -> list[Recorded]:
    """All order logs and quote logs of a folder. Files of other formats are left alone."""
    found = []
    for path in sorted(folder.glob("*.csv.gz")):
        for read in (_order_log, _quote_log):
            try:
                found.append(read(path))
            except ValueError:
                continue
            break
    return found


def shipped() -> list[Recorded]:
    """A thin and a fast market of the recording that comes with tradekit."""
    recording = Recording()
    found = []
    for symbol, minutes in _SHIPPED.items():
        listing = recording.listings()[symbol]
        end = BEGINNING + minutes * MINUTE_MS
        opening = Book().changes_to(recording.book(symbol, BEGINNING + 1), BEGINNING)
        events = [*opening, *recording.events(symbol, BEGINNING + 1, end)]
        grid = Grid(listing.price_tick, listing.amount_step)
        found.append(Recorded(f"{symbol}, {listing.source}, shipped", (), Tape(grid, events)))
    recording.close()
    return found


def _order_log(path: Path) -> Recorded:
    tape, rows = order_log.read_tape(path)
    return Recorded(path.name, _names(path), tape, Fifo(rows))


def _quote_log(path: Path) -> Recorded:
    return Recorded(path.name, _names(path), quote_log.read_tape(path))


def _names(path: Path) -> tuple[str, ...]:
    match = _NAME.match(path.name)
    return (f"{match['venue']}{match['year']}", f"{match['venue']}_{match['base']}") if match else ()
