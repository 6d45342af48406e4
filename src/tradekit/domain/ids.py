"""Client order ids: a pure function of (account, intent, attempt), the same after any crash.

18 characters `[0-9a-z]`: `k`, 16 from a SHA-256 in base 36, one check character. Legal on every exchange we know:
Kraken allows 18, OKX forbids hyphens, Gate adds `t-` of its own and so forbids a leading `t`.
"""

from __future__ import annotations

import hashlib
from typing import Final, NewType

ClientOrderId = NewType("ClientOrderId", str)

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 18


def client_order_id(account: str, intent: str, attempt: int) -> ClientOrderId:
    """The id under which this attempt goes to the exchange."""
    digest = hashlib.sha256(f"{account}\n{intent}\n{attempt}".encode()).digest()
    body = "k" + _base36(int.from_bytes(digest, "big"), 16)
    return ClientOrderId(body + _check_character(body))


def attempt_id(account: str, origin: str, proposal_id: str, attempt: int) -> ClientOrderId:
    """The id of one attempt under a proposal. The origin keeps ids that others choose apart from our own."""
    return client_order_id(account, f"{origin}:{proposal_id}", attempt)


def is_ours(text: str | None) -> bool:
    """Whether a client order id has our form, also when this journal has never seen it."""
    return (
        text is not None
        and len(text) == _LENGTH
        and text[0] == "k"
        and all(c in _DIGITS for c in text)
        and text[-1] == _check_character(text[:-1])
    )


def content_digest(*parts: str) -> str:
    """A short fingerprint of some texts, to tell *the same again* from *the same id with other content*."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _base36(number: int, places: int) -> str:
    out = []
    for _ in range(places):
        number, rest = divmod(number, 36)
        out.append(_DIGITS[rest])
    return "".join(out)


def _check_character(body: str) -> str:
    return _base36(int.from_bytes(hashlib.sha256(b"tradekit " + body.encode()).digest(), "big"), 1)
