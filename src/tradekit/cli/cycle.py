"""`tradekit cycle`: options in, one cycle, one report out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tradekit.cli.options import AsJson, DryRun, Home, PolicyFile, Quiet, Wait
from tradekit.domain.account import Mode
from tradekit.domain.errors import Problem

if TYPE_CHECKING:
    from tradekit.cli.live_desk import Traffic
    from tradekit.cli.signals import StopFlag
    from tradekit.cli.wiring import Account
    from tradekit.domain.proposal import Proposal
    from tradekit.flows.cycle import Wanted
    from tradekit.steps.desk import Desk

ProposalsFile = Annotated[
    str | None,
    typer.Option(
        "--proposals", metavar="FILE", help="Proposals as JSON or JSON lines; - reads stdin.", show_default=False
    ),
]
JsonLogs = Annotated[bool, typer.Option("--log-json", help="Log every order event to stderr, one JSON object a line.")]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="cycle")(cycle)


def cycle(
    home: Home = None,
    policy: PolicyFile = None,
    proposals: ProposalsFile = None,
    dry_run: DryRun = False,
    wait: Wait = None,
    log_json: JsonLogs = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Do one minute of work: settle, look, propose, judge, trade, book, report.

    Example: tradekit cycle --proposals ideas.json
    """
    from tradekit.adapters.skips import count_skip, take_skips
    from tradekit.cli.cycle_view import present
    from tradekit.cli.output import emit
    from tradekit.cli.signals import stopping
    from tradekit.cli.watchers import watcher_for
    from tradekit.cli.wiring import find_account, trading_desk
    from tradekit.domain.errors import Busy
    from tradekit.flows import cycle as flow

    account = find_account(home, policy)
    asked = _read(proposals)
    watcher = watcher_for(json_log=log_json, quiet=quiet)
    with stopping() as stop:
        try:
            with trading_desk(account, watcher, stop, wait_seconds=wait, dry_run=dry_run) as desk:
                stop.arm(account.policy.execution.budget_seconds)
                skipped = 0 if dry_run else take_skips(account.folder)
                report = flow.cycle(desk, flow.Wanted(asked), lambda: _ask(account, stop))
                traffic = _traffic(account, desk)
        except Busy as busy:
            raise Busy(*busy.problems, *_too_many(count_skip(account.folder))) from None
    return emit(present(report, account.loaded.source, skipped, traffic), as_json=as_json, quiet=quiet)


def _traffic(account: Account, desk: Desk) -> Traffic | None:
    """What a live run tells besides its results; None on paper."""
    if account.stamp.mode is not Mode.LIVE:
        return None
    from tradekit.cli.live_desk import traffic_of

    return traffic_of(desk)


def _read(proposals: str | None) -> tuple[Proposal, ...]:
    if proposals is None:
        return ()
    from tradekit.adapters.proposals_file import load_proposals

    return load_proposals(proposals)


def _ask(account: Account, stop: StopFlag) -> Wanted:
    """What the policy's program proposes; a failure costs its proposals and nothing else."""
    from tradekit.flows.cycle import Wanted

    command = account.policy.proposals.command
    if not command:
        return Wanted()
    from tradekit.adapters.proposal_command import run_proposal_command

    seconds = account.policy.proposals.command_timeout_seconds
    result = run_proposal_command(command, seconds, must_stop=stop.is_set)
    return Wanted(result.proposals, (result.problem,) if result.problem else ())


def _too_many(skips: int) -> tuple[Problem, ...]:
    if skips < 3:
        return ()
    return (Problem("runs_skipped", f"{skips} runs in a row found the lock held", "look for a run that hangs"),)
