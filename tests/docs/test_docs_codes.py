"""Every code that the program can say has a line in the docs, and every documented code can be said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from docs.generate import DOCS, ROOT

from tradekit.decide.risk.rulebook import all_rules
from tradekit.domain.errors import BadInput, Busy, ExitCode, NeedsHuman, Unreachable
from tradekit.domain.event import EVENT_TYPES
from tradekit.domain.order import LEGAL_MOVES, FinalWord
from tradekit.domain.outcome import RejectCode
from tradekit.domain.plain import tag_of
from tradekit.domain.policy.sections import all_keys
from tradekit.domain.state import State

SRC = ROOT / "src" / "tradekit"
FAULTS = {fault.__name__: fault.exit_code for fault in (BadInput, Busy, NeedsHuman, Unreachable)}
CODE = re.compile(r"[a-z][a-z0-9_]+")


class Maker(NamedTuple):
    """A function that puts one of its arguments, the `place`-th, where the code goes."""

    name: str
    place: int


def modules(folder: Path) -> Iterator[ast.Module]:
    for path in sorted(folder.rglob("*.py")):
        yield ast.parse(path.read_text(encoding="utf-8"))


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def argument(call: ast.Call, place: int) -> ast.expr | None:
    return call.args[place] if place < len(call.args) else None


def makers_in(module: ast.Module, known: Maker) -> Iterator[Maker]:
    """Functions that hand one of their own arguments on to the maker `known`."""
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef):
            names = [argument.arg for argument in function.args.args if argument.arg != "self"]
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and called(call) == known.name:
                    code = argument(call, known.place)
                    if isinstance(code, ast.Name) and code.id in names:
                        yield Maker(function.name, names.index(code.id))


def calls_of(module: ast.Module, maker: Maker) -> Iterator[tuple[ast.Call, str]]:
    """The calls that name a code in place, with the code."""
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and called(call) == maker.name:
            code = argument(call, maker.place)
            if isinstance(code, ast.Constant) and isinstance(code.value, str) and CODE.fullmatch(code.value):
                yield call, code.value


def codes(folder: Path, *first: Maker) -> set[str]:
    """The codes that are given to the first makers, or to any function that hands them on."""
    found = set()
    for module in modules(folder):
        makers = set(first)
        while more := {maker for known in makers for maker in makers_in(module, known)} - makers:
            makers |= more
        found |= {code for maker in makers for _, code in calls_of(module, maker)}
    return found


def rows(page: str, heading: str = "") -> list[list[str]]:
    """The cells of all table rows of a page, or of one section, without backticks."""
    text = (DOCS / page).read_text(encoding="utf-8")
    if heading:
        text = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
        assert text, heading
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip().replace("`", "") for cell in line.strip("|").split(" | ")] for line in lines]


def first_cells(page: str, heading: str = "") -> set[str]:
    return {row[0] for row in rows(page, heading)}


def test_docs_name_every_code() -> None:
    said = {rule.code for rule in all_rules()} | codes(SRC / "steps", Maker("Refused", 1))
    assert {"cap_tier", "pace_hour", "pace_symbol", "proposal_changed", "books_mismatch"} <= said
    assert first_cells("refusals.md", "Proposals that are refused") == said


def test_docs_name_every_unplaceable_code() -> None:
    said = codes(SRC / "decide", Maker("Unplaceable", 1))
    assert said
    assert first_cells("refusals.md", "Approvals that no order can carry out") == said


def test_docs_name_every_reject_code() -> None:
    assert first_cells("refusals.md", "Orders that the exchange rejects") == {code.value for code in RejectCode}


def test_the_rules_of_refusals_are_those_of_the_code() -> None:
    real: dict[str, set[str]] = {"proposal_changed": {"id"}}
    for rule in all_rules():
        real.setdefault(rule.code, set()).update(rule.keys)
    for code, named, *_ in rows("refusals.md", "Proposals that are refused"):
        assert set(named.split(", ")) <= real[code], code
        assert real[code] - set(named.split(", ")) <= {"risk.themes", "losses.streak_pause_minutes"}, code


def test_every_rule_is_explained_and_has_a_key_that_exists() -> None:
    keys = {key.path for key in all_keys()}
    for rule in all_rules():
        assert rule.doc and rule.name and len(rule.name) <= 15
        assert all(key in keys or "." not in key or key.startswith("market.") for key in rule.keys), rule.keys
        assert re.fullmatch("[a-z_]+", rule.code)


def test_docs_name_every_problem() -> None:
    said = codes(SRC, Maker("Problem", 0))
    said |= set(re.findall(r"tradekit: ([a-z_]+):", (SRC / "cli/signals.py").read_text(encoding="utf-8")))
    said |= set(re.findall(r'if "([a-z_]+)" in codes', (SRC / "steps/troubles.py").read_text(encoding="utf-8")))
    assert {"policy_contradiction", "journal_shorter", "proposals_syntax", "hard_deadline", "unreachable"} <= said
    assert first_cells("problems.md") == said


def test_no_problem_hides_its_code_from_these_tests() -> None:
    """A code that is computed would be found by nobody."""
    for module in modules(SRC):
        handed_on = {maker.name for maker in makers_in(module, Maker("Problem", 0))}
        inside = {
            id(call)
            for function in ast.walk(module)
            if isinstance(function, ast.FunctionDef) and function.name in handed_on
            for call in ast.walk(function)
        }
        for call in ast.walk(module):
            if isinstance(call, ast.Call) and called(call) == "Problem" and id(call) not in inside:
                assert isinstance(argument(call, 0), ast.Constant), ast.unparse(call)


def test_the_exit_code_of_a_problem_is_that_of_its_fault() -> None:
    documented = {row[0]: int(row[1]) for row in rows("problems.md") if row[1].isdigit()}
    checked = set()
    for module in modules(SRC):
        for fault in ast.walk(module):
            if isinstance(fault, ast.Call) and called(fault) in FAULTS:
                for part in fault.args:
                    if isinstance(part, ast.Call):
                        for _, code in calls_of(ast.Module([ast.Expr(part)], []), Maker("Problem", 0)):
                            assert documented[code] == FAULTS[called(fault)], code
                            checked.add(code)
    assert len(checked) > 20


def test_every_exit_code_is_explained() -> None:
    expected = {str(int(code)) for code in ExitCode}
    for page in (ROOT / "README.md", DOCS / "cron.md"):
        text = page.read_text(encoding="utf-8")
        assert {match[1] for match in re.finditer(r"^\| ([0-9]+) \|", text, re.MULTILINE)} == expected


def test_order_states_and_moves() -> None:
    documented = {row[0]: set(row[2].split(", ")) for row in rows("architecture.md", "Order states")}
    real = {state.__name__: {to.__name__ for to in moves} or {"nothing"} for state, moves in LEGAL_MOVES.items()}
    assert documented == real
    section = (DOCS / "architecture.md").read_text(encoding="utf-8").partition("## Order states")[2]
    assert all(f"`{word}`" in section for word in FinalWord)


def test_journal_events_and_state_fields() -> None:
    cells = first_cells("architecture.md", "Files of one account")
    assert {tag_of(kind) for kind in EVENT_TYPES} <= cells
    fields = {name for cell in cells for name in cell.split(", ")}
    assert set(State._fields) <= fields
