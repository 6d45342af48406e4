"""One ccxt instance that believes nothing, tells no secrets, and asks before each request whether it may.

ccxt's own retries stay off, redirects are refused (one would send an order again), and its decimal settings stay inside
the call: ccxt changes the rounding of the running thread's context.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from decimal import Decimal, localcontext
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.credentials import Credentials, ExchangeOptions
from tradekit.adapters.exchange.failure import CallFailed, Failure, redacted
from tradekit.adapters.exchange.guard import BrokenAnswer, check_shape, check_unknown_shape, read_json
from tradekit.adapters.exchange.limiter import Banned, RequestLedger
from tradekit.adapters.exchange.venues.venue import Venue
from tradekit.domain.errors import TradekitError

_SILENCE_MS: Final = {418: 120_000, 429: 10_000}
_LONGEST_RETRY_AFTER_S: Final = 86_400


class Connection:
    """Wraps one instance of a ccxt class; used by one thread at a time. `answer` is the last raw answer; it was asked
    for and came in at `asked_ms` and `answered_ms` of this machine's clock, after any wait for a turn.
    """

    def __init__(
        self,
        api: Any,
        venue: Venue,
        ledger: RequestLedger,
        clock: ExchangeClock,
        credentials: Credentials | None,
    ) -> None:
        self.api = api
        self.venue = venue
        self.answer: Any = None
        self.date_ms: int | None = None
        self.asked_ms = self.answered_ms = 0
        self.requests = 0
        self._ledger = ledger
        self._secrets = () if credentials is None else tuple(item.reveal() for item in credentials)
        self._status = 0
        self._whole = False
        self._limited = False
        self._fetch2, self._sign = api.fetch2, api.sign
        self._since_limit, self._value_since_limit = api.filter_by_since_limit, api.filter_by_value_since_limit
        for name, hook in {
            "fetch2": self._ask,
            "throttle": self._wait_for_turn,
            "sign": self._write,
            "on_rest_response": self._receive,
            "on_json_response": self._parsed,
            "filter_by_since_limit": self._later,
            "filter_by_value_since_limit": self._later_of,
            "milliseconds": clock.now,
            "seconds": lambda: clock.now() // 1000,
            "microseconds": lambda: clock.now() * 1000,
            **({"incrementing_nonce": lambda: ledger.next_nonce(clock.now())} if venue.own_nonce else {}),
        }.items():
            setattr(api, name, hook)
        self._body: Any = None

    def call(self, method: str, *args: object, **kwargs: object) -> Any:
        """The result of a ccxt method. A field that is a function is asked for its value after the wait for a turn.

        Raises `CallFailed`, which holds no trace of what ccxt raised.
        """
        before, self.answer, self._whole, self._limited = self.requests, None, False, False
        self.api.last_http_response = None  # some classes judge an error by the text of an earlier answer
        with localcontext():
            try:
                return getattr(self.api, method)(*args, **kwargs)
            except Exception as error:  # a parser may raise anything; nothing is swallowed
                failure = self._failure(error, sent=self.requests > before)
        raise CallFailed(failure)

    def _failure(self, error: Exception, *, sent: bool) -> Failure:
        kinds: tuple[str, ...] = tuple(
            kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "ccxt.base.errors"
        )
        said = str(error) if isinstance(error, TradekitError) else f"{type(error).__name__}: {error}"
        text = redacted(said, self._secrets)
        limited = self._limited or isinstance(error, Banned)
        whole = self._whole and self._status < 500
        if whole and ("RateLimitExceeded" in kinds or "DDoSProtection" in kinds):
            limited = True
            self._ledger.ban(_SILENCE_MS[429])
        return Failure(kinds, text, sent, whole, limited)

    def _wait_for_turn(self, cost: float | None = None) -> None:
        self._ledger.acquire(1 if cost is None else cost)

    def _ask(self, path: str, api: Any = "public", method: str = "GET", params: Any = None, config: Any = None) -> Any:
        answer = self._fetch2(path, api, method, params or {}, config or {})
        self.venue.mend(path, answer)
        shape = self.venue.shapes.get(f"{method} {path}")
        if shape is None:
            check_unknown_shape(answer)
        else:
            check_shape(answer, shape)
        self.answer = answer
        return answer

    def _write(self, path: str, api: Any = "public", method: str = "GET", params: Any = None, *more: Any) -> Any:
        """Runs between the wait for a turn and the request: whatever tells the time is asked now."""
        if isinstance(params, Mapping):
            params = {name: value() if callable(value) else value for name, value in params.items()}
        return self._sign(path, api, method, params, *more)

    def _receive(
        self, code: int, reason: str, url: str, method: str, headers: Mapping[str, str], text: str, *request: object
    ) -> str:
        """Runs between the bytes and ccxt's own reading. Raises `BrokenAnswer` for what isn't JSON."""
        self._status, self._whole = code, False
        self.date_ms = _date(headers.get("Date"))
        if code in _SILENCE_MS:
            self._limited = True
            self._ledger.ban(_retry_after(headers.get("Retry-After"), _SILENCE_MS[code]))
            raise BrokenAnswer(f"HTTP {code}: too many requests")
        if 300 <= code < 400:
            raise BrokenAnswer(f"HTTP {code}: sent elsewhere")
        try:
            self._body = read_json(text)
        except BrokenAnswer as broken:
            raise BrokenAnswer(f"HTTP {code}: {broken}") from None
        self._whole = self._body != {}  # some classes make a refusal of an empty object
        return text.strip()

    def _parsed(self, text: str) -> Any:
        return self._body

    def _later(self, items: Any, since: int | None = None, limit: Any = None, key: Any = "timestamp", *end: Any) -> Any:
        """Ccxt leaves out what has no readable time, as if it were not there. Raises `BrokenAnswer` instead."""
        self._refuse_without(key, items if since is not None else ())
        return self._since_limit(items, since, limit, key, *end)

    def _later_of(
        self, items: Any, field: Any, value: Any = None, since: int | None = None, limit: Any = None,
        key: Any = "timestamp", *end: Any,
    ) -> Any:  # fmt: skip
        """The same, where it also leaves out what is of another symbol."""
        self._refuse_without(key, items if since is not None else ())
        self._refuse_without(field, items if value is not None else ())
        return self._value_since_limit(items, field, value, since, limit, key, *end)

    def _refuse_without(self, key: Any, items: Any) -> None:
        if any(not self.api.safe_value(item, key) for item in self.api.to_array(items or [])):
            raise BrokenAnswer(f"an entry without a {key}")


def connect(
    api_class: Any,
    venue: Venue,
    options: ExchangeOptions,
    credentials: Credentials | None,
    ledger: RequestLedger,
    clock: ExchangeClock,
) -> Connection:
    """A new instance of the class, pinned, with its keys. Makes no request."""
    wanted = {**venue.options, **_as_ccxt_has_them(options.options)}
    api = api_class({"options": wanted, "timeout": options.timeout_ms})
    if options.sandbox and not options.base_url:
        api.set_sandbox_mode(True)
    api.number = str
    api.enableRateLimit = True  # the hook on `throttle` takes the units; nothing sleeps in ccxt
    api.verbose = False
    api.verify = api.validateServerSsl = True
    api.logger = _silent_logger()
    api.session.trust_env = options.proxies_allowed
    api.session.max_redirects = 0
    if not venue.needs_currencies:
        api.has["fetchCurrencies"] = False
    if options.base_url:
        api.urls["api"] = _moved(api.urls["api"], options.base_url.rstrip("/"))
    if credentials is not None:
        api.apiKey, api.secret = credentials.key.reveal(), credentials.secret.reveal()
        api.password = credentials.password.reveal() or None
    api.options.pop("maxRetriesOnFailure", None)
    connection = Connection(api, venue, ledger, clock, credentials)
    _watch_requests(connection, clock)
    return connection


def _as_ccxt_has_them(options: Any) -> Any:
    """Options of a policy as a ccxt class holds its own: lists and floats. None of them is an amount of money."""
    if isinstance(options, Mapping):
        return {name: _as_ccxt_has_them(value) for name, value in options.items()}
    if isinstance(options, tuple):
        return [_as_ccxt_has_them(value) for value in options]
    return float(options) if isinstance(options, Decimal) else options


def _watch_requests(connection: Connection, clock: ExchangeClock) -> None:
    """Counts what really leaves and notes when, at the session: the last thing before the network."""
    send = connection.api.session.request

    def watched(*args: Any, **kwargs: Any) -> Any:
        connection.requests += 1
        connection.asked_ms = clock.wall()
        try:
            return send(*args, **kwargs)
        finally:
            connection.answered_ms = clock.wall()

    connection.api.session.request = watched


def _silent_logger() -> logging.Logger:
    """Both ccxt and urllib3 log keys, signatures and signed addresses at the level DEBUG."""
    logging.getLogger("urllib3.connectionpool").disabled = True
    logger = logging.getLogger("tradekit.silent")
    logger.disabled = True
    return logger


def _moved(urls: Any, base_url: str) -> Any:
    """Every address with another scheme and host."""
    if isinstance(urls, Mapping):
        return {name: _moved(value, base_url) for name, value in urls.items()}
    return base_url + urlsplit(urls).path if isinstance(urls, str) else urls


def _retry_after(told: str | None, otherwise_ms: int) -> int:
    if told is None or not told.isascii() or not told.isdigit():
        return otherwise_ms
    return min(int(told[:9]), _LONGEST_RETRY_AFTER_S) * 1000


def _date(told: str | None) -> int | None:
    try:
        return None if told is None else int(parsedate_to_datetime(told).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError):
        return None
