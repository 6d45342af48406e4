"""The checks of `tradekit doctor` on a live account: key, exchange, clock, abilities, permissions, markets, budget.

Asks only questions that change nothing, with the account's own key.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tradekit.adapters.exchange.clock import ExchangeClock
from tradekit.adapters.exchange.venues.venue import Proof
from tradekit.cli.live_desk import NO_IP_LIST, asks_permissions, connect_live, live_credentials, machine_time
from tradekit.cli.live_desk import refuse_weaknesses as refuse_weak
from tradekit.domain.numbers import ZERO, plain
from tradekit.flows.doctor import Check, Finding, fail, ok, warn

if TYPE_CHECKING:
    from tradekit.adapters.exchange.credentials import Credentials
    from tradekit.adapters.exchange.exchange import CcxtExchange
    from tradekit.cli.wiring import Account
    from tradekit.domain.market import Snapshot

_SKEW_MS: Final = 2000
_CLOCK: Final = "cron starts by this machine's clock; orders live by the exchange's."
_PROVEN: Final = {
    Proof.WIRE: "proven by whole runs against a server of its dialect",
    Proof.RECORDED: "its requests are pinned by tests, no whole run was seen",
    Proof.GENERIC: "nothing about it is proven",
}


class _Connected:
    """What the first checks bring: an exchange that answers, and one look at the account."""

    def __init__(self) -> None:
        self.credentials: Credentials | None = None
        self.exchange: CcxtExchange | None = None
        self.snapshot: Snapshot | None = None


def live_checks(account: Account) -> Iterator[Check]:
    """Each check that can still be asked after what the ones before it found."""
    have = _Connected()
    yield Check("key", "Without a key only public questions are answered.", lambda: _key(account, have))
    yield Check("exchange", "Every run begins with its time and its markets.", lambda: _exchange(account, have))
    exchange = have.exchange
    if exchange is None:
        return
    try:
        yield Check(
            "clock", "cron starts by this machine's clock; orders live by the exchange's.", lambda: _clock(exchange)
        )
        yield Check(
            "abilities",
            "What the exchange can't promise, tradekit can't either.",
            lambda: _abilities(account, exchange),
        )
        if have.credentials is None:
            return
        if asks_permissions(account.policy):
            yield Check(
                "permissions", "A key that leaks should be worth little.", lambda: _permissions(account, exchange)
            )
        yield Check("account", "What the account holds is what the books begin with.", lambda: _look(account, have))
        if have.snapshot is not None:
            snapshot = have.snapshot
            yield Check(
                "markets", "An order below the exchange's minimum can't be placed.", lambda: _markets(account, snapshot)
            )
            yield Check(
                "requests", "An exchange that is asked too often falls silent.", lambda: _budget(account, exchange)
            )
    finally:
        exchange.close()


def public_checks(account: Account) -> Iterator[Check]:
    """What a paper account on live markets needs: an exchange that answers everybody."""
    have = _Connected()
    yield Check("exchange", "Every run begins with its time and its markets.", lambda: _exchange(account, have))
    exchange = have.exchange
    if exchange is not None:
        try:
            yield Check("clock", _CLOCK, lambda: _clock(exchange))
        finally:
            exchange.close()


def _key(account: Account, have: _Connected) -> Finding:
    have.credentials = live_credentials(account)
    return ok(f"there is one; its fingerprint is {have.credentials.fingerprint}")


def _exchange(account: Account, have: _Connected) -> Finding:
    machine = machine_time(lambda: False)
    clock = ExchangeClock(machine.now, machine.sleep, lambda: False)
    have.exchange = connect_live(account, have.credentials, clock)
    venue, count = have.exchange.venue, len(have.exchange.symbols())
    if not count:
        quote = account.policy.account.quote
        return fail(f"{venue.name} has no market in {quote}", "set account.quote to a currency that it trades in")
    return ok(f"{venue.name} answers: {count} markets in {account.policy.account.quote}; {_PROVEN[venue.proof]}")


def _clock(exchange: CcxtExchange) -> Finding:
    skew = exchange.clock.skew_ms
    if abs(skew) > _SKEW_MS:
        return warn(f"this machine's clock is {-skew} ms ahead of the exchange", "let NTP set it; runs correct for it")
    return ok(f"{abs(skew)} ms apart")


def _abilities(account: Account, exchange: CcxtExchange) -> Finding:
    refuse_weak(exchange, account.policy)
    weak = sorted(exchange.venue.weak)
    if weak:
        return warn(f"accepted by the policy: {', '.join(weak)}", "docs/live.md says what each means")
    return ok("every promise of the order protocol can be kept")


def _permissions(account: Account, exchange: CcxtExchange) -> Finding:
    told = exchange.permissions()
    if told is None or told.can_withdraw is None:
        return warn("the exchange doesn't tell what the key may do", "make sure by hand that it may only trade")
    if told.can_withdraw:
        return fail("the key may withdraw", "make a key that may only trade, and use that")
    if told.can_trade is False:
        return fail("the key may not trade", "allow it to trade, or make another one")
    if told.ip_restricted is False and NO_IP_LIST not in account.policy.exchange.accepted_weaknesses:
        return warn("the key may be used from any address", "allow your own address at the exchange")
    return ok("it may trade, and not withdraw")


def _look(account: Account, have: _Connected) -> Finding:
    assert have.exchange is not None
    quote = account.policy.account.quote
    have.snapshot = have.exchange.snapshot(have.exchange.symbols())
    have.exchange.review([], {})
    balances = have.snapshot.balances
    missing = [asset for asset in account.policy.account.managed if f"{asset}/{quote}" not in have.snapshot.markets]
    if missing:
        return warn(f"there is no market to sell {', '.join(missing)} for {quote}", "take it out of account.managed")
    if quote not in balances:
        return warn(f"the account holds no {quote}: nothing can be bought", f"deposit {quote}, or check account.quote")
    return ok(f"{len(balances)} assets, of {quote} {plain(balances[quote].total)}")


def _markets(account: Account, snapshot: Snapshot) -> Finding:
    """How many markets ask for more than the largest order that the policy lets through."""
    policy = account.policy
    cash = snapshot.balances.get(policy.account.quote)
    largest = (cash.total if cash else ZERO) * policy.risk.max_asset_pct / 100
    if policy.risk.max_order_notional:
        largest = min(largest, policy.risk.max_order_notional)
    least = {symbol: _least(snapshot, symbol) for symbol in snapshot.markets}
    closed = sorted(symbol for symbol, notional in least.items() if notional > largest)
    shown = f"an order may be at most {plain(largest.quantize(Decimal('0.01')))} {policy.account.quote}"
    if len(closed) == len(least) or policy.risk.min_order_notional > largest:
        fix = "raise risk.max_asset_pct or risk.max_order_notional, or deposit more"
        return warn(f"{shown}, which is below every minimum: nothing can be opened", fix)
    if closed:
        some = ", ".join(closed[:3])
        return ok(f"{shown}; {len(closed)} of {len(least)} markets ask for more, such as {some}")
    return ok(f"{shown}; all {len(least)} markets take that")


def _least(snapshot: Snapshot, symbol: str) -> Decimal:
    market, quote = snapshot.markets[symbol], snapshot.quotes.get(symbol)
    return max(market.min_notional, market.min_amount * quote.ask if quote is not None else ZERO)


def _budget(account: Account, exchange: CcxtExchange) -> Finding:
    """What this doctor has asked is about what an idle cycle asks."""
    interval, budget = account.policy.execution.interval_seconds, exchange.venue.budget
    back = Decimal(interval * 1000) / Decimal(str(budget.ms_per_unit))
    share = Decimal(str(exchange.ledger.spent)) / back * 100
    shown = f"an idle cycle takes {share:.0f} % of what {exchange.venue.name} allows in {interval} seconds"
    if share > 100:
        return fail(shown, "raise execution.interval_seconds")
    return warn(shown, "raise execution.interval_seconds, or look at markets less often") if share > 60 else ok(shown)
