"""`tradekit status --execution`: what became of the orders, for people and for programs."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from command_line import CommandLine, buy, marks, sell

KEYS = {"since", "until", "total", "days", "ttls", "rates", "horizons_ms", "orders"}


@pytest.fixture
def traded(tradekit: CommandLine) -> CommandLine:
    """A buy that fills, a sale that is tried in vain, and a purge over a few cycles."""
    tradekit("cycle --quiet")
    tradekit(f"cycle --quiet --proposals {tradekit.proposals(buy('b1'), sell('s1'))}")
    tradekit("purge PENGU --quiet")
    tradekit("cycle --quiet")
    return tradekit


def test_the_document_has_every_order_and_agrees_with_the_books(traded: CommandLine) -> None:
    before = marks(traded.home)
    data = traded("status --execution --json").data
    report = data["execution"]
    assert set(report) == KEYS
    orders = report["orders"]
    assert {order["origin"] for order in orders} == {"external", "purge"}
    assert all(order["place"] in ("inside", "touch", "behind", "taker") for order in orders)
    bought = sum(Decimal(o["filled"]) for o in orders if o["symbol"] == "ETH/USDT")
    assert [bought] == [Decimal(p["quantity"]) for p in data["positions"] if p["asset"] == "ETH"]
    total = report["total"]
    assert total["orders"] == len(orders) == sum(day["sum"]["orders"] for day in report["days"])
    assert Decimal(total["fees"]) == sum(Decimal(order["fees"]) for order in orders) > 0
    assert all(len(rate["full"]) == len(report["horizons_ms"]) for rate in report["rates"])
    assert marks(traded.home) == before


def test_the_span_bounds_the_document(traded: CommandLine) -> None:
    traded(f"cycle --quiet --proposals {traded.proposals(sell('s2'))}")
    whole = traded("status --execution --since 7d --json")
    newest = traded("status --execution --since 1m --json")
    assert 0 < len(newest.data["execution"]["orders"]) < len(whole.data["execution"]["orders"])
    assert len(newest.out) < len(whole.out)
    assert "execution" in traded("status --json").data, "the line about the newest orders"
    assert len(traded("status --execution --since 2024-08-09 --json").data["execution"]["orders"]) > 1


def test_people_see_tables(traded: CommandLine) -> None:
    out = traded("status --execution").out
    for title in (
        "Orders sent since 2024-08-0",
        "Resting orders by time to live",
        "Filled whole within so many",
        "Orders\n",
    ):
        assert title in out
    assert "Newest " in traded("status").out and "before fees" in traded("status").out


def test_what_was_never_watched_is_not_told(tradekit: CommandLine) -> None:
    tradekit.policy("[execution]\nsales_rest = false\n[rules]\nenabled = false\n")
    tradekit(f"cycle --quiet --proposals {tradekit.proposals(sell('s1'))}")
    out = tradekit("status --execution").out
    assert "not observed beyond X s" in out
    assert "? > 4" in out, "a cycle waits for less than 50 s"


def test_without_orders_it_says_so(tradekit: CommandLine) -> None:
    tradekit.policy("[rules]\nenabled = false\n")
    tradekit("cycle --quiet")
    ran = tradekit("status --execution")
    assert ran.code == 0
    assert "No order was sent since 2024-08-02 00:00:00 UTC." in ran.out
    assert "Newest" not in ran.out


@pytest.mark.parametrize("words", ["--since 7d", "--execution --since tomorrow"])
def test_a_span_needs_sense_and_the_report(traded: CommandLine, words: str) -> None:
    ran = traded(f"status {words} --json")
    assert (ran.code, ran.problems) == (2, ["usage"])
    assert json.loads(ran.out)["data"] is None


def test_the_cash_is_told_before_the_first_cycle(tradekit: CommandLine) -> None:
    tradekit("purge ZK --quiet")
    out = tradekit("status").out
    assert "No cycle has finished yet." in out
    assert "\nCash 1000 USDT, realized 0\n" in out
    tradekit("cycle --quiet")
    assert ", equity " in tradekit("status").out


def test_a_sweep_of_named_assets_says_nothing_of_others(tradekit: CommandLine) -> None:
    assert "DOGE" in tradekit("dust-sweep --dry-run").out
    named = tradekit("dust-sweep --dry-run --asset BTC").out
    assert "BTC is no dust." in named and "No dust" not in named
    assert "BTC and ZK are no dust." in tradekit("dust-sweep --dry-run --asset BTC --asset ZK").out
