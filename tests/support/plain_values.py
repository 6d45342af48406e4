"""Any value of an annotated type, for laws about all of them: numbers are finite, everything else may be odd."""

from __future__ import annotations

import types
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For laws: a busy machine makes them slow, not wrong."""

AMOUNTS = st.integers(0, 10**12).map(lambda lots: Decimal(lots).scaleb(-6))
NUMBERS = st.one_of(
    AMOUNTS,
    st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**15), max_value=10**15),
    st.builds(lambda a, b: Decimal(a) / Decimal(b), st.integers(-(10**18), 10**18), st.integers(1, 10**6)),
)
TEXTS = st.one_of(st.text(max_size=12), st.sampled_from(["BTC/USDT", "ETH/USDT", "", '"}\n', "\\", "é\u2028"]))


@cache
def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """All values of a type."""
    if isinstance(kind, NewType):
        return values_of(kind.__supertype__)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        Decimal: NUMBERS,
        str: TEXTS,
        int: st.integers(-(2**60), 2**60),
        bool: st.booleans(),
        types.NoneType: st.none(),
    }
    if kind in simple:
        return simple[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    arguments = get_args(kind)
    if get_origin(kind) in (Union, types.UnionType):
        return st.one_of(*map(values_of, arguments))
    if get_origin(kind) is tuple:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if arguments:
        return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=3)
    hints = get_type_hints(kind)
    names = getattr(kind, "_fields", None) or tuple(kind.__dataclass_fields__)
    return st.builds(kind, **{name: values_of(hints[name]) for name in names})
