"""Rows 41 to 50: proposals."""

from __future__ import annotations

import json
from typing import Final

from cases import Refusal, Story
from command_line import CommandLine, buy, sell

GOOD: Final = json.dumps(buy("g1"))


def field(name: str, raw: str) -> str:
    """A proposal with one field written as it stands."""
    fields = {name_: json.dumps(value) for name_, value in buy("g1").items()} | {name: raw}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}"


VALUE: Final = "proposal_bad_value"
SYNTAX: Final = "proposals_syntax"
BAD: Final[list[tuple[int, str, str, str]]] = [
    (41, field("notional", "NaN"), SYNTAX, "NaN"),
    (41, field("notional", "-Infinity"), SYNTAX, "-Infinity"),
    (41, field("notional", '"nan"'), VALUE, "notional is 'nan'"),
    (41, field("notional", '"1e9"'), VALUE, "notional"),
    (41, field("notional", '"-1"'), VALUE, "notional"),
    (41, field("notional", '"0"'), VALUE, "notional is zero"),
    (41, field("notional", '"0.000"'), VALUE, "notional is zero"),
    (41, field("notional", '"1_000"'), VALUE, "notional"),
    (41, field("notional", '" 5 "'), VALUE, "notional"),
    (5, field("notional", '"\uff11\uff12"'), VALUE, "notional is '\\uff11\\uff12'"),
    (41, field("notional", '"0.0000000000000000001"'), VALUE, "notional"),
    (42, GOOD[:-1] + ', "notional": "1000"}', VALUE, "notional is given twice"),
    (42, field("amount", '"1"'), VALUE, "amount stands beside notional"),
    (43, field("notional", "1e9"), VALUE, "notional"),
    (43, field("notional", "9" * 5000), VALUE, "notional"),
    (43, field("notional", "true"), VALUE, "notional is true or false"),
    (43, field("notional", "null"), VALUE, "notional is null"),
    (43, field("notional", "{}"), VALUE, "notional is an object"),
    (6, field("symbol", '"BTC[/red]USDT"'), VALUE, "symbol is 'BTC[/red]USDT'"),
    (7, field("symbol", '"A\\u001b[2J/USDT"'), VALUE, "symbol is 'A\\x1b[2J/USDT'"),
    (8, field("symbol", '"../../etc/passwd"'), VALUE, "symbol"),
    (8, field("id", '"../x"'), VALUE, "id is '../x'"),
    (47, field("side", '"BUY "'), VALUE, "side is 'BUY '"),
    (47, field("side", '"bu\\u0443"'), VALUE, "side is 'bu\\u0443'"),
    (48, field("id", '"\\ud800"'), VALUE, "id"),
    (47, field("confidence", "2"), VALUE, "confidence"),
    (47, field("reason", '"a\\u202eb"'), VALUE, "reason"),
    (46, field("expires", '"tomorrow"'), VALUE, "expires"),
    (46, field("expires", '"2024-02-30T00:00:00Z"'), VALUE, "which no calendar has"),
    (46, field("expires", "1723161600"), VALUE, "not milliseconds"),
    (49, field("exchange_url", '"https://x"'), "proposal_unknown_field", "'exchange_url'"),
    (49, field("notinal", '"1"'), "proposal_unknown_field", "did you mean notional"),
    (49, '{"id": "g1", "side": "buy", "notional": "1"}', "proposal_missing_field", "symbol is missing"),
    (44, f"[{GOOD}, {GOOD.replace('30', '31')}]", "proposal_duplicate_id", "item 2"),
    (48, f"{GOOD}\nnonsense", SYNTAX, "line 2"),
    (48, GOOD[:40], SYNTAX, "line 1"),
    (48, "[" * 100_000, SYNTAX, "nested too deeply"),
    (48, "[1]", VALUE, "item 1: is not a JSON object"),
    (48, "\x1b[2J", SYNTAX, "line 1"),
    (48, f"{GOOD}\x00", "file_not_utf8", "NUL"),
    (50, "\n".join(json.dumps(buy(f"g{n}")) for n in range(10_000)), "proposals_too_many", "10000"),
    (50, " " * 1_048_577, "file_too_large", "larger than 1048576"),
]


