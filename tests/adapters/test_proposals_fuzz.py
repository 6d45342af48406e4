"""Whatever a program prints, reading it ends soon, in proposals that are exact or in a refusal."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradekit.adapters.proposal_fields import FIELDS
from tradekit.adapters.proposals_file import parse_proposals
from tradekit.domain.errors import BadInput
from tradekit.domain.proposal import Origin


@pytest.mark.parametrize(
    "written",
    [
        "{" + ", ".join(f'"notionak{number}": 1' for number in range(50_000)) + "}",
        "\n".join(["{" + '"a":[' * 300 + "1" + "]" * 300 + "}"] * 1000),
        "[" + ",".join(["9" * 5000] * 200) + "]",
        '"' + "\\u0000" * 170_000 + '"',
        "\n" * 1_000_000,
    ],
    ids=["fields", "nests", "digits", "escapes", "blanks"],
)
def test_a_megabyte_of_nonsense_takes_no_time(written: str) -> None:
    start = time.process_time()
    try:
        assert parse_proposals(written, "in.json") == ()
    except BadInput as refused:
        assert len(refused.problems) <= 20
    assert time.process_time() - start < 1


NAMES = st.sampled_from(list(FIELDS)) | st.text(max_size=9)
GOOD_VALUES = ["a1", "BTC/USDT", "buy", "20"]
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(GOOD_VALUES)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=30,
)
LINES = st.lists(JSON.map(json.dumps), max_size=5).map("\n".join)


@settings(deadline=500)
@given(st.text(max_size=300) | st.text('{}[]",:\\ \n0.1eaINu-', max_size=200) | JSON.map(json.dumps) | LINES)
def test_any_text_is_proposals_or_is_refused(written: str) -> None:
    try:
        proposals = parse_proposals(written, "in\x1b.json")
    except BadInput as refused:
        assert 0 < len(refused.problems) <= 20
        assert all(problem.message.isprintable() for problem in refused.problems)
    else:
        assert all(proposal.size.value > 0 and proposal.origin is Origin.EXTERNAL for proposal in proposals)


@given(
    st.decimals("0.000000000000000001", "999999999999999", places=18),
    st.decimals(0, 1, places=6),
    st.sampled_from(["notional", "amount"]),
    st.integers(10**12, 10**13 - 1),
)
def test_what_a_careful_program_writes_is_read_back_exactly(
    size: Decimal, confidence: Decimal, kind: str, expires: int
) -> None:
    written = json.dumps(
        {
            "id": "a1",
            "symbol": "BTC/USDT",
            "side": "buy",
            kind: f"{size:f}",
            "confidence": f"{confidence:f}",
            "expires": expires,
        }
    )
    (proposal,) = parse_proposals(written, "in.json")
    assert (proposal.size.value, proposal.confidence, proposal.expires) == (size, confidence, expires)
