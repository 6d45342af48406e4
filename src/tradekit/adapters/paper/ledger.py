"""The paper exchange's own books: balances, orders, trades and flows, exact and durable.

Shares no code with tradekit's books, so that the two can be compared. Decimals are kept as text. Whatever is answered
was committed before: every change happens inside `transaction`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from tradekit.adapters.paper import ledger_file
from tradekit.adapters.paper.setup import PaperSetup
from tradekit.domain.errors import NeedsHuman, Problem
from tradekit.domain.numbers import ZERO, plain
from tradekit.domain.order import TimeInForce
from tradekit.domain.outcome import ReportedStatus
from tradekit.domain.proposal import Side


class PaperOrder(NamedTuple):
    """An order as the exchange keeps it. `ahead` is in lots; `fee_rate` a fraction, fixed when it was placed."""

    id: int
    client_id: str
    symbol: str
    side: Side
    time_in_force: TimeInForce
    price: Decimal
    amount: Decimal
    filled: Decimal
    status: ReportedStatus
    fee_rate: Decimal
    fee_asset: str
    ahead: int
    created: int
    updated: int

    @property
    def exchange_id(self) -> str:
        """The exchange's name for it."""
        return f"paper-{self.id}"

    @property
    def remaining(self) -> Decimal:
        """Base units not yet traded."""
        return self.amount - self.filled


class PaperTrade(NamedTuple):
    """One execution. `cost` in quote currency, `fee` in `fee_asset`."""

    id: int
    order_id: int
    client_id: str
    symbol: str
    side: Side
    amount: Decimal
    price: Decimal
    cost: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool
    time: int


