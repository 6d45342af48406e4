"""Where a key may lie, what is trimmed of it, and that nothing of it stays where a program started later looks."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from tradekit.adapters.exchange.key_source import take_credentials
from tradekit.domain.errors import BadInput

PEM = "-----BEGIN EC PRIVATE KEY-----\nAAAA\nBBBB\n-----END EC PRIVATE KEY-----\n"


def test_the_variables_are_taken_and_gone() -> None:
    environment = {"TRADEKIT_API_KEY": "k\n", "TRADEKIT_API_SECRET": "s\r\n", "TRADEKIT_API_PASSWORD": "p", "PATH": "x"}
    found = take_credentials("", environment)
    assert found is not None
    assert [part.reveal() for part in found] == ["k", "s", "p"]
    assert environment == {"PATH": "x"}


def test_no_key_is_no_key() -> None:
    assert take_credentials("", {"TRADEKIT_API_KEY": "", "CREDENTIALS_DIRECTORY": "/nowhere"}) is None


@pytest.mark.parametrize("secret", [PEM, PEM.strip(), PEM.replace("\n", "\\n"), PEM + "\n"])
def test_a_private_key_keeps_its_lines(secret: str) -> None:
    found = take_credentials("", {"TRADEKIT_API_KEY": "k", "TRADEKIT_API_SECRET": secret})
    assert found is not None and found.secret.reveal() == PEM


@pytest.mark.parametrize("secret", ["'s'", '"s"', " s", "s ", "s\ns", "s\x00", "\u0441", "s\n\n"])
def test_what_no_key_looks_like_is_refused(secret: str) -> None:
    environment = {"TRADEKIT_API_KEY": "k", "TRADEKIT_API_SECRET": secret}
    with pytest.raises(BadInput) as refused:
        take_credentials("", environment)
    assert refused.value.problems[0].code == "key_malformed"
    assert environment == {}


def test_a_file_may_lie_under_the_users_folder(tmp_path: Path) -> None:
    path = tmp_path / "key.toml"
    path.write_text(f'key = "k"\nsecret = """{PEM}"""\npassword = "p"\n')
    path.chmod(0o600)
    found = take_credentials("~/key.toml", {"HOME": str(tmp_path)})
    assert found is not None
    assert [part.reveal() for part in found] == ["k", PEM, "p"]


def test_a_folder_a_pipe_and_a_huge_file_are_refused_at_once(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "huge").write_bytes(b"#" * 20_000)
    (tmp_path / "huge").chmod(0o600)
    for name in ("pipe", "huge", "."):
        with pytest.raises(BadInput):
            take_credentials(str(tmp_path / name), {})


def test_a_run_with_a_key_leaves_no_core_dump() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        assert take_credentials("", {"TRADEKIT_API_KEY": "key", "TRADEKIT_API_SECRET": "secret"}) is not None
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
