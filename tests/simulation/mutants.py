"""Planted bugs: each takes one precaution out of the real code, to see that the simulation notices.

`planted(name)` puts one in for a while. `MUTANTS` tells how many seeds it may take to be caught.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from simulated.clock import SimulatedClock
from simulated.wire import Wire
from tradekit.adapters.store.account_store import AccountStore
from tradekit.adapters.store.disk import RealDisk
from tradekit.adapters.store.journal import Journal
from tradekit.adapters.store.lock import AccountLock
from tradekit.decide import conversion, order_events, purge, rebuild, reconcile, sizing
from tradekit.decide import fold as folding
from tradekit.decide.dust import DustAction, DustRow
from tradekit.decide.job import Job
from tradekit.decide.ledger import Ledger
from tradekit.decide.risk import exposure, judge, recheck, sale_rules, tally
from tradekit.domain.books import Owner
from tradekit.domain.conversion import (
    ConversionEnd,
    ConversionIntent,
    ConversionTaken,
    Converted,
    ConvertOutcome,
    fill_of,
)
from tradekit.domain.event import (
    ConversionDone,
    ConversionEnded,
    ConversionIntended,
    FillBooked,
    OrderFinal,
    OrderIntended,
    OrderRejected,
)
from tradekit.domain.fill import Fill
from tradekit.domain.ids import ClientOrderId
from tradekit.domain.numbers import ceil_to, floor_to
from tradekit.domain.order import Closed, Closing, FinalWord, Order, OrderIntent
from tradekit.domain.outcome import Acknowledged, RejectCode, SendOutcome, Unanswered
from tradekit.domain.proposal import Amount
from tradekit.domain.state import State
from tradekit.steps import convert, orders, place, settle
from tradekit.steps.desk import Desk


class Patch(NamedTuple):
    """An attribute of a class or a module, and what it is while the bug is in."""

    owner: Any
    name: str
    value: Any


class Mutant(NamedTuple):
    """A bug in a few words, its patches, and the number of seeds within which it has to be caught."""

    what: str
    patches: tuple[Patch, ...]
    seeds: int


@contextmanager
def planted(name: str) -> Iterator[None]:
    """While it lasts the bug is in, wherever the function that it changes was imported to."""
    with ExitStack() as undo:
        for owner, attribute, value in MUTANTS[name].patches:
            for holder in _holders(owner, attribute):
                undo.callback(setattr, holder, attribute, getattr(holder, attribute))
                setattr(holder, attribute, value)
        yield


def _holders(owner: Any, attribute: str) -> list[Any]:
    if isinstance(owner, type):
        return [owner]
    original = getattr(owner, attribute)
    if getattr(original, "__module__", "") != owner.__name__:
        return [owner]  # imported to here: only what is done with it here is changed
    modules = [module for name, module in sorted(sys.modules.items()) if name.startswith("tradekit")]
    return [module for module in modules if getattr(module, attribute, None) is original]


def _send_first(desk: Desk, intents: Sequence[OrderIntent]) -> tuple[()]:
    outcomes = desk.exchange.place(intents)
    desk.record(*(OrderIntended(intent) for intent in intents))
    desk.record(*(place._answer(intent, outcomes[intent.client_order_id]) for intent in intents))
    return ()


def _send_again(wire: Wire, intents: Sequence[OrderIntent]) -> Mapping[ClientOrderId, SendOutcome]:
    found: dict[ClientOrderId, SendOutcome] = {}
    for intent in intents:
        outcome = wire._send(intent)
        found[intent.client_order_id] = wire._send(intent) if isinstance(outcome, Unanswered) else outcome
    return found


def _no_answer_is_a_no(intent: OrderIntent, outcome: SendOutcome) -> Any:
    if isinstance(outcome, Unanswered):
        return OrderRejected(intent.client_order_id, RejectCode.INVALID_ORDER, outcome.reason)
    return _answer(intent, outcome)


def _no_answer_is_a_yes(intent: OrderIntent, outcome: SendOutcome) -> Any:
    return _answer(intent, Acknowledged("x0") if isinstance(outcome, Unanswered) else outcome)


def _close_at_once(state: State, id: ClientOrderId, now: int) -> State:
    order = state.orders[id]
    if isinstance(order.state, Closing):
        return order_events.put(state, order.move(Closed(now, order.state.word)))
    return state


def _believe_the_cancel(desk: Desk, reasons: Mapping[ClientOrderId, str]) -> tuple[ClientOrderId, ...]:
    desk.exchange.cancel([desk.state.orders[id] for id in reasons])
    desk.record(*(OrderFinal(id, FinalWord.CANCELED, desk.state.orders[id].filled) for id in reasons))
    return ()


def _replace_what_is_not_canceled(desk: Desk, reasons: Mapping[ClientOrderId, str]) -> tuple[ClientOrderId, ...]:
    left = _cancel(desk, reasons)
    desk.exchange.place([desk.state.orders[id].intent for id in left])
    return left


def _append_unsynced(disk: RealDisk, path: Path, data: bytes) -> None:
    descriptor = disk._os.open(path, os.O_WRONLY | os.O_APPEND)
    disk._write_all(descriptor, data)
    disk._os.close(descriptor)


def _append_later(disk: RealDisk, path: Path, data: bytes) -> None:
    disk.__dict__.setdefault("later", []).append((path, data))


def _replace_then_append(disk: RealDisk, path: Path, data: bytes) -> None:
    _replace(disk, path, data)
    if path.name == "state.json":
        for journal, lines in disk.__dict__.pop("later", []):
            _append(disk, journal, lines)


def _replace_in_place(disk: RealDisk, path: Path, data: bytes) -> None:
    disk.remove(path)
    descriptor = disk._os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    disk._write_all(descriptor, data)
    disk._os.fsync(descriptor)
    disk._os.close(descriptor)
    disk.sync(path.parent)


def _replace_unsynced(disk: RealDisk, path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    descriptor = disk._os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o600)
    disk._write_all(descriptor, data)
    disk._os.close(descriptor)
    disk._os.rename(temporary, path)
    disk.sync(path.parent)


def _write_once(disk: RealDisk, descriptor: int, data: bytes) -> None:
    disk._os.write(descriptor, data)


def _halt_asked_once(store: AccountStore) -> bool:
    answer: bool = store.__dict__.setdefault("halted", _is_halted(store))
    return answer


def _reader_that_writes(store: AccountStore, *given: Any, may_write: bool, **more: Any) -> None:
    _store_init(store, *given, may_write=True, **more)


def _hours_off(clock: SimulatedClock) -> int:
    return clock._agenda.now + clock._skew_ms * 12_000


def _without_pending(*given: Any, **more: Any) -> exposure.Exposure:
    return _measure(*given, **more)._replace(pending={})


def _cost_is_amount(ledger: Ledger, fill: Fill, owner: Any) -> None:
    _enter(ledger, fill._replace(amount=fill.cost), owner)


def _without_fees(ledger: Ledger, fill: Fill, owner: Any) -> None:
    _enter(ledger, fill._replace(fees=()), owner)


def _newer_than_the_newest(state: State, symbols: Any, since: int | None = None) -> dict[str, int]:
    return {symbol: state.cursors.get(symbol, state.opened_at) + 1 for symbol in sorted(set(symbols))}


def _all_that_is_free(at: Any, ask: Any) -> Any:
    return at.snapshot.balances[ask.proposal.base].free


def _leave_a_stub(at: Any, ask: Any) -> Any:
    size = ask.proposal.size
    asked = size.value if isinstance(size, Amount) else size.value / ask.quote.mid
    return floor_to(min(asked, sale_rules._sellable(at, ask)), ask.market.amount_step)


def _slice_alone(policy: Any, plan: Any, position: Any, market: Any, quote: Any) -> Any:
    whole = floor_to(position.quantity, market.amount_step)
    most = plan.terms.slice_notional or policy.purge.slice_notional or whole * quote.mid
    return min(floor_to(most / quote.mid, market.amount_step), whole)


def _settled_when_canceled(job: Job, state: State) -> Order | None:
    order = _current(job, state)
    return None if order is None or order.is_canceling else order


def _fits_always(at: Any, asked: Any) -> Any:
    asked = list(asked)
    freed = at._replace(tally=at.tally._replace(unanswered={}))
    return _still_fits(freed, asked)


def _restore_unsynced(store: AccountStore) -> Any:
    store._journal.make_durable = _nothing  # type: ignore[method-assign]
    try:
        return _newest_whole(store)
    finally:
        del store._journal.make_durable


def _take_first(desk: Desk, rows: Sequence[DustRow]) -> tuple[()]:
    offers = [row.offer for row in rows if row.chosen is DustAction.CONVERT and row.offer is not None]
    intents = [conversion.intent_of(desk.state, offer, desk.clock.now()) for offer in offers]
    outcomes = desk.exchange.convert(intents) if intents else {}
    desk.record(*(ConversionIntended(intent) for intent in intents))
    desk.record(*(event for intent in intents for event in conversion.answered(intent, outcomes[intent.id])))
    return ()


def _no_answer_was_a_refusal(intent: ConversionIntent, outcome: ConvertOutcome) -> Any:
    if isinstance(outcome, Unanswered):
        return [ConversionEnded(intent.id, ConversionEnd.REFUSED, outcome.reason)]
    return _answered(intent, outcome)


def _promised_is_done(intent: ConversionIntent, outcome: ConvertOutcome) -> Any:
    if not isinstance(outcome, ConversionTaken):
        return _answered(intent, outcome)
    done = Converted(outcome.exchange_id, intent.offer.amount, intent.offer.promised, intent.created)
    fill = fill_of(intent, done, intent.created)
    return [FillBooked(fill, Owner.TRADEKIT), ConversionDone(intent.id)]


_answer, _answered = place._answer, conversion.answered
_cancel = orders.cancel
_append, _replace = RealDisk.append, RealDisk.replace
_newest_whole = AccountStore.load_newest_whole
_is_halted, _store_init = AccountStore.is_halted, AccountStore.__init__
_current = Job.current
_still_fits = recheck.still_fits
_measure, _enter = exposure.measure, Ledger.enter
_no: Callable[..., bool] = lambda *_: False  # noqa: E731 - a value, not a function of its own
_yes: Callable[..., bool] = lambda *_: True  # noqa: E731
_nothing: Callable[..., None] = lambda *_: None  # noqa: E731


def _bug(what: str, seeds: int, *patches: tuple[Any, str, Any]) -> Mutant:
    return Mutant(what, tuple(Patch(*patch) for patch in patches), seeds)


MUTANTS: Final[dict[str, Mutant]] = {
    "no_intent_first": _bug("an order is sent before its intent is durable", 50, (place, "place", _send_first)),
    "blind_resend": _bug("what is not answered is sent again", 200, (Wire, "place", _send_again)),
    "no_answer_is_a_no": _bug("no answer counts as a refusal", 200, (place, "_answer", _no_answer_is_a_no)),
    "no_answer_is_a_yes": _bug("no answer counts as a yes", 400, (place, "_answer", _no_answer_is_a_yes)),
    "no_horizon": _bug("not found once is never placed", 1000, (orders, "_past_horizon", _yes)),
    "no_tombstones": _bug("what was given up is never looked up again", 3000, (Order, "is_tombstone", property(_no))),
    "no_dedupe": _bug("a trade is booked as often as it is listed", 100, (reconcile, "_recent", lambda _: {})),
    "no_overlap": _bug("only trades newer than the newest are asked for", 500,
        (reconcile, "ask_from", _newer_than_the_newest)),
    "closed_before_fills": _bug("an order closes before its trades are booked", 500,
        (order_events, "settled", _close_at_once)),
    "cancel_believed": _bug("a cancel that was sent counts as canceled", 300,
        (orders, "cancel", _believe_the_cancel)),
    "cancel_becomes_order": _bug("what can't be canceled is sent anew", 500,
        (orders, "cancel", _replace_what_is_not_canceled)),
    "deadline_forgotten": _bug("what a dead run left behind is not canceled", 300, (settle, "is_overdue", _no)),
    "unsynced_journal": _bug("the journal is not synced", 500, (RealDisk, "append", _append_unsynced)),
    "unsynced_snapshot": _bug("the snapshot is not synced before its rename", 1000,
        (RealDisk, "replace", _replace_unsynced)),
    "unsynced_names": _bug("folders are never synced", 500, (RealDisk, "sync", _nothing)),
    "snapshot_in_place": _bug("the snapshot is written in place", 500, (RealDisk, "replace", _replace_in_place)),
    "short_write": _bug("a short write is not completed", 500, (RealDisk, "_write_all", _write_once)),
    "no_tail_repair": _bug("an unfinished write is not cut", 1000, (Journal, "cut", _nothing)),
    "restore_unsynced": _bug("a restore builds on lines that were never synced", 6000,
        (AccountStore, "load_newest_whole", _restore_unsynced)),
    "state_before_journal": _bug("the state is saved before the journal", 300,
        (RealDisk, "append", _append_later), (RealDisk, "replace", _replace_then_append)),
    "no_lock": _bug("two runs at once", 300, (AccountLock, "_try", _yes)),
    "reader_writes": _bug("a run that only looks repairs files", 500, (AccountStore, "__init__", _reader_that_writes)),
    "local_clock": _bug("the clock of the machine is believed", 1000, (SimulatedClock, "now", _hours_off)),
    "cap_without_pending": _bug("orders that wait don't count in the caps", 1000,
        (exposure, "measure", _without_pending)),
    "halt_ignored": _bug("the kill switch is not looked at", 1000, (AccountStore, "is_halted", _no)),
    "halt_asked_once": _bug("the kill switch is looked at once a run", 3000,
        (AccountStore, "is_halted", _halt_asked_once)),
    "consumed_forgotten": _bug("the ids of proposals are forgotten", 300, (folding, "_consume", lambda s, *_: s)),
    "cost_is_amount": _bug("what was paid is booked as what was bought", 50, (Ledger, "enter", _cost_is_amount)),
    "fees_forgotten": _bug("fees are not booked", 50, (Ledger, "enter", _without_fees)),
    "rounded_up": _bug("an amount is rounded up", 200, (sizing, "floor_to", ceil_to),
        (judge, "floor_to", ceil_to)),
    "outside_sold": _bug("all that is free is sold", 1500, (sale_rules, "_sellable", _all_that_is_free)),
    "slice_leaves_stub": _bug("the last but one slice of a purge leaves what can't be sold", 1500,
        (purge, "slice_of", _slice_alone), (sale_rules, "amount_to_sell", _leave_a_stub)),
    "sold_twice": _bug("an asset is sold again while a sale of it is under way", 500,
        (tally, "_orders", lambda _: ({}, {}))),
    "next_before_last": _bug("an order is replaced before the last word on it", 500,
        (Job, "current", _settled_when_canceled)),
    "retried_in_doubt": _bug("an order is tried again while another one of its symbol has no answer", 3000,
        (recheck, "still_fits", _fits_always)),
    "stub_left": _bug("a sale leaves what can't be sold any more", 1000, (sale_rules, "amount_to_sell", _leave_a_stub)),
    "conversion_first": _bug("an offer is taken before its intent is durable", 300, (convert, "convert", _take_first)),
    "conversion_refused": _bug("no answer about a conversion counts as a refusal", 500,
        (conversion, "answered", _no_answer_was_a_refusal)),
    "conversion_promised": _bug("what was promised is booked as converted", 500,
        (conversion, "answered", _promised_is_done)),
    "conversion_no_horizon": _bug("a conversion that is not found once was never taken", 300,
        (conversion, "_is_past", _yes)),
    "conversion_not_restored": _bug("older books forget the conversions since then", 100,
        (rebuild, "conversions_in", lambda *_: [])),
}  # fmt: skip
