"""`tradekit doctor`: one check after the other, each with what it found, what that means and what to do.

A check that fails costs no other one; a check that crashes is a failed check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from tradekit.domain.errors import ExitCode, Problem, TradekitError


class Health(StrEnum):
    """How it stands; only `FAIL` is in the exit code."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """What one check found. `fix` says what to do; empty where nothing is to be done."""

    health: Health
    found: str
    fix: str = ""


class Check(NamedTuple):
    """One question. `meaning` says why it is asked. `look` may raise: that is a finding too."""

    name: str
    meaning: str
    look: Callable[[], Finding]


class Examined(NamedTuple):
    """A check with its finding; `exit_code` is what a failure of it means to scripts."""

    name: str
    health: Health
    found: str
    meaning: str
    fix: str
    exit_code: ExitCode


class DoctorReport(NamedTuple):
    """All checks in their order, and the health of the whole."""

    checks: tuple[Examined, ...]
    problems: tuple[Problem, ...]
    exit_code: ExitCode


_WORST_FIRST: Final = (ExitCode.NEEDS_HUMAN, ExitCode.BAD_INPUT, ExitCode.UNREACHABLE, ExitCode.BUSY)


def doctor(checks: Iterable[Check]) -> DoctorReport:
    """Carries out the checks one by one; a later one may depend on what an earlier one brought. Never raises."""
    examined = tuple(_examine(check) for check in checks)
    failed = [item for item in examined if item.health is Health.FAIL]
    codes = {item.exit_code for item in failed}
    return DoctorReport(
        examined,
        tuple(Problem("check_failed", f"{item.name}: {item.found}", item.fix) for item in failed),
        next((code for code in _WORST_FIRST if code in codes), ExitCode.DONE),
    )


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(Health.OK, found)


def warn(found: str, fix: str) -> Finding:
    """Worth knowing; nothing is stopped by it."""
    return Finding(Health.WARN, found, fix)


def fail(found: str, fix: str) -> Finding:
    """A run would stop here, or go wrong."""
    return Finding(Health.FAIL, found, fix)


def _examine(check: Check) -> Examined:
    code = ExitCode.NEEDS_HUMAN
    try:
        finding = check.look()
    except TradekitError as fault:
        told, code = fault.problems[0], fault.exit_code
        more = f" (and {len(fault.problems) - 1} more)" if len(fault.problems) > 1 else ""
        finding = fail(told.message + more, told.fix)
    except Exception as crash:  # its text may carry a secret, so only its kind is told
        finding = fail(f"the check itself crashed: {type(crash).__name__}", "report it")
    return Examined(check.name, finding.health, finding.found, check.meaning, finding.fix, code)
