"""Why a request brought no result, without the exception that ccxt made of it: that one quotes signed addresses.

Must never hold a secret, a signature or an address with its query.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from tradekit.adapters.safe_text import safe

_QUERY: Final = re.compile(r"\?\S*")
_ADDRESS: Final = re.compile(r"\bhttps?://\S+")
_CREDENTIAL: Final = re.compile(r"[A-Za-z0-9+/_=-]{40,}")
_FIELD: Final = re.compile(
    r"(?i)\b(signature|api-?key|secret|passphrase|password|token|authorization)\b[\"']?\s*[=:]\s*[\"']?[^\s,;&\"']+"
)
_LONGEST: Final = 200


class Failure(NamedTuple):
    """`kinds` are the names of the exception's classes, the most special one first; empty where the answer was broken.

    `sent`: at least one request left this machine. `whole`: the last answer was JSON with a status below 500, so the
    exchange itself spoke. `limited`: it asked for fewer requests, or we kept silent because it had.
    """

    kinds: tuple[str, ...]
    text: str
    sent: bool
    whole: bool
    limited: bool = False

    @property
    def kind(self) -> str:
        """The most special class, or `BrokenAnswer`."""
        return self.kinds[0] if self.kinds else "BrokenAnswer"

    def is_a(self, *names: str) -> bool:
        """Whether the exception was of one of these classes."""
        return any(name in self.kinds for name in names)


class CallFailed(Exception):
    """A request brought no result."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Foreign text on one line without secrets, addresses, and everything that looks like a key or a signature."""
    for secret in secrets:
        if len(secret) > 3:
            text = text.replace(secret, "***")
    text = _FIELD.sub(r"\1=***", _ADDRESS.sub("***", _QUERY.sub("", text)))
    return safe(_CREDENTIAL.sub("***", text), _LONGEST)
