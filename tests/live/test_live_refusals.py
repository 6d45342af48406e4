"""What a live run refuses before it sends anything, and what it says of it."""

from __future__ import annotations

import json
import os
import sys

import pytest

from command_line import contents
from live_home import LiveHome
from rig import Rig

CANARIES = ("CANARYKEY", "CANARYSECRET")


def told(live: LiveHome, command: str = "cycle", **environment: str) -> tuple[int, list[str]]:
    """Exit code and problem codes. No secret may be in anything that was printed."""
    ran = live(command, **environment)
    assert not [word for word in CANARIES if word in ran.out + ran.err]
    return ran.code, ran.problems


def in_variables(live: LiveHome) -> dict[str, str]:
    return {"TRADEKIT_API_KEY": live.rig.key, "TRADEKIT_API_SECRET": live.rig.secret}


def test_keys_come_from_the_environment_too(binance: LiveHome) -> None:
    binance.policy(exchange={"key_file": None})
    assert told(binance, **in_variables(binance)) == (0, [])


def test_an_exported_private_key_may_have_escaped_line_ends(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("pem")
    with Rig("coinbase", folder, real_time=True) as rig:
        live = LiveHome(rig, folder, exchange={"key_file": None})
        variables = in_variables(live)
        secret = variables["TRADEKIT_API_SECRET"].strip().replace("\n", "\\n")
        assert told(live, **{**variables, "TRADEKIT_API_SECRET": secret}) == (0, [])


def test_keys_come_from_systemd_too(binance: LiveHome) -> None:
    binance.policy(exchange={"key_file": None})
    folder = binance.home.parent / "credentials"
    folder.mkdir()
    for name, text in in_variables(binance).items():
        (folder / name.lower()).write_text(text + "\n")
    assert told(binance, CREDENTIALS_DIRECTORY=str(folder)) == (0, [])
    assert told(binance, CREDENTIALS_DIRECTORY=str(folder), **in_variables(binance)) == (2, ["keys_ambiguous"])


def test_two_sources_are_one_too_many(binance: LiveHome) -> None:
    assert told(binance, **in_variables(binance)) == (2, ["keys_ambiguous"])
    assert binance.requests() == []


def test_without_a_key_nothing_is_asked(binance: LiveHome) -> None:
    binance.policy(exchange={"key_file": None})
    assert told(binance) == (2, ["keys_missing"])
    assert binance.requests() == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_file_that_others_may_touch_is_refused(binance: LiveHome, mode: int) -> None:
    binance.key_file.chmod(mode)
    assert told(binance) == (2, ["key_file_insecure"])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_somebody_else_is_refused(binance: LiveHome) -> None:
    binance.policy(exchange={"key_file": str(binance.key_file)})
    os.chown(binance.key_file, 65534, 65534)
    assert told(binance) == (0, []), "root reads the files of others on purpose"


def test_a_key_file_is_named_from_the_root_on(binance: LiveHome) -> None:
    binance.policy(exchange={"key_file": "key.toml"})
    assert told(binance) == (2, ["key_file_insecure"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "key = 5\nsecret = 'x'\n",
        "CANARYKEY CANARYSECRET\n",
        "key = 'CANARYKEY'\n",
        "secret = 'CANARYSECRET'\n",
        "key = 'CANARYKEY'\nsecret = ' CANARYSECRET'\n",
        "key = 'CANARYKEY'\nsecret = '\"CANARYSECRET\"'\n",
        "key = 'CANARYKEY'\nsecret = 'CANARYSECRET'\nextra = 'CANARYSECRET'\n",
        'key = "CANARYKEY"\nsecret = "CANARY\\u0007SECRET"\n',
        "key = 'CANARYK\u00cbY'\nsecret = 'CANARYSECRET'\n",
    ],
)
def test_a_malformed_key_file_is_refused_and_not_repeated(binance: LiveHome, text: str) -> None:
    binance.key_file.write_text(text)
    assert told(binance) == (2, ["key_malformed"])
    assert binance.requests() == []


def test_a_missing_key_file_is_named(binance: LiveHome) -> None:
    binance.key_file.unlink()
    assert told(binance) == (2, ["file_missing"])


def test_there_is_no_option_for_a_secret(binance: LiveHome) -> None:
    assert told(binance, "cycle --api-secret x") == (2, ["usage"])


def test_the_proposal_command_sees_no_key(binance: LiveHome) -> None:
    seen = binance.home.parent / "seen.json"
    script = f"import json, os; json.dump(dict(os.environ), open({str(seen)!r}, 'w'))"
    binance.policy(exchange={"key_file": None}, proposals={"command": [sys.executable, "-c", script]})
    ran = binance.apart("cycle", **in_variables(binance))
    assert ran.code in (0, 11)
    environment = json.loads(seen.read_text())
    assert not [name for name in environment if name.startswith("TRADEKIT")]
    assert not [word for word in CANARIES if word in seen.read_text()]


@pytest.mark.parametrize("name", ["binance", "coinbase", "kraken"])
def test_a_key_that_may_withdraw_is_refused(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp(name)
    with Rig(name, folder, real_time=True) as rig:
        live = LiveHome(rig, folder)
        rig.dialect.can_withdraw = rig.dialect.can_transfer = True
        rig.dialect.key_permissions = ["query-funds", "modify-trades", "withdraw-funds"]
        assert told(live) == (2, ["key_may_withdraw"])
        assert "create" not in live.requests()
        assert not (live.home / "main" / "live" / "state.json").exists()
        assert told(live) == (2, ["key_may_withdraw"]), "also when the answer is remembered"


def test_a_missing_ip_list_is_told_once_a_day(binance: LiveHome) -> None:
    binance.rig.dialect.ip_restricted = False
    assert told(binance) == (0, ["key_without_ip_list"])
    assert told(binance) == (0, [])


def test_a_weak_exchange_wants_each_weakness_accepted(binance: LiveHome) -> None:
    weak = {"id": "binanceus", "accepted_weaknesses": ["unverified"]}
    binance.policy(exchange=weak)
    ran = binance("cycle")
    assert (ran.code, ran.problems) == (2, ["exchange_weak"])
    assert "client_id" in ran.err
    assert "unverified" not in ran.err.partition("accepted_weaknesses")[0]
    assert not {"create", "balance"} & {*binance.requests()}


def test_files_of_another_key_are_refused(binance: LiveHome) -> None:
    assert told(binance) == (0, [])
    binance.key_file.write_text('key = "CANARYKEYother"\nsecret = "CANARYSECRETother"\n')
    before = len(binance.rig.server.requests)
    assert told(binance) == (12, ["state_of_other_account"])
    assert binance.requests(before) == []
    assert told(binance, "status") == (0, []), "a reader needs no key"


def test_live_and_paper_share_no_file(binance: LiveHome) -> None:
    assert told(binance) == (0, [])
    paper = binance.home.parent / "paper.toml"
    paper.write_text("# paper\n")
    assert told(binance, f"cycle --policy {paper}") == (0, [])
    assert sorted(path.name for path in (binance.home / "main").iterdir()) == ["live", "paper"]
    mode = {path.name: path.stat().st_mode & 0o777 for path in (binance.home / "exchange_cache").iterdir()}
    assert {*mode.values()} == {0o600}
    assert (binance.home / "exchange_cache").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("command", ["cycle", "status", "resume", "purge ETH", "state verify"])
def test_a_lost_policy_is_not_taken_for_that_of_a_paper_account(binance: LiveHome, command: str) -> None:
    assert told(binance) == (0, [])
    (binance.home / "policy.toml").rename(binance.home.parent / "elsewhere.toml")
    binance.full_budget()
    before, asked = contents(binance.home), len(binance.requests())
    ran = binance(command)
    assert (ran.code, ran.problems) == (2, ["policy_lost"]), ran.out + ran.err
    assert (contents(binance.home), len(binance.requests())) == (before, asked)


def test_a_server_of_another_time_stops_everything(binance: LiveHome) -> None:
    binance("cycle")
    binance.rig.server.wrong_date = 0
    before = len(binance.rig.server.requests)
    assert told(binance) == (13, ["exchange_time"])
    assert not {"create", "cancel"} & {*binance.requests(before)}


def test_a_ban_is_kept_across_runs(binance: LiveHome) -> None:
    binance("cycle")
    binance.rig.faults.put("balance", "429:3600")
    assert told(binance) == (13, ["rate_limited"])
    before = len(binance.rig.server.requests)
    assert told(binance) == (13, ["rate_limited"])
    assert binance.requests(before) == []


def test_a_silent_exchange_counts_for_the_breaker(binance: LiveHome) -> None:
    binance("cycle")
    binance.rig.faults.put("time", "502")
    assert told(binance) == (13, ["unreachable"])
    binance.policy(guards={"max_api_errors": 1})
    given = binance.proposals({"id": "a", "symbol": binance.rig.symbol(), "side": "buy", "notional": "30"})
    ran = binance(f"cycle --json {given}")
    assert [decision["code"] for decision in ran.data["decisions"]] == ["api_errors"]
