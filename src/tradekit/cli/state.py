"""`tradekit state verify|history|restore`: the files of one account, checked, listed and mended."""

from __future__ import annotations

from typing import Annotated

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet, Wait

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME", help="An older state to take the books of; none only mends the files.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(help="Check, list and mend the files of an account.")
    group.command(name="verify")(verify)
    group.command(name="history")(history)
    group.command(name="restore")(restore)
    app.add_typer(group, name="state")


def verify(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Read every byte of state, journal and older states, and fold the state again from the journal.

    Example: tradekit state verify
    """
    from tradekit.cli.output import Result, emit
    from tradekit.cli.wiring import find_account, reading_store, require_account
    from tradekit.domain.errors import ExitCode
    from tradekit.domain.state import State
    from tradekit.flows.verify import refold

    account = find_account(home, policy)
    require_account(account)
    store = reading_store(account)
    found = store.verify()
    saved = store.load().state
    shown = [f"Whole: {found.records} journal records, the state made from them, {found.generations} older states."]
    data = found._asdict() | {"refolded_since": None}
    if saved is not None and found.records:
        starts = (State(account.stamp), *(store.old_state(item.name) for item in store.generations()))
        since = refold(starts, store.history(), saved).since
        data["refolded_since"] = since
        what = "all of it" if since == 0 else f"what came after event {since}"
        shown.append(f"Folded again from the journal, {what} gives the same state.")
    if found.unfinished_bytes:
        shown.append(f"{found.unfinished_bytes} bytes of an unfinished write will be cut by the next run.")
    return emit(Result("state verify", ExitCode.DONE, data, shown=tuple(shown)), as_json=as_json, quiet=quiet)


def history(home: Home = None, policy: PolicyFile = None, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """List the older states that restore can go back to.

    Example: tradekit state history
    """
    from tradekit.cli.output import Result, Table, emit, moment
    from tradekit.cli.wiring import find_account, reading_store, require_account
    from tradekit.domain.errors import ExitCode

    account = find_account(home, policy)
    require_account(account)
    found = reading_store(account).generations()
    rows = tuple((item.name, moment(item.time), str(item.seq), str(item.size)) for item in found)
    table = Table("Older states", ("name", "last event", "seq", "bytes"), rows)
    data = {"generations": [item._asdict() for item in found]}
    return emit(Result("state history", ExitCode.DONE, data, shown=(table,)), as_json=as_json, quiet=quiet)


def restore(
    name: Name = None,
    home: Home = None,
    policy: PolicyFile = None,
    dry_run: DryRun = False,
    wait: Wait = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Set damaged files aside and go on from the newest whole state; with a NAME take that state's books.

    What was sent stays sent: open orders and consumed proposals are kept, later fills are booked again.

    Example: tradekit state restore
    """
    from tradekit.cli.output import Result, emit
    from tradekit.cli.wiring import copied_store, find_account, require_account, writing_store
    from tradekit.domain.errors import ExitCode
    from tradekit.domain.plain import to_plain
    from tradekit.flows import restore as flow

    account = find_account(home, policy)
    require_account(account)
    with copied_store(account) if dry_run else writing_store(account, wait) as store:
        report = flow.restore(store, name)
    shown = [f"Set aside: {moved}" for moved in report.set_aside]
    shown.append(f"The state is whole, at event {report.seq}; {report.replayed} events were replayed.")
    if report.books_of:
        shown.append(
            f"The books of {report.books_of} are in force. `tradekit reconcile-fills` books later fills again."
        )
    if dry_run:
        shown.append("That was tried on a copy: nothing was changed.")
    data = to_plain(flow.RestoreReport, report)
    result = Result("state restore", ExitCode.DONE, data, shown=tuple(shown), brief="" if dry_run else shown[-1])
    return emit(result, as_json=as_json, quiet=quiet)
