"""What a restore must not forget: orders and proposals that the damaged part of a journal had sent."""

from __future__ import annotations

from decimal import Decimal

from account_files import FIRST, STAMP, START_TIME, continued, finished, intent, opening, store
from memory_disk import MemoryDisk
from tradekit.domain.conversion import ConversionIntent, ConversionOffer
from tradekit.domain.event import ConversionIntended, OrderIntended
from tradekit.domain.ids import client_order_id
from tradekit.domain.order import Intended
from tradekit.domain.state import State
from tradekit.flows.restore import restore


def account_with(numbers: range) -> MemoryDisk:
    """An account whose state was saved after its opening, and whose intents are only in the journal."""
    disk = MemoryDisk()
    at = store(disk)
    at.load()
    at.create(State(STAMP))
    at.append([opening()], START_TIME, reduces_risk=True)
    at.save(continued(store(disk)))
    for number in numbers:
        at.append([OrderIntended(intent(number))], START_TIME + number, reduces_risk=True)
    return disk


def test_an_intent_behind_the_damage_is_an_order_to_look_up_and_its_proposal_stays_consumed() -> None:
    disk = account_with(range(1, 5))
    damaged = intent(2).client_order_id.encode()
    content = disk.read(FIRST)
    disk.put(FIRST, content.replace(damaged, damaged[:-1] + b"!", 1))
    report = restore(store(disk), None)
    assert report.set_aside == ("000001.jsonl.damaged1",)
    state = continued(store(disk))
    ids = {intent(number).client_order_id for number in (1, 3, 4)}  # the second can't be read any more
    assert ids == set(state.orders)
    assert all(isinstance(order.state, Intended) for order in state.orders.values())
    store(disk).verify()


def test_a_conversion_behind_the_damage_is_one_to_look_up() -> None:
    disk = account_with(range(1, 3))
    at = store(disk)
    at.load()
    offer = ConversionOffer("q1", "BTC", "USDT", Decimal("0.04"), Decimal("3.9"), START_TIME + 10_000)
    sent = ConversionIntent(client_order_id("proof", "q1", 1), offer, START_TIME)
    at.append([ConversionIntended(sent)], START_TIME + 3, reduces_risk=True)
    damaged = intent(2).client_order_id.encode()
    disk.put(FIRST, disk.read(FIRST).replace(damaged, damaged[:-1] + b"!", 1))
    for _ in range(2):
        restore(store(disk), None)
        state = continued(store(disk))
        assert [item.intent for item in state.conversions.values()] == [sent]
    store(disk).verify()


def test_restoring_twice_adds_nothing() -> None:
    disk = account_with(range(1, 4))
    content = disk.read(FIRST)
    disk.put(FIRST, content.replace(b'"amount":"0.001"', b'"amount":"0.002"', 1))
    restore(store(disk), None)
    before = continued(store(disk))
    assert restore(store(disk), None).set_aside == ()
    assert continued(store(disk)) == before
    at = store(disk)
    at.load()
    at.append([finished(START_TIME)], START_TIME, reduces_risk=True)
