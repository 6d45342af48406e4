"""Where cron puts a program: no environment, no terminal, closed pipes, foreign clocks, strange current folders."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest
from freezegun import freeze_time

from command_line import SRC, CommandLine, Ran, bare, buy, contents, python, sell

SHELL: Final = "/bin/sh"


def through_shell(tradekit: CommandLine, script: str, words: Sequence[str], **environment: str) -> Ran:
    """Runs a shell script that has the words of a tradekit command line as `"$@"`."""
    done = subprocess.run(
        [SHELL, "-c", script, SHELL, *python(*words)],
        env=bare(tradekit.home) | environment,
        cwd=tradekit.home.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def ideas(tradekit: CommandLine) -> list[str]:
    return ["cycle", "--proposals", str(tradekit.proposals(buy("b1"), sell("s1")))]


def test_the_environment_of_cron_is_enough(tradekit: CommandLine) -> None:
    """`env -i`: not even PATH and HOME; where the accounts lie is said by an option."""
    entry = f"import sys; sys.path.insert(0, {str(SRC)!r}); from tradekit.cli.main import main; main()"
    command = ["env", "-i", sys.executable, "-I", "-c", entry]
    for words in (["cycle", "--quiet"], ["status"], ["halt"], ["cycle"], ["resume"], ["state", "verify"]):
        done = subprocess.run(
            [*command, *words, "--home", str(tradekit.home)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert (done.returncode, done.stderr) == (10 if words == ["cycle"] else 0, "")


def test_without_home_the_passwd_entry_counts_and_nothing_is_guessed(tradekit: CommandLine) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom tradekit.adapters.home import home_directory\n"
        "print(home_directory(None, os.environ))"
    )
    environment = {"PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_absolute()
    ran = tradekit.apart("cycle", {"TRADEKIT_HOME": "relative/home"})
    assert (ran.code, ran.problems) == (2, ["home_not_absolute"])
    assert not (tradekit.home.parent / "relative").exists()


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "LC_ALL": "C"},
        {"TERM": "dumb"},
        {"COLUMNS": "1", "LINES": "1"},
        {"COLUMNS": "nonsense"},
        {"TZ": "Pacific/Kiritimati"},
        {"PYTHONWARNINGS": "error"},
        {"PYTHONOPTIMIZE": "2"},
        {"HTTPS_PROXY": "http://127.0.0.1:1", "SSL_CERT_FILE": "/nonexistent", "REQUESTS_CA_BUNDLE": "/nonexistent"},
    ],
    ids=" ".join,
)
def test_the_environment_changes_nothing(tradekit: CommandLine, environment: dict[str, str]) -> None:
    words = ideas(tradekit)
    plain = tradekit(words)
    other = tradekit.beside("again")
    shown = other.apart(" ".join(words), environment)
    assert shown[:2] == plain[:2]
    assert shown.err == ""
    assert journal(other) == journal(tradekit)
    assert other.apart("status", environment).out == tradekit("status").out
    assert other.apart("cycle --help", environment).code == 0


def journal(tradekit: CommandLine) -> bytes:
    return b"".join(path.read_bytes() for path in sorted((tradekit.folder / "journal").glob("*.jsonl")))


def test_help_and_errors_survive_an_ascii_terminal(tradekit: CommandLine) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict", "COLUMNS": "1"}
    tradekit("cycle")
    ran = tradekit.apart("halt --reason Zürich", ascii_only)
    assert (ran.code, ran.err) == (0, "")
    ran = tradekit.apart("status", ascii_only)
    assert (ran.code, ran.err) == (0, "")
    assert "HALTED: Z" in ran.out


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_change_neither_state_nor_exit_code(tradekit: CommandLine, redirection: str) -> None:
    tradekit("cycle")
    ran = through_shell(tradekit, f'exec "$@" {redirection}', [*ideas(tradekit), "--log-json"])
    assert ran.code == 0
    assert "Traceback" not in ran.err + ran.out
    assert '"event"' not in ran.out, "log lines never go to stdout"
    after = tradekit("status --json").data
    assert (after["cycles"], after["unsaved_events"], after["orders"]) == (2, 0, [])
    refused = through_shell(tradekit, f'exec "$@" {redirection}', ["cycle", "--proposals", "/nonexistent"])
    assert (refused.code, refused.out) == (2, "")


@pytest.mark.parametrize("stream", [">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full"])
@pytest.mark.parametrize("form", ["", "--json", "--quiet", "--log-json"])
def test_a_full_disk_under_the_output_changes_neither(tradekit: CommandLine, stream: str, form: str) -> None:
    tradekit("cycle")
    ran = through_shell(tradekit, f'exec "$@" {stream}', [*ideas(tradekit), *form.split()])
    assert ran.code == 0
    assert "Traceback" not in ran.err
    after = tradekit("status --json").data
    assert (after["cycles"], after["unsaved_events"], after["orders"]) == (2, 0, [])


@pytest.mark.parametrize("form", ["", "--json", "--quiet", "--log-json"])
def test_a_pipe_that_nobody_reads_changes_neither(tradekit: CommandLine, form: str) -> None:
    """`tradekit cycle | head -0`, also with the log: the reader is gone before the first byte."""
    tradekit("cycle")
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        python(*ideas(tradekit), *form.split()),
        env=bare(tradekit.home),
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing if form == "--log-json" else subprocess.PIPE,
    ) as process:
        os.close(writing)
        _, err = process.communicate(timeout=300)
    assert (process.returncode, err or b"") == (0, b"")
    after = tradekit("status --json").data
    assert (after["cycles"], after["unsaved_events"], after["orders"]) == (2, 0, [])


def test_modules_in_the_current_folder_are_not_imported(tradekit: CommandLine) -> None:
    """The installed command starts with `-c` or a script elsewhere, and cron's current folder is the user's home."""
    traps = tradekit.home.parent / "traps"
    traps.mkdir()
    for name in ("decimal", "ccxt", "json", "typer", "sqlite3", "tradekit"):
        (traps / f"{name}.py").write_text("raise SystemExit('trap')\n")
    script = tradekit.home.parent / "bin" / "tradekit"
    script.parent.mkdir()
    script.write_text("from tradekit.cli.main import main\nmain()\n")
    done = subprocess.run(
        [sys.executable, str(script), "cycle"],
        env=bare(tradekit.home),
        cwd=traps,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("umask", ["000", "022", "777"])
def test_files_are_the_owners_alone_whatever_the_umask(tradekit: CommandLine, umask: str) -> None:
    for words in (["init"], ["cycle"], [*ideas(tradekit)], ["halt"]):
        ran = through_shell(tradekit, f'umask {umask}; exec "$@"', words)
        assert (ran.code, ran.err) == (0, "")
    with open(tradekit.folder / "state.lock"):
        pass
    (tradekit.folder / "HALT").unlink()
    tradekit("state restore")
    found = [tradekit.home, *tradekit.home.rglob("*")]
    assert {stat.S_IMODE(p.stat().st_mode) for p in found if p.is_dir()} == {0o700}
    assert {stat.S_IMODE(p.stat().st_mode) for p in found if p.is_file()} == {0o600}


def test_the_clock_of_the_machine_decides_nothing(tradekit: CommandLine) -> None:
    """Between two runs the machine's clock jumps by a day, back and forth, and to the year 1970."""
    moments = ("2024-08-09", "2024-08-08", "1970-01-02", "2038-01-20", "2024-08-10")
    other = tradekit.beside("again")
    for number, moment in enumerate(moments):
        path = tradekit.proposals(buy(f"b{number}"), sell(f"s{number}"))
        line = f"--json --proposals {path}"
        plain = tradekit(f"cycle {line}")
        with freeze_time(moment):
            jumped = other(f"cycle {line}")
        assert jumped == plain
    assert journal(other) == journal(tradekit)
    assert contents(other.folder)["state.json"] == contents(tradekit.folder)["state.json"]


