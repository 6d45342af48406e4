"""Runs the program of yours that prints proposals. What it does wrong costs its own proposals and nothing else.

Must never raise, never outlast its timeout or a signal that ends the run, never hand it an API key, a terminal or a
shell. A helper that the program leaves behind with its output still open counts as the program not having ended.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from tradekit.adapters.input_file import decode_text
from tradekit.adapters.proposals_file import MAX_BYTES, parse_proposals
from tradekit.adapters.safe_text import quoted, safe
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.proposal import Proposal

if TYPE_CHECKING:
    from subprocess import Popen

PASSED_ON: Final = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
_CHUNK: Final = 65536
_STDERR_KEPT: Final = 4096
_EXCERPT: Final = 160
_LOOK_SECONDS: Final = 0.2


class CommandResult(NamedTuple):
    """What the program proposed, or the problem that cost its proposals; never both."""

    proposals: tuple[Proposal, ...]
    problem: Problem | None


class _Failed(Exception):
    """Why there is no answer, in words that follow the program's name."""


class _Output(NamedTuple):
    exit_code: int
    stdout: bytes
    stderr: bytes


def run_proposal_command(
    argv: Sequence[str],
    timeout_seconds: float,
    environment: Mapping[str, str] = os.environ,
    *,
    must_stop: Callable[[], bool] = lambda: False,
) -> CommandResult:
    """What `argv` prints on stdout (at most 1 MiB), read as `parse_proposals` reads it.

    The program gets five variables of `environment`, the current directory and an empty stdin. It and all processes of
    its group are killed after `timeout_seconds`, or once `must_stop` says so. Never raises; a failure is a problem
    `proposal_command_failed`.
    """
    name = f"proposal command {quoted(argv[0] if argv else '(none)')}"
    try:
        passed_on = {k: environment[k] for k in PASSED_ON if k in environment}
        output = _run(argv, timeout_seconds, passed_on, must_stop)
        if output.exit_code != 0:
            raise _Failed(_ending(output))
        return CommandResult(parse_proposals(decode_text(output.stdout, name), name), None)
    except _Failed as failure:
        return _failure(f"{name} {failure}", "run it by hand to see why")
    except BadInput as refused:
        first, others = refused.problems[0], len(refused.problems) - 1
        return _failure(first.message + (f" (and {others} more problems)" if others else ""), first.fix)


def _failure(message: str, fix: str) -> CommandResult:
    return CommandResult((), Problem("proposal_command_failed", message, fix))


def _run(
    argv: Sequence[str], timeout_seconds: float, environment: dict[str, str], must_stop: Callable[[], bool]
) -> _Output:
    import subprocess

    deadline = time.monotonic() + timeout_seconds
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        raise _Failed(f"could not be started: {safe(str(error), _EXCERPT)}") from None
    with process:
        try:
            stdout, stderr = _read(process, deadline, must_stop)
            return _Output(_end_of(process, deadline, must_stop), stdout, stderr)
        except TimeoutError:
            raise _Failed(f"did not end within {timeout_seconds:g} seconds") from None
        except OSError as error:
            raise _Failed(f"could not be read: {safe(str(error), _EXCERPT)}") from None
        finally:
            _kill_group(process)


def _read(process: Popen[bytes], deadline: float, must_stop: Callable[[], bool]) -> tuple[bytes, bytes]:
    """Both streams to their end, of stderr only the tail. Raises `TimeoutError`, and `_Failed` beyond the cap or when
    the run has to end.
    """
    import selectors

    assert process.stdout is not None and process.stderr is not None  # both were asked for as pipes
    kept = {process.stdout.fileno(): bytearray(), process.stderr.fileno(): bytearray()}
    stdout, stderr = kept.values()
    with selectors.DefaultSelector() as selector:
        for descriptor in kept:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(_next_look(deadline, must_stop)):
                chunk = os.read(key.fd, _CHUNK)
                kept[key.fd] += chunk
                if not chunk:
                    selector.unregister(key.fd)
            if len(stdout) > MAX_BYTES:
                raise _Failed(f"printed more than {MAX_BYTES} bytes")
            del stderr[:-_STDERR_KEPT]
    return bytes(stdout), bytes(stderr)


def _end_of(process: Popen[bytes], deadline: float, must_stop: Callable[[], bool]) -> int:
    """The exit code. Raises as `_read` does."""
    from subprocess import TimeoutExpired

    while True:
        with suppress(TimeoutExpired):
            return process.wait(_next_look(deadline, must_stop))


def _next_look(deadline: float, must_stop: Callable[[], bool]) -> float:
    """How long to wait before the next look at the clock and at the signals, in seconds. Raises when it is over."""
    if must_stop():
        raise _Failed("was ended: the run was asked to end")
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return min(remaining, _LOOK_SECONDS)


def _kill_group(process: Popen[bytes]) -> None:
    """Ends whatever is left of the program and its children, unless it was already waited for."""
    # After the wait its number may belong to somebody else.
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            process.kill()


def _ending(output: _Output) -> str:
    code = output.exit_code
    ending = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    last = output.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"{ending}: {safe(last, _EXCERPT)}" if last else ending
