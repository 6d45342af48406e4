"""The generated pages and the output of every example are what the code makes of them now."""

from __future__ import annotations

import os
import re
from pathlib import Path
from unittest.mock import patch

import pytest
from docs.generate import DOCS, ROOT, command_lines, command_page, help_of, policy_page, with_output

from tradekit.domain.policy.sections import all_keys

BY_HAND = sorted(path.name for path in DOCS.glob("*.md") if path.name not in ("commands.md", "policy.md"))
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def with_examples() -> list[Path]:
    pages = [ROOT / "README.md", *(DOCS / name for name in BY_HAND)]
    return [page for page in pages if CONSOLE.search(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("page", with_examples(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_says_what_the_code_does(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert with_output(text) == text, "run `make docs`"


def test_the_command_page_is_fresh() -> None:
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == command_page(), "run `make docs`"


def test_the_policy_page_is_fresh() -> None:
    assert (DOCS / "policy.md").read_text(encoding="utf-8") == policy_page(), "run `make docs`"


def test_the_command_page_does_not_depend_on_the_terminal() -> None:
    with patch.dict(os.environ, {"COLUMNS": "40", "FORCE_COLOR": "1", "LINES": "5"}):
        narrow = command_page()
    assert narrow == command_page()
    assert "\x1b" not in narrow


def test_every_command_has_help_an_example_and_a_heading() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    commands = list(command_lines())
    assert {"cycle", "policy check", "state restore"} <= set(commands)
    for command in commands:
        assert re.search(rf"^###? {command}$", page, re.MULTILINE)
        assert f"Usage: tradekit {command}" in help_of(command)
        if command not in ("policy", "state"):
            assert f"Example: tradekit {command}" in help_of(command)


def test_docs_name_every_policy_key() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    keys = list(all_keys())
    assert len(keys) > 50
    for key in keys:
        rows = [line for line in page.splitlines() if line.startswith(f"| `{key.path}` |")]
        assert len(rows) == 1
        assert key.help[1:] in rows[0]


def test_a_changed_output_is_noticed() -> None:
    block = "```console\n$ echo one\none\n$ (exit 7)\n$ echo $?\n7\n```\n"
    assert with_output(block) == block
    assert with_output(block.replace("one\none", "one\ntwo")) == block
    assert with_output(block.replace("\n7\n", "\n")) == block


@pytest.mark.parametrize("page", with_examples(), ids=lambda page: str(page.relative_to(ROOT)))
def test_an_older_state_that_an_example_takes_is_one_that_it_listed(page: Path) -> None:
    shown = "".join(CONSOLE.findall(page.read_text(encoding="utf-8")))
    listed = re.findall(r"^  (state-[0-9-]+\.json) ", shown, re.MULTILINE)
    taken = re.findall(r"^\$ tradekit state restore (state-\S+)", shown, re.MULTILINE)
    assert set(taken) <= set(listed)