def test_the_order_of_hashes_decides_nothing(tradekit: CommandLine) -> None:
    items = [buy(f"b{n}", symbol) for n, symbol in enumerate(("ETH/USDT", "DOGE/USDT", "ADA/USDT"))]
    text = json.dumps([*items, sell("s1"), sell("s2", "PENGU/USDT", "700")]).encode()
    journals = set()
    for seed in ("0", "1", "42", "random"):
        home = tradekit.beside(f"seed-{seed}")
        for _ in range(2):
            assert home.apart("cycle --proposals -", {"PYTHONHASHSEED": seed}, stdin=text).code in (0, 10)
        journals.add(journal(home))
    assert len(journals) == 1


@pytest.mark.parametrize("descriptors", [6, 8, 12])
def test_a_low_limit_of_descriptors_is_refused_before_a_send_or_enough(tradekit: CommandLine, descriptors: int) -> None:
    tradekit("cycle")
    ran = through_shell(tradekit, f'ulimit -n {descriptors}; exec "$@"', ideas(tradekit))
    if ran.code != 0:
        assert ran.code in (1, 12), ran
        assert "Traceback" not in ran.err or "tradekit.cli" not in ran.err
    after = tradekit(ideas(tradekit))
    assert after.code == 0
    assert tradekit("state verify").code == 0
