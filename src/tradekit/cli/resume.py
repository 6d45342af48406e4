"""`tradekit resume`: ends a halt, lifts holds on the books and a drawdown. Always by hand, never on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet, Wait

if TYPE_CHECKING:
    from tradekit.cli.wiring import Account
    from tradekit.flows.resume import Stopped


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

    After a drawdown, go on from the equity of now.

    Example: tradekit resume
    """
    from tradekit.adapters.halt_file import clear_halt, halt_reason
    from tradekit.cli.output import Result, emit, number
    from tradekit.cli.wiring import find_account
    from tradekit.domain.errors import ExitCode, NeedsHuman, Problem
    from tradekit.domain.numbers import plain
    from tradekit.flows.resume import Stopped

    account = find_account(home, policy)
    problems: tuple[Problem, ...] = ()
    try:
        stopped = _stops(account, wait, dry_run=dry_run)
    except NeedsHuman as damage:  # a halt ends all the same; the next cycle says what is wrong with the files
        stopped, problems = Stopped(), damage.problems
    folders = (account.folder, account.home)
    ended = [str(folder) for folder in folders if (halt_reason(folder) if dry_run else clear_halt(folder))]
    done = bool(ended or stopped.holds or stopped.peak is not None)
    resumed = "Would resume" if dry_run else "Resumed"
    shown = [f"Lifted: {hold.symbol or 'all symbols'}: {hold.text}" for hold in stopped.holds]
    if stopped.peak is not None:
        shown.append(f"The drawdown is measured from {number(stopped.peak, 2)} from now on.")
    shown.append(f"{resumed}: the next cycle may open again." if done else "Nothing was halted.")
    data = {
        "resumed": ended,
        "lifted": [hold._asdict() for hold in stopped.holds],
        "peak": None if stopped.peak is None else plain(stopped.peak),
    }
    result = Result("resume", ExitCode.DONE, data, problems, tuple(shown), " ".join(shown) if done else "")
    return emit(result, as_json=as_json, quiet=quiet)


def _stops(account: Account, wait: float | None, *, dry_run: bool) -> Stopped:
    """The stops in force, ended unless it is a rehearsal. Takes the lock only where there are any."""
    from tradekit.cli.wiring import account_exists, reading_store, writing_store
    from tradekit.flows.resume import Stopped, find_stops, lift_stops

    if not account_exists(account):
        return Stopped()
    found = find_stops(reading_store(account).load(), account.policy)
    if dry_run or found == Stopped():
        return found
    with writing_store(account, wait) as store:
        return lift_stops(store, account.policy)
