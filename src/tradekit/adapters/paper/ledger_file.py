"""The SQLite file under the ledger: created whole or not at all, opened without guessing, copied without a trace.

A file that is damaged is never replaced or repaired here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from tradekit.domain.errors import NeedsHuman, Problem

APPLICATION_ID: Final = 0x746B7061
FORMAT: Final = 1

SCHEMA: Final = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE balance(asset TEXT PRIMARY KEY, total TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE flow(
    id INTEGER PRIMARY KEY, time INTEGER NOT NULL, asset TEXT NOT NULL, amount TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE orders(
    id INTEGER PRIMARY KEY AUTOINCREMENT, client_id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL, side TEXT NOT NULL,
    time_in_force TEXT NOT NULL, price TEXT NOT NULL, amount TEXT NOT NULL, filled TEXT NOT NULL,
    status TEXT NOT NULL, fee_rate TEXT NOT NULL, fee_asset TEXT NOT NULL, ahead INTEGER NOT NULL,
    created INTEGER NOT NULL, updated INTEGER NOT NULL);
CREATE INDEX open_orders ON orders(id) WHERE status = 'open';
CREATE TABLE trade(
    id INTEGER PRIMARY KEY AUTOINCREMENT, order_id INTEGER NOT NULL REFERENCES orders(id), symbol TEXT NOT NULL,
    side TEXT NOT NULL, amount TEXT NOT NULL, price TEXT NOT NULL, cost TEXT NOT NULL, fee TEXT NOT NULL,
    fee_asset TEXT NOT NULL, maker INTEGER NOT NULL, time INTEGER NOT NULL);
CREATE INDEX trade_by_symbol ON trade(symbol, time);
CREATE TABLE taken(
    symbol TEXT, side TEXT, price INTEGER, lots INTEGER NOT NULL, PRIMARY KEY (symbol, side, price)) WITHOUT ROWID;
"""


def create(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    """A new ledger file with mode 0600. It appears under its name only when it is complete and synced.

    Raises `NeedsHuman` where the disk refuses.
    """
    try:
        _create(path, fill)
    except OSError as error:
        raise unusable(path, error.strerror) from None
    except sqlite3.Error as error:
        raise fault(path, error) from error


def _create(path: Path, fill: Callable[[sqlite3.Connection], None]) -> None:
    young = path.with_name(path.name + ".new")
    young.unlink(missing_ok=True)
    os.close(os.open(young, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(young, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = FULL")
        db.executescript("BEGIN;" + SCHEMA)
        fill(db)
        db.execute("COMMIT")
    young.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def create_in_memory(fill: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    """A new ledger that leaves nothing behind."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(SCHEMA)
    fill(db)
    return db


def open_existing(path: Path) -> sqlite3.Connection:
    """An existing ledger. Raises `NeedsHuman` when it isn't one."""
    try:
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)
        try:
            check(db, path)
            db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;")
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as error:
        raise fault(path, error) from error
    return db


def copy_to_memory(path: Path) -> sqlite3.Connection:
    """A private copy of an existing ledger, made without touching a byte of its folder.

    Even a read-only SQLite connection would leave WAL files beside it, so the bytes are copied elsewhere first.
    """
    # a rehearsal is the only run that needs it, and it is slow to import
    import tempfile

    memory = sqlite3.connect(":memory:", isolation_level=None)
    with tempfile.TemporaryDirectory(prefix="tradekit-") as folder:
        copy = Path(folder) / path.name
        for _ in range(20):
            before = _marks(path)
            for suffix in ("-wal", ""):
                source = path.with_name(path.name + suffix)
                if source.exists():
                    copy.with_name(copy.name + suffix).write_bytes(source.read_bytes())
            if before == _marks(path):
                break
            copy.with_name(copy.name + "-wal").unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(copy)) as db:
                check(db, path)
                db.backup(memory)
        except sqlite3.Error as error:
            raise fault(path, error) from error
    return memory


def check(db: sqlite3.Connection, path: Path) -> None:
    """Raises `NeedsHuman` unless this is a ledger of our format."""
    marks = db.execute("SELECT * FROM pragma_application_id, pragma_user_version").fetchone()
    if marks != (APPLICATION_ID, FORMAT):
        raise damaged(path, f"application {marks[0]:#x}, format {marks[1]}")


def fault(path: Path, error: sqlite3.Error) -> NeedsHuman:
    """What a database error means for the user: a damaged file, or one that can't be written."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR):
        return damaged(path, error)
    return unusable(path, error)


def unusable(path: Path, reason: object) -> NeedsHuman:
    """The fault to raise for a file that can't be locked or written."""
    message = f"{path} can't be used: {reason}"
    return NeedsHuman(Problem("paper_ledger_unusable", message, "see that the disk has room and the file is writable"))


def damaged(path: Path, reason: object) -> NeedsHuman:
    """The fault to raise for a file that can't be trusted."""
    return NeedsHuman(
        Problem(
            "paper_ledger_damaged",
            f"{path} is not a readable paper ledger: {reason}",
            "restore the file from a backup; it is the only record of the paper account's trades",
        )
    )


def missing(path: Path) -> NeedsHuman:
    """The fault to raise for a file that has vanished."""
    return NeedsHuman(
        Problem(
            "paper_ledger_missing",
            f"{path} is missing, though this account has traded",
            "restore the file from a backup, or start a new account in another home",
        )
    )


def _marks(path: Path) -> list[tuple[int, int]]:
    found = []
    for suffix in ("", "-wal"):
        try:
            status = path.with_name(path.name + suffix).stat()
            found.append((status.st_mtime_ns, status.st_size))
        except FileNotFoundError:
            found.append((0, 0))
    return found
