"""The checks of `tradekit doctor` on this machine: policy, home, files, lock, halt, disk and what cron would see.

A check may bring what later ones need; where it fails, those that build on it are not asked.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from tradekit.domain.account import Mode
from tradekit.flows.doctor import Check, Finding, fail, ok, warn

if TYPE_CHECKING:
    from tradekit.cli.wiring import Account

_MIB: Final = 2**20
_LEAST_MIB: Final = 4
_LOW_MIB: Final = 100
_CRON_PATH: Final = "/usr/bin:/bin"


def checks(home: str | None, policy: str | None) -> Iterator[Check]:
    """The checks that fit this account, in the order in which they make sense."""
    found: list[Account] = []

    def load() -> Finding:
        from tradekit.cli.wiring import find_account

        account = find_account(home, policy)
        found.append(account)
        return ok(f"{account.loaded.source}: account {account.stamp.account}, {account.stamp.mode}")

    yield Check("policy", "Without a valid policy nothing is traded.", load)
    if not found:
        return
    (account,) = found
    yield Check(
        "home", "Whoever can write into the home can trade; who can read it sees all you hold.", lambda: _home(account)
    )
    yield Check("files", "State and journal have to be whole and of this account.", lambda: _files(account))
    yield Check("lock", "Two runs at once are refused; many in a row mean that one hangs.", lambda: _lock(account))
    yield Check("halt", "Under a halt nothing is opened.", lambda: _halt(account))
    yield Check("disk", "An order that can't be written down is not sent.", lambda: _disk(account))
    yield Check("cron", "cron starts a program with almost no environment.", lambda: _cron(account))
    from tradekit.cli.wiring import PAPER

    if account.stamp.mode is Mode.LIVE:
        from tradekit.cli.doctor_live import live_checks

        yield from live_checks(account)
    elif account.stamp.exchange != PAPER:
        from tradekit.cli.doctor_live import public_checks

        yield from public_checks(account)


def _home(account: Account) -> Finding:
    from tradekit.adapters.store.disk_errors import no_folder
    from tradekit.adapters.store.filesystem import refuse_network_filesystem

    if (fault := no_folder(account.folder)) is not None:
        raise fault
    if not account.home.exists():
        return warn(f"{account.home} is not there yet", "`tradekit init` makes it")
    opened = account.home.stat()
    if opened.st_uid != os.geteuid():
        return fail(f"{account.home} belongs to another user", "run as the user who owns it")
    if stat.S_IMODE(opened.st_mode) & 0o077:
        return fail(f"{account.home} is open to other users", f"chmod 700 {quote(str(account.home))}")
    refuse_network_filesystem(account.home, allowed=account.policy.storage.allow_network_filesystem)
    if account.folder.exists() and stat.S_IMODE(account.folder.stat().st_mode) & 0o077:
        return fail(f"{account.folder} is open to other users", f"chmod 700 {quote(str(account.folder))}")
    return ok(str(account.home))


def _files(account: Account) -> Finding:
    from tradekit.cli.wiring import account_exists, reading_store

    if not account_exists(account):
        return ok("no run yet; the first cycle opens the account")
    loaded = reading_store(account).load()
    if loaded.state is None:
        return ok("nothing is written down yet")
    held = [hold for hold in loaded.state.holds if not hold.lifted]
    if held:
        return warn(f"{len(held)} holds: {held[0].text}", "look at it, then `tradekit resume`")
    return ok(f"whole, at event {loaded.state.seq + len(loaded.tail)}; `tradekit state verify` reads every byte")


def _lock(account: Account) -> Finding:
    from tradekit.adapters.skips import skips_so_far
    from tradekit.adapters.store.lock import AccountLock
    from tradekit.domain.errors import Busy

    path = account.folder / "state.lock"
    skipped = skips_so_far(account.folder)
    if skipped >= 3:
        return warn(f"{skipped} runs in a row found the lock held", "look for a run that hangs")
    if not path.exists():
        return ok("no run yet")
    try:
        with AccountLock(path, 0):
            return ok("free")
    except Busy:
        return ok("held by a run that is under way")


def _halt(account: Account) -> Finding:
    from tradekit.adapters.halt_file import halt_reason

    for folder in (account.folder, account.home):
        reason = halt_reason(folder)
        if reason is not None:
            return warn(f"halted by {folder / 'HALT'}: {reason}", "`tradekit resume` ends it")
    return ok("none")


def _disk(account: Account) -> Finding:
    from tradekit.adapters.store.disk import RealDisk

    folder = next(path for path in (account.folder, *account.folder.parents) if path.exists())
    free = RealDisk().free_bytes(folder) // _MIB
    if free < _LEAST_MIB:
        return fail(f"{free} MiB are free under {folder}", "free some space; until then nothing is opened")
    return warn(f"{free} MiB are free", "free some space soon") if free < _LOW_MIB else ok(f"{free} MiB are free")


def _cron(account: Account) -> Finding:
    from tradekit.adapters.exchange.key_source import VARIABLES
    from tradekit.adapters.home import home_directory
    from tradekit.adapters.policy_file import policy_source

    bare = {"HOME": os.environ.get("HOME", "")}
    program = Path(sys.argv[0]).absolute()
    if home_directory(None, bare) != account.home:
        return warn(
            "by itself cron would look into another home", f"write TRADEKIT_HOME={account.home} into the crontab"
        )
    source = policy_source(account.home, None, {})
    if source is not None and str(source) != account.loaded.source:
        return warn(
            "cron would follow another policy", f"add --policy {quote(account.loaded.source)} to the line in crontab"
        )
    if any(os.environ.get(name) for name in VARIABLES.values()):
        return warn("the API key is in this shell's environment", "cron doesn't have it: use exchange.key_file")
    if shutil.which("tradekit", path=_CRON_PATH) is None:
        return ok(f"in a crontab, name the program from the root on: {program}")
    return ok("cron finds the program and this home")
