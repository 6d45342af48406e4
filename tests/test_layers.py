"""The floors of the house as data, and a proof for every rule that it notices a violation."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

SRC: Final = Path(__file__).parents[1] / "src"

# What each floor may import of the house itself, and which libraries. `*` is any but those that have one place only.
FLOORS: Final = {
    "domain": ("domain",),
    "decide": ("decide", "domain"),
    "steps": ("steps", "decide", "domain"),
    "flows": ("flows", "steps", "decide", "domain"),
    "adapters": ("adapters", "domain"),
    "cli": ("cli", "flows", "steps", "decide", "adapters", "domain", ""),
    "": ("cli", ""),
}
LIBRARIES: Final = {"adapters": ("*",), "cli": ("typer", "rich")}
ONE_PLACE: Final = {"ccxt": "adapters", "typer": "cli", "rich": "cli"}

PURE: Final = ("domain", "decide", "steps", "flows")
OUTSIDE_MODULES: Final = re.compile(
    "asyncio|concurrent|glob|http|importlib|io|logging|multiprocessing|os|pathlib|random|secrets|select|shutil|signal|"
    "socket|sqlite3|ssl|subprocess|sys|tempfile|threading|time|urllib|uuid"
)
OUTSIDE_CALLS: Final = re.compile("open|print|input|eval|exec|compile|__import__|breakpoint")
OUTSIDE_METHODS: Final = re.compile("now|utcnow|today|unlink|(read|write)_(text|bytes)")
# The desk's clock is a port: asking it is how a run learns the time.
CLOCK_PORTS: Final = re.compile(r"(self\.|desk\.|stage\.|self\._|self\._desk\.)?(clock|time)\.now")

LONGEST_FILE: Final = 250
LONGEST_FUNCTION: Final = 60
LONG_FILES: Final = {
    "domain/event.py": "the vocabulary of the journal, which is read as one list",
    "adapters/store/account_store.py": "one store, whose order of writes has to be read in one piece",
}
EMPTY_NAMES: Final = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "tools"})


class Import(NamedTuple):
    """A module that a file imports. `eager`: when the file itself is imported."""

    module: str
    line: int
    eager: bool


def floor_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""


def imports_of(tree: ast.Module, known: frozenset[str]) -> Iterator[Import]:
    yield from _imports(tree, known, eager=True)


def _imports(node: ast.AST, known: frozenset[str], *, eager: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inner = eager and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, eager) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = "." * child.level + (child.module or "")
            for alias in child.names:
                submodule = f"{base}.{alias.name}"
                yield Import(submodule if submodule in known else base, child.lineno, eager)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for statement in child.body:
                yield from _imports(ast.Module([statement], []), known, eager=False)
            for statement in child.orelse:
                yield from _imports(ast.Module([statement], []), known, eager=inner)
        else:
            yield from _imports(child, known, eager=inner)


def crossed_floors(module: str, source: str, known: frozenset[str] = frozenset()) -> list[str]:
    """Imports that lead up, sideways, or to a library that has no business on this floor."""
    floor, found = floor_of(module), []
    for item in imports_of(ast.parse(source), known):
        top = item.module.split(".")[0]
        if top == "":
            found.append(f"{module}:{item.line} relative import")
        elif top == "tradekit":
            if floor_of(item.module) not in FLOORS[floor]:
                found.append(f"{module}:{item.line} {floor or 'root'} imports {item.module}")
        elif top not in sys.stdlib_module_names:
            allowed = LIBRARIES.get(floor, ())
            if ONE_PLACE.get(top, floor) != floor or not ("*" in allowed or top in allowed):
                found.append(f"{module}:{item.line} {floor or 'root'} imports the library {top}")
    return found


def outside_touched(module: str, source: str) -> list[str]:
    """Clocks, chance, files, processes and the network, where only the desk may lead to them."""
    if floor_of(module) not in PURE:
        return []
    tree, found = ast.parse(source), []
    for item in imports_of(tree, frozenset()):
        if OUTSIDE_MODULES.fullmatch(item.module.split(".")[0]):
            found.append(f"{module}:{item.line} imports {item.module}")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        _, dot, method = called.rpartition(".")
        touches = dot and OUTSIDE_METHODS.fullmatch(method) and not CLOCK_PORTS.fullmatch(called)
        if touches or OUTSIDE_CALLS.fullmatch(called):
            found.append(f"{module}:{node.lineno} calls {called}")
    return found


def circles(eager: Mapping[str, frozenset[str]]) -> list[str]:
    """Modules that need each other before either is there."""
    found: list[str] = []
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        if module in path:
            found.append(" -> ".join((*path[path.index(module) :], module)))
        elif module not in done:
            for other in sorted(eager.get(module, ())):
                visit(other, (*path, module))
            done.add(module)

    for module in sorted(eager):
        visit(module, ())
    return found


def undocumented(module: str, source: str) -> list[str]:
    """Public things without a docstring, the module itself included. Python's own methods explain themselves."""
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else [f"{module} has no docstring"]
    nodes: list[tuple[str, ast.AST]] = [(module, tree)]
    while nodes:
        name, node = nodes.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                if child.name.startswith("_"):
                    continue
                if not ast.get_docstring(child):
                    found.append(f"{name}.{child.name}:{child.lineno} has no docstring")
                if isinstance(child, ast.ClassDef):
                    nodes.append((f"{name}.{child.name}", child))
    return found


