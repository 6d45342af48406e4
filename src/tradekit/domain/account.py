"""Whose money it is: the stamp that binds files to one account, and balances."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Mode(StrEnum):
    """Paper and live never share a file."""

    PAPER = "paper"
    LIVE = "live"


class Stamp(NamedTuple):
    """Which account a state belongs to. `key_fingerprint` is a digest of the API key, empty on paper."""

    exchange: str
    account: str
    mode: Mode
    quote: str
    key_fingerprint: str


class Balance(NamedTuple):
    """What the exchange says we hold of one asset; `free` is not bound in open orders."""

    asset: str
    free: Decimal
    total: Decimal
