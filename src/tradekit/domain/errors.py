"""Faults, sorted by what to do about them. Each class owns its exit code; a refusal by the risk desk is not a fault."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, NamedTuple


class ExitCode(IntEnum):
    """The contract with scripts."""

    DONE = 0
    BUG = 1
    BAD_INPUT = 2
    ALL_REFUSED = 10
    PARTLY_DONE = 11
    NEEDS_HUMAN = 12
    UNREACHABLE = 13
    BUSY = 75


class Problem(NamedTuple):
    """One thing that is wrong: a stable code, one sentence that names file and field, and what to do."""

    code: str
    message: str
    fix: str = ""


class TradekitError(Exception):
    """A fault that ends the run. Printed as its problems, one line each, never as a traceback."""

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(p.message for p in problems))
        self.problems = problems


class BadInput(TradekitError):
    """An option, a policy or a proposals file is wrong. Nothing was changed and nothing was sent."""

    exit_code = ExitCode.BAD_INPUT


class NeedsHuman(TradekitError):
    """State or books can't be trusted. Nothing is repaired behind the user's back."""

    exit_code = ExitCode.NEEDS_HUMAN


class Unreachable(TradekitError):
    """The exchange did not answer. The next run may try again."""

    exit_code = ExitCode.UNREACHABLE


class Busy(TradekitError):
    """Another run holds the lock."""

    exit_code = ExitCode.BUSY
