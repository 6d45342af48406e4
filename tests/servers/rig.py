"""One exchange and one adapter talking over loopback HTTP: engine, dialect, server, clock and `CcxtExchange`.

Time is virtual and moves only when a test says so; with `real_time` it is the machine's.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from binance_server import BinanceServer
from coinbase_server import CoinbaseServer
from engine import Engine, HeldOrder, Listing, Touch
from faults import Faults
from kraken_server import KrakenServer
from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.credentials import Credentials, ExchangeOptions, Secret
from tradekit.adapters.exchange.exchange import CcxtExchange
from tradekit.adapters.exchange.opening import open_exchange
from tradekit.domain.decision import Approved
from tradekit.domain.ids import client_order_id
from tradekit.domain.order import Canceling, Open, Order, OrderIntent, TimeInForce, Unknown
from tradekit.domain.outcome import Acknowledged, SendOutcome
from tradekit.domain.proposal import Amount, Origin, Proposal, Side
from wire import ExchangeServer

D = Decimal
START: Final = 1_760_000_000_000
WIRED: Final = ("binance", "coinbase", "kraken")
# A throw-away key on the curve P-256, made for these tests.
EC_KEY: Final = """-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFfrs1gH+VTp1GqbGU/P2wJ70DCVPBp60nQp/zl8WUTEoAoGCCqGSM49
AwEHoUQDQgAEimfbEY4/ti31/pxs50HGG3zjxrTUuDHe1vBMwmc7ygdFMm9UTfE9
3kSqc30HHiMfBdxpZs13fZweP5e1wmCC7Q==
-----END EC PRIVATE KEY-----
"""
KEYS: Final = {
    "binance": ("CANARYKEYbinanceCANARYKEYbinance", "CANARYSECRETbinanceCANARYSECRETbinance"),
    "kraken": ("CANARYKEYkrakenCANARYKEYkraken", "Q0FOQVJZU0VDUkVUa3Jha2VuQ0FOQVJZU0VDUkVU"),
    "coinbase": ("organizations/CANARYKEY/apiKeys/CANARYKEYcb", EC_KEY),
}
DIALECTS: Final[dict[str, Callable[[Engine, Faults, str, str], Any]]] = {
    "binance": BinanceServer,
    "coinbase": CoinbaseServer,
    "kraken": KrakenServer,
}
_PRICES: Final = {  # symbol without quote: tick, step, minimum amount, bid, ask
    "BTC": ("0.1", "0.00001", "0.0001", "60000.0", "60000.1"),
    "ETH": ("0.01", "0.0001", "0.001", "2500.00", "2500.10"),
    "SOL": ("0.01", "0.001", "0.01", "150.00", "150.05"),
    "DOGE": ("0.0001", "0.1", "10", "0.1000", "0.1002"),
}


class VirtualTime:
    """Milliseconds that move only on request. Sleeping moves them."""

    def __init__(self, now: int = START) -> None:
        self.ms = now

    def now(self) -> int:
        return self.ms

    def sleep(self, ms: int) -> None:
        self.ms += ms


class RealTime:
    """The machine's own."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def sleep(self, ms: int) -> None:
        time.sleep(ms / 1000)


