"""The desk of a live account: its key, a real exchange over the network, this machine's clock.

Must never trade on an exchange whose weaknesses the policy doesn't accept by name, nor with a key that may withdraw.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.credentials import Credentials, ExchangeOptions
from tradekit.adapters.exchange.exchange import CcxtExchange
from tradekit.adapters.exchange.key_check import KeyCheck, check_key
from tradekit.adapters.exchange.key_source import take_credentials
from tradekit.adapters.exchange.opening import open_exchange
from tradekit.adapters.store.account_store import open_folder
from tradekit.adapters.store.disk import RealDisk
from tradekit.domain.errors import BadInput, Problem, Unreachable
from tradekit.domain.event import ExchangeSilent
from tradekit.domain.policy.sections import Policy
from tradekit.domain.ports import Loaded, Store, Watcher
from tradekit.domain.times import DAY_MS, MINUTE_MS

if TYPE_CHECKING:
    from tradekit.adapters.store.account_store import AccountStore
    from tradekit.cli.signals import StopFlag
    from tradekit.cli.wiring import Account
    from tradekit.steps.desk import Desk

CACHE: Final = "exchange_cache"
"""Beside the accounts, so that those with one key share its request budget; no account can have this name."""
NO_IP_LIST: Final = "no_ip_list"
_SLICE_MS: Final = 50


class MachineTime(NamedTuple):
    """This machine's clock and its patience, both in milliseconds."""

    now: Callable[[], int]
    sleep: Callable[[int], None]


class Traffic(NamedTuple):
    """What a live run tells besides its results: how many requests it sent, and what its user should know."""

    requests: int
    notes: tuple[Problem, ...]


