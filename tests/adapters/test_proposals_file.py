"""Proposals come from programs that nobody reviewed: exact or refused, all of them or none."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tradekit.adapters.proposal_fields import FIELDS
from tradekit.adapters.proposals_file import load_proposals, parse_proposals
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.proposal import Amount, Notional, Origin, Proposal, Side, Urgency

BUY = {"id": "a1", "symbol": "BTC/USDT", "side": "buy", "notional": "20"}


def text(**changes: object) -> str:
    """One good proposal as JSON, with some fields changed; None leaves a field out."""
    return json.dumps({name: value for name, value in {**BUY, **changes}.items() if value is not None})


def refusals(written: str) -> tuple[Problem, ...]:
    with pytest.raises(BadInput) as caught:
        parse_proposals(written, "in.json")
    assert all(problem.message.startswith("in.json: ") for problem in caught.value.problems)
    assert all(problem.message.isprintable() and len(problem.message) < 300 for problem in caught.value.problems)
    return caught.value.problems


def test_a_full_proposal() -> None:
    written = text(id="K-1.b:2_c", confidence="0.75", reason="breakout ⚠️", expires="2030-01-31T12:00:00.250Z")
    assert parse_proposals(written, "in.json") == (
        Proposal(
            id="K-1.b:2_c",
            symbol="BTC/USDT",
            side=Side.BUY,
            size=Notional(Decimal(20)),
            confidence=Decimal("0.75"),
            reason="breakout ⚠️",
            origin=Origin.EXTERNAL,
            urgency=Urgency.MAKER,
            expires=1896091200250,
        ),
    )


def test_a_short_proposal_gets_full_confidence_no_reason_and_no_end() -> None:
    (proposal,) = parse_proposals(text(notional=None, amount="0.5", side="sell"), "in.json")
    assert (proposal.size, proposal.side) == (Amount(Decimal("0.5")), Side.SELL)
    assert (proposal.confidence, proposal.reason, proposal.expires) == (Decimal(1), "", None)


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        ("", []),
        (" \n\r\n\t\n", []),
        ("[]", []),
        (f"\n[{text()},\n {text(id='a2')}]\n", ["a1", "a2"]),
        (f"{text()}\n\n  {text(id='a2')}  \r\n", ["a1", "a2"]),
        (text(reason="two\u00a0words"), ["a1"]),
    ],
)
def test_arrays_and_lines(written: str, ids: list[str]) -> None:
    assert [proposal.id for proposal in parse_proposals(written, "in.json")] == ids


@pytest.mark.parametrize("literal", ["0.1", '"0.1"', "0.10", "0.100000000000000000"])
def test_sizes_are_exact_as_texts_and_as_json_numbers(literal: str) -> None:
    written = text(notional="?", confidence="?").replace('"?"', literal)
    (proposal,) = parse_proposals(written, "in.json")
    assert (proposal.size, proposal.confidence) == (Notional(Decimal("0.1")), Decimal("0.1"))


@pytest.mark.parametrize(
    ("field", "literal", "words"),
    [
        ("notional", "1e2", "notional is '1e2', not a plain decimal"),
        ("notional", '"1e2"', "'1e2'"),
        ("notional", '"NaN"', "'NaN'"),
        ("notional", '"-5"', "'-5'"),
        ("notional", "-5", "'-5'"),
        ("notional", "-0", "'-0'"),
        ("notional", '"0.000"', "notional is zero"),
        ("notional", '" 5"', "' 5'"),
        ("notional", '"1_000"', "'1_000'"),
        ("notional", '"１２"', r"'\uff11\uff12'"),
        ("notional", '"5\\n"', r"'5\n'"),
        ("notional", "true", "notional is true or false, not a decimal"),
        ("notional", "null", "notional is null"),
        ("notional", "[5]", "notional is a list"),
        ("notional", '{"value": 5}', "notional is an object"),
        ("notional", "9" * 5000, "'" + "9" * 40 + "'..."),
        ("notional", "0." + "1" * 19, "18 decimals"),
        ("confidence", "1.01", "confidence is '1.01', above 1"),
        ("confidence", '"-0.1"', "'-0.1'"),
        ("confidence", '"high"', "'high'"),
        ("side", '"BUY"', "side is 'BUY'"),
        ("side", '"buy "', "side is 'buy '"),
        ("side", '"bu\\u0443"', r"side is 'bu\u0443'"),
        ("side", "1", "side is a number, not a text"),
        ("symbol", '"BTC[/red]USDT"', "symbol is 'BTC[/red]USDT'"),
        ("symbol", '"BTC/USDT\\n"', r"symbol is 'BTC/USDT\n'"),
        ("symbol", '"A\\u001b[2J/USDT"', r"symbol is 'A\x1b[2J/USDT'"),
        ("symbol", '"btc/usdt"', "symbol is 'btc/usdt'"),
        ("symbol", '"BTC/USDT:USDT"', "symbol is 'BTC/USDT:USDT'"),
        ("id", '""', "id is ''"),
        ("id", '"../../etc/passwd"', "id is '../../etc/passwd'"),
        ("id", '"\\ud800"', r"id is '\ud800'"),
        ("id", json.dumps("x" * 65), "id is 'xxx"),
        ("id", "7", "id is a number"),
        ("reason", json.dumps("x" * 201), "reason has 201 characters"),
        ("reason", '"a\\u0000b"', "can't be printed"),
        ("reason", '"a\\nb"', "can't be printed"),
        ("reason", '"\\u202eesrever"', "can't be printed"),
        ("reason", '"\\udfff"', "can't be printed"),
        ("reason", "null", "reason is null"),
        ("expires", '"2030-01-31T12:00:00"', "not a time in UTC"),
        ("expires", '"2030-01-31T12:00:00+01:00"', "not a time in UTC"),
        ("expires", '"2030-02-30T12:00:00Z"', "which no calendar has"),
        ("expires", '"0000-01-01T00:00:00Z"', "which no calendar has"),
        ("expires", "1700000000", "not milliseconds"),
        ("expires", "1700000000000.5", "not milliseconds"),
        ("expires", '"1700000000000"', "not a time in UTC"),
        ("expires", "9" * 5000, "not milliseconds"),
    ],
)
def test_values_that_are_refused(field: str, literal: str, words: str) -> None:
    (problem,) = refusals(text(**{field: "?"}).replace('"?"', literal))
    assert problem.code == "proposal_bad_value"
    assert problem.message.startswith(f"in.json: line 1: {field} ")
    assert words in problem.message
    assert problem.fix == FIELDS[field]


@pytest.mark.parametrize(
    ("written", "code", "words"),
    [
        (text(notional=None), "proposal_missing_field", "notional or amount is missing"),
        (text(side=None), "proposal_missing_field", "side is missing"),
        (text(amount="1"), "proposal_bad_value", "amount stands beside notional"),
        (text(exchange_url="http://evil"), "proposal_unknown_field", "'exchange_url' is not a field"),
        (text(**{"\x1b[2J" * 30: 1}), "proposal_unknown_field", r"'\x1b[2J"),
        (text(urgency="at_once"), "proposal_unknown_field", "'urgency' is not a field"),
        (text(origin="exit"), "proposal_unknown_field", "'origin' is not a field"),
        (text()[:-1] + ', "notional": "1000"}', "proposal_bad_value", "notional is given twice"),
        (text()[:-1] + ', "x": 1e999999999}', "proposal_unknown_field", "'x'"),
        (text(notional="?").replace('"?"', "NaN"), "proposals_syntax", "line 1: NaN is not a number"),
        (f"[{text(notional='?')}]".replace('"?"', "-Infinity"), "proposals_syntax", "-Infinity is not a number"),
        ("[" * 100_000, "proposals_syntax", "nested too deeply"),
        ('{"id": ' * 100_000, "proposals_syntax", "line 1: nested too deeply"),
        (text()[:-5], "proposals_syntax", "line 1 column "),
        (f"[{text()},\n]", "proposals_syntax", "line 2 column 1: not JSON"),
        (f"[{text()}] {text(id='a2')}", "proposals_syntax", "line 1 column "),
        (text() + text(id="a2"), "proposals_syntax", "line 1 column "),
        ("5", "proposal_bad_value", "line 1: is not a JSON object"),
        ("[null]", "proposal_bad_value", "item 1: is not a JSON object"),
        (f"[[{text()}]]", "proposal_bad_value", "item 1: is not a JSON object"),
        ("id,symbol,side", "proposals_syntax", "line 1 column 1: not JSON"),
        ("\x1b[2J", "proposals_syntax", "line 1 column 1: not JSON"),
        (f"{text()}\n{text(notional='1000')}", "proposal_duplicate_id", "line 2: id 'a1' is that of line 1"),
        (f"[{text()},{text()}]", "proposal_duplicate_id", "item 2: id 'a1' is that of item 1"),
        ("\n".join(text(id=f"a{n}") for n in range(1001)), "proposals_too_many", "1001 proposals"),
        (json.dumps([BUY] * 10_000), "proposals_too_many", "10000 proposals"),
        (" " * 1_048_577, "file_too_large", "longer than"),
        ("[" + "0," * 10_000 + "0]", "proposals_too_many", "10001 proposals"),
    ],
    ids=range(28),
)
def test_texts_that_are_refused(written: str, code: str, words: str) -> None:
    (problem,) = refusals(written)
    assert problem.code == code
    assert words in problem.message


def test_a_misspelled_field_gets_a_suggestion() -> None:
    (problem,) = refusals(text(confidense="1"))
    assert problem.fix == "did you mean confidence?"


def test_one_bad_item_refuses_the_batch_and_every_problem_is_told() -> None:
    written = "\n".join([text(), "", text(id="a2", side="hold", notional="0"), "{", text(id="a4", qty="5")])
    assert [(problem.code, problem.message.split(": ")[1]) for problem in refusals(written)] == [
        ("proposal_bad_value", "line 3"),
        ("proposal_bad_value", "line 3"),
        ("proposals_syntax", "line 4 column 2"),
        ("proposal_unknown_field", "line 5"),
    ]


def test_the_list_of_problems_is_capped() -> None:
    problems = refusals("\n".join(text(id=f"a{n}", side="hold") for n in range(100)))
    assert len(problems) == 20
    assert problems[-1].code == "proposals_more_problems"
    assert problems[-1].message == "in.json: 81 more problems"
    assert len(refusals("\n".join(text(id=f"a{n}", side="hold") for n in range(20)))) == 20


def test_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"\xef\xbb\xbf" + text().encode() + b"\r\n")
    assert [proposal.id for proposal in load_proposals(str(file))] == ["a1"]
    with pytest.raises(BadInput) as caught:
        load_proposals(str(tmp_path / "gone"))
    assert caught.value.problems[0].code == "file_missing"