class Rig:
    """`with Rig("kraken", folder) as rig:` opens a server; `rig.exchange` opens the adapter at the first use.

    `reopen` begins a new run: a new adapter over the same cache folder.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        latency: float = 0.0,
        real_time: bool = False,
        bases: tuple[str, ...] = (),
        **options: Any,
    ) -> None:
        self.name = name
        self.folder = folder
        self.quote = "USDT" if name == "binance" else "USD"
        self.time: VirtualTime | RealTime = RealTime() if real_time else VirtualTime()
        self.faults = Faults()
        self.engine = _engine(self.quote, self.time, bases)
        self.key, self.secret = KEYS[name]
        self.dialect: Any = DIALECTS[name](self.engine, self.faults, self.key, self.secret)
        self.server = ExchangeServer(self.dialect, latency)
        self.options: dict[str, Any] = {"timeout_ms": 2000, "workers": 1, **options}
        self.local_skew_ms = 0
        self._exchange: CcxtExchange | None = None
        self._numbers = itertools.count(1)

    def __enter__(self) -> Rig:
        self.server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.faults.released.set()
        if self._exchange is not None:
            self._exchange.close()
        self.server.__exit__(kind, error, trace)

    @property
    def exchange(self) -> CcxtExchange:
        if self._exchange is None:
            self._exchange = self.open()
        return self._exchange

    def open(self, *, public: bool = False, fresh_markets: bool = False, **changes: Any) -> CcxtExchange:
        """A new adapter as a new run would make it."""
        clock = ExchangeClock(lambda: self.time.now() + self.local_skew_ms, self.time.sleep, lambda: False)
        settings = {"quote": self.quote, "base_url": self.server.url, "sandbox": True, **self.options, **changes}
        credentials = None if public else Credentials(Secret(self.key), Secret(self.secret))
        options = ExchangeOptions(**settings)
        return open_exchange(self.name, credentials, options, self.folder, clock, fresh_markets=fresh_markets)

    def reopen(self) -> CcxtExchange:
        """The next run begins."""
        if self._exchange is not None:
            self._exchange.close()
            self._exchange = None
        return self.exchange

    def symbol(self, base: str = "ETH") -> str:
        return f"{base}/{self.quote}"

    def intent(
        self, base: str = "ETH", side: str = "buy", price: str = "2499.00", amount: str = "0.01", *, ioc: bool = False
    ) -> OrderIntent:
        """A new intent with an id of its own; it joins below the best ask unless the price says otherwise."""
        number, now = next(self._numbers), self.time.now()
        proposal = Proposal(
            f"p{number}", self.symbol(base), Side(side), Amount(D(amount)), D("0.8"), "test", Origin.EXTERNAL
        )
        approved = Approved(proposal, D(amount), D(price), D(price))
        kind = TimeInForce.IOC if ioc else TimeInForce.PO
        id = client_order_id("rig", proposal.id, 1)
        return OrderIntent(approved, 1, id, D(amount), D(price), kind, now, now + 25_000)

    def place(self, intent: OrderIntent) -> SendOutcome:
        return self.exchange.place([intent])[intent.client_order_id]

    def order(self, intent: OrderIntent, outcome: SendOutcome | None = None, *, canceling: bool = False) -> Order:
        """The order as the journal has it after an outcome; without an acknowledgement it is unknown."""
        if isinstance(outcome, Acknowledged):
            state = Canceling(self.time.now(), "test") if canceling else Open(self.time.now())
            return Order(intent, state, outcome.exchange_id)
        return Order(intent, Unknown(self.time.now(), "test"))

    def placed(self, intent: OrderIntent) -> Order:
        """Places an order that has to be taken."""
        outcome = self.place(intent)
        assert isinstance(outcome, Acknowledged), outcome
        return self.order(intent, outcome)

    def held(self, intent: OrderIntent) -> list[HeldOrder]:
        """All orders that the exchange has under the id of an intent."""
        return [order for order in self.engine.orders if order.client_id == intent.client_order_id]


def _engine(quote: str, clock: VirtualTime | RealTime, bases: tuple[str, ...]) -> Engine:
    listings, touches = {}, {}
    for base in [*_PRICES, *bases]:
        tick, step, least, bid, ask = _PRICES.get(base, _PRICES["SOL"])
        listing = Listing(base, quote, D(tick), D(step), D(least), D(5))
        listings[listing.symbol] = listing
        touches[listing.symbol] = Touch(D(bid), D(ask))
    totals = {quote: D(10_000), "ETH": D(2), "SOL": D(10), "DOGE": D(1000)}
    return Engine(clock.now, listings, totals, touches)
