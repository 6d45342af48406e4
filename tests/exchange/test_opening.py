"""Opening an exchange: time, markets, addresses, the environment, and what is imported for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from rig import D, Rig
from tradekit.adapters.exchange.markets import filters_of, tick_at
from tradekit.domain.errors import BadInput, Unreachable
from tradekit.domain.outcome import Acknowledged, RejectCode, Rejected
from wire import Answer, Request

DAY: Final = 86_400_000
PATHS: Final = [path for path in sys.path if path]


def test_a_wrong_clock_of_this_machine_changes_nothing(rig_of: Any) -> None:
    for skew in (-DAY, 3_600_000, DAY, 40 * DAY):
        for name in ("binance", "coinbase", "kraken"):
            rig: Rig = rig_of(name)
            rig.local_skew_ms = skew
            assert abs(rig.exchange.clock.now() - rig.time.now()) <= 1000
            order = rig.placed(rig.intent())
            assert rig.exchange.snapshot([rig.symbol()]).time == rig.exchange.clock.now()
            assert rig.exchange.cancel([order])


def test_an_exchange_that_tells_whole_seconds_leaves_a_right_clock_alone(rig_of: Any) -> None:
    for name in ("coinbase", "kraken"):
        rig: Rig = rig_of(name)
        told = rig.time.now() // 1000 * 1000
        for here, wanted in ((told, told), (told + 999, told + 999), (told - 1, told), (told + 1700, told + 999)):
            rig.local_skew_ms = here - rig.time.now()
            assert rig.open().clock.now() == wanted


def bent_time(rig: Rig, ms: int) -> None:
    answer = rig.dialect.answer

    def bent(request: Request) -> Answer:
        if rig.dialect.kind(request) != "time":
            told: Answer = answer(request)
            return told
        seconds = {"unixtime": ms // 1000, "rfc1123": "x"}
        body = {
            "serverTime": ms,
            "error": [],
            "result": seconds,
            "epochMillis": str(ms),
            "epochSeconds": str(ms // 1000),
        }
        return Answer(body)

    rig.dialect.answer = bent


@pytest.mark.parametrize("seconds", [2, 5])
def test_a_wait_for_the_request_budget_is_no_time_on_the_way(rig: Rig, seconds: int) -> None:
    """The time of the exchange is held against when the question really left, else half of the wait would be added."""
    ledger, budget = rig.exchange.ledger, rig.exchange.venue.budget
    ledger.ban(0)
    ledger._sleep = lambda ms: None  # other runs with this key took what there was, and more
    for _ in range(budget.capacity):
        ledger.acquire(1)
    ledger.acquire(seconds * 1000 / budget.ms_per_unit)
    began = rig.time.now()
    again = rig.reopen()
    assert rig.time.now() - began >= 2000
    assert again.clock.skew_ms == 0
    again.balances()


@pytest.mark.parametrize("shift", [-1_760_000_000_000, -10 * DAY, -120_000, 120_000, DAY])
def test_an_exchange_that_contradicts_itself_about_the_time_is_not_traded_on(rig: Rig, shift: int) -> None:
    bent_time(rig, max(rig.time.now() + shift, 0))
    with pytest.raises(Unreachable) as refused:
        rig.open()
    assert refused.value.problems[0].code == "exchange_time"
    assert set(rig.server.counts) == {"time"}


def test_markets_are_asked_for_once_an_hour(rig: Rig) -> None:
    rig.exchange.symbols()
    first = rig.server.counts["markets"]
    for _ in range(3):
        rig.reopen()
    assert rig.server.counts["markets"] == first
    order = rig.placed(rig.intent())
    assert rig.exchange.cancel([order])
    rig.time.sleep(3_600_000)
    rig.reopen()
    assert rig.server.counts["markets"] == 2 * first


def test_a_damaged_cache_of_markets_is_asked_for_anew(rig: Rig) -> None:
    wanted = rig.exchange.symbols()
    (cache,) = rig.folder.glob("markets-*")
    whole = cache.read_text()
    for text in ("", "{", "null", "[]", '{"format": 1}', whole[: len(whole) // 2], whole.replace(rig.server.url, "x")):
        cache.write_text(text)
        assert rig.reopen().symbols() == wanted
    assert cache.stat().st_mode & 0o777 == 0o600


def test_filters_that_changed_are_asked_for_after_a_refusal(rig_of: Any) -> None:
    rig = rig_of("binance")
    rig.exchange.symbols()
    listing = rig.engine.listings[rig.symbol()]
    rig.engine.listings[rig.symbol()] = listing.__class__(**{**vars(listing), "min_notional": D(50)})
    outcome = rig.place(rig.intent())
    assert isinstance(outcome, Rejected) and outcome.code is RejectCode.BELOW_MINIMUM
    rig.reopen()
    assert rig.exchange.snapshot([rig.symbol()]).markets[rig.symbol()].min_notional == 50


def test_a_market_without_sound_filters_is_refused_alone(rig_of: Any) -> None:
    for tick, step in (("0", "0.1"), ("0.1", "0"), ("-1", "1")):
        rig = rig_of("binance")
        listing = rig.engine.listings[rig.symbol()]
        rig.engine.listings[rig.symbol()] = listing.__class__(**{**vars(listing), "tick": D(tick), "step": D(step)})
        exchange = rig.open(fresh_markets=True)
        assert rig.symbol() not in exchange.symbols() and rig.symbol("SOL") in exchange.symbols()
        assert rig.symbol() not in exchange.snapshot([rig.symbol()]).markets
        exchange.close()


def market(amount: object, price: object) -> dict[str, Any]:
    limits = {"amount": {"min": None}, "cost": {"min": None}}
    names = {"symbol": "A/B", "base": "A", "quote": "B"}
    return {**names, "precision": {"amount": amount, "price": price}, "limits": limits}


def test_precision_in_all_three_ways_of_counting() -> None:
    places, digits, ticks = 2, 3, 4
    told = filters_of(market("0.5", "0.05"), ticks)
    assert told is not None and (told.market.amount_step, tick_at(D(7), told)) == (D("0.5"), D("0.05"))
    told = filters_of(market(3, 2), places)
    assert told is not None and (told.market.amount_step, tick_at(D(7), told)) == (D("0.001"), D("0.01"))
    told = filters_of(market(8, 5), digits)
    assert told is not None
    assert [tick_at(D(price), told) for price in ("61234", "1.5", "0.00012345")] == [D(1), D("0.0001"), D("0.00000001")]
    for broken in (market(None, "1"), market("1", None), market("x", "1"), market("0", "1"), {}):
        assert filters_of(broken, ticks) is None


@pytest.mark.parametrize(
    ("address", "sandbox"),
    [
        ("http://127.0.0.1:1", False),
        ("http://example.com", True),
        ("ftp://127.0.0.1", True),
        ("https://", True),
        ("x", True),
    ],
)
def test_keys_go_to_no_other_address(rig_of: Any, address: str, sandbox: bool) -> None:
    rig = rig_of("binance")
    with pytest.raises(BadInput) as refused:
        rig.open(base_url=address, sandbox=sandbox)
    assert refused.value.problems[0].code == "exchange_address"
    assert not list(rig.folder.iterdir())


@pytest.mark.parametrize("name", ["nosuch", "base", "../etc", "os", "Binance", "", "abstract"])
def test_an_unknown_exchange_is_bad_input(rig_of: Any, name: str) -> None:
    rig = rig_of("binance")
    rig.name = name
    with pytest.raises(BadInput) as refused:
        rig.open()
    assert refused.value.problems[0].code == "exchange_unknown"


def test_an_exchange_that_can_not_do_enough_is_refused_by_name(rig_of: Any) -> None:
    rig = rig_of("binance")
    rig.name = "bithumb"
    with pytest.raises(BadInput) as refused:
        rig.open()
    assert refused.value.problems[0].code == "exchange_unfit"
    assert "fetchMyTrades" in refused.value.problems[0].message


def test_the_environment_has_no_say(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    assert isinstance(rig.place(rig.intent()), Acknowledged)
    with pytest.raises(Unreachable):
        rig.open(proxies_allowed=True)


def test_an_exchange_that_sends_elsewhere_is_not_followed(rig_of: Any) -> None:
    rig = rig_of("binance")
    rig.exchange.symbols()
    answer = rig.dialect.answer

    def elsewhere(request: Request) -> Answer:
        told: Answer = answer(request)
        return Answer({}, 307, {"Location": f"{rig.server.url}{request.path}2"}) if request.method == "POST" else told

    rig.dialect.answer = elsewhere
    outcome = rig.place(rig.intent())
    assert not isinstance(outcome, Acknowledged | Rejected)
    assert rig.server.counts["create"] == 1 and "other" not in rig.server.counts


def test_what_the_key_may_do(rig: Rig) -> None:
    told = rig.exchange.permissions()
    assert told is not None and (told.can_trade, told.can_withdraw) == (True, False)
    rig.dialect.can_withdraw = rig.dialect.can_transfer = True
    rig.dialect.key_permissions = ["query-funds", "withdraw-funds"]
    told = rig.exchange.permissions()
    assert told is not None and told.can_withdraw is True


def test_a_refused_key_is_said_to_be_one(rig: Rig) -> None:
    rig.exchange.symbols()
    rig.dialect.key = "another"
    with pytest.raises(Unreachable) as refused:
        rig.exchange.review([], {})
    assert refused.value.problems[0].code in ("key_refused", "unreachable")


_IMPORTS: Final = """
import json, sys
sys.path[:0] = {path!r}
from tradekit.adapters.exchange.loading import exchange_class
exchange_class("kraken")()
names = [n for n in sys.modules if n.startswith("ccxt.") and n.count(".") == 1]
import decimal
print(json.dumps([sorted(names), "aiohttp" in sys.modules]))
"""


def test_one_exchange_is_imported_and_not_all(tmp_path: Path) -> None:
    (tmp_path / "ccxt.py").write_text("raise SystemExit('a file in the current folder was imported')")
    script = _IMPORTS.format(path=PATHS)
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300
    )
    names, asynchronous = json.loads(done.stdout)
    assert names == ["ccxt.abstract", "ccxt.base", "ccxt.kraken"] and not asynchronous


def test_the_way_decimals_are_rounded_stays_as_it_was(rig: Rig) -> None:
    """Formatting a number in ccxt changes the rounding of the context that runs."""
    import decimal

    context = decimal.getcontext()
    rig.placed(rig.intent())
    rig.exchange.snapshot(rig.exchange.symbols())
    assert (context.prec, context.rounding) == (100, decimal.ROUND_HALF_EVEN)
    assert not context.traps[decimal.Underflow] and context is decimal.getcontext()


def test_markets_in_other_currencies_and_orders_in_them_are_no_obstacle(rig: Rig) -> None:
    from engine import Listing, Touch

    other = Listing("XMR", "EUR", D("0.01"), D("0.01"), D("0.01"), D(5))
    rig.engine.listings[other.symbol], rig.engine.touches[other.symbol] = other, Touch(D(100), D(101))
    rig.engine.totals["EUR"] = D(1000)
    held = rig.engine.place("by-hand", other.symbol, "buy", "GTC", D(1), D(50))
    own = rig.placed(rig.intent())
    rig.engine.fill(rig.engine.place("by-hand-too", other.symbol, "buy", "GTC", D(1), D(50)))
    review = rig.exchange.review([own], {rig.symbol(): 0})
    assert len(review.open_orders) == 2 and review.fills == []
    assert held.client_id in {report.client_order_id for report in review.open_orders}
    assert rig.exchange.snapshot(rig.exchange.symbols()).quotes.keys() == set(rig.exchange.symbols())
