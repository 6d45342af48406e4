"""Opens an exchange: the class, its record, the shared request budget, markets and time. Reads no environment.

The first two requests of a run are made here: the time always, the markets once an hour. Where an exchange tells no
time, the date of the markets' answer has to do, and they are asked for in every run.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.connection import connect
from tradekit.adapters.exchange.credentials import Credentials, ExchangeOptions
from tradekit.adapters.exchange.exchange import CcxtExchange
from tradekit.adapters.exchange.failure import CallFailed, Failure
from tradekit.adapters.exchange.limiter import RequestLedger
from tradekit.adapters.exchange.loading import exchange_class
from tradekit.adapters.exchange.markets import MarketBook
from tradekit.adapters.exchange.pool import Pool
from tradekit.adapters.exchange.reads import fail_unreachable
from tradekit.adapters.exchange.trades import Names
from tradekit.adapters.exchange.venues import venue_of
from tradekit.domain.errors import BadInput, Problem

_LONGEST_WAIT_MS: Final = 10_000
_SECOND_MS: Final = 1000  # a date has whole seconds
_LOOPBACK: Final = re.compile(r"127\.[0-9.]+|localhost|\[?::1\]?")


def open_exchange(
    id: str,
    credentials: Credentials | None,
    options: ExchangeOptions,
    cache_folder: Path,
    clock: ExchangeClock,
    *,
    fresh_markets: bool = False,
) -> CcxtExchange:
    """An exchange that is ready for questions. Without credentials only public ones work.

    `cache_folder` has to exist; accounts that share a key should share it. Sets the clock to exchange time. Raises
    `BadInput` for an unknown exchange or a bad address, `Unreachable` when it doesn't answer, and `NeedsHuman` when the
    folder can't be written.
    """
    _check_address(options)
    api_class = exchange_class(id)
    venue = venue_of(id, api_class())
    tag = credentials.fingerprint if credentials is not None else "public"
    where = _place(options)
    ledger = RequestLedger(
        cache_folder / f"requests-{id}-{tag}{where}", venue.budget, clock.wall, clock.sleep, _LONGEST_WAIT_MS
    )
    pool = Pool(
        lambda: connect(api_class, venue, options, credentials, ledger, clock),
        options.workers,
        one_lane=venue.one_lane and not options.nonce_window,
    )
    source = f"{id} {options.base_url} {options.sandbox} {options.quote}"
    book = MarketBook(
        cache_folder / f"markets-{id}-{options.quote}{where}.json", source, options.quote, options.markets_max_age_ms
    )
    names = Names(cache_folder / f"names-{id}-{tag}{where}.json")
    exchange = CcxtExchange(venue, pool, book, names, clock, ledger)
    first = pool.first
    failure: Failure | None = None
    try:
        asked = clock.wall()
        if venue.server_time:
            told = first.call("fetch_time")
            server_ms = told if isinstance(told, int) else 0
            clock.set(server_ms, venue.time_step_ms, first.date_ms, first.asked_ms, first.answered_ms)
        book.load(first, asked, fresh=fresh_markets or not venue.server_time)
        if not venue.server_time and first.date_ms is not None:
            clock.set(first.date_ms, _SECOND_MS, None, first.asked_ms, first.answered_ms)
    except CallFailed as failed:
        failure = failed.failure
    if failure is not None:
        exchange.close()
        fail_unreachable(failure)
    return exchange


def _check_address(options: ExchangeOptions) -> None:
    """Keys go over a line that nobody reads, or not out of this machine at all."""
    if not options.base_url:
        return
    parts = urlsplit(options.base_url)
    loopback = parts.scheme == "http" and _LOOPBACK.fullmatch(parts.hostname or "") is not None
    if not (options.sandbox and (loopback or (parts.scheme == "https" and parts.hostname))):
        message = "base_url has to be https or this machine's own address, and needs sandbox = true"
        raise BadInput(Problem("exchange_address", message, "leave base_url out, or set sandbox = true"))


def _place(options: ExchangeOptions) -> str:
    """Tells files of a sandbox from those of the real exchange."""
    return "-sandbox" if options.sandbox else ""
