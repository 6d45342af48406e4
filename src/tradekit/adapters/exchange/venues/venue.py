"""What has to be known of one exchange, as data. The rest of the adapter asks this table and never an exchange's name.

Each file beside this one fills one record. Sources are named there; what was not seen on the wire is in `weak`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from tradekit.adapters.exchange.guard import Shape
from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.venues.conversions import Conversions
from tradekit.domain.order import TimeInForce
from tradekit.domain.outcome import RejectCode

NOTHING: Final[Mapping[str, object]] = {}

Params = Mapping[str, object]
"""Fields of a request; `id` stands for the method's own argument. In a text, `{id}` stands for the client order id and
`{exchange_id}` for the exchange's."""


class Proof(StrEnum):
    """How well the table is proven: whole runs over HTTP, recorded requests of the real class, or not at all."""

    WIRE = "wire"
    RECORDED = "recorded"
    GENERIC = "generic"


class Weakness(StrEnum):
    """A promise of the order protocol that can't be kept on an exchange, or that nobody has seen kept."""

    CLIENT_ID = "client_id"
    POST_ONLY = "post_only"
    LOOKUP = "lookup"
    TRADES = "trades"
    SERVER_TIME = "server_time"
    UNVERIFIED = "unverified"


class Turn(StrEnum):
    """How the next page of a list is asked for."""

    NONE = "none"
    CURSOR = "cursor"
    OFFSET = "offset"
    PAGE = "page"
    FROM_ID = "from_id"
    BEFORE_ID = "before_id"
    SINCE = "since"
    UNTIL = "until"


class Paging(NamedTuple):
    """How a list is read to its end.

    `size` is asked for per page (0: not said). `param` carries the cursor, offset, page number or id. `at` is where the
    raw answer holds the next cursor. `count_at` is where it tells how many there are in all. `window_ms`: the longest
    span of time that one question covers.
    """

    turn: Turn = Turn.NONE
    size: int = 0
    param: str = ""
    at: tuple[str, ...] = ()
    count_at: tuple[str, ...] = ()
    window_ms: int = 0


class Listing(NamedTuple):
    """A ccxt method that lists orders. `by_client_id`: its `params` make the exchange filter by client order id."""

    method: str
    params: Params = NOTHING
    paging: Paging = Paging()
    by_client_id: bool = False
    since: bool = True


class Trades(NamedTuple):
    """Our own trades. `per_symbol`: the exchange wants to be asked for each symbol. `client_id` is its name in a raw
    trade, empty where trades don't tell it. `margin_ms`: how coarse the exchange is about times.
    """

    paging: Paging
    per_symbol: bool = True
    params: Params = NOTHING
    client_id: str = ""
    margin_ms: int = 0

    def asked_from(self, time: int) -> int:
        """What to ask for to get everything at or after a time: a round figure, and one more before it.

        An exchange that counts whole seconds and a class that filters milliseconds would differ about the rest.
        """
        if self.margin_ms:
            time = time // self.margin_ms * self.margin_ms - self.margin_ms
        return max(time, 0)


class KeyPermissions(NamedTuple):
    """What a key may do; None where the exchange doesn't tell."""

    can_trade: bool | None
    can_withdraw: bool | None
    ip_restricted: bool | None


class OpenSymbols(NamedTuple):
    """Where open orders can only be asked for symbol by symbol: the implicit method that tells in which there are some,
    and where its answer holds their ids.
    """

    method: str
    at: tuple[str, ...]


class PermissionCheck(NamedTuple):
    """The implicit ccxt method that tells what the key may do, and how to read its answer."""

    method: str
    read: Callable[[Any], KeyPermissions]


class Expiry(NamedTuple):
    """The field of an order for the time (milliseconds) at which the exchange ends it, how that is written, and what
    goes with it.
    """

    field: str
    written: Callable[[int], str]
    params: Params


