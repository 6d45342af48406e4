"""The home is found the same way by a shell, by cron and by a service, and never depends on the current directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradekit.adapters.home import home_directory, passwd_home
from tradekit.domain.errors import BadInput


def nobody() -> str:
    return ""


@pytest.mark.parametrize(
    ("option", "environment", "platform", "found"),
    [
        ("/a", {"TRADEKIT_HOME": "/b", "HOME": "/h"}, "linux", "/a"),
        ("~/a", {"HOME": "/h"}, "linux", "/h/a"),
        ("~", {"HOME": "/h"}, "linux", "/h"),
        (None, {"TRADEKIT_HOME": "/b", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "linux", "/b"),
        (None, {"TRADEKIT_HOME": "~/b", "HOME": "/h"}, "linux", "/h/b"),
        (None, {"TRADEKIT_HOME": "", "XDG_STATE_HOME": "/x", "HOME": "/h"}, "linux", "/x/tradekit"),
        (None, {"XDG_STATE_HOME": "relative", "HOME": "/h"}, "linux", "/h/.local/state/tradekit"),
        (None, {"XDG_STATE_HOME": "", "HOME": "/h"}, "linux", "/h/.local/state/tradekit"),
        (None, {"XDG_STATE_HOME": "/x"}, "linux", "/x/tradekit"),
        (None, {"XDG_STATE_HOME": "/x", "HOME": "/h"}, "darwin", "/h/Library/Application Support/tradekit"),
    ],
)
def test_order_of_the_sources(option: str | None, environment: dict[str, str], platform: str, found: str) -> None:
    assert home_directory(option, environment, platform=platform, fallback=nobody) == Path(found)


@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_a_usable_home_variable_the_passwd_database_is_asked(environment: dict[str, str]) -> None:
    found = home_directory(None, environment, platform="linux", fallback=lambda: "/from/passwd")
    assert found == Path("/from/passwd/.local/state/tradekit")


def test_this_user_has_an_entry_or_an_empty_text() -> None:
    assert isinstance(passwd_home(), str)


def test_a_relative_option_is_taken_from_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert home_directory("here", {}) == tmp_path / "here"


@pytest.mark.parametrize(
    ("option", "environment", "code"),
    [
        (None, {}, "home_unknown"),
        ("", {"HOME": "/h"}, "home_unknown"),
        ("~/x", {}, "home_unknown"),
        (None, {"TRADEKIT_HOME": "relative/b", "HOME": "/h"}, "home_not_absolute"),
        (None, {"TRADEKIT_HOME": "~other/b", "HOME": "/h"}, "home_not_absolute"),
    ],
)
def test_what_is_refused(option: str | None, environment: dict[str, str], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        home_directory(option, environment, platform="linux", fallback=nobody)
    assert [problem.code for problem in caught.value.problems] == [code]
