"""Any other spot exchange of ccxt, through what its class says that it can do. Says what nobody has proven.

Nothing here is verified: live trading on such an exchange is for those who accept every weakness by name.
"""

from __future__ import annotations

from typing import Any, Final

from tradekit.adapters.exchange.limiter import Budget
from tradekit.adapters.exchange.venues.venue import Listing, Paging, Proof, Trades, Turn, Venue, Weakness
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.order import TimeInForce

_NEEDED: Final = ("createOrder", "cancelOrder", "fetchBalance", "fetchOpenOrders", "fetchMyTrades", "fetchTickers")
_HISTORIES: Final = (
    ("fetchOrders", "fetch_orders"),
    ("fetchCanceledAndClosedOrders", "fetch_canceled_and_closed_orders"),
    ("fetchClosedOrders", "fetch_closed_orders"),
    ("fetchCanceledOrders", "fetch_canceled_orders"),
)
_PAGE: Final = 100


def generic(id: str, api: Any) -> Venue:
    """A record out of the class's own table of abilities. Raises `BadInput` where too little is there to keep books."""
    able = api.has
    missing = [name for name in _NEEDED if able.get(name) is not True]
    if missing or able.get("spot") is False:
        what = ", ".join(missing) or "spot markets"
        message = f"{api.name} can't be traded with tradekit: its ccxt class lacks {what}"
        raise BadInput(Problem("exchange_unfit", message, "use another exchange"))
    page = Paging(Turn.SINCE, size=_PAGE)
    history = tuple(Listing(method, paging=page) for name, method in _HISTORIES if able.get(name) is True)
    weak = {Weakness.UNVERIFIED, Weakness.CLIENT_ID, Weakness.POST_ONLY}
    if not history or able.get("fetchOrder") is not True:
        weak.add(Weakness.LOOKUP)
    if able.get("fetchTime") is not True:
        weak.add(Weakness.SERVER_TIME)
    return Venue(
        id=id,
        name=str(api.name),
        proof=Proof.GENERIC,
        budget=Budget(capacity=10, ms_per_unit=max(float(api.rateLimit), 1.0)),
        place={
            TimeInForce.PO: {"postOnly": True, "clientOrderId": "{id}"},
            TimeInForce.IOC: {"timeInForce": "IOC", "clientOrderId": "{id}"},
        },
        fetch={} if able.get("fetchOrder") is True else None,
        history=history,
        trades=Trades(page),
        shapes={},
        server_time=able.get("fetchTime") is True,
        direct=0,
        weak=frozenset(weak),
    )
