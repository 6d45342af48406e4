"""The questions of a batch, each answered by one connection. What can't be understood counts as not answered.

All raise `CallFailed` and nothing else, but `all_candles`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tradekit.adapters.exchange.candles import CandleCache, Row, fetch_rows
from tradekit.adapters.exchange.connection import Connection
from tradekit.adapters.exchange.failure import CallFailed, Failure
from tradekit.adapters.exchange.guard import BrokenAnswer
from tradekit.adapters.exchange.lists import Lists
from tradekit.adapters.exchange.outcomes import says_no_market
from tradekit.adapters.exchange.pool import Pool
from tradekit.adapters.exchange.quotes import balances_of
from tradekit.adapters.exchange.reports import order_report
from tradekit.adapters.exchange.trades import Names, fills_among, learn_name, read_trades
from tradekit.adapters.exchange.venues.venue import KeyPermissions, PermissionCheck
from tradekit.domain.account import Balance
from tradekit.domain.errors import Problem, Unreachable
from tradekit.domain.fill import Fill
from tradekit.domain.market import Candle
from tradekit.domain.outcome import OrderReport

T = TypeVar("T")


def read_balances(connection: Connection) -> dict[str, Balance]:
    """All balances above zero. An answer without a single entry is none: nobody trades with nothing at all, and
    the books must not see everything sold.
    """
    told = connection.call("fetch_balance")
    held = understood(lambda: balances_of(told))
    if not told["total"]:
        raise CallFailed(Failure((), "not a single balance is told", sent=True, whole=False))
    return held


def read_tickers(connection: Connection, method: str, symbols: Sequence[str], forget: Callable[[], None]) -> Any:
    """What one of the venue's methods tells of prices. Where a market is gone, which makes the whole question fail, it
    tells of all that are left, and `forget` is called: what is known of markets is old.
    """
    if len(symbols) > connection.venue.ask_all_above:
        return connection.call(method, None)
    try:
        return connection.call(method, list(symbols))
    except CallFailed as failed:
        if not says_no_market(failed.failure, connection.venue):
            raise
    forget()
    return connection.call(method, None)


def read_open(connection: Connection, lists: Lists) -> list[OrderReport]:
    """All open orders of the account."""
    return understood(lambda: [order_report(item, connection.venue) for item in lists.open_orders(connection, None)])


def read_candles(connection: Connection, symbol: str, since: int, now: int) -> list[Row]:
    """The complete minutes since a time."""
    return understood(lambda: fetch_rows(connection, symbol, since, now))


def all_candles(pool: Pool, path: Path, symbols: Sequence[str], minutes: int, now: int) -> dict[str, Sequence[Candle]]:
    """The last minutes of each symbol, of which only the new ones are asked for; `path` keeps the others.

    A symbol whose history can't be read is left out. Raises `Unreachable` when none can.
    """
    kept = CandleCache(path, now, minutes)
    asked = [(symbol, start) for symbol in symbols if (start := kept.missing_since(symbol)) is not None]
    tasks = [pool.public(partial(read_candles, symbol=name, since=start, now=now)) for name, start in asked]
    answers = pool.run(tasks)
    silent = [answer for answer in answers if isinstance(answer, Failure)]
    if silent and len(silent) == len(symbols):
        fail_unreachable(silent[0])
    fresh = zip((symbol for symbol, _ in asked), answers, strict=True)
    kept.add({symbol: answer for symbol, answer in fresh if not isinstance(answer, Failure)})
    return {symbol: candles for symbol in symbols if (candles := kept.candles(symbol))}


def read_fills(
    connection: Connection, symbol: str | None, start: int, since: Mapping[str, int], names: Names, now: int
) -> list[Fill]:
    """Our fills of a symbol, or of all that are asked for, with the orders behind them."""
    items = read_trades(connection, symbol, start, now)
    return understood(
        lambda: fills_among(connection, items, since, names, lambda fill: learn_name(connection, fill, names, now))
    )


def read_permissions(connection: Connection, check: PermissionCheck) -> KeyPermissions:
    """What the key may do."""
    told = connection.call(check.method)
    try:
        read = check.read(told)
    except (KeyError, TypeError, IndexError, AttributeError):
        read = None
    if read is not None and all(value is None or isinstance(value, bool) for value in read):
        return read
    raise CallFailed(Failure((), "permissions of another form", sent=True, whole=False))


def fail_unreachable(failure: Failure) -> NoReturn:
    """Raises `Unreachable` for a read that brought no result, with what to do about it."""
    if failure.limited:
        message = f"the exchange asks for fewer requests: {failure.text}"
        raise Unreachable(Problem("rate_limited", message, "nothing; a run after that time goes on"))
    if failure.whole and failure.is_a("AuthenticationError"):
        message = f"the exchange refuses the key: {failure.text}"
        raise Unreachable(Problem("key_refused", message, "check the key, its permissions and its IP addresses"))
    what = "did not answer as it should" if failure.sent else "was not asked"
    message = f"the exchange {what}: {failure.text}"
    raise Unreachable(Problem("unreachable", message, "nothing; the next run tries again"))


def understood(read: Callable[[], T]) -> T:
    """What was read out of an answer. Raises `CallFailed` where it can't be understood."""
    try:
        return read()
    except BrokenAnswer as broken:
        failure = Failure((), str(broken), sent=True, whole=False)
    raise CallFailed(failure)