def too_long(module: str, source: str, longest_file: int = LONGEST_FILE) -> list[str]:
    lines = source.count("\n")
    found = [f"{module} has {lines} lines"] if lines > longest_file else []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{module}.{node.name} has {length} lines")
    return found


def left_undone(module: str, source: str) -> list[str]:
    marks = re.finditer(r"\b(TODO|FIXME|XXX|HACK)\b", source)
    return [f"{module}:{source.count(chr(10), 0, mark.start()) + 1} {mark[0]}" for mark in marks]


def empty_name(module: str, source: str) -> list[str]:
    return [f"{module}: a name that says nothing" for part in module.split(".") if part in EMPTY_NAMES]


def _name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES: Final = {_name(path): path.read_text(encoding="utf-8") for path in sorted(SRC.rglob("*.py"))}
KNOWN: Final = frozenset(MODULES)
RULES: Final = {rule.__name__: rule for rule in (outside_touched, undocumented, left_undone, empty_name)}


def test_the_table_names_every_folder() -> None:
    folders = {path.name for path in (SRC / "tradekit").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(FLOORS) - {""}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_keeps_every_rule(module: str) -> None:
    source = MODULES[module]
    assert crossed_floors(module, source, KNOWN) == []
    for rule in RULES.values():
        assert rule(module, source) == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_short(module: str) -> None:
    relative = module.replace(".", "/").removeprefix("tradekit/") + ".py"
    limit = LONGEST_FILE * (2 if relative in LONG_FILES else 1)
    assert too_long(module, MODULES[module], limit) == []


def test_the_list_of_long_files_holds_no_short_ones() -> None:
    lengths = {name: (SRC / "tradekit" / name).read_text(encoding="utf-8").count("\n") for name in LONG_FILES}
    assert {name: length for name, length in lengths.items() if length <= LONGEST_FILE} == {}


def test_no_module_needs_one_that_needs_it() -> None:
    eager = {
        module: frozenset(i.module for i in imports_of(ast.parse(source), KNOWN) if i.eager) & KNOWN
        for module, source in MODULES.items()
    }
    assert any(eager.values())
    assert circles(eager) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("tradekit.domain.x", "from tradekit.decide.fold import fold"),
        ("tradekit.domain.x", "import typing_extensions"),
        ("tradekit.decide.x", "def f():\n    from tradekit.steps.desk import Desk"),
        ("tradekit.decide.x", "if TYPE_CHECKING:\n    from tradekit.adapters.clock import Ticking"),
        ("tradekit.steps.x", "import tradekit.flows.cycle"),
        ("tradekit.flows.x", "from tradekit.adapters.store import lock"),
        ("tradekit.adapters.x", "from tradekit.decide.rules import propose"),
        ("tradekit.adapters.x", "import rich.table"),
        ("tradekit.cli.x", "import ccxt"),
        ("tradekit.cli.x", "import requests"),
        ("tradekit.cli.x", "from . import output"),
        ("tradekit.flows.x", "import typer"),
    ],
)
def test_a_crossed_floor_is_noticed(module: str, source: str) -> None:
    assert len(crossed_floors(module, source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import time\n",
        "def f():\n    import random\n",
        "from uuid import uuid4",
        "from os import replace",
        "import subprocess, socket as s",
        "print('x')",
        "def f():\n    return open('x')",
        "at = datetime.now()",
        "at = datetime.datetime.now(UTC)",
        "at = date.today()",
        "Path('x').write_text('y')",
        "wall.now()",
    ],
)
def test_a_touch_of_the_outside_is_noticed(source: str) -> None:
    for floor in PURE:
        assert outside_touched(f"tradekit.{floor}.x", source)
    assert outside_touched("tradekit.adapters.x", source) == []
    assert outside_touched("tradekit.steps.x", "def f(desk):\n    return desk.clock.now()") == []


def test_a_circle_is_noticed_and_a_late_import_is_none() -> None:
    a, b, c = (frozenset({name}) for name in "abc")
    assert circles({"a": b, "b": c, "c": a}) == ["a -> b -> c -> a"]
    assert circles({"a": b | c, "b": c, "c": frozenset()}) == []
    source = "import one\nif TYPE_CHECKING:\n    import two\ndef f():\n    import three\nclass C:\n    import four\n"
    assert [i.module for i in imports_of(ast.parse(source), frozenset()) if i.eager] == ["one", "four"]


@pytest.mark.parametrize(
    ("rule", "source", "count"),
    [
        (undocumented, "x = 1", 1),
        (undocumented, '"""Doc."""\nclass A:\n    def b(self): ...\ndef c(): ...\ndef _d(): ...', 3),
        (undocumented, '"""Doc."""\nclass A(Port):\n    """A."""\n    def b(self): ...\n    def __len__(self): ...', 1),
        (too_long, "x = 1\n" * 251, 1),
        (too_long, "class A:\n  def f():\n" + "    x = 1\n" * 60, 1),
        (left_undone, "# TODO later\nx = 1  # FIXME", 2),
    ],
)
def test_other_violations_are_noticed(rule: object, source: str, count: int) -> None:
    assert callable(rule)
    assert len(rule("tradekit.domain.x", source)) == count


def test_names_that_say_nothing_are_noticed() -> None:
    assert empty_name("tradekit.adapters.helpers.x", "")
    assert not empty_name("tradekit.domain.numbers", "")