def rfc3339(ms: int) -> str:
    """A time in whole seconds, as exchanges want it written."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_it_is(path: str, answer: Any) -> None:
    """Nothing has to be mended."""


class Venue(NamedTuple):
    """One exchange.

    `place`: fields of an order by time in force, the client id included. `fetch`, `fetch_by_client_id`,
    `cancel_by_client_id`: fields of a look-up and of a cancel; None where it doesn't work. `gone`: exception classes
    that mean *no such open order* on a cancel; `unknown_texts`: what else says so on a look-up. `no_market_texts`: what
    says of a market that it isn't there where the class says nothing. `rejects`: texts in an otherwise unclear refusal
    that are a certain no. `post_only_marks`: raw fields that tell a post-only order that was
    accepted and then thrown out. `accepted_until`: the field for the time after which the exchange no longer accepts
    the request, how far ahead it lies, and how to write it. `expiry`: how it is told to end an order by itself, None
    where it doesn't. `quotes`: ccxt methods whose answers together make a quote;
    they are asked for all symbols at once when more than `ask_all_above` are wanted; `keyless_quotes` are those of them
    that need no key, None for all. `tells_taker`: public trades say which side came to the other. `one_lane`: private
    requests must not overtake each other. `direct`: up to so many orders are looked up one by one instead of through
    the list of open ones. `market_fields`: raw fields of a market that the class reads later; `tick_field` and
    `min_notional_field`: raw fields that are right where the class's own reading isn't. `mend` repairs a raw answer
    that the class would trip over, `mend_order` and `mend_trade` what the class made of one. `conversions`: None where
    what became of one can't be looked up by something that is known before.
    """

    id: str
    name: str
    proof: Proof
    budget: Budget
    trades: Trades
    place: Mapping[TimeInForce, Params]
    shapes: Mapping[str, Shape]
    open_list: Paging = Paging()
    open_params: Params = NOTHING
    open_symbols: OpenSymbols | None = None
    history: tuple[Listing, ...] = ()
    fetch: Params | None = NOTHING
    fetch_by_client_id: Params | None = None
    cancel_by_client_id: Params | None = None
    cancel: Params = NOTHING
    client_id_prefix: str = ""
    gone: frozenset[str] = frozenset({"OrderNotFound", "InvalidOrder"})
    unknown_texts: tuple[str, ...] = ()
    no_market_texts: tuple[str, ...] = ()
    rejects: tuple[tuple[str, RejectCode], ...] = ()
    post_only_marks: tuple[tuple[str, str], ...] = ()
    accepted_until: tuple[str, int, Callable[[int], str]] | None = None
    expiry: Expiry | None = None
    quotes: tuple[str, ...] = ("fetch_tickers",)
    keyless_quotes: tuple[str, ...] | None = None
    tells_taker: bool = True
    ask_all_above: int = 50
    options: Mapping[str, object] = NOTHING
    markets: Params = NOTHING
    needs_currencies: bool = False
    market_fields: tuple[str, ...] = ()
    tick_field: str = ""
    min_notional_field: str = ""
    server_time: bool = True
    time_step_ms: int = 1
    one_lane: bool = False
    own_nonce: bool = False
    direct: int = 2
    not_found_horizon_ms: int = 900_000
    permissions: PermissionCheck | None = None
    mend: Callable[[str, Any], None] = as_it_is
    mend_order: Callable[[dict[str, Any]], None] | None = None
    mend_trade: Callable[[dict[str, Any]], None] | None = None
    weak: frozenset[Weakness] = frozenset()
    dead_man_switch: bool = False
    conversions: Conversions | None = None

    @property
    def public_quotes(self) -> tuple[str, ...]:
        """What tells best prices, as far as it does, to everybody."""
        return self.quotes if self.keyless_quotes is None else self.keyless_quotes

    def filled_in(self, params: Params, client_id: str, exchange_id: str = "") -> dict[str, object]:
        """The fields of one request."""
        own = self.client_id_prefix + client_id
        return {
            name: value.replace("{id}", own).replace("{exchange_id}", exchange_id) if isinstance(value, str) else value
            for name, value in params.items()
        }

    def own_id(self, told: object) -> str | None:
        """A client order id as tradekit made it, from one that the exchange tells."""
        return told.removeprefix(self.client_id_prefix) if isinstance(told, str) and told else None
