"""`tradekit resume`: ends a halt. Always by hand, never on its own."""

from __future__ import annotations

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="resume")(resume)


def resume(
    home: Home = None,
    policy: PolicyFile = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """End the halt of this account and of the home.

    Example: tradekit resume
    """
    from tradekit.adapters.halt_file import clear_halt, halt_reason
    from tradekit.cli.output import Result, emit
    from tradekit.cli.wiring import find_account
    from tradekit.domain.errors import ExitCode

    account = find_account(home, policy)
    folders = (account.folder, account.home)
    ended = [str(folder) for folder in folders if (halt_reason(folder) if dry_run else clear_halt(folder))]
    resumed = "Would resume" if dry_run else "Resumed"
    text = f"{resumed}: the next cycle may open again." if ended else "Nothing was halted."
    result = Result("resume", ExitCode.DONE, {"resumed": ended}, shown=(text,), brief=text if ended else "")
    return emit(result, as_json=as_json, quiet=quiet)
