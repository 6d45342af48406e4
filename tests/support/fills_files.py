"""Files of trades for tests, written as bots and ccxt write them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Final

TIME: Final = 1_700_000_000_000


def trade(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A unified trade with everything that ccxt puts into one; a change to `...` leaves the field out."""
    fee = {"cost": "0.1", "currency": "USD", "rate": "0.001"}
    whole = {
        "id": f"t{number}",
        "timestamp": TIME + number,
        "datetime": "2023-11-14T22:13:20.001Z",
        "symbol": "BTC/USD",
        "order": f"o{number}",
        "type": "limit",
        "side": "buy",
        "takerOrMaker": "maker",
        "price": "50",
        "amount": "2",
        "cost": "100",
        "fee": fee,
        "fees": [fee],
        "info": {"price": "x", "timestamp": 1, "nested": [{"id": None}]},
    }
    return {field: value for field, value in {**whole, **changes}.items() if value is not ...}


def line(*args: Any, **changes: Any) -> str:
    """A trade as a line of a file."""
    return json.dumps(trade(*args, **changes))


def write(folder: Path, *lines: str | bytes, name: str = "fills.jsonl", packed: bool = False) -> str:
    """A file of these lines, each with a line feed."""
    data = b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in lines)
    file = folder / name
    file.write_bytes(gzip.compress(data, 1, mtime=0) if packed else data)
    return str(file)
