"""Finds the folder that holds all accounts. Looks only at names: it creates nothing and must never guess a folder
that depends on where the program was started, or the next run would not find the orders of this one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tradekit.adapters.safe_text import safe
from tradekit.domain.errors import BadInput, Problem


def passwd_home() -> str:
    """This user's folder by the passwd database, or an empty text where it has no entry."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


def home_directory(
    option: str | None,
    environment: Mapping[str, str],
    *,
    platform: str = sys.platform,
    fallback: Callable[[], str] = passwd_home,
) -> Path:
    """The absolute path of the home: `--home DIR`, else `TRADEKIT_HOME`, else the platform's state folder.

    An empty variable counts as not set. A leading `~/` is expanded, since neither cron nor `--home=~/x` does it.
    Raises `BadInput`: `home_not_absolute` for a relative variable, `home_unknown` where no folder can be found.
    """
    if option is not None:
        if not option:
            raise BadInput(Problem("home_unknown", "--home is empty", "name a directory"))
        return user_path(option, environment, fallback).absolute()
    if named := environment.get("TRADEKIT_HOME"):
        path = user_path(named, environment, fallback)
        if not path.is_absolute():
            message = f"TRADEKIT_HOME is {safe(named)}, which depends on the current directory"
            raise BadInput(Problem("home_not_absolute", message, "write it as an absolute path"))
        return path
    if platform == "darwin":
        return _user_folder(environment, fallback) / "Library" / "Application Support" / "tradekit"
    # The XDG specification tells programs to ignore a relative path here.
    if (state := environment.get("XDG_STATE_HOME", "")).startswith("/"):
        return Path(state) / "tradekit"
    return _user_folder(environment, fallback) / ".local" / "state" / "tradekit"


def user_path(text: str, environment: Mapping[str, str], fallback: Callable[[], str] = passwd_home) -> Path:
    """The path that a text names; a leading `~/` is this user's folder. Raises `BadInput` where there is none."""
    if text == "~" or text.startswith("~/"):
        return _user_folder(environment, fallback) / text[2:]
    return Path(text)


def _user_folder(environment: Mapping[str, str], fallback: Callable[[], str]) -> Path:
    for folder in (environment.get("HOME", ""), fallback()):
        if folder.startswith("/"):
            return Path(folder)
    message = "no home directory: HOME is not set and this user has none in the passwd database"
    raise BadInput(Problem("home_unknown", message, "set TRADEKIT_HOME or give --home DIR"))
