"""Writes what the docs take from the code: the command and policy pages, and the output under every `$` command.

`make docs` runs it. A test runs the same functions and fails when a page says something else than they do.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

if TYPE_CHECKING:
    from tradekit.domain.policy.keys import Key

ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
HOME_SHOWN: Final = "/home/you"
WRITTEN: Final = ("commands.md", "policy.md")
_BY: Final = "<!-- Written by docs/generate.py. Change the code and run `make docs`. -->"
_PLAIN_TERMINAL: Final = {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}
_CONSOLE: Final = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SUBCOMMAND: Final = re.compile(r"^  ([a-z-]+) ", re.MULTILINE)


def pages() -> dict[Path, str]:
    """Every page that is written here, in whole or in its console blocks, as it has to be."""
    made = {DOCS / "commands.md": command_page(), DOCS / "policy.md": policy_page()}
    by_hand = [ROOT / "README.md", *(page for page in sorted(DOCS.glob("*.md")) if page.name not in WRITTEN)]
    return made | {page: with_output(page.read_text(encoding="utf-8")) for page in by_hand}


def command_lines() -> Iterator[str]:
    """Every command and subcommand, as one types it."""
    from tradekit.cli.main import COMMANDS

    for name in COMMANDS:
        yield name
        yield from (f"{name} {part}" for part in _SUBCOMMAND.findall(help_of(name).partition("Commands:")[2]))


def help_of(command: str) -> str:
    """What `--help` prints, in a fixed width."""
    from tradekit.cli.main import run

    printed = io.StringIO()
    with patch.dict(os.environ, _PLAIN_TERMINAL), contextlib.redirect_stdout(printed):
        run([*command.split(), "--help"])
    return "\n".join(line.rstrip() for line in printed.getvalue().strip().splitlines())


def command_page() -> str:
    """`commands.md`."""
    parts = ["# Commands", _BY, _COMMANDS_INTRO, f"```text\n{help_of('')}\n```"]
    parts += [f"{'#' * (2 + c.count(' '))} {c}\n\n```text\n{help_of(c)}\n```" for c in command_lines()]
    return "\n\n".join(parts) + "\n"


def policy_page() -> str:
    """`policy.md`: one table a section."""
    from tradekit.domain.policy.keys import AMOUNTS, LISTS, SAME_AS_PAPER
    from tradekit.domain.policy.sections import SECTIONS, all_keys

    def live(key: Key) -> str:
        if key.live_required:
            return "must be written"
        return "same" if key.live_default is SAME_AS_PAPER else _code(key.live_default)

    parts = ["# Policy keys", _BY, _POLICY_INTRO]
    for name, section in SECTIONS.items():
        keys = [key for key in all_keys() if key.path.startswith(f"{name}.")]
        rows = ["| key | default | unit | bounds | meaning | live default |", "|---|---|---|---|---|---|"]
        for key in keys:
            default = "see below" if key.kind in (AMOUNTS, LISTS) else _code(key.default)
            help = key.help[:1].upper() + key.help[1:]
            rows.append(f"| `{key.path}` | {default} | {key.unit} | {_bounds(key)} | {help} | {live(key)} |")
        parts += [f"## [{name}]", (section.__doc__ or "").strip(), "\n".join(rows)]
        parts += [
            textwrap.fill(f"`{k.path}` is {_code(k.default)} by default.", 118, break_on_hyphens=False)
            for k in keys
            if k.kind in (AMOUNTS, LISTS)
        ]
    return "\n\n".join(parts) + "\n"


def with_output(page: str) -> str:
    """The page with the real output under every `$` command of its console blocks, which share one fresh home."""
    if not _CONSOLE.search(page):
        return page
    with tempfile.TemporaryDirectory(prefix="tradekit-docs-") as folder:
        shell = _Shell(Path(folder))
        return _CONSOLE.sub(lambda block: f"```console\n{shell.play(block[1])}```", page)


class _Shell:
    """Runs commands one by one in a copy of the examples, as a user would in a clone. No terminal, no network."""

    def __init__(self, folder: Path) -> None:
        import tradekit

        self._home, self._clone, self._code = folder / "you", folder / "clone", 0
        tools = folder / "bin"
        for path in (self._home, self._clone, tools):
            path.mkdir(mode=0o700)
        for name in ("policies", "docs/examples"):
            shutil.copytree(ROOT / name, self._clone / name)
        (tools / "tradekit").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tradekit "$@"\n')
        (tools / "tradekit").chmod(0o700)
        self._environment: Mapping[str, str] = {
            **_PLAIN_TERMINAL,
            "PATH": f"{tools}:{os.defpath}",
            "HOME": str(self._home),
            "TRADEKIT_HOME": str(self._home / ".local/state/tradekit"),
            "PYTHONPATH": str(Path(tradekit.__file__).parents[1]),
            "LC_ALL": "C.UTF-8",
        }

    def play(self, block: str) -> str:
        """The block's commands, each with what it prints now."""
        commands = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        return "".join(f"$ {command}\n{self._run(command)}" for command in commands)

    def _run(self, command: str) -> str:
        # The first line gives $? the exit code of the command before.
        script = f"(exit {self._code})\n{command}"
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            cwd=self._clone,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        self._code = done.returncode
        return done.stdout.decode().replace(str(self._home), HOME_SHOWN)