def machine_time(must_stop: Callable[[], bool]) -> MachineTime:
    """The real one. A wait ends early where a signal comes in while it lasts; what is waited for afterwards (a cancel's
    backoff, a turn to ask) is waited for in full.
    """

    def sleep(ms: int) -> None:
        end, stopped_before = time.monotonic() + ms / 1000, must_stop()
        while (left := end - time.monotonic()) > 0 and (stopped_before or not must_stop()):
            time.sleep(min(left, _SLICE_MS / 1000))

    return MachineTime(lambda: time.time_ns() // 1_000_000, sleep)


def live_credentials(account: Account) -> Credentials:
    """The account's key. Raises `BadInput` where there is none, or more than one."""
    found = take_credentials(account.policy.exchange.key_file, os.environ)
    if found is None:
        fix = "set TRADEKIT_API_KEY and TRADEKIT_API_SECRET, or name a private file in exchange.key_file"
        raise BadInput(Problem("keys_missing", f"there is no API key for account {account.stamp.account}", fix))
    return found


@contextmanager
def live_desk(
    account: Account,
    credentials: Credentials,
    files: AccountStore,
    store: Store,
    watcher: Watcher,
    stop: StopFlag,
    *,
    dry_run: bool,
    machine: MachineTime | None = None,
) -> Iterator[Desk]:
    """The desk of one run, loaded. A dry run asks the exchange and sends nothing. Raises `BadInput`, `Unreachable`."""
    from tradekit.adapters.journal_index import FileIndex
    from tradekit.cli.scratch import scratch_folder
    from tradekit.domain.ids import content_digest
    from tradekit.domain.state import State
    from tradekit.steps.desk import Desk

    loaded = store.load()  # before the exchange is asked: a damaged state sends nothing
    machine = machine or machine_time(stop.is_set)
    clock = ExchangeClock(machine.now, machine.sleep, stop.is_set)
    try:
        exchange = open_live(account, credentials, clock)
    except Unreachable as silent:
        _note_silence(store, loaded, clock, silent.problems[0].code)
        raise
    with ExitStack() as cleanup:
        cleanup.callback(exchange.close)
        cache = cleanup.enter_context(scratch_folder()) if dry_run else account.folder / "cache"
        desk = Desk(
            policy=account.policy,
            exchange=exchange,
            clock=clock,
            store=store,
            index=FileIndex(cache / "journal.sqlite3", files.lines),
            watcher=watcher,
            state=State(account.stamp),
            identity=content_digest(*account.stamp, str(clock.now())),
            dry_run=dry_run,
            policy_digest=account.loaded.digest,
        )
        desk.take_over(loaded)
        yield desk


def open_live(account: Account, credentials: Credentials, clock: ExchangeClock) -> CcxtExchange:
    """The account's exchange, checked: its weaknesses are accepted, its key may not withdraw. Raises `BadInput` where
    they aren't, and `Unreachable`.
    """
    exchange = connect_live(account, credentials, clock)
    try:
        refuse_weaknesses(exchange, account.policy)
        if asks_permissions(account.policy):
            exchange.notes = judge_key(check_key(exchange, _key_file(account, credentials)), account.policy)
    except BaseException:
        exchange.close()
        raise
    return exchange


def connect_live(account: Account, credentials: Credentials | None, clock: ExchangeClock) -> CcxtExchange:
    """The exchange as it is, with nothing judged. Raises `BadInput`, `Unreachable`."""
    folder = account.home / CACHE
    open_folder(RealDisk(), folder)
    return open_exchange(account.policy.exchange.id, credentials, options_of(account.policy), folder, clock)


def options_of(policy: Policy) -> ExchangeOptions:
    """How the policy wants the exchange to be reached."""
    wanted = policy.exchange
    return ExchangeOptions(
        quote=policy.account.quote,
        base_url=wanted.base_url,
        sandbox=wanted.sandbox,
        options=wanted.options,
        timeout_ms=wanted.timeout_ms,
        workers=wanted.workers,
        proxies_allowed=wanted.proxies_allowed,
        markets_max_age_ms=wanted.markets_max_age_minutes * MINUTE_MS,
        nonce_window=wanted.nonce_window,
    )


def refuse_weaknesses(exchange: CcxtExchange, policy: Policy) -> None:
    """Raises `BadInput` where the exchange can't promise something and the policy doesn't name it as accepted."""
    missing = sorted(set(exchange.venue.weak) - set(policy.exchange.accepted_weaknesses))
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        what = f"{exchange.venue.name} can't promise what trading on it needs: {', '.join(missing)}"
        fix = f"docs/live.md says what each means; to accept them, add {names} to exchange.accepted_weaknesses"
        raise BadInput(Problem("exchange_weak", what, fix))


def asks_permissions(policy: Policy) -> bool:
    """Whether the key is asked about: test systems don't have that question, and hold no money."""
    return not policy.exchange.sandbox or bool(policy.exchange.base_url)


def judge_key(check: KeyCheck, policy: Policy) -> tuple[Problem, ...]:
    """What a person should know of the key, once a day. Raises `BadInput` for one that may withdraw."""
    if check.told.can_withdraw:
        what = "the API key may withdraw, and whoever gets hold of it can empty the account"
        raise BadInput(Problem("key_may_withdraw", what, "make a key that may only trade, and use that"))
    if check.fresh and check.told.ip_restricted is False and NO_IP_LIST not in policy.exchange.accepted_weaknesses:
        fix = f'allow your own address at the exchange, or add "{NO_IP_LIST}" to exchange.accepted_weaknesses'
        return (Problem("key_without_ip_list", "the API key may be used from any address", fix),)
    return ()


def traffic_of(desk: Desk) -> Traffic:
    """What this run has sent so far."""
    exchange = desk.exchange
    assert isinstance(exchange, CcxtExchange)
    return Traffic(exchange.requests, exchange.notes)


def _key_file(account: Account, credentials: Credentials) -> Path:
    return account.home / CACHE / f"key-{account.stamp.exchange}-{credentials.fingerprint}.json"


def _note_silence(store: Store, loaded: Loaded, clock: ExchangeClock, code: str) -> None:
    """Counts for the breaker on API errors. A clock that nobody has set right is believed within a day."""
    if loaded.state is None or not loaded.state.is_opened:
        return
    last = loaded.tail[-1].time if loaded.tail else loaded.state.time
    if 0 <= clock.now() - last < DAY_MS:
        store.append([ExchangeSilent(code)], clock.now(), reduces_risk=True)
