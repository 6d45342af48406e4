"""`tradekit doctor`: is everything fit for unattended runs? Asks, looks, and changes nothing of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet

if TYPE_CHECKING:
    from tradekit.cli.output import Result
    from tradekit.flows.doctor import DoctorReport


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="doctor")(doctor)


def doctor(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Check policy, files, lock, disk and cron; of a live account also key, exchange, markets and requests.

    The exit code is the health: 0 also with warnings.

    Example: tradekit doctor
    """
    from tradekit.cli.doctor_checks import checks
    from tradekit.cli.output import emit
    from tradekit.flows import doctor as flow

    return emit(_present(flow.doctor(checks(home, policy))), as_json=as_json, quiet=quiet)


def _present(report: DoctorReport) -> Result:
    from tradekit.cli.output import Result, Table
    from tradekit.domain.plain import to_plain
    from tradekit.flows.doctor import DoctorReport, Health

    rows = tuple((str(item.health), item.name, item.found) for item in report.checks)
    counts = {health: sum(1 for item in report.checks if item.health is health) for health in Health}
    shown: list[str | Table] = [Table("Checks", ("", "check", "found"), rows)]
    shown += [
        f"{item.health} {item.name}: {item.meaning} What to do: {item.fix}."
        for item in report.checks
        if item.health is not Health.OK
    ]
    shown.append(", ".join(f"{count} {health}" for health, count in counts.items()))
    warned = [f"{item.name}: {item.found}" for item in report.checks if item.health is Health.WARN]
    data = to_plain(DoctorReport, report)
    del data["exit_code"], data["problems"]
    return Result("doctor", report.exit_code, data, report.problems, tuple(shown), "; ".join(warned))