def _code(value: object) -> str:
    from tradekit.domain.policy.check import show_value

    return f"`{show_value(value)}`"


def _bounds(key: Key) -> str:
    from tradekit.domain.numbers import plain
    from tradekit.domain.policy.check import show_value
    from tradekit.domain.policy.keys import AMOUNTS, BOOL, COUNTS, LISTS, TEXTS

    each = "each " if key.kind in (TEXTS, COUNTS, AMOUNTS, LISTS) else ""
    found = []
    if key.kind is BOOL:
        found.append("true or false")
    if key.low is not None and key.high is not None:
        found.append(f"{each}{plain(key.low)} to {plain(key.high)}")
    elif key.low is not None:
        found.append(f"{each}{plain(key.low)} or more")
    if key.choices:
        found.append(" or ".join(f"`{show_value(choice)}`" for choice in key.choices))
    if key.pattern:
        found.append(f"{each}like `{key.pattern}`")
    return ", ".join(found)


_COMMANDS_INTRO: Final = """\
What `tradekit COMMAND --help` prints. Results go to stdout, problems and logs to stderr. Every command takes `--json`
for one JSON document and `--quiet` for cron; see [cron](cron.md) for exit codes."""

_POLICY_INTRO: Final = """\
A policy is a TOML file; `tradekit init` writes one with every key and its help. A key that is left out has the default
of this page. An unknown key is an error.

The file is the first of: `--policy FILE`, `TRADEKIT_POLICY`, `policy.toml` in the home, and the built-in paper policy.
The built-in one is not taken in a home with a live account, whose own policy must have been lost then (`policy_lost`).
It is at most 64 KiB, belongs to the user who runs tradekit (or root), and is not writable for everybody.
`tradekit policy check` reports all that is wrong with it. Ready-made ones are in the folder `policies`.

`quote` is the quote currency of the account, `pct` percent of equity unless the text says otherwise, `bp` a hundredth
of a percent. Bounds are inclusive. *Live default* is what a key is in live mode; *must be written* means that a live
policy without the key is refused. [Trading for real](live.md) has more on `[exchange]`.

Some keys bind each other: `execution.budget_seconds` is at most `execution.interval_seconds`,
`risk.max_asset_pct` at most `risk.max_total_at_risk_pct`, a lower tier asks for no more volume than a higher one,
`account.managed` does not name the quote currency, `exchange.base_url` needs `exchange.sandbox`, and a cap of
`risk.max_theme_pct` names a theme of `risk.themes`; only the default caps may stand without one."""


def main() -> None:
    """Writes the pages that are stale, and says which."""
    for path, text in pages().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
