"""The part of Binance's dialect that converts: a quote, accepted once while it is valid, and looked up by its id.

Field names and words are those of the public documentation. Amounts go through the engine's balances.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine import Engine

D = Decimal
VALID_MS = 10_000


class ConvertRefusal(Exception):
    """The exchange says no: a code and a text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass
class Quote:
    """`status`: empty until it is accepted, then PROCESS, SUCCESS or FAIL. `accepted` is in milliseconds."""

    id: str
    source: str
    target: str
    amount: Decimal
    promised: Decimal
    expires: int
    status: str = ""
    accepted: int = 0

    @property
    def order_id(self) -> int:
        return 933_256_278_426_274_000 + int(self.id)


@dataclass
class ConvertDesk:
    """`rate` is the share of the bid that it promises, `process_ms` how long it takes, `fails`: it comes to nothing."""

    engine: Engine
    rate: Decimal = D("0.995")
    process_ms: int = 0
    fails: bool = False

    def __post_init__(self) -> None:
        self.quotes: list[Quote] = []
        self.accepts = 0

    def answer(self, kind: str, fields: dict[str, str]) -> Any:
        """What the exchange says. Raises `ConvertRefusal`."""
        with self.engine.lock:
            self.engine.run_due()
            match kind:
                case "offer":
                    return self._offer(fields)
                case "convert":
                    return self._accept(fields["quoteId"])
                case "conversion":
                    return self._told(self._accepted(fields.get("quoteId", "")))
                case _:
                    since, until = int(fields["startTime"]), int(fields["endTime"])
                    rows = [q for q in self.quotes if q.status and since <= q.accepted <= until]
                    listed = [{"quoteId": q.id, **self._told(q)} for q in rows[: int(fields["limit"])]]
                    return {"list": listed, "startTime": since, "endTime": until, "limit": 1000, "moreData": False}

    def _offer(self, fields: dict[str, str]) -> Any:
        source, target, amount = fields["fromAsset"], fields["toAsset"], D(fields["fromAmount"])
        touch = self.engine.touches.get(f"{source}/{target}")
        if touch is None:
            raise ConvertRefusal(345233, "This pair is not supported.")
        promised = (amount * touch.bid * self.rate).quantize(D("0.00000001"))
        quote = Quote(str(len(self.quotes) + 1), source, target, amount, promised, self.engine.now() + VALID_MS)
        told = {
            "ratio": str(promised / amount),
            "inverseRatio": str(amount / promised),
            "validTimestamp": quote.expires,
            "toAmount": str(promised),
            "fromAmount": str(amount),
        }
        if amount > self.engine.free(source):
            return told  # a price without an offer
        self.quotes.append(quote)
        return {"quoteId": quote.id, **told}

    def _accept(self, id: str) -> Any:
        self.accepts += 1
        quote = next((q for q in self.quotes if q.id == id), None)
        if quote is None or quote.status or self.engine.now() >= quote.expires:
            raise ConvertRefusal(345209, "Quote is expired or was used.")
        if quote.amount > self.engine.free(quote.source):
            raise ConvertRefusal(345210, "Insufficient balance.")
        quote.status, quote.accepted = "PROCESS", self.engine.now()
        if self.process_ms:
            self.engine.after(self.process_ms, lambda: self._carry_out(quote))
        else:
            self._carry_out(quote)
        return {"orderId": str(quote.order_id), "createTime": quote.accepted, "orderStatus": "PROCESS"}

    def _carry_out(self, quote: Quote) -> None:
        if self.fails:
            quote.status = "FAIL"
            return
        quote.status = "SUCCESS"
        self.engine.totals[quote.source] -= quote.amount
        self.engine.totals[quote.target] = self.engine.totals.get(quote.target, D(0)) + quote.promised

    def _accepted(self, id: str) -> Quote:
        found = next((q for q in self.quotes if q.id == id and q.status), None)
        if found is None or self.engine.now() < found.accepted + self.engine.lookup_lag_ms:
            raise ConvertRefusal(345215, "Order does not exist.")
        return found

    def _told(self, quote: Quote) -> dict[str, Any]:
        return {
            "orderId": quote.order_id,
            "orderStatus": quote.status,
            "fromAsset": quote.source,
            "fromAmount": str(quote.amount),
            "toAsset": quote.target,
            "toAmount": str(quote.promised),
            "ratio": str(quote.promised / quote.amount),
            "inverseRatio": str(quote.amount / quote.promised),
            "createTime": quote.accepted,
        }
