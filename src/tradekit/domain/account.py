"""Whose money it is: the stamp that binds files to one account, and balances."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Mode(StrEnum):
    """Paper and live never share a file."""

    PAPER = "paper"
    LIVE = "live"


class Stamp(NamedTuple):
    """Which account a state belongs to. `key_fingerprint` is a digest of the API key, empty on paper.

    Who only reads has no key at hand: an empty fingerprint asks for any key of the account.
    """

    exchange: str
    account: str
    mode: Mode
    quote: str
    key_fingerprint: str

    def covers(self, files: Stamp, former_keys: Collection[str]) -> bool:
        """Whether files with that stamp belong to this account. `former_keys` are fingerprints that count as ours."""
        known = {self.key_fingerprint, *former_keys}
        same_key = not self.key_fingerprint or files.key_fingerprint in known
        return same_key and files._replace(key_fingerprint="") == self._replace(key_fingerprint="")


class Balance(NamedTuple):
    """What the exchange says we hold of one asset; `free` is not bound in open orders."""

    asset: str
    free: Decimal
    total: Decimal
