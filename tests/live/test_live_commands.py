"""Every command of a live account, as cron would run it, against three servers: exit code, requests, books."""

from __future__ import annotations

import os
from random import Random

from command_line import contents
from live_home import LiveHome, wish
from rig import D

SENDS = ("create", "cancel")
CLI_CYCLES = int(os.environ.get("TRADEKIT_CLI_CYCLES", "3"))


def status_books(live: LiveHome) -> dict[str, object]:
    """Cash and quantities as `status` tells them, those that are not managed included."""
    data = live("status --json").data
    held = {p["asset"]: D(p["quantity"]) + D(p["outside"]) for p in data["positions"]}
    return {**{asset: amount for asset, amount in held.items() if amount}, live.rig.quote: D(data["cash"])}


def engine_books(live: LiveHome) -> dict[str, object]:
    return {asset: amount for asset, amount in live.rig.engine.totals.items() if amount}


def test_a_day_at_the_desk(live: LiveHome) -> None:
    rig = live.rig
    first = live.apart("cycle --json")
    assert (first.code, first.problems, first.data["requests"]) == (0, [], len(rig.server.requests))
    assert "permissions" in live.requests()

    before = len(rig.server.requests)
    idle = live.apart("cycle --json")
    assert (idle.code, idle.problems) == (0, [])
    assert idle.data["requests"] == len(rig.server.requests) - before <= 8
    asked = live.requests(before)
    assert not {*SENDS, "markets", "permissions"} & {*asked}
    assert sum(kind in ("balance", "open") for kind in asked) == 2, "one round each where they go in turn"

    given = live.proposals({"id": "a", "symbol": rig.symbol(), "side": "buy", "notional": "30"})
    before = len(rig.server.requests)
    for command in (f"cycle --dry-run {given}", f"risk-check {given}", "reconcile-fills --dry-run"):
        ran = live.apart(command)
        assert (ran.code, ran.err) == (0, ""), command
    rebuilt = live.apart("rebuild-positions --from exchange")
    assert (rebuilt.code, rebuilt.err) == (0, "")
    assert not {*SENDS} & {*live.requests(before)}, "these may look and nothing else"

    bought = live.apart(f"cycle --json {given}")
    assert bought.code == 0
    assert [order["state"]["word"] for order in bought.data["orders"]] == ["canceled"]
    assert live.requests(before).count("create") == 1
    again = live.apart(f"cycle --json {given}")
    assert again.data["repeated"] == ["a"]
    assert live.requests(before).count("create") == 1

    before = len(rig.server.requests)
    for command in ("status", "policy check", "state verify", "state history", "resume --dry-run", "halt", "resume"):
        ran = live(command)
        assert (ran.code, ran.err) == (0, ""), command
    assert live.requests(before) == [], "these ask nobody"

    settled = live.apart("reconcile-fills --json")
    assert (settled.code, settled.problems) == (0, [])
    assert all(row["rest"] == "0" for row in settled.data["proof"])
    applied = live.apart("rebuild-positions --from exchange --apply")
    assert (applied.code, applied.err) == (0, "")
    assert status_books(live) == engine_books(live)


def test_a_filled_order_is_in_the_books(live: LiveHome) -> None:
    rig = live.rig
    live.apart("cycle")
    stop = {"exits": {"stop_loss_pct": "0.0001"}}  # everything that is held is sold at once, as a taker
    live.policy(**stop)
    sold = live.apart("cycle --json")
    assert sold.code == 0
    words = {order["state"]["word"] for order in sold.data["orders"]}
    assert "filled" in words
    assert status_books(live) == engine_books(live)
    assert live.sent_twice() == {}
    assert rig.engine.totals[rig.quote] > D(10_000)


def test_cycles_of_the_real_program_under_faults(live: LiveHome) -> None:
    """TRADEKIT_CLI_CYCLES=100 makes it the long one."""
    rig, random = live.rig, Random(live.rig.name)
    live.policy(execution={"poll_ms": 900})
    live.apart("cycle")
    rates = {"create": 0.3, "cancel": 0.2, "order": 0.1, "open": 0.05, "trades": 0.1, "balance": 0.03}
    words = ("drop", "drop_before", "truncate", "502", "524_before", "empty", "html", "null")
    rig.faults.draw = lambda kind: random.choice(words) if random.random() < rates.get(kind, 0) else ""
    codes = []
    for number in range(CLI_CYCLES):
        given = live.proposals(*(wish(rig, random, number * 10 + n) for n in range(2)))
        codes.append(live.apart(f"cycle {given}").code)
        resting = rig.engine.open_orders()
        if resting and random.random() < 0.5:
            rig.engine.fill(random.choice(resting))
    rig.faults.draw = None
    assert {*codes} <= {0, 10, 11, 12, 13}
    for _ in range(4):
        last = live("reconcile-fills --json")
        if last.code == 0 and not last.data["settled"]["open"]:
            break
    assert live.sent_twice() == {}
    assert sum(rig.engine.accepted.values()) >= min(CLI_CYCLES // 2, 10)  # an order without an answer bars its symbol
    open_ones = last.data["settled"]["open"] if last.data else ["?"]
    if not open_ones:  # an order that nobody answered for is only given up after the exchange's horizon
        assert (last.code, last.problems) == (0, [])
    assert status_books(live) == engine_books(live)


def test_a_dry_run_leaves_the_account_as_it_was(live: LiveHome) -> None:
    live.apart("cycle")
    account = live.home / "main"
    before = contents(account)
    assert live.apart("cycle --dry-run").code == 0
    assert contents(account) == before


def test_a_purge_and_a_sweep_at_the_desk(live: LiveHome) -> None:
    rig = live.rig
    wide = {f"slippage_tier{n}_bp": 500 for n in (1, 2, 3)}
    live.policy(
        purge={"max_attempts": 1},
        taker={"max_notional": 1_000_000, "max_daily_notional": 10_000_000},
        execution=wide,
    )
    live("cycle")
    rested = live("purge SOL --ttl 1 --json")
    assert (rested.code, rested.problems) == (0, [])
    (row,) = rested.data["rows"]
    assert (row["ended"], row["progress_pct"]) == (None, "0")
    assert [order["state"]["word"] for order in rested.data["orders"]] == ["canceled"]
    taken = live("purge SOL --taker now --slice 50 --json")
    assert taken.code == 0
    assert D(taken.data["rows"][0]["sold"]) > 0
    assert [order["intent"]["time_in_force"] for order in taken.data["orders"]] == ["IOC"]
    assert live("purge SOL --stop --json").data["ended"] == ["SOL"]
    assert live("dust-sweep --json").code == 0
    assert not rig.engine.open_orders()
    assert live.sent_twice() == {}
    assert status_books(live) == engine_books(live)