class Ledger:
    """Opens with `Ledger.at` or `Ledger.copied`. Raises `NeedsHuman` where the file can't be trusted."""

    def __init__(self, db: sqlite3.Connection, path: Path, setup: PaperSetup) -> None:
        self._db = db
        self._path = path
        try:
            quote = self.meta("quote")
        except sqlite3.Error as error:
            raise ledger_file.fault(path, error) from error
        if quote != setup.quote:
            db.close()  # or its log would stay behind
            message = f"{path} keeps an account in {quote}, not in {setup.quote}"
            raise NeedsHuman(Problem("paper_ledger_mismatch", message, "use another home, or the former quote"))

    @classmethod
    def at(cls, path: Path, setup: PaperSetup, time: int, *, must_exist: bool) -> Ledger:
        """The ledger at `path`, created with the setup's balances where there is none and there need not be one."""
        if not path.exists():
            # a log without its file is what is left of a ledger, and would be played into the new one
            if must_exist or path.with_name(path.name + "-wal").exists():
                raise ledger_file.missing(path)
            ledger_file.create(path, lambda db: _fill(db, setup, time))
        return cls(ledger_file.open_existing(path), path, setup)

    @classmethod
    def copied(cls, path: Path, setup: PaperSetup, time: int) -> Ledger:
        """A copy in memory, or a fresh one where there is none. Touches nothing at `path`."""
        if path.exists():
            return cls(ledger_file.copy_to_memory(path), path, setup)
        return cls(ledger_file.create_in_memory(lambda db: _fill(db, setup, time)), path, setup)

    def close(self) -> None:
        """Gives the file back."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and on the disk when it ends."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # also where a full disk refused the commit
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise ledger_file.fault(self._path, error) from error

    def meta(self, name: str) -> str:
        """A fact about the ledger itself."""
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise ledger_file.damaged(self._path, f"no {name}")
        return str(row[0])

    def set_meta(self, name: str, value: str) -> None:
        """Writes such a fact."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def totals(self) -> dict[str, Decimal]:
        """What is held, by asset, bound in orders or not."""
        return {asset: Decimal(text) for asset, text in self._db.execute("SELECT * FROM balance ORDER BY asset")}

    def move(self, changes: Mapping[str, Decimal]) -> None:
        """Adds to the balances, exactly."""
        for asset, change in changes.items():
            row = self._db.execute("SELECT total FROM balance WHERE asset = ?", (asset,)).fetchone()
            total = (Decimal(row[0]) if row else ZERO) + change
            self._db.execute("INSERT OR REPLACE INTO balance VALUES (?, ?)", (asset, plain(total)))

    def flow(self, time: int, asset: str, amount: Decimal, reason: str) -> None:
        """Money from outside: recorded and added."""
        row = (time, asset, plain(amount), reason)
        self._db.execute("INSERT INTO flow(time, asset, amount, reason) VALUES (?, ?, ?, ?)", row)
        self.move({asset: amount})

    def flows(self) -> dict[str, Decimal]:
        """The sum of all flows by asset, the opening balances among them."""
        sums: dict[str, Decimal] = {}
        for asset, text in self._db.execute("SELECT asset, amount FROM flow ORDER BY id"):
            sums[asset] = sums.get(asset, ZERO) + Decimal(text)
        return sums

    def open_orders(self) -> list[PaperOrder]:
        """All open orders, oldest first."""
        return [_order(row) for row in self._db.execute("SELECT * FROM orders WHERE status = 'open' ORDER BY id")]

    def find(self, client_id: str) -> PaperOrder | None:
        """The order with this client id."""
        row = self._db.execute("SELECT * FROM orders WHERE client_id = ?", (client_id,)).fetchone()
        return None if row is None else _order(row)

    def add_order(self, order: PaperOrder) -> PaperOrder:
        """Enters an order and gives it its id."""
        cursor = self._db.execute(
            "INSERT INTO orders VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            tuple(plain(field) if isinstance(field, Decimal) else field for field in order[1:]),
        )
        return order._replace(id=cursor.lastrowid or 0)

    def update(self, order: PaperOrder) -> None:
        """Writes what can change in an order: filled, status, queue and time."""
        self._db.execute(
            "UPDATE orders SET filled = ?, status = ?, ahead = ?, updated = ? WHERE id = ?",
            (plain(order.filled), order.status, order.ahead, order.updated, order.id),
        )

    def add_trade(self, trade: PaperTrade) -> None:
        """Enters an execution; the ledger gives it its id."""
        numbers = tuple(plain(number) for number in (trade.amount, trade.price, trade.cost, trade.fee))
        row = (trade.order_id, trade.symbol, trade.side, *numbers, trade.fee_asset, trade.maker, trade.time)
        self._db.execute("INSERT INTO trade VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def trades(self, symbol: str, since: int) -> list[PaperTrade]:
        """The executions of a symbol at or after a time, in order."""
        rows = self._db.execute(
            "SELECT t.id, t.order_id, o.client_id, t.symbol, t.side, t.amount, t.price, t.cost, t.fee, t.fee_asset,"
            " t.maker, t.time FROM trade t JOIN orders o ON o.id = t.order_id"
            " WHERE t.symbol = ? AND t.time >= ? ORDER BY t.time, t.id",
            (symbol, since),
        )
        return [_trade(row) for row in rows]

    def taken(self) -> dict[str, list[tuple[Side, int, int]]]:
        """What we took from levels that still stand, by symbol: side, price in ticks, lots."""
        found: dict[str, list[tuple[Side, int, int]]] = {}
        for symbol, side, price, lots in self._db.execute("SELECT * FROM taken"):
            found.setdefault(symbol, []).append((Side(side), price, lots))
        return found

    def set_taken(self, symbol: str, taken: Iterable[tuple[Side, int, int]]) -> None:
        """Writes the same for one symbol."""
        self._db.execute("DELETE FROM taken WHERE symbol = ?", (symbol,))
        self._db.executemany("INSERT INTO taken VALUES (?, ?, ?, ?)", ((symbol, *entry) for entry in taken))


def _fill(db: sqlite3.Connection, setup: PaperSetup, time: int) -> None:
    facts = {"quote": setup.quote, "setup": setup.digest, "time": str(time), "cycle_start": ""}
    db.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
    for asset, amount in {setup.quote: ZERO, **setup.balances}.items():
        db.execute("INSERT INTO balance VALUES (?, ?)", (asset, plain(amount)))
        row = (time, asset, plain(amount), "opening")
        db.execute("INSERT INTO flow(time, asset, amount, reason) VALUES (?, ?, ?, ?)", row)


def _order(row: tuple[int, str, str, str, str, str, str, str, str, str, str, int, int, int]) -> PaperOrder:
    key, client_id, symbol, side, force, price, amount, filled, status, rate, fee_asset, *times = row
    numbers = (Decimal(price), Decimal(amount), Decimal(filled))
    word = ReportedStatus(status)
    return PaperOrder(
        key, client_id, symbol, Side(side), TimeInForce(force), *numbers, word, Decimal(rate), fee_asset, *times
    )


def _trade(row: tuple[int, int, str, str, str, str, str, str, str, str, int, int]) -> PaperTrade:
    key, order_id, client_id, symbol, side, amount, price, cost, fee, fee_asset, maker, time = row
    numbers = (Decimal(amount), Decimal(price), Decimal(cost), Decimal(fee))
    return PaperTrade(key, order_id, client_id, symbol, Side(side), *numbers, fee_asset, bool(maker), time)
