"""`tradekit resume`: ends a halt. Always by hand, never on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet
from tradekit.domain.errors import NeedsHuman

if TYPE_CHECKING:
    from decimal import Decimal

    from tradekit.cli.wiring import Account
    from tradekit.domain.ports import Loaded
    from tradekit.domain.state import State


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
    """End the halt of this account and of the home. After a drawdown, go on from the equity of now.

    Example: tradekit resume
    """
    from tradekit.adapters.halt_file import clear_halt, halt_reason
    from tradekit.cli.output import Result, emit, number
    from tradekit.cli.wiring import find_account
    from tradekit.domain.errors import ExitCode
    from tradekit.domain.numbers import plain

    account = find_account(home, policy)
    folders = (account.folder, account.home)
    ended = [str(folder) for folder in folders if (halt_reason(folder) if dry_run else clear_halt(folder))]
    resumed = "Would resume" if dry_run else "Resumed"
    text = f"{resumed}: the next cycle may open again." if ended else "Nothing was halted."
    anew = _end_drawdown(account, dry_run=dry_run)
    shown = (text,) if anew is None else (text, f"The drawdown is measured from {number(anew, 2)} from now on.")
    data = {"resumed": ended, "peak": None if anew is None else plain(anew)}
    brief = " ".join(shown) if ended or anew is not None else ""
    result = Result("resume", ExitCode.DONE, data, shown=shown, brief=brief)
    return emit(result, as_json=as_json, quiet=quiet)


def _end_drawdown(account: Account, *, dry_run: bool) -> Decimal | None:
    """The equity that a drawdown is measured from now on; None where none stands."""
    from tradekit.cli.wiring import account_exists, reading_store, writing_store
    from tradekit.flows.resume import measure_anew, stands_in_drawdown

    if not account_exists(account):
        return None
    try:
        state = _state(reading_store(account).load())
    except NeedsHuman:
        return None  # a halt ends also beside books that can't be read; the next cycle tells of those
    if state is None or not stands_in_drawdown(state, account.policy):
        return None
    if dry_run:
        return state.equity
    with writing_store(account, None) as store:
        state = _state(store.load())
        return measure_anew(store, state) if state and stands_in_drawdown(state, account.policy) else None


def _state(loaded: Loaded) -> State | None:
    if loaded.state is None or not loaded.tail:
        return loaded.state
    from tradekit.decide.fold import replay

    return replay(loaded.state, loaded.tail)
