"""`doctor`: a healthy account, and one sick one for each check; it says what to do and changes nothing."""

from __future__ import annotations

import json

import pytest

from command_line import Ran, contents
from live_home import LiveHome
from rig import Rig
from tradekit.domain.errors import BadInput, ExitCode, Problem, Unreachable
from tradekit.flows.doctor import Check, doctor, ok, warn


def health(ran: Ran) -> dict[str, str]:
    return {check["name"]: check["health"] for check in ran.data["checks"]}


def sick(live: LiveHome) -> tuple[int, dict[str, str]]:
    """The exit code, and the checks that are not ok; that of cron never is in a test's home."""
    ran = live("doctor --json")
    assert all(check["meaning"] and (check["fix"] or check["health"] == "ok") for check in ran.data["checks"])
    return ran.code, {name: word for name, word in health(ran).items() if word != "ok" and name != "cron"}


def test_a_healthy_account(live: LiveHome) -> None:
    ran = live("doctor --json")
    assert ran.code == 0
    assert list(health(ran)) == [
        "policy", "home", "files", "lock", "halt", "disk", "cron",
        "key", "exchange", "clock", "abilities", "permissions", "account", "markets", "requests",
    ]  # fmt: skip
    assert {name for name, word in health(ran).items() if word != "ok"} == {"cron"}
    live("cycle")
    account, before = contents(live.home / "main"), len(live.rig.server.requests)
    assert live("doctor").code == 0
    assert contents(live.home / "main") == account
    assert not {"create", "cancel"} & {*live.requests(before)}


def test_what_can_be_wrong_with_a_key(binance: LiveHome) -> None:
    binance.rig.dialect.ip_restricted = False
    assert sick(binance) == (0, {"permissions": "warn"})
    binance.rig.dialect.can_withdraw = True
    assert sick(binance) == (12, {"permissions": "fail"})
    binance.key_file.chmod(0o644)
    assert sick(binance) == (2, {"key": "fail"})


def test_what_can_be_wrong_with_an_exchange(binance: LiveHome) -> None:
    binance.policy(exchange={"id": "binanceus"})
    assert sick(binance)[1]["abilities"] == "fail"
    binance.policy(account={"quote": "EUR"})
    assert sick(binance)[1]["exchange"] == "fail"
    binance.policy(exchange={"base_url": "http://127.0.0.1:9"})
    assert sick(binance) == (13, {"exchange": "fail"})
    binance.policy(exchange={"id": "nosuchexchange"})
    assert sick(binance) == (2, {"exchange": "fail"})


def test_what_can_be_wrong_with_a_policy(binance: LiveHome) -> None:
    binance.policy(risk={"max_order_notional": 1, "min_order_notional": 0})
    assert sick(binance) == (0, {"markets": "warn"})
    binance.policy(account={"managed": ["ETH", "LUNA"]})
    assert sick(binance) == (0, {"account": "warn"})
    binance.policy(risk={"max_asset_pct": 101})
    ran = binance("doctor --json")
    assert (ran.code, health(ran)) == (2, {"policy": "fail"})


def test_what_can_be_wrong_on_this_machine(binance: LiveHome) -> None:
    binance("cycle")
    binance("halt --reason holiday")
    assert sick(binance) == (0, {"halt": "warn"})
    binance("resume")
    cache = binance.home / "main" / "live" / "cache"
    cache.mkdir(exist_ok=True)
    (cache / "skipped").write_text("....")
    assert sick(binance) == (0, {"lock": "warn"})
    (cache / "skipped").unlink()
    state = binance.home / "main" / "live" / "state.json"
    whole = state.read_bytes()
    state.write_bytes(whole[:100])
    assert sick(binance) == (12, {"files": "fail"})
    state.write_bytes(whole)
    binance.home.chmod(0o777)
    assert sick(binance)[1]["home"] == "fail"
    binance.home.chmod(0o700)


def test_a_machine_whose_clock_is_wrong(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("clock")
    with Rig("binance", folder) as rig:  # its time stands still, years from this machine's
        live = LiveHome(rig, folder)
        assert sick(live) == (0, {"clock": "warn"})
        assert live("cycle").code == 0, "runs go by the exchange's time"


def test_cron_is_told_from_a_shell(binance: LiveHome) -> None:
    cron = {check["name"]: check for check in binance("doctor --json").data["checks"]}["cron"]
    assert (cron["health"], cron["fix"]) == ("warn", f"write TRADEKIT_HOME={binance.home} into the crontab")


def test_a_check_that_crashes_is_a_failed_check_and_tells_no_secret() -> None:
    def crash() -> None:
        raise KeyError("CANARYSECRET")

    def after() -> None:
        raise Unreachable(Problem("unreachable", "no answer", "wait"))

    checks = (
        Check("good", "m", lambda: ok("fine")),
        Check("crash", "m", crash),  # type: ignore[arg-type]
        Check("later", "m", after),  # type: ignore[arg-type]
        Check("last", "m", lambda: warn("hm", "look")),
    )
    report = doctor(checks)
    assert [item.health for item in report.checks] == ["ok", "fail", "fail", "warn"]
    assert report.exit_code is ExitCode.NEEDS_HUMAN
    assert "CANARYSECRET" not in json.dumps([item._asdict() for item in report.checks])
    assert doctor(checks[2:]).exit_code is ExitCode.UNREACHABLE
    assert doctor((checks[0], checks[3])).exit_code is ExitCode.DONE


def test_the_worst_failure_is_the_exit_code() -> None:
    def wrong() -> None:
        raise BadInput(Problem("a", "b", "c"), Problem("d", "e"))

    report = doctor((Check("x", "m", wrong),))  # type: ignore[arg-type]
    assert (report.exit_code, report.checks[0].found) == (ExitCode.BAD_INPUT, "b (and 1 more)")
