"""How a state file of an older version becomes one of this version: an append-only list of small named functions.

`STEPS[n]` turns the plain data of schema version n + 1 into that of n + 2. Never edit a step that was released.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

STEPS: Final[tuple[Callable[[Mapping[str, Any]], Mapping[str, Any]], ...]] = ()


def migrate(body: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    """The plain data of a state file of schema `version`, in the newest form."""
    for step in STEPS[version - 1 :]:
        body = step(body)
    return body
