"""What the docs name exists: links, commands, options, files, tests; and their TOML, JSON and units are good."""

from __future__ import annotations

import ast
import json
import re
import shlex
from configparser import RawConfigParser
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from docs.generate import DOCS, ROOT, command_lines, help_of

from tradekit import __version__
from tradekit.adapters.fills_file import read_trades
from tradekit.adapters.policy_file import parse_policy
from tradekit.adapters.proposals_file import load_proposals, parse_proposals
from tradekit.domain.fill import TradeRow
from tradekit.domain.policy.sections import SECTIONS, all_keys

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
FILLS = DOCS / "fills.md"
FENCE = re.compile(r"^```([a-z]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(kind: str, pages: list[Path] = PAGES) -> list[Any]:
    found = [(page, body) for page in pages for word, body in FENCE.findall(text_of(page)) if word == kind]
    return [pytest.param(body, id=f"{page.name}-{number}") for number, (page, body) in enumerate(found)]


def anchors(page: Path) -> set[str]:
    """GitHub's names of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def known_commands() -> tuple[str, ...]:
    return tuple(command_lines())


@cache
def help_text(command: str) -> str:
    return help_of(command)


def check_command(line: str) -> None:
    """Every command and option of a `tradekit ...` line exists."""
    words = shlex.split(line.partition(">")[0].partition("|")[0])
    program = max(place for place, word in enumerate(words) if re.search(r"(^|/)tradekit$", word))
    words = words[program + 1 :]
    named = [word for word in words if not word.startswith("-")]
    pair = " ".join(named[:2])
    command = pair if pair in known_commands() else named[0] if named else ""
    assert not command or command == "COMMAND" or command in known_commands(), line
    for option in (word for word in words if word.startswith("--")):
        known = help_text("" if command == "COMMAND" else command)
        assert re.search(rf"^  {option}\b", known, re.MULTILINE), f"{line}: {option}"


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(text_of(page)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@every_page
def test_commands_and_options_exist(page: Path) -> None:
    text = text_of(page)
    spans = [span for span in INLINE.findall(FENCE.sub("", text)) if span.startswith("tradekit ")]
    for span in spans:
        for choice in re.findall(r"\w+(?:\|\w+)+", span)[:1] or [""]:
            for word in choice.split("|") if choice else [""]:
                check_command(span.replace(choice, word) if choice else span)
    for kind, body in FENCE.findall(text):
        if kind in ("sh", "console", "crontab"):
            for line in body.splitlines():
                command = line.removeprefix("$ ") if kind == "console" else line
                if (kind != "console" or line.startswith("$ ")) and re.search(r"(^|[/ ])tradekit [a-z]", command):
                    check_command(command[re.search(r"\S*tradekit [a-z]", command).start() :])  # type: ignore[union-attr]


@every_page
def test_pages_name_nothing_of_the_machine_they_were_written_on(page: Path) -> None:
    text = text_of(page)
    assert not re.search(r"(?<![\w.])/(work|tmp|root)\b", text)
    assert str(ROOT) not in text
    assert text.isascii() or set(re.sub(r"[\x00-\x7f]", "", text)) <= set("…──")
    assert max(len(line) for line in FENCE.sub("", text).splitlines() if not line.startswith("|")) <= 120


@every_page
def test_files_that_a_page_names_exist(page: Path) -> None:
    for span in INLINE.findall(FENCE.sub("", text_of(page))):
        if re.fullmatch(r"(src|tests|docs|recordings|policies|\.ci)(/[\w.-]+)*/?", span):
            assert (ROOT / span).exists(), span


def test_what_is_said_to_be_missing_is_no_command_that_is_there() -> None:
    for page, title in ((ROOT / "README.md", "## What it does not do yet"), (ROOT / "CHANGELOG.md", "### Not yet")):
        missing = text_of(page).partition(title)[2].partition("\n## ")[0]
        assert missing.strip()
        assert not set(INLINE.findall(missing)) & set(known_commands())


def test_the_cron_line_names_a_command_by_its_absolute_path() -> None:
    for page in (ROOT / "README.md", DOCS / "cron.md"):
        lines = [line for kind, body in FENCE.findall(text_of(page)) if kind == "crontab" for line in body.splitlines()]
        jobs = [line for line in lines if line.startswith("* ")]
        assert jobs
        for job in jobs:
            fields = job.split(None, 5)
            assert fields[:5] == ["*"] * 5
            assert fields[5].startswith("/")
            assert "%" not in job  # cron would turn it into a line end
            check_command(fields[5])


@pytest.mark.parametrize("body", blocks("toml"))
def test_toml_examples_are_good_policies(body: str) -> None:
    parse_policy(body, "example")


@pytest.mark.parametrize("body", blocks("jsonl", [page for page in PAGES if page != FILLS]))
def test_json_lines_are_good_proposals(body: str) -> None:
    assert parse_proposals(body, "example")


@pytest.mark.parametrize("body", blocks("jsonl", [FILLS]))
def test_json_lines_are_good_fills(body: str, tmp_path: Path) -> None:
    (tmp_path / "fills.jsonl").write_text(body)
    rows = list(read_trades(str(tmp_path / "fills.jsonl")))
    assert len(rows) == body.count("\n")
    assert all(isinstance(row, TradeRow) for row in rows)


@pytest.mark.parametrize("body", blocks("json"))
def test_json_examples_parse_and_arrays_are_proposals(body: str) -> None:
    if isinstance(json.loads(body), list):
        assert parse_proposals(body, "example")


@pytest.mark.parametrize("path", sorted((DOCS / "examples").glob("*.json*")), ids=lambda path: str(path.name))
def test_example_files_are_good_proposals_and_are_used(path: Path) -> None:
    assert load_proposals(str(path))
    assert any(f"docs/examples/{path.name}" in text_of(page) for page in PAGES)


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.toml")), ids=lambda path: str(path.name))
def test_shipped_policies_load(path: Path) -> None:
    parse_policy(text_of(path), path.name)


def unit(name: str) -> RawConfigParser:
    parsed = RawConfigParser(strict=True)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read_string(text_of(DOCS / "examples/systemd" / name))
    return parsed


def test_the_service_runs_one_cycle_locked_down() -> None:
    service = unit("tradekit.service")["Service"]
    assert service["Type"] == "oneshot"
    check_command(service["ExecStart"])
    assert service["ExecStart"].startswith("/")
    assert service["SuccessExitStatus"].split() == ["10", "75"]
    assert service["Environment"] == f"TRADEKIT_HOME=/var/lib/{service['StateDirectory']}"
    assert (service["StateDirectoryMode"], service["UMask"]) == ("0700", "0077")
    # The run ends itself 8 s after its budget, and then the next one is due.
    budget = next(key.default for key in all_keys() if key.path == "execution.budget_seconds")
    assert int(service["TimeoutStartSec"]) > budget + 8
    hardening = {"NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "SystemCallFilter"}
    assert hardening <= set(service)
    assert service["CapabilityBoundingSet"] == ""


def test_the_timer_starts_it_every_minute() -> None:
    timer = unit("tradekit.timer")
    assert timer["Timer"]["OnCalendar"] == "*-*-* *:*:00"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_units_on_the_page_are_the_files() -> None:
    shown = [body.partition("\n") for kind, body in FENCE.findall(text_of(DOCS / "cron.md")) if kind == "ini"]
    for first, _, body in shown:
        assert body == text_of(DOCS / "examples/systemd" / first.rpartition("/")[2])
    assert len(shown) == 2


def test_the_changelog_has_this_version() -> None:
    assert re.search(rf"^## \[{re.escape(__version__)}\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)


@cache
def names_of_tests() -> frozenset[str]:
    names: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(text_of(path))
        names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return frozenset(names)


def top_level(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.parse(text_of(path)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def test_the_checklist_names_only_what_exists() -> None:
    keys = {key.path for key in all_keys()}
    checked = 0
    for span in INLINE.findall(text_of(DOCS / "checklist.md")):
        file, _, name = span.partition(":")
        if file.endswith(".py") and span != "file.py:name":
            path = ROOT / file if file.startswith("tests/") else ROOT / "src/tradekit" / file
            assert path.is_file(), span
            assert not name or name in top_level(path), span
        elif span.startswith("test_"):
            assert span in names_of_tests(), span
        elif span.partition(".")[0] in SECTIONS and "." in span:
            assert span in keys, span
        else:
            continue
        checked += 1
    assert checked > 60


@pytest.mark.parametrize("page", ["security.md", "reliability.md"])
def test_pages_on_trust_name_only_what_exists(page: str) -> None:
    spans = INLINE.findall(text_of(DOCS / page))
    named = [span for span in spans if re.fullmatch(r"test_\w+", span)]
    assert len(named) >= 5
    assert set(named) <= set(names_of_tests())


def test_the_defaults_that_the_checklist_names() -> None:
    """A figure behind a policy key on the checklist is its default."""
    defaults = {key.path: key.default for key in all_keys()}
    stated = re.findall(r"`([a-z_]+\.[a-z0-9_]+)`(?: is)? \(?([0-9][0-9, ]*)", text_of(DOCS / "checklist.md"))
    assert len(stated) >= 10
    for key, figure in stated:
        numbers = tuple(int(number) for number in re.findall("[0-9]+", figure))
        expected = defaults[key]
        assert numbers == (expected if isinstance(expected, tuple) else (expected,)), key


def test_make_targets_exist_and_the_demo_is_the_first_session() -> None:
    makefile = text_of(ROOT / "Makefile")
    named = {name for page in PAGES for name in re.findall(r"(?:`| {4})make ([a-z]+)", text_of(page))}
    assert {"demo", "test", "docs"} <= named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    recipe = makefile.partition("\ndemo:")[2].partition("\n\n")[0]
    ran = [line.replace(" --home demo-home", "") for line in re.findall(r"/(tradekit .*)", recipe)]
    first = next(body for kind, body in FENCE.findall(text_of(ROOT / "README.md")) if kind == "console")
    assert [line.removeprefix("$ ") for line in first.splitlines() if line.startswith("$ ")] == ran
