"""`tradekit rehearse`: the policy on stage, before it meets real money. Touches no account and no file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tradekit.adapters.rehearsal.severity import Severity
from tradekit.cli.options import AsJson, Home, PolicyFile, Quiet, whole

if TYPE_CHECKING:
    from tradekit.cli.output import Result, Table
    from tradekit.flows.rehearse import RehearsalReport

Days = Annotated[int, typer.Option("--days", metavar="N", parser=whole(1, 365), help="Simulated days, 1 to 365.")]
How = Annotated[Severity, typer.Option("--severity", help="How badly the world behaves.")]
Seed = Annotated[str, typer.Option("--seed", metavar="TEXT", help="The same seed plays the same piece.")]
Wishes = Annotated[
    int,
    typer.Option(
        "--wishes",
        metavar="N",
        parser=whole(0, 60),
        help="Proposals an hour, 0 to 60, as other programs might send them.",
    ),
]
_WOULD_HAVE: Final = {
    "orders placed without an answer": "a program that sends again would have placed each of them twice",
    "orders lost on the way": "a program that believes in them would have counted what never was",
    "orders hidden for a while": "a program that takes *not found* for an answer would have sent them again",
    "cancels without an answer": "a program that calls them canceled would have missed what filled",
    "cancels lost on the way": "a program that calls them canceled would have left them open",
    "trades told late": "a program that closes an order first would have lost these fills",
    "trades told twice": "a program that doesn't know them by id would have booked them twice",
    "runs killed after a send": "a program without a journal would have forgotten these orders",
}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(name="rehearse")(rehearse)


def rehearse(
    days: Days = 1,
    severity: How = Severity.NORMAL,
    seed: Seed = "1",
    wishes: Wishes = 4,
    home: Home = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Play days of cycles under your policy on the paper markets, in a world that misbehaves; tell how it came out.

    Example: tradekit rehearse --severity hostile --days 1
    """
    from tradekit.adapters.rehearsal.stage import RehearsalStage
    from tradekit.cli.output import emit
    from tradekit.cli.paper_desk import paper_setup
    from tradekit.cli.wiring import PAPER, find_policy
    from tradekit.domain.account import Mode, Stamp
    from tradekit.domain.state import State
    from tradekit.flows import rehearse as flow

    loaded = find_policy(home, policy)
    account = loaded.policy.account
    cycles = days * 86_400 // loaded.policy.execution.interval_seconds
    start = State(Stamp(PAPER, account.name, Mode.PAPER, account.quote, ""))
    with (
        RehearsalStage(loaded.policy, paper_setup(loaded.policy), severity, seed, wishes) as stage,
        _progress(cycles + flow.QUIET_CYCLES, quiet=quiet or as_json) as progress,
    ):
        report = flow.rehearse(stage, loaded.policy, start, cycles, progress)
    title = f"{days} day{'s' if days > 1 else ''} of {severity} weather, seed {seed}, policy {loaded.source}"
    return emit(_present(report, title, account.quote), as_json=as_json, quiet=quiet)


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], object]]:
    """A bar where somebody sits at a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cycles", total=total)
        yield lambda done: bar.update(task, completed=done)


def _present(report: RehearsalReport, title: str, quote: str) -> Result:
    from tradekit.cli.output import Result, Table, number
    from tradekit.domain.errors import ExitCode, Problem
    from tradekit.domain.plain import to_plain
    from tradekit.flows.rehearse import RehearsalReport

    data = {"rehearsal": title, **to_plain(RehearsalReport, report), "is_sound": report.is_sound}
    fees = ", ".join(str(fee) for fee in report.fees) or "none"
    shown: list[str | Table] = [
        f"Rehearsed: {title}",
        "Paper account on recorded and synthetic markets. No real money moves.",
        f"{report.cycles} cycles, the longest {report.longest_ms / 1000:.1f} s; {report.killed} runs were killed,"
        f" {report.resumed} times a person had to resume",
        f"{report.orders} orders, {report.fills} fills worth {number(report.traded, 2)} {quote}, fees {fees}",
        f"Equity {number(report.equity_before, 2)} before, {number(report.equity_after, 2)} after",
    ]
    worst = tuple(
        (share.key, number(share.worst, 2), number(share.limit, 2), share.asset or "-") for share in report.worst
    )
    faults = tuple((name, str(count), _WOULD_HAVE.get(name, "")) for name, count in report.faults.items())
    tables = (
        Table("Worst moments against the caps", ("cap", "worst", "limit", "asset"), worst),
        _counts("Refusals", "code", report.refusals),
        _counts("Exit codes", "code", report.exits),
        _counts("Purges that ended", "how", report.purges),
        _counts("Holds", "why", report.holds),
        Table("What happened, and what it would have done without care", ("fault", "times", "else"), faults),
    )
    shown += [table for table in tables if table.rows]
    sound = "Books and exchange agree to the last digit, and no order is unknown."
    problems = tuple(
        Problem("books_mismatch", f"{asset}: the exchange says {told:f}, the books say {books:f}", "report this seed")
        for asset, (books, told) in report.differences.items()
    )
    if report.unanswered:
        what = f"{report.unanswered} orders have no answer in the end"
        problems = (*problems, Problem("order_unanswered", what, "report this seed"))
    if report.is_sound:
        shown.append(sound)
    code = ExitCode.DONE if report.is_sound else ExitCode.NEEDS_HUMAN
    return Result("rehearse", code, data, problems, tuple(shown))


def _counts(title: str, what: str, counted: Mapping[str, int]) -> Table:
    from tradekit.cli.output import Table

    return Table(title, (what, "times"), tuple((str(name), str(count)) for name, count in counted.items()))