def _written(row: int, text: str, problem: str, word: str, command: str) -> Refusal:
    def put(tradekit: CommandLine) -> str:
        return f"{command} --proposals {tradekit.proposals(text)}"

    return Refusal(row, f"{text[-60:]} for {command}", put, problem, word)


def _one_and_all(tradekit: CommandLine) -> None:
    path = tradekit.proposals(GOOD, field("side", '"up"'), field("id", '"!"'))
    ran = tradekit(f"cycle --proposals {path}")
    assert (ran.code, ran.problems) == (2, [VALUE, VALUE, "proposal_duplicate_id"])
    path = tradekit.proposals(*(field("side", '"up"') for _ in range(500)))
    assert len(tradekit(f"cycle --proposals {path}").err.splitlines()) == 20


def _literal(tradekit: CommandLine) -> None:
    ran = tradekit(f"risk-check --json --proposals {tradekit.proposals(field('notional', '20.10'))}")
    assert ran.data["now"]["explanations"][0]["decision"]["proposal"]["size"]["value"] == "20.1"


def _other_content(tradekit: CommandLine) -> None:
    assert tradekit(f"cycle --proposals {tradekit.proposals(sell('s1'))}").code == 0
    ran = tradekit(f"cycle --json --proposals {tradekit.proposals(sell('s1', amount='300'))}")
    assert (ran.code, [decision["code"] for decision in ran.data["decisions"]]) == (10, ["proposal_changed"])


def _again(tradekit: CommandLine) -> None:
    line = f"cycle --json --proposals {tradekit.proposals(sell('s1'))}"
    assert len(tradekit(line).data["orders"]) == 1
    ran = tradekit(line)
    assert (ran.data["repeated"], ran.data["decisions"]) == (["s1"], [])


def _expired(tradekit: CommandLine) -> None:
    ran = tradekit(f"cycle --json --proposals {tradekit.proposals(buy('b1', expires='2024-08-08T00:00:00Z'))}")
    assert (ran.code, [decision["code"] for decision in ran.data["decisions"]]) == (10, ["proposal_expired"])


def _nobody_trades_it(tradekit: CommandLine) -> None:
    path = tradekit.proposals(buy("b1", "NOSUCH/USDT"), buy("b2", "BTC/EUR"))
    ran = tradekit(f"cycle --json --proposals {path}")
    assert (ran.code, [decision["code"] for decision in ran.data["decisions"]]) == (10, ["unknown_symbol"] * 2)


def _in_any_order(tradekit: CommandLine) -> None:
    items = [buy(f"b{number}", "ETH/USDT", "40") for number in range(12)]
    exposures = []
    for name, order in (("forth", items), ("back", items[::-1])):
        there = tradekit.beside(name)
        ran = there(f"risk-check --json --proposals {there.proposals(*order)}")
        told = [explained["decision"]["type"] for explained in ran.data["now"]["explanations"]]
        approved = [word for word in told if word != "refused"]
        exposures.append(len(approved))
    assert exposures[0] == exposures[1] < len(items)


CASES: Final[list[Refusal | Story]] = [
    *(_written(*bad, command) for bad in BAD for command in ("cycle",)),
    *(_written(*bad, "risk-check") for bad in BAD[::6]),
    Story(49, "one bad proposal refuses all, and all faults are told at once", _one_and_all),
    Story(43, "a number is read to its last digit", _literal),
    Story(44, "an id that was used, with other content", _other_content),
    Story(45, "the same file again does nothing", _again),
    Story(46, "what has expired is refused", _expired),
    Story(6, "symbols that nobody knows are decisions", _nobody_trades_it),
    Story(50, "caps hold in any order", _in_any_order),
]
