"""The policy keys of real exchanges: which one, how it is reached, and what its user knows of it and accepts.

Keys of an account are in none of them: a policy names at most the file that holds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tradekit.domain.policy.keys import BOOL, COUNT, TABLE, TEXT, TEXTS, Section, key

_LOOPBACK: Final = re.compile(r"http://(127\.[0-9.]+|localhost|\[::1\])(:[0-9]{1,5})?/?", re.ASCII)
_SECURE: Final = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?", re.ASCII)


class ExchangePolicy(Section, name="exchange"):
    """The exchange of a live account, or of a paper account on live markets."""

    id: str = key(
        TEXT, "", "what ccxt calls it, such as coinbase or kraken", pattern="([a-z][a-z0-9]{1,30})?", live_required=True
    )
    key_file: str = key(
        TEXT, "", "file with the API key, mode 0600; empty for the variables TRADEKIT_API_KEY and TRADEKIT_API_SECRET"
    )
    former_keys: tuple[str, ...] = key(
        TEXTS, (), "fingerprints of earlier API keys of this same account", pattern="[0-9a-f]{16}"
    )
    accepted_weaknesses: tuple[str, ...] = key(
        TEXTS,
        (),
        "what this exchange or its key can't promise and you live with",
        choices=("client_id", "post_only", "lookup", "trades", "server_time", "unverified", "no_ip_list"),
    )
    sandbox: bool = key(BOOL, False, "trade on the exchange's test system, with keys of that")
    base_url: str = key(TEXT, "", "replaces the address of every request; wants sandbox = true", unit="URL")
    timeout_ms: int = key(COUNT, 10_000, "wait for an answer", unit="ms", low="100", high="60000")
    workers: int = key(COUNT, 8, "requests at the same time", unit="requests", low="1", high="32")
    nonce_window: bool = key(BOOL, False, "the key takes nonces out of turn (a setting of it on Kraken)")
    proxies_allowed: bool = key(BOOL, False, "whether proxy and certificate variables of the environment count")
    markets_max_age_minutes: int = key(
        COUNT, 60, "then ticks, steps and minimums are asked for again", unit="minutes", low="0", high="1440"
    )
    options: Mapping[str, Any] = key(TABLE, {}, "handed to the ccxt class as its options")


ADDRESS_KEYS: Final = ("exchange.base_url", "exchange.sandbox")
NAME_KEYS: Final = ("exchange.id", "account.mode", "paper.markets")


def address_contradiction(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """An address that doesn't fit: the key, what is wrong with it, and what to do. Wants the values of `ADDRESS_KEYS`.

    API keys go over a line that nobody reads, or not out of this machine at all.
    """
    address = values["exchange.base_url"]
    if address and not (_LOOPBACK.fullmatch(address) or _SECURE.fullmatch(address)):
        yield "exchange.base_url", "is neither https nor this machine's own address", "leave it out for the real one"
    elif address and not values["exchange.sandbox"]:
        yield "exchange.base_url", "is not the exchange's own", "set exchange.sandbox = true, or leave it out"


def name_contradiction(values: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """An exchange that is needed and not named, told as above. Wants the values of `NAME_KEYS`."""
    if not values["exchange.id"] and "live" in (values["account.mode"], values["paper.markets"]):
        yield "exchange.id", "is empty", "name the exchange as ccxt does, such as coinbase, kraken or binance"
