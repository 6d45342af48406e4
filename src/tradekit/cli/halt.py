"""`tradekit halt`: the kill switch. Works without a lock, a valid policy or a readable state."""

from __future__ import annotations

from typing import Annotated

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; shown by status and refusals.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="halt")(halt)


def halt(
    home: Home = None,
    policy: PolicyFile = None,
    reason: Reason = "halted by hand",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Stop opening at once, also in the middle of a cycle. Cancels go on, sales as the policy says.

    Without a valid policy every account of the home is halted.

    Example: tradekit halt --reason "news"
    """
    import os

    from tradekit.adapters.halt_file import halt_reason, set_halt
    from tradekit.adapters.home import home_directory
    from tradekit.adapters.safe_text import safe
    from tradekit.cli.output import Result, emit
    from tradekit.cli.wiring import find_account
    from tradekit.domain.errors import BadInput, ExitCode, Problem

    problems: tuple[Problem, ...] = ()
    folder = home_directory(home, os.environ)
    whom = f"every account under {folder}"
    try:
        account = find_account(home, policy)
        if account.folder.is_dir():  # else it trades under another policy, or not yet: a halt has to hit
            folder, whom = account.folder, f"account {account.stamp.account} ({account.stamp.mode})"
    except BadInput as unknown:
        problems = unknown.problems
    fresh = halt_reason(folder) is None if dry_run else set_halt(folder, safe(reason, 200))
    text = f"{'Would halt' if dry_run else 'Halted'} {whom}." if fresh else f"Halted already: {whom}."
    data = {"halted": str(folder), "fresh": fresh}
    result = Result("halt", ExitCode.DONE, data, problems, (text,), brief=text if fresh else "")
    return emit(result, as_json=as_json, quiet=quiet)
