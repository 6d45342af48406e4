"""`init --exchange`: a commented live policy that opens nothing by itself, and what to do next. Asks for nothing."""

from __future__ import annotations

import pytest

from command_line import CommandLine
from tradekit.adapters.exchange.venues import KNOWN
from tradekit.adapters.policy_file import load_policy
from tradekit.domain.account import Mode


@pytest.mark.parametrize("name", [*KNOWN, "binanceus"])
def test_a_live_policy_is_written(tradekit: CommandLine, name: str) -> None:
    ran = tradekit(f"init --exchange {name}")
    assert (ran.code, ran.err) == (0, "")
    assert [line.strip()[:2] for line in ran.out.splitlines()[-3:]] == ["Ne", "2.", "3."]
    policy = load_policy(tradekit.home / "policy.toml").policy
    assert (policy.account.mode, policy.exchange.id) == (Mode.LIVE, name)
    assert policy.account.quote == ("USD" if name in ("bitstamp", "coinbase", "cryptocom", "kraken") else "USDT")
    assert (policy.rules.enabled, policy.account.managed, policy.exchange.accepted_weaknesses) == (False, (), ())
    assert ("accepted_weaknesses" in ran.out) == (name not in ("binance", "coinbase", "kraken"))
    assert tradekit("policy check").code == 0
    assert tradekit("cycle").problems == ["file_missing"], "the key file is the next step"


def test_values_and_quote_can_be_given(tradekit: CommandLine) -> None:
    given = tradekit.home.parent / "mine.toml"
    given.write_text("[risk]\nmax_total_at_risk_pct = 12\nmax_asset_pct = 3\n")
    assert tradekit(f"init --exchange kraken --quote EUR --policy {given}").code == 0
    policy = load_policy(tradekit.home / "policy.toml").policy
    assert (policy.account.quote, str(policy.risk.max_total_at_risk_pct)) == ("EUR", "12")


@pytest.mark.parametrize("name", ["nosuchexchange", "../x", "base", "Kraken", ""])
def test_an_exchange_that_nobody_knows_is_refused(tradekit: CommandLine, name: str) -> None:
    ran = tradekit(["init", "--exchange", name])
    assert ran.code == 2
    assert not tradekit.home.exists()


def test_nothing_is_overwritten_and_paper_has_one_quote(tradekit: CommandLine) -> None:
    tradekit.policy("")
    assert "nothing was changed" in tradekit("init --exchange kraken").out
    assert (tradekit.home / "policy.toml").read_text() == ""
    assert tradekit("init --quote EUR").code == 2
