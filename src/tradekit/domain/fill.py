"""A trade of ours, as the exchange booked it. Its identity is (symbol, trade id); it is booked exactly once."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tradekit.domain.ids import ClientOrderId, content_digest
from tradekit.domain.money import Money
from tradekit.domain.numbers import plain
from tradekit.domain.proposal import Side


class Fill(NamedTuple):
    """`amount` in base units, `cost` in quote currency (never mixed up: both are given), fees in any asset.

    `fees` are positive when paid and negative for a rebate. `client_order_id` is None where the exchange names only
    its own order id.
    """

    symbol: str
    trade_id: str
    exchange_id: str
    client_order_id: ClientOrderId | None
    side: Side
    amount: Decimal
    price: Decimal
    cost: Decimal
    fees: tuple[Money, ...]
    time: int
    maker: bool | None = None

    @property
    def base(self) -> str:
        """The asset that changed hands."""
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        """The asset that paid for it."""
        return self.symbol.partition("/")[2]

    @property
    def digest(self) -> str:
        """Tells the same trade listed again from another one under the same id."""
        fees = sorted(f"{fee.asset} {plain(fee.amount)}" for fee in self.fees)
        return content_digest(self.side, plain(self.amount), plain(self.price), plain(self.cost), *fees)


class TradeRow(NamedTuple):
    """A trade of a history: what books need of it. `fees` are pairs of asset and amount, paid when positive."""

    symbol: str
    trade_id: str
    order_id: str | None
    buys: bool
    amount: Decimal
    cost: Decimal
    fees: tuple[tuple[str, Decimal], ...]
    time: int


class NotInOrder(Exception):
    """A history that was taken as it is written has a trade that is older than one before it."""


class BrokenTrade(NamedTuple):
    """A trade that makes no sense, told by whoever read it: never booked, never dropped in silence."""

    symbol: str
    trade_id: str
    time: int
    why: str
