"""`tradekit resume`: ends a halt. Always by hand, never on its own."""

from __future__ import annotations

import typer

from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="resume")(resume)


def resume(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """End the halt of this account and of the home.

    Example: tradekit resume
    """
    from tradekit.adapters.halt_file import clear_halt
    from tradekit.cli.output import Result, emit
    from tradekit.cli.wiring import find_account
    from tradekit.domain.errors import ExitCode

    account = find_account(home, policy)
    ended = [str(folder) for folder in (account.folder, account.home) if clear_halt(folder)]
    text = "Resumed: the next cycle may open again." if ended else "Nothing was halted."
    result = Result("resume", ExitCode.DONE, {"resumed": ended}, shown=(text,), brief=text if ended else "")
    return emit(result, as_json=as_json, quiet=quiet)
