"""A paper account on live public markets: no key, an honest queue behind strangers, books that hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from live_home import LiveHome
from rig import WIRED, D, Rig
from tradekit.adapters.exchange.public import PublicMarkets
from tradekit.adapters.paper.live_world import LivePaperWorld
from tradekit.adapters.paper.setup import PaperSetup
from tradekit.domain.errors import Unreachable
from tradekit.domain.order import Closed, Order, OrderIntent
from tradekit.domain.outcome import Acknowledged, OrderReport, Rejected, Unanswered

PRIVATE = {"create", "cancel", "order", "open", "closed", "trades", "balance", "permissions"}


class Look:
    """One run of a paper account on the rig's markets; `with` it again for the next run."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig, self.folder = rig, folder

    def __enter__(self) -> LivePaperWorld:
        self.adapter = self.rig.open(public=True)
        quote = self.rig.quote
        setup = PaperSetup(quote, {quote: D(1000), "ETH": D(1)}, D("0.001"), D("0.002"), latency_ms=0)
        memory = self.folder / "books.json"
        public = PublicMarkets(self.adapter)
        path = self.folder / "paper.sqlite3"
        self.world = LivePaperWorld(path, setup, public, self.adapter.clock, memory=memory, only=("ETH",))
        return self.world

    def __exit__(self, *_: object) -> None:
        self.world.close()
        self.adapter.close()


@pytest.fixture(params=WIRED)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with Rig(request.param, tmp_path) as rig:
        yield rig


def filled(world: LivePaperWorld, intent: OrderIntent) -> Decimal:
    order = Order(intent, Closed(0, None, ""))  # type: ignore[arg-type]
    report = world.exchange.lookup([order])[intent.client_order_id]
    assert isinstance(report, OrderReport), report
    assert report.filled is not None
    return report.filled


def test_an_order_waits_behind_what_is_shown_and_fills_by_what_is_traded(rig: Rig, tmp_path: Path) -> None:
    look, symbol = Look(rig, tmp_path), rig.symbol()
    bid = rig.intent(price="2500.00", amount="0.1")
    with look as world:
        assert isinstance(world.exchange.place([bid])[bid.client_order_id], Acknowledged)
    rig.time.sleep(5000)
    rig.engine.stranger(symbol, "sell", "60")  # 100 were shown before us
    rig.time.sleep(1000)
    with look as world:
        assert filled(world, bid) == 0
    rig.time.sleep(5000)
    rig.engine.stranger(symbol, "sell", "40.05", "2500.00" if rig.name != "coinbase" else "2499.98")
    rig.time.sleep(1000)
    with look as world:
        passed = D("0.1") if rig.name == "coinbase" else D("0.05")  # who took isn't told there: only what went through
        assert filled(world, bid) == passed
        assert filled(world, bid) == passed, "a trade counts once"
        (fill,) = world.exchange.fills_since({symbol: 0})
        assert (fill.amount, fill.price, fill.maker) == (passed, D("2500.00"), True)
    assert not {kind for kind, _ in rig.server.requests} & PRIVATE


def test_what_was_traded_before_an_order_came_is_not_its_fill(rig: Rig, tmp_path: Path) -> None:
    rig.engine.stranger(rig.symbol(), "sell", "500", "2499.00")
    rig.time.sleep(1000)
    bid = rig.intent(price="2500.00", amount="0.1")
    look = Look(rig, tmp_path)
    with look as world:
        world.exchange.place([bid])
    with look as world:
        assert filled(world, bid) == 0


def test_no_more_is_ahead_than_is_shown(rig: Rig, tmp_path: Path) -> None:
    if rig.name == "coinbase":
        pytest.skip("who took isn't told there, so a queue moves by what goes through it alone")
    look, symbol = Look(rig, tmp_path), rig.symbol()
    bid = rig.intent(price="2500.00", amount="0.1")
    with look as world:
        world.exchange.place([bid])
    rig.time.sleep(1000)
    rig.engine.touches[symbol].bid_amount = D("0.5")  # the others went away
    with look as world:
        assert filled(world, bid) == 0
    rig.time.sleep(1000)
    rig.engine.stranger(symbol, "sell", "0.53")
    rig.time.sleep(1000)
    with look as world:
        assert filled(world, bid) == D("0.03")


def test_a_taker_pays_what_is_shown_and_a_maker_never_crosses(rig: Rig, tmp_path: Path) -> None:
    rig.engine.touches[rig.symbol()].ask_amount = D("0.06")
    with Look(rig, tmp_path) as world:
        cross, take = rig.intent(price="2500.10"), rig.intent(price="2500.10", amount="0.1", ioc=True)
        told = world.exchange.place([cross, take])
        assert isinstance(told[cross.client_order_id], Rejected)
        assert filled(world, take) == D("0.06")
        quote = world.exchange.snapshot([rig.symbol()]).quotes.get(rig.symbol())
        assert quote is None or quote.ask > D("2500.10"), "what was taken isn't there to be taken again"


def test_a_market_that_cannot_be_seen_is_no_answer(rig: Rig, tmp_path: Path) -> None:
    with Look(rig, tmp_path) as world:
        rig.faults.put("depth", "502", "html")
        bid, other = rig.intent(price="2500.00"), rig.intent(price="2499.00")
        assert isinstance(world.exchange.place([bid])[bid.client_order_id], Unanswered)
        assert isinstance(world.exchange.place([other])[other.client_order_id], Unanswered)
        assert world.exchange.review([], {}).open_orders == []
        rig.faults.put("tickers", "502")
        with pytest.raises(Unreachable):
            world.exchange.snapshot([rig.symbol()])


@pytest.mark.parametrize("name", WIRED)
def test_the_real_program_practises_without_a_key(tmp_path: Path, name: str) -> None:
    with Rig(name, tmp_path, real_time=True) as rig:
        live = LiveHome(rig, tmp_path)
        paper = {"markets": "live", "balances": {rig.quote: 1000, "ETH": D("0.5")}, "latency_ms": 0}
        practice: dict[str, dict[str, Any]] = {
            "account": {"mode": "paper"},
            "exchange": {"key_file": None},
            "rules": {"enabled": False},
        }
        live.policy(**practice, paper=paper, universe={"only": ["ETH"]})
        first = live("cycle")
        assert (first.code, first.err) == (0, "")
        assert "live public markets" in first.out
        given = live.proposals({"id": "a", "symbol": rig.symbol(), "side": "buy", "notional": "30"})
        dry = live(f"cycle --dry-run {given}")
        assert (dry.code, dry.err) == (0, "")
        ran = live(f"cycle --json {given}")
        assert (ran.code, [order["state"]["word"] for order in ran.data["orders"]]) == (0, ["canceled"])
        assert "live public markets" in live("status").out
        assert live("reconcile-fills").code == 0
        assert not {*live.requests()} & PRIVATE
        assert not json.dumps(ran.data).count(rig.key)
        live.policy(**practice, paper=paper)
        assert live("cycle").problems == (["paper_markets"] if name == "coinbase" else [])
