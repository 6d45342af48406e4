"""Policy files: which one is read, what of TOML is let through, and that what tradekit writes it also reads."""

from __future__ import annotations

import time
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradekit.adapters.policy_file import BUILT_IN, BUILT_IN_POLICY, load_policy, parse_policy, policy_source
from tradekit.adapters.policy_text import render_policy
from tradekit.domain.errors import BadInput, Problem
from tradekit.domain.policy.check import read_policy
from tradekit.domain.policy.sections import all_keys

POLICIES = Path(__file__).parents[2] / "policies"
RISK = "[risk]\n"


def refusals(text: str) -> tuple[Problem, ...]:
    with pytest.raises(BadInput) as caught:
        parse_policy(text, "p.toml")
    assert all(problem.message.startswith("p.toml: ") for problem in caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (RISK + "max_asset_pct = nan", "policy_bad_value", "risk.max_asset_pct is 'nan', not a plain decimal"),
        (RISK + "max_asset_pct = inf", "policy_bad_value", "'inf'"),
        (RISK + "max_asset_pct = -inf", "policy_bad_value", "below zero"),
        (RISK + "max_asset_pct = 1e1", "policy_bad_value", "'1e1'"),
        (RISK + "max_asset_pct = true", "policy_bad_value", "is not a number"),
        (RISK + "max_asset_pct = -5", "policy_bad_value", "below zero"),
        (RISK + "max_asset_pct = 100.0000001", "policy_bad_value", "above 100"),
        (RISK + 'max_asset_pct = "１２"', "policy_bad_value", "not a plain decimal"),
        (RISK + 'max_asset_pct = "-\\u001b[2J"', "policy_bad_value", "below zero"),
        (RISK + "max_asset_pct = 1979-05-27", "policy_bad_value", "is not a number"),
        (RISK + "max_asset_pct = 07:32:00", "policy_bad_value", "is not a number"),
        (RISK + "max_asset_pct = [5]", "policy_bad_value", "is not a number"),
        (RISK + "max_asset_pct = {a = 5}", "policy_bad_value", "is not a number"),
        (RISK + "max_positions = 2.5", "policy_bad_value", "not a whole number"),
        (RISK + "max_positions = 0x" + "f" * 5000, "policy_bad_value", "too many digits"),
        (RISK + "max_positions = " + "9" * 5000, "policy_syntax", "line 2: a number has too many digits"),
        (RISK + "max_assets_pct = 5", "policy_unknown_key", "risk.max_assets_pct"),
        ('"\\u001b[2J" = 1', "policy_unknown_key", r"\x1b[2J is not a policy key"),
        ("risk = 5", "policy_bad_value", "is a section"),
        ("[[risk]]\nmax_asset_pct = 5", "policy_bad_value", "is a section"),
        (RISK + "max_asset_pct = 5\nmax_asset_pct = 6", "policy_syntax", "line 3: cannot overwrite a value"),
        (RISK + "max_asset_pct = 5\n[risk]", "policy_syntax", "line 3: cannot declare"),
        (RISK + "max_asset_pct = ", "policy_syntax", "line 2: "),
        (RISK + "max_asset_pct", "policy_syntax", "line 2: "),
        (RISK + "# \x1b[2J", "policy_syntax", "line 2: "),
        ("a.b = 1\ra = 2", "policy_syntax", "line 1: "),
    ],
)
def test_texts_that_are_refused(text: str, code: str, words: str) -> None:
    (problem,) = refusals(text)
    assert problem.code == code
    assert words in problem.message
    assert problem.message.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 4000 + " = 1",
        "a" + ".a" * 20_000 + " = 1",
        "[" + "a." * 4000 + "a]",
        "x = {" + "a . " * 2000 + "a = 1}",
        '"a"' + '. "a"' * 1500 + " = 1",
        "'a'" + ".'a'" * 1500 + " = 1",
        "x = 1\n" + "\t" + '"\\"".' * 1000 + "a = 1",
        "x = " + "[" * 8000,
        "x = " + "[\n" * 30_000,
        "x = " + "[1," * 2700,
        "x = " + "{a=" * 2700,
        "x = " + "[{a=\n" * 12_000,
        "x = '" + "y" * 8192 + "'",
        '"' + '\\"' * 4000 + "\n",
        "\n".join(f"k{number} = 1" for number in range(6000)),
        RISK + "\n".join(f"max_asset_p{number} = 1" for number in range(2800)),
        "\n".join("a." * 31 + f"a{number} = 1" for number in range(800)),
        "#" * 70_000,
    ],
    ids=lambda text: text[:12].encode("unicode_escape").decode(),
)
def test_texts_that_would_keep_the_parser_busy_are_refused_at_once(text: str) -> None:
    start = time.process_time()
    problems = refusals(text)
    assert time.process_time() - start < 0.5
    assert len(problems) <= 21


def test_a_long_key_is_refused_before_the_parser_sees_it() -> None:
    start = time.process_time()
    (problem,) = refusals("\n" + "a." * 4000 + "a = 1")
    assert time.process_time() - start < 0.1
    assert (problem.code, problem.message) == ("policy_syntax", "p.toml: line 2: a key has more than 32 parts")


def test_dots_in_values_and_comments_are_no_key_parts() -> None:
    amounts = ", ".join(f"A{number} = 0.{number}" for number in range(100))
    policy = parse_policy(f"# {'.' * 100}\n[paper]\nbalances = {{ {amounts} }}", "p.toml")
    assert policy.paper.balances["A25"] == Decimal("0.25")


