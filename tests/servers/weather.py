"""Bad weather over an exchange, drawn from a seed: faults on the wire, prices that move, orders filled in part."""

from __future__ import annotations

from random import Random
from typing import Final

from rig import Rig

WORDS: Final = (
    "drop",
    "drop_before",
    "truncate",
    "502",
    "502_before",
    "524",
    "524_before",
    "409",
    "empty",
    "html",
    "null",
)


def shake(rig: Rig, random: Random) -> None:
    """Faults of every kind, at rates of this seed's own."""
    rates = {kind: random.choice((0, 0.05, 0.2)) for kind in ("create", "cancel", "order", "open", "closed", "trades")}

    def draw(kind: str) -> str:
        if random.random() >= rates.get(kind, 0):
            return ""
        if kind == "create" and random.random() < 0.3:
            return f"late:{random.choice((500, 4000, 9000))}"
        return "429:1" if random.random() < 0.05 else random.choice(WORDS)

    rig.faults.draw = draw
    rig.engine.lookup_lag_ms = random.choice((0, 0, 3000))
    rig.engine.ghost_ms = random.choice((0, 10_000))
    rig.engine.trades_lag_ms = random.choice((0, 0, 20_000))
    rig.faults.duplicated = random.random() < 0.3
    rig.faults.page_cut = random.choice((0, 0, 3))
    rig.faults.canceled_is_closed = random.random() < 0.5
    rig.engine.third_asset = random.choice(("", "BNB")) if rig.name == "binance" else ""


def market(rig: Rig, random: Random) -> None:
    """Prices move a little; somebody trades a part of a resting order."""
    for base in ("ETH", "SOL"):
        touch, listing = rig.engine.touches[rig.symbol(base)], rig.engine.listings[rig.symbol(base)]
        bid = max(touch.bid + random.randint(-4, 4) * listing.tick, listing.tick)
        rig.engine.move(listing.symbol, str(bid), str(bid + random.randint(1, 5) * listing.tick))
    resting = rig.engine.open_orders()
    if resting and random.random() < 0.4:
        order = random.choice(resting)
        step = rig.engine.listings[order.symbol].step
        part = order.remaining / 3 // step * step
        if part:
            rig.engine.fill(order, part)


def quiet(rig: Rig) -> None:
    rig.faults.draw = None
    rig.faults.queues.clear()
    rig.engine.lookup_lag_ms = rig.engine.ghost_ms = 0
    rig.time.sleep(60_000)
    rig.engine.run_due()
    for order in rig.engine.orders:
        order.shown_from = 0
