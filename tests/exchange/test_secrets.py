"""Keys: in no text, no traceback, no log, no file; in requests only."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from faults import AFTER, BEFORE
from rig import KEYS, WIRED, Rig
from tradekit.adapters.exchange.credentials import Credentials, Secret
from tradekit.adapters.exchange.failure import CallFailed, redacted
from tradekit.domain.errors import TradekitError
from tradekit.domain.ids import ClientOrderId

CANARY = "CANARY"


def canaries(name: str) -> tuple[str, ...]:
    key, secret = KEYS[name]
    lines = [line for line in secret.splitlines() if line and not line.startswith("-----")]
    return (CANARY, key, *lines, "signature=", "API-Sign")


def everything_about(error: BaseException) -> str:
    """What any handler could print of an error and its causes, the local variables of the program's frames included."""
    parts: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(parts) < 200:
        parts += [str(seen), repr(seen), *traceback.format_exception_only(seen)]
        for frame, _ in traceback.walk_tb(seen.__traceback__):
            if "tradekit" in frame.f_code.co_filename or "ccxt" in frame.f_code.co_filename:
                parts += [repr(value) for value in frame.f_locals.values()]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(parts)


def test_a_secret_shows_as_stars() -> None:
    secret = Secret("CANARY-secret")
    held = Credentials(Secret("CANARY-key"), secret)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", repr(held), str(held), f"{held}", str([secret])]
    shown += [repr(pickle.loads(pickle.dumps(secret)).reveal()), repr(copy.deepcopy(secret))]
    assert not any(CANARY in text for text in shown)
    assert (
        CANARY not in held.fingerprint and held.fingerprint == Credentials(Secret("CANARY-key"), Secret("")).fingerprint
    )
    with pytest.raises(TypeError):
        json.dumps({"key": secret})


@pytest.mark.parametrize("name", WIRED)
def test_no_fault_brings_a_key_to_light(
    rig_of: Any, name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    rig: Rig = rig_of(name, timeout_ms=200)
    found: list[str] = []
    order = rig.placed(rig.intent())
    words = [w for w in (*BEFORE, *AFTER) if "hang" not in w and w not in ("late", "429", "418")]
    calls: dict[str, Callable[[], object]] = {
        "create": lambda: rig.exchange.place([rig.intent()]),
        "cancel": lambda: rig.exchange.cancel([order]),
        "order": lambda: rig.exchange.lookup([order]),
        "open": lambda: rig.exchange.review([], {}),
        "trades": lambda: rig.exchange.fills_since({rig.symbol(): 0}),
        "balance": lambda: rig.exchange.review([], {}),
    }
    for kind, call in calls.items():
        for word in [*words, "hang", "429:0"]:
            rig.faults.put(kind, word)
            try:
                found.append(repr(call()))
            except TradekitError as error:
                found.append(everything_about(error))
                found.extend(repr(problem) for problem in error.problems)
            rig.faults.queues.clear()
            rig.time.sleep(130_000)
    rig.dialect.key = "somebody else's"
    found.append(repr(rig.place(rig.intent())))
    rig.exchange.close()
    printed = capfd.readouterr()
    files = [path.read_text() for path in rig.folder.rglob("*") if path.is_file()]
    for text in (*found, printed.out, printed.err, caplog.text, *files, *(str(path) for path in rig.folder.rglob("*"))):
        for canary in canaries(name):
            assert canary not in text
    assert len(found) > 60


def test_the_measure_sees_a_key_that_is_shown(rig_of: Any) -> None:
    rig = rig_of("binance")
    rig.exchange.symbols()
    with pytest.raises(CallFailed) as failed:
        rig.exchange._pool.first.call("fetch_order", "99", rig.symbol())
    assert not any(canary in everything_about(failed.value) for canary in ("CANARYSECRET",))
    with pytest.raises(Exception, match="Order does not exist") as raw:
        rig.exchange._pool.first.api.fetch_order("99", rig.symbol())
    assert "signature=" in everything_about(raw.value)


def test_foreign_text_is_harmless_before_anybody_prints_it() -> None:
    told = redacted(
        "bad\x1b[2J https://api.x.com/order?signature=abc&apiKey=K9K9 secret: hunter2 \u202e K9K9", ["K9K9"]
    )
    assert told == "bad?[2J *** secret=*** ? ***"
    assert len(redacted("x" * 10_000, [])) <= 200


def test_client_ids_are_kept_but_no_long_strings() -> None:
    id = ClientOrderId("k0123456789abcdefg")
    assert id in redacted(f"order {id}", [])
    assert "A" * 50 not in redacted("A" * 50, [])