@pytest.mark.parametrize("written", ["0.1", '"0.1"', "0.10", "0.1_0"])
def test_a_tenth_is_a_tenth(written: str) -> None:
    assert parse_policy(f"{RISK}max_asset_pct = {written}", "p.toml").risk.max_asset_pct == Decimal("0.1")


@settings(deadline=500)
@given(st.text(max_size=300) | st.text("[]{}=.,'\"#\\\n\t a1-_:Te", max_size=300))
def test_any_text_is_a_policy_or_is_refused(text: str) -> None:
    try:
        parse_policy(text, "p.toml")
    except BadInput as refused:
        assert refused.problems
        assert all("\n" not in problem.message for problem in refused.problems)


def test_the_built_in_policy_is_every_default() -> None:
    loaded = load_policy(None)
    assert (loaded.source, loaded.text) == (BUILT_IN, BUILT_IN_POLICY)
    assert loaded.policy == read_policy({}, "")


def test_a_file_is_read_with_bom_and_crlf_and_its_digest_follows_its_text(tmp_path: Path) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes(b"\xef\xbb\xbf[risk]\r\nmax_asset_pct = 4\r\n")
    loaded = load_policy(file)
    assert loaded.policy.risk.max_asset_pct == 4
    assert loaded.source == str(file)
    file.write_text("[risk]\nmax_asset_pct = 4\n")
    assert load_policy(file).digest == loaded.digest
    file.write_text("[risk]\nmax_asset_pct = 3\n")
    assert load_policy(file).digest != loaded.digest


@pytest.mark.parametrize(
    ("content", "mode", "code"),
    [
        (b"[risk]\n", 0o666, "file_insecure"),
        (b"# Z\xfcrich\n", 0o600, "file_not_utf8"),
        (b"#" * 65_537, 0o600, "file_too_large"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, content: bytes, mode: int, code: str) -> None:
    file = tmp_path / "p.toml"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(BadInput) as caught:
        load_policy(file)
    assert [problem.code for problem in caught.value.problems] == [code]


def test_which_policy_is_read(tmp_path: Path) -> None:
    environment = {"TRADEKIT_POLICY": "/from/variable"}
    assert policy_source(tmp_path, None, {}) is None
    assert policy_source(tmp_path / "gone", None, {"TRADEKIT_POLICY": ""}) is None
    (tmp_path / "policy.toml").write_text("")
    assert policy_source(tmp_path, None, {}) == tmp_path / "policy.toml"
    assert policy_source(tmp_path, None, environment) == Path("/from/variable")
    assert policy_source(tmp_path, "/from/option", environment) == Path("/from/option")


def test_a_named_policy_that_is_gone_is_never_replaced_by_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").symlink_to("gone")
    for source in (policy_source(tmp_path, "gone", {}), policy_source(tmp_path, None, {})):
        assert source is not None
        with pytest.raises(BadInput) as caught:
            load_policy(source)
        assert [problem.code for problem in caught.value.problems] == ["file_missing"]
    with pytest.raises(BadInput):
        policy_source(tmp_path, "", {})


@pytest.mark.parametrize("file", sorted(POLICIES.glob("*.toml")), ids=lambda file: file.name)
def test_shipped_policies_are_valid_practice_policies_and_survive_being_shown(file: Path) -> None:
    policy = parse_policy(file.read_text(), file.name)
    assert policy.account.mode == "paper"
    assert parse_policy(render_policy(policy), "shown") == policy


def test_paper_toml_writes_out_every_key_with_its_default() -> None:
    text = (POLICIES / "paper.toml").read_text()
    written = {f"{name}.{key}" for name, section in tomllib.loads(text).items() for key in section}
    assert written == {key.path for key in all_keys()}
    expected = render_policy(load_policy(None).policy)
    assert text == expected, "policies/paper.toml is out of date: write render_policy of the built-in policy to it"


def test_a_small_account_has_no_dead_zone() -> None:
    policy = parse_policy((POLICIES / "small-account.toml").read_text(), "small-account.toml")
    risk = policy.risk
    after_a_loss = policy.paper.balances["USDT"] / 2
    assert policy.paper.balances["USDT"] == 255
    for cap in (risk.max_asset_pct, risk.max_tier1_pct, risk.max_tier2_pct, risk.max_tier3_pct):
        assert after_a_loss * cap / 100 > risk.min_order_notional
    assert 255 * risk.max_asset_pct / 100 >= policy.rules.order_notional >= risk.min_order_notional
    assert risk.max_positions * policy.rules.order_notional <= 255 * risk.max_total_at_risk_pct / 100


@pytest.mark.parametrize(
    "text",
    [
        '[account]\nmode = "live"\nquote = "EUR"\n[risk]\nmax_total_at_risk_pct = 12.5\n[exchange]\nid = "kraken"',
        "[exchange.options]\nrecvWindow = 5000\n'odd name' = { deep = [1, 0.5, true, 'x'] }",
        '[proposals]\ncommand = ["sh", "-c", "echo \\"\\\\ü\\n\\t\\u001b\\u007f\\""]',
        "[paper]\nbalances = { USDT = 0.000000000000000001, BTC = 999999999999999 }",
        "[execution]\ncancel_backoff_ms = []",
    ],
)
def test_what_is_shown_reads_back_the_same(text: str) -> None:
    policy = parse_policy(text, "p.toml")
    assert parse_policy(render_policy(policy), "shown") == policy
