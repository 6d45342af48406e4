"""For every key of [exchange]: two values of it with which a live run does something else, seen by a local server."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

from live_home import LiveHome
from rig import Rig
from tradekit.adapters.exchange.credentials import Credentials, Secret


class WireCase(NamedTuple):
    """`effect` runs the program with the key at a value, against the server of `venue`."""

    one: Any
    other: Any
    effect: Callable[[Wire, Any], object]
    venue: str = "binance"
    latency: float = 0.0


class Wire:
    """One server, one home."""

    def __init__(self, folder: Path, path: str, case: WireCase) -> None:
        self.key = path.partition(".")[2]
        self.rig = Rig(case.venue, folder, real_time=True, latency=case.latency)
        self.folder = folder

    def __enter__(self) -> Wire:
        self.rig.__enter__()
        self.live = LiveHome(self.rig, self.folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rig.__exit__(kind, error, trace)

    def cycle(self, value: Any, **environment: str) -> object:
        """How a cycle ends."""
        self.live.policy(exchange={self.key: value})
        ran = self.live("cycle --json", **environment)
        return ran.code, ran.problems

    def asked(self, value: Any) -> object:
        """What the second of two cycles asks the server."""
        self.cycle(value)
        before = len(self.rig.server.requests)
        self.cycle(value)
        return self.live.requests(before), [r.fields.get("recvWindow") for _, r in self.rig.server.requests[before:]]

    def side_by_side(self, value: Any) -> bool:
        """Whether private requests of a run that proves the books are sent at the same time."""
        self.cycle(value)
        self.rig.server.spans.clear()
        self.live("reconcile-fills")
        spans = sorted((begin, end) for kind, begin, end in self.rig.server.spans if kind in ("balance", "open"))
        return any(later[0] < earlier[1] - 0.05 for earlier, later in pairwise(spans))

    def with_another_key(self, value: Any) -> object:
        """How a cycle ends on files that were begun with another key."""
        first = Credentials(Secret(self.rig.key), Secret(self.rig.secret)).fingerprint
        self.live("cycle")
        self.live.key_file.write_text('key = "another"\nsecret = "one"\n')
        return self.cycle([first] if value else [])

    def without_file(self, value: Any) -> object:
        """How a cycle ends where the key lies in the file, and where none is named."""
        return self.cycle("" if value else str(self.live.key_file))

    def unlisted(self, value: Any) -> object:
        """How a cycle ends with a key that may be used from everywhere."""
        self.rig.dialect.ip_restricted = False
        return self.cycle(value)


NOBODY: Final = "http://127.0.0.1:9"
WIRE: Final[dict[str, WireCase]] = {
    "exchange.id": WireCase("binance", "kraken", Wire.cycle),
    "exchange.key_file": WireCase(False, True, Wire.without_file),
    "exchange.former_keys": WireCase(False, True, Wire.with_another_key),
    "exchange.accepted_weaknesses": WireCase([], ["no_ip_list"], Wire.unlisted),
    "exchange.sandbox": WireCase(True, False, Wire.cycle),
    "exchange.base_url": WireCase(NOBODY, "http://evil.example", Wire.cycle),
    "exchange.timeout_ms": WireCase(100, 5000, Wire.cycle, latency=0.5),
    "exchange.workers": WireCase(1, 8, Wire.side_by_side, latency=0.2),
    "exchange.nonce_window": WireCase(False, True, Wire.side_by_side, venue="kraken", latency=0.2),
    "exchange.proxies_allowed": WireCase(
        False, True, lambda wire, value: wire.cycle(value, http_proxy=NOBODY, https_proxy=NOBODY)
    ),
    "exchange.markets_max_age_minutes": WireCase(60, 0, Wire.asked),
    "exchange.options": WireCase({}, {"recvWindow": 7000}, Wire.asked),
}
