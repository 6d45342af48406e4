"""The desk of a paper account: the paper exchange over a recording, made-up prices or live ones, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from tradekit.cli.wiring import LIVE_MARKETS
from tradekit.domain.numbers import BP
from tradekit.domain.policy.sections import Policy

if TYPE_CHECKING:
    from tradekit.adapters.paper.setup import PaperSetup
    from tradekit.adapters.store.account_store import AccountStore
    from tradekit.cli.signals import StopFlag
    from tradekit.cli.wiring import Account
    from tradekit.domain.ports import Store, Watcher
    from tradekit.steps.desk import Desk


@contextmanager
def paper_desk(
    account: Account,
    files: AccountStore,
    store: Store,
    watcher: Watcher,
    stop: StopFlag,
    *,
    dry_run: bool,
    begins_cycle: bool,
) -> Iterator[Desk]:
    """The desk of one run, loaded. A dry run works on private copies. Raises `NeedsHuman`, `BadInput`."""
    from tradekit.adapters.journal_index import FileIndex
    from tradekit.adapters.paper.world import LEDGER_NAME, PaperWorld
    from tradekit.cli.scratch import scratch_folder
    from tradekit.domain.ids import content_digest
    from tradekit.domain.state import State
    from tradekit.steps.desk import Desk

    path, setup = account.folder / LEDGER_NAME, paper_setup(account.policy)
    loaded = store.load()  # before the exchange moves: a damaged state leaves everything as it was
    must_exist = bool(loaded.tail) or (loaded.state is not None and loaded.state.is_opened)
    with ExitStack() as cleanup:
        cache = cleanup.enter_context(scratch_folder()) if dry_run else account.folder / "cache"
        if is_live := account.policy.paper.markets == LIVE_MARKETS:
            from tradekit.cli.live_paper import live_paper_world

            opened: AbstractContextManager[PaperWorld] = live_paper_world(
                account, path, setup, stop, must_exist=must_exist, dry_run=dry_run
            )
        elif dry_run:
            opened = PaperWorld.scratch(path, setup, must_stop=stop.is_set)
        else:
            opened = PaperWorld(path, setup, must_exist=must_exist, must_stop=stop.is_set)
        world = cleanup.enter_context(opened)
        if begins_cycle and not is_live:
            world.begin_run(account.policy.execution.interval_seconds * 1000)
        desk = Desk(
            policy=account.policy,
            exchange=world.exchange,
            clock=world.clock,
            store=store,
            index=FileIndex(cache / "journal.sqlite3", files.lines),
            watcher=watcher,
            state=State(account.stamp),
            identity=content_digest(account.stamp.exchange, account.stamp.account, str(world.clock.now())),
            dry_run=dry_run,
            policy_digest=account.loaded.digest,
        )
        desk.take_over(loaded)
        yield desk


def paper_setup(policy: Policy) -> PaperSetup:
    """What a new paper account starts with."""
    from tradekit.adapters.paper.setup import FeeAsset, PaperSetup

    paper = policy.paper
    return PaperSetup(
        quote=policy.account.quote,
        balances=paper.balances,
        maker_fee=paper.maker_fee_bp * BP,
        taker_fee=paper.taker_fee_bp * BP,
        fee_asset=FeeAsset(paper.fee_asset),
        latency_ms=paper.latency_ms,
    )
