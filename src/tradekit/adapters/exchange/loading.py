"""Imports one exchange class of ccxt instead of all hundred.

`ccxt/__init__.py` imports every exchange. A bare package of the same name and path is put in its place before the first
import, so that only the modules asked for run. Must never be imported by a run that asks an exchange nothing.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from types import ModuleType
from typing import Any, Final

from tradekit.domain.errors import BadInput, Problem

_MOST_DECIMALS: Final = 1000
_ID: Final = re.compile(r"[a-z][a-z0-9]{1,30}")


def exchange_class(id: str) -> Any:
    """The ccxt class of an exchange. Raises `BadInput` for one that ccxt doesn't have."""
    _prepare()
    if (
        not _ID.fullmatch(id)
        or id in ("base", "abstract", "pro", "static")
        or not importlib.util.find_spec(f"ccxt.{id}")
    ):
        message = f"ccxt knows no exchange {id[:40]!a}"
        raise BadInput(Problem("exchange_unknown", message, "use ccxt's id, such as coinbase, kraken or binance"))
    return getattr(importlib.import_module(f"ccxt.{id}"), id)


def _prepare() -> None:
    if "ccxt" in sys.modules:
        return
    found = importlib.util.find_spec("ccxt")
    if found is None or found.submodule_search_locations is None:
        raise BadInput(Problem("exchange_unknown", "the library ccxt is not installed", "install tradekit again"))
    package = ModuleType("ccxt")
    package.__path__ = list(found.submodule_search_locations)
    package.__spec__ = found
    sys.modules["ccxt"] = package
    _bound_exponents()


def _bound_exponents() -> None:
    """An amount like 1e999999999 in an answer would keep ccxt's arithmetic busy for hours, or eat all memory."""
    number_class = importlib.import_module("ccxt.base.precise").Precise
    begin = number_class.__init__

    def bounded(self: Any, number: Any, decimals: int | None = None) -> None:
        begin(self, number, decimals)
        if abs(self.decimals) > _MOST_DECIMALS:
            raise ValueError("a number with an exponent out of this world")

    number_class.__init__ = bounded
