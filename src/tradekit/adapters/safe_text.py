"""Makes text from outside harmless before it is printed, logged or put into a message.

Must never let through anything that moves a cursor, reorders or hides characters, or can't be encoded. It doesn't
escape markup: whoever prints with a markup language has to switch that off.
"""

from __future__ import annotations

import re
from typing import Final

_BREAKS: Final = re.compile("[\t-\r\x85\u2028\u2029]")
_HIDDEN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U000e0000-\U000e0fff"  # fillers, zero widths, bidi, annotations, tags
    "\ud800-\udfff]"  # halves of characters, which no encoder takes
)
_ELLIPSIS: Final = "..."


def safe(text: str, limit: int = 200) -> str:
    """`text` on one line of at most `limit` characters; what can't be shown honestly becomes `?`. Never raises."""
    cleaned = _HIDDEN.sub("?", _BREAKS.sub(" ", text[: limit + 1]))
    if len(cleaned) <= limit:
        return cleaned
    return (cleaned[: max(0, limit - len(_ELLIPSIS))] + _ELLIPSIS)[:limit]


def is_safe(text: str) -> bool:
    """Whether `safe` would print every character of `text` as it is."""
    return not (_HIDDEN.search(text) or _BREAKS.search(text))


def quoted(text: str, limit: int = 40) -> str:
    """A foreign value in quotes, in ASCII escapes, so that a Cyrillic look-alike is told from the Latin letter."""
    shown = ascii(str(text[:limit]))
    return shown if len(text) <= limit else shown + _ELLIPSIS
