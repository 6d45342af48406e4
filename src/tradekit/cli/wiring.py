"""Builds the desk of one run: home, policy, lock, store, exchange, clock. Each command asks for what it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tradekit.adapters.home import home_directory
from tradekit.adapters.policy_file import LoadedPolicy, load_policy, policy_source
from tradekit.adapters.safe_text import safe
from tradekit.adapters.store.account_store import AccountStore, open_folder
from tradekit.adapters.store.disk import RealDisk
from tradekit.adapters.store.disk_errors import disk_errors, no_folder
from tradekit.domain.account import Mode, Stamp
from tradekit.domain.errors import BadInput, NeedsHuman, Problem
from tradekit.domain.policy.sections import Policy

if TYPE_CHECKING:
    from tradekit.cli.signals import StopFlag
    from tradekit.domain.ports import Watcher
    from tradekit.steps.desk import Desk

_TTY_WAIT_SECONDS: Final = 65.0
PAPER: Final = "paper"
PAPER_QUOTE: Final = "USDT"
LIVE_MARKETS: Final = "live"


class Account(NamedTuple):
    """Where one account lives and what it may do."""

    home: Path
    folder: Path
    loaded: LoadedPolicy
    stamp: Stamp

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self.loaded.policy

    def with_key(self, fingerprint: str) -> Account:
        """This account, asked for with a key at hand."""
        return self._replace(stamp=self.stamp._replace(key_fingerprint=fingerprint))


def find_policy(home_option: str | None, policy_option: str | None) -> LoadedPolicy:
    """The policy that the options and the environment name. Raises `BadInput`."""
    home = home_directory(home_option, os.environ)
    return load_policy(policy_source(home, policy_option, os.environ))


def find_account(home_option: str | None, policy_option: str | None) -> Account:
    """The account that the options and the environment name. Raises `BadInput`; touches no file but the policy."""
    home = home_directory(home_option, os.environ)
    source = policy_source(home, policy_option, os.environ)
    if source is None:
        _refuse_lost_policy(home)
    loaded = load_policy(source)
    stamp = stamp_of(loaded)
    return Account(home, home / stamp.account / stamp.mode, loaded, stamp)


def _refuse_lost_policy(home: Path) -> None:
    """The built-in policy is for those who never had another: beside a live account its own was lost.

    Raises `BadInput`.
    """
    lives = sorted(path.parent.name for path in home.glob(f"*/{Mode.LIVE}"))
    if lives:
        what = f"{home} holds a live account ({', '.join(map(safe, lives))}) and no policy.toml"
        fix = "put the policy back, or name it with --policy; `tradekit init` writes one for the paper account"
        raise BadInput(Problem("policy_lost", what, fix))


def stamp_of(loaded: LoadedPolicy) -> Stamp:
    """Whose account the policy is for; the key of a live one is not looked for. Raises `BadInput`."""
    account, exchange = loaded.policy.account, loaded.policy.exchange
    if account.mode is Mode.LIVE:
        where = f"{exchange.id}-sandbox" if exchange.sandbox else exchange.id
        return Stamp(where, account.name, account.mode, account.quote, key_fingerprint="")
    if loaded.policy.paper.markets == LIVE_MARKETS:
        return Stamp(f"{PAPER}-{exchange.id}", account.name, account.mode, account.quote, key_fingerprint="")
    if account.quote != PAPER_QUOTE:
        message = f"{loaded.source}: account.quote is {account.quote}, and all paper markets are in {PAPER_QUOTE}"
        raise BadInput(Problem("paper_quote", message, f'set account.quote = "{PAPER_QUOTE}"'))
    return Stamp(PAPER, account.name, account.mode, account.quote, key_fingerprint="")


def reading_store(account: Account) -> AccountStore:
    """A store that only reads."""
    return _store(account, account.folder, may_write=False)


def _store(account: Account, folder: Path, *, may_write: bool) -> AccountStore:
    former = account.policy.exchange.former_keys
    return AccountStore(RealDisk(), folder, account.stamp, may_write=may_write, former_keys=former)


@contextmanager
def writing_store(
    account: Account, wait_seconds: float | None, must_stop: Callable[[], bool] = lambda: False
) -> Iterator[AccountStore]:
    """The account's store with the lock held. Raises `Busy`, `NeedsHuman`. On a terminal it says that it waits."""
    from tradekit.adapters.store.filesystem import refuse_network_filesystem
    from tradekit.adapters.store.lock import AccountLock
    from tradekit.cli.output import tell

    open_folder(RealDisk(), account.folder)
    refuse_network_filesystem(account.folder, allowed=account.policy.storage.allow_network_filesystem)
    if wait_seconds is None:
        wait_seconds = _TTY_WAIT_SECONDS if sys.stdin is not None and sys.stdin.isatty() else 0.0

    def say() -> None:
        if sys.stderr.isatty():
            at_work = f"another run is at work on account {account.stamp.account}"
            tell(sys.stderr, f"tradekit: {at_work}: waiting for at most {wait_seconds:.0f} s")

    with AccountLock(account.folder / "state.lock", wait_seconds, must_stop=must_stop, waits=say):
        yield _store(account, account.folder, may_write=True)


