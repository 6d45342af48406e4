"""The table that a purge draws on a terminal while its orders wait."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from tradekit.adapters.safe_text import safe
from tradekit.cli.output import number
from tradekit.cli.watchers import Silent
from tradekit.domain.event import FillBooked, OrderIntended, OrderRejected, Record
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.order import Order
from tradekit.domain.proposal import Origin
from tradekit.domain.state import State

if TYPE_CHECKING:
    from rich.table import Table


class Unseen(Silent):
    """Draws nothing."""

    def __enter__(self) -> Unseen:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class PurgeTable(Silent):
    """Redrawn with every event and every look; gone when the run ends, the report takes its place."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._rows: dict[str, dict[str, str]] = {}
        self._live: AbstractContextManager[Any] = Live(console=Console(stderr=True), transient=True, auto_refresh=False)

    def __enter__(self) -> PurgeTable:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def recorded(self, record: Record, before: State, after: State) -> None:
        """Takes an order, a rejection or a fill over into the table."""
        match record.event:
            case OrderIntended(intent):
                self._put(intent.symbol, price=f"{number(intent.price)} ({intent.place})", state="placed")
            case OrderRejected(id, code, _):
                self._put(after.orders[id].intent.symbol, state=str(code))
            case FillBooked(fill) if _is_of_a_purge(after.orders.get(fill.client_order_id or ClientOrderId(""))):
                position = after.positions.get(fill.base)
                left = number(position.quantity) if position is not None else "0"
                self._put(fill.symbol, sold=f"{number(fill.amount)} at {number(fill.price)}", left=left, state="filled")
            case _:
                return
        self._draw()

    def waiting(self, orders: Sequence[Order], now: int, until: int) -> None:
        """Shows how long each order still waits."""
        for order in orders:
            seconds = max(order.deadline - now, 0) / 1000
            self._put(order.intent.symbol, state=f"waits {seconds:.0f} s, {number(order.filled)} filled")
        self._draw()

    def _put(self, symbol: str, **cells: str) -> None:
        self._rows.setdefault(safe(symbol), {}).update(cells)

    def _draw(self) -> None:
        self._live.update(drawn(self._rows), refresh=True)  # type: ignore[attr-defined]


def _is_of_a_purge(order: Order | None) -> bool:
    return order is not None and order.intent.approved.proposal.origin is Origin.PURGE


def drawn(rows: Mapping[str, Mapping[str, str]]) -> Table:
    """The table as it stands."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=SIMPLE_HEAD, header_style="bold")
    names = ("price", "state", "sold", "left")
    for name in ("symbol", *names):
        table.add_column(Text(name))
    for symbol, cells in rows.items():
        table.add_row(Text(symbol), *(Text(cells.get(name, "-")) for name in names))
    return table


def watcher_for_purge(*, quiet: bool) -> Unseen | PurgeTable:
    """A table where somebody sits at a terminal, else nothing."""
    return Unseen() if quiet or not sys.stderr.isatty() else PurgeTable()
