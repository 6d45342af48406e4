"""What reaches a terminal or a log can neither move its cursor nor lie about its order."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradekit.adapters.safe_text import is_safe, quoted, safe

EVERYTHING = st.text(st.characters(codec=None, categories=None), max_size=300)


@pytest.mark.parametrize(
    ("foreign", "printed"),
    [
        ("BTC/USDT", "BTC/USDT"),
        ("BTC[/red]USDT", "BTC[/red]USDT"),
        ("A\x1b[2J", "A?[2J"),
        ("A\x9b2J\x7f", "A?2J?"),
        ("two\nlines\r\nand a\ttab", "two lines  and a tab"),
        ("line\u2028separator", "line separator"),
        ("USDT\u202ecipnaM", "USDT?cipnaM"),
        ("zero\u200bwidth\ufeff", "zero?width?"),
        ("half \ud800 a pair", "half ? a pair"),
        ("tag\U000e0041", "tag?"),
        ("money 💰 in Zürich", "money 💰 in Zürich"),
        ("", ""),
    ],
)
def test_safe(foreign: str, printed: str) -> None:
    assert safe(foreign) == printed
    assert is_safe(foreign) == (foreign == printed)


def test_the_length_is_capped() -> None:
    assert safe("x" * 201) == "x" * 197 + "..."
    assert safe("x" * 200) == "x" * 200
    assert safe("x" * 10_000_000, limit=5) == "xx..."
    assert safe("xxx", limit=2) == ".."


@given(EVERYTHING, st.integers(0, 300))
def test_whatever_comes_in_one_short_printable_line_comes_out(text: str, limit: int) -> None:
    out = safe(text, limit)
    assert len(out) <= limit
    assert out.encode("utf-8").decode() == out
    assert not any(unicodedata.category(c) in ("Cc", "Cs") or unicodedata.bidirectional(c) in BIDI for c in out)
    assert safe(out, limit) == out


BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def test_quoted_tells_look_alikes_apart() -> None:
    assert quoted("Bu\u0443") == r"'Bu\u0443'"
    assert quoted("x" * 100) == "'" + "x" * 40 + "'..."
    assert quoted("\x1b\n\ud800") == r"'\x1b\n\ud800'"