@contextmanager
def copied_store(account: Account) -> Iterator[AccountStore]:
    """A store on a private copy of the account's files, to try something out."""
    from shutil import copytree, ignore_patterns

    from tradekit.cli.scratch import scratch_folder

    with scratch_folder() as folder:
        copy = folder / account.stamp.account / account.stamp.mode
        with disk_errors(account.folder):
            copytree(account.folder, copy, ignore=ignore_patterns("*.sqlite3*", "ballast", "state.lock"))
        yield _store(account, copy, may_write=True)


@contextmanager
def trading_desk(
    account: Account,
    watcher: Watcher,
    stop: StopFlag,
    *,
    wait_seconds: float | None,
    dry_run: bool,
    begins_cycle: bool = True,
    refuse: Callable[[Desk], None] | None = None,
) -> Iterator[Desk]:
    """The desk for one run, loaded. A dry run works on private copies and leaves every byte as it was.

    On paper a cycle begins a minute after the one before it; other runs take place where the last one ended. `refuse`
    raises `BadInput` for what can't be meant; where there is no account yet it is asked before one is made.
    """
    from tradekit.adapters.store.memory_store import MemoryStore

    with ExitStack() as open_things:
        if account.stamp.mode is Mode.LIVE:
            from tradekit.cli.live_desk import live_credentials, live_desk

            credentials = live_credentials(account)
            account = account.with_key(credentials.fingerprint)
            make: Callable[..., AbstractContextManager[Desk]] = partial(live_desk, account, credentials)
        else:
            from tradekit.cli.paper_desk import paper_desk

            make = partial(paper_desk, account, begins_cycle=begins_cycle)
        if dry_run:
            files = reading_store(account)
            yield open_things.enter_context(make(files, MemoryStore(files), watcher, stop, dry_run=True))
        else:
            if refuse is not None and not account_exists(account):
                files = reading_store(account)
                with make(files, MemoryStore(files), watcher, stop, dry_run=True) as trial:
                    refuse(trial)
            files = open_things.enter_context(writing_store(account, wait_seconds, stop.is_set))
            yield open_things.enter_context(make(files, files, watcher, stop, dry_run=False))


def account_exists(account: Account) -> bool:
    """Whether this account was ever used."""
    return account.folder.is_dir()


def require_account(account: Account) -> None:
    """Raises `NeedsHuman` where there is nothing yet to look at."""
    if not account_exists(account):
        missing = Problem("account_missing", f"there is no account at {account.folder}", "`tradekit cycle` opens it")
        raise no_folder(account.folder) or NeedsHuman(missing)
