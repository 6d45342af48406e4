"""API keys that can't be printed by accident, and what a user may set for a connection.

A secret's text leaves this module only through `Secret.reveal`, which only the connection calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

_STARS: Final = "***"
_NOTHING: Final[Mapping[str, object]] = {}


class Secret:
    """A text that shows as stars wherever it is printed, formatted or pickled."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return _STARS

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return _STARS

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (_STARS,)

    def __bool__(self) -> bool:
        return bool(self._text)


class Credentials(NamedTuple):
    """One API key. `password` is the passphrase that some exchanges ask for."""

    key: Secret
    secret: Secret
    password: Secret = Secret("")

    @property
    def fingerprint(self) -> str:
        """A digest of the key, to tell accounts apart; says nothing about the key."""
        return hashlib.sha256(b"tradekit key " + self.key.reveal().encode()).hexdigest()[:16]


class ExchangeOptions(NamedTuple):
    """How to reach an exchange.

    `base_url` replaces scheme and host of every address; `options` goes to the ccxt class, above the venue's own.
    `timeout_ms` is for connecting and for each wait for bytes. `workers` is how many requests run at once; with 1 all
    run in turn in the calling thread. `proxies_allowed` lets proxy and certificate settings of the environment count.
    `nonce_window`: the key takes requests that overtook each other (a setting of the key on Kraken), so that private
    requests run side by side there too.
    """

    quote: str
    base_url: str = ""
    sandbox: bool = False
    options: Mapping[str, object] = _NOTHING
    timeout_ms: int = 10_000
    workers: int = 8
    proxies_allowed: bool = False
    markets_max_age_ms: int = 3_600_000
    nonce_window: bool = False
