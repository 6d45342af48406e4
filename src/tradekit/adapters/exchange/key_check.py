"""What a key may do, asked once a day: a key that may withdraw is not traded with, whoever holds it.

Where the exchange doesn't tell, nothing is claimed. The answer is kept in a small cache file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from tradekit.adapters.exchange.cache_file import read_cache, write_cache
from tradekit.adapters.exchange.exchange import CcxtExchange
from tradekit.adapters.exchange.venues.venue import KeyPermissions
from tradekit.domain.errors import Unreachable
from tradekit.domain.times import DAY_MS

_UNKNOWN: Final = KeyPermissions(None, None, None)


class KeyCheck(NamedTuple):
    """The answer, and whether it was asked for in this run."""

    told: KeyPermissions
    fresh: bool


def check_key(exchange: CcxtExchange, path: Path) -> KeyCheck:
    """The permissions by the file at `path`, or by the exchange where that is older than a day.

    An exchange that is silent leaves the older answer in force; without one it raises `Unreachable`. A key that may
    not ask counts as not known.
    """
    now = exchange.clock.now()
    kept = read_cache(path)
    known = _read(kept)
    if known is not None and abs(now - kept["time"]) < DAY_MS:  # an exchange may tell whole seconds
        return KeyCheck(known, fresh=False)
    try:
        told = exchange.permissions() or _UNKNOWN
    except Unreachable as silent:
        if silent.problems[0].code == "key_refused":
            return KeyCheck(_UNKNOWN, fresh=True)
        if known is None:
            raise
        return KeyCheck(known, fresh=False)
    write_cache(path, {"time": now, **told._asdict()})
    return KeyCheck(told, fresh=True)


def _read(kept: Any) -> KeyPermissions | None:
    if not isinstance(kept, dict) or kept.keys() != {"time", *KeyPermissions._fields} or type(kept["time"]) is not int:
        return None
    told = KeyPermissions(*(kept[name] for name in KeyPermissions._fields))
    return told if all(value in (True, False, None) for value in told) else None
