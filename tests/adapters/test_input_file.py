"""Reading never waits, never fills the memory, and never takes for a text what is none."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tradekit.adapters.input_file import read_stdin, read_text_file
from tradekit.domain.errors import BadInput, Problem

LIMIT = 100


def refused(read: Callable[[], str]) -> Problem:
    with pytest.raises(BadInput) as caught:
        read()
    (problem,) = caught.value.problems
    assert "\n" not in problem.message
    assert problem.fix
    return problem


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"a = 1\n", "a = 1\n"),
        (b"\xef\xbb\xbfa = 1\r\nb = 2\r\n", "a = 1\nb = 2\n"),
        ("Zürich €".encode(), "Zürich €"),
        (b"x" * LIMIT, "x" * LIMIT),
    ],
)
def test_texts_that_are_read(tmp_path: Path, content: bytes, text: str) -> None:
    file = tmp_path / "in.txt"
    file.write_bytes(content)
    assert read_text_file(file, LIMIT) == text


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"ok\nZ\xfcrich", "file_not_utf8", "line 2: not UTF-8"),
        (b"\xff\xfea\x00", "file_not_utf8", "line 1: not UTF-8"),
        (b"\xed\xa0\x80", "file_not_utf8", "not UTF-8"),
        (b"one\ntwo\n\0\0\0", "file_not_utf8", "line 3: has a NUL byte"),
        (b"x" * (LIMIT + 1), "file_too_large", "larger than 100 bytes"),
    ],
)
def test_contents_that_are_refused(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    file = tmp_path / "in.txt"
    file.write_bytes(content)
    problem = refused(lambda: read_text_file(file, LIMIT))
    assert problem.code == code
    assert problem.message.startswith(f"{file}: ")
    assert words in problem.message


def test_paths_that_are_no_regular_file_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), Path("/dev/null"), Path("/dev/tty")):
        assert refused(lambda path=path: read_text_file(path, LIMIT)).code in ("file_not_regular", "file_unreadable")  # type: ignore[misc]


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "circle").symlink_to("circle")
    for name, code in {
        "gone": "file_missing",
        "nowhere": "file_missing",
        "file/below": "file_missing",
        "circle": "file_unreadable",
        "x" * 300: "file_unreadable",
        "nul\0byte": "file_unreadable",
    }.items():
        assert refused(lambda name=name: read_text_file(tmp_path / name, LIMIT)).code == code  # type: ignore[misc]


def test_a_name_with_control_characters_is_named_harmlessly(tmp_path: Path) -> None:
    assert "\x1b" not in refused(lambda: read_text_file(tmp_path / "a\x1b[2J\nb", LIMIT)).message


def test_a_link_is_followed_and_its_target_is_what_is_checked(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("text")
    (tmp_path / "link").symlink_to(target)
    assert read_text_file(tmp_path / "link", LIMIT, trusted=True) == "text"
    target.chmod(0o602)
    assert refused(lambda: read_text_file(tmp_path / "link", LIMIT, trusted=True)).code == "file_insecure"
    assert read_text_file(tmp_path / "link", LIMIT) == "text"


def test_the_advice_for_an_insecure_file_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    path = tmp_path / "a b;c"
    path.write_text("text")
    path.chmod(0o606)
    assert refused(lambda: read_text_file(path, LIMIT, trusted=True)).fix == f"chmod o-w '{path}'"


def test_a_pipe_on_stdin_is_read_to_its_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, "\ufeffhello\r\n".encode())
    os.close(writing)
    assert read_stdin(LIMIT, descriptor=reading) == "hello\n"
    os.close(reading)


def test_endless_stdin_is_cut_at_the_limit() -> None:
    with open("/dev/zero", "rb") as endless:
        assert refused(lambda: read_stdin(LIMIT, descriptor=endless.fileno())).code == "file_too_large"


def test_a_terminal_on_stdin_is_refused_without_waiting() -> None:
    ours, theirs = pty.openpty()
    assert refused(lambda: read_stdin(LIMIT, descriptor=theirs)).code == "stdin_missing"
    os.close(ours)
    os.close(theirs)


def test_a_pipe_that_nobody_ends_is_given_up() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"half")
    problem = refused(lambda: read_stdin(LIMIT, descriptor=reading, patience_seconds=0))
    assert (problem.code, "did not end" in problem.message) == ("stdin_missing", True)
    os.close(reading)
    os.close(writing)


def test_a_directory_or_a_closed_descriptor_on_stdin(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    assert refused(lambda: read_stdin(LIMIT, descriptor=descriptor)).code == "file_not_regular"
    os.close(descriptor)
    assert refused(lambda: read_stdin(LIMIT, descriptor=descriptor)).code == "stdin_missing"


def test_closed_stdin_is_noticed_even_when_its_number_was_given_away() -> None:
    program = (
        "import os; from tradekit.adapters.input_file import *; from tradekit.domain.errors import BadInput\n"
        "taken = os.open('/dev/zero', os.O_RDONLY)\n"
        "try: read_stdin(100)\n"
        "except BadInput as error: print(taken, error.problems[0].code)"
    )
    shell = ["sh", "-c", '"$1" -c "$2" <&-', "sh", sys.executable, program]
    path = os.pathsep.join(sys.path)
    done = subprocess.run(shell, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.stdout.endswith("stdin_missing\n"), done.stderr
