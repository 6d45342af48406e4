"""`tradekit resume`: ends a halt and lifts holds on the books. Always by hand, never on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet, Wait

if TYPE_CHECKING:
    from tradekit.cli.wiring import Account
    from tradekit.domain.hold import Hold


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="resume")(resume)


def resume(
    home: Home = None,
    policy: PolicyFile = None,
    dry_run: DryRun = False,
    wait: Wait = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """End the halt of this account and of the home, and lift the holds on its books.

    Example: tradekit resume
    """
    from tradekit.adapters.halt_file import clear_halt, halt_reason
    from tradekit.cli.output import Result, emit
    from tradekit.cli.wiring import find_account
    from tradekit.domain.errors import ExitCode, NeedsHuman, Problem

    holds: Sequence[Hold]
    problems: tuple[Problem, ...]
    account = find_account(home, policy)
    try:
        holds, problems = _holds(account, wait, dry_run=dry_run), ()
    except NeedsHuman as damage:  # a halt ends all the same; the next cycle says what is wrong with the files
        holds, problems = (), damage.problems
    folders = (account.folder, account.home)
    ended = [str(folder) for folder in folders if (halt_reason(folder) if dry_run else clear_halt(folder))]
    resumed = "Would resume" if dry_run else "Resumed"
    text = f"{resumed}: the next cycle may open again." if ended or holds else "Nothing was halted."
    lifted = [f"Lifted: {hold.symbol or 'all symbols'}: {hold.text}" for hold in holds]
    data = {"resumed": ended, "lifted": [hold._asdict() for hold in holds]}
    brief = text if ended or holds else ""
    result = Result("resume", ExitCode.DONE, data, problems, (*lifted, text), brief)
    return emit(result, as_json=as_json, quiet=quiet)


def _holds(account: Account, wait: float | None, *, dry_run: bool) -> Sequence[Hold]:
    """The holds in force, lifted unless it is a rehearsal. Takes the lock only where there are any."""
    from tradekit.cli.wiring import account_exists, reading_store, writing_store
    from tradekit.flows.resume import holds_in, lift_holds

    if not account_exists(account):
        return ()
    found = holds_in(reading_store(account).load())
    if dry_run or not found:
        return found
    with writing_store(account, wait) as store:
        return lift_holds(store, "resume")
