"""Finds the API key: in three variables, in a private file that the policy names, or in systemd's credentials folder.

Must never take a key from the command line, choose between two sources, or repeat a part of what it read: a message
names the source and never its content.
"""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from shlex import quote
from typing import Final, NoReturn

from tradekit.adapters.exchange.credentials import Credentials, Secret
from tradekit.adapters.home import user_path
from tradekit.adapters.input_file import open_regular_file
from tradekit.adapters.safe_text import safe
from tradekit.domain.errors import BadInput, Problem

VARIABLES: Final = {"key": "TRADEKIT_API_KEY", "secret": "TRADEKIT_API_SECRET", "password": "TRADEKIT_API_PASSWORD"}
SYSTEMD: Final = "CREDENTIALS_DIRECTORY"
_SYSTEMD_FILES: Final = {part: variable.lower() for part, variable in VARIABLES.items()}
_LONGEST: Final = 16 * 1024
_HOW: Final = "docs/live.md says where keys may lie"


def take_credentials(key_file: str, environment: MutableMapping[str, str]) -> Credentials | None:
    """The one key that is there, or None. The variables are removed, so that no program started later sees them. A
    process that holds a key leaves no core dump.

    Raises `BadInput`: `keys_ambiguous` for two sources, `key_file_insecure` for a file that others may read,
    `key_malformed` for what can't be a key.
    """
    found = {
        "the environment": _from_environment(environment),
        f"exchange.key_file {safe(key_file)}": _from_file(user_path(key_file, environment)) if key_file else {},
        "systemd's credentials": _from_systemd(environment),
    }
    for variable in VARIABLES.values():
        environment.pop(variable, None)
    sources = [name for name, parts in found.items() if parts]
    if len(sources) > 1:
        _refuse("keys_ambiguous", f"there are API keys in {' and in '.join(sources)}", "keep one of them")
    if not sources:
        return None
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    return _credentials(found[sources[0]], sources[0])


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {part: text for part, variable in VARIABLES.items() if (text := environment.get(variable, ""))}


def _from_systemd(environment: Mapping[str, str]) -> dict[str, str]:
    folder = environment.get(SYSTEMD, "")
    if not folder.startswith("/"):
        return {}
    paths = {part: Path(folder) / name for part, name in _SYSTEMD_FILES.items()}
    return {part: _read(path, private=False) for part, path in paths.items() if os.path.lexists(path)}


def _from_file(path: Path) -> dict[str, str]:
    import tomllib

    name = safe(str(path))
    if not path.is_absolute():
        _refuse("key_file_insecure", f"exchange.key_file {name} depends on the current directory", "name it from / on")
    try:
        told = tomllib.loads(_read(path, private=True))
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        told = {}
    if not told or not all(part in VARIABLES and isinstance(text, str) for part, text in told.items()):
        what = f"{name} is not of the form key, secret and perhaps password, each = a text in quotes"
        _refuse("key_malformed", what, _HOW)
    return told


def _read(path: Path, *, private: bool) -> str:
    name = safe(str(path))
    descriptor = open_regular_file(path)
    try:
        opened = os.fstat(descriptor)
        if private and stat.S_IMODE(opened.st_mode) & 0o077:
            _refuse("key_file_insecure", f"{name} may be read or written by others", f"chmod 600 {quote(name)}")
        if private and opened.st_uid != os.geteuid() and os.geteuid() != 0:
            _refuse("key_file_insecure", f"{name} belongs to another user", "chown it to the user who trades")
        data = os.read(descriptor, _LONGEST + 1)
    finally:
        os.close(descriptor)
    if len(data) > _LONGEST or not data.isascii():
        _refuse("key_malformed", f"{name} is too large, or not plain text", _HOW)
    return data.decode("ascii")


def _credentials(parts: Mapping[str, str], source: str) -> Credentials:
    clean = {part: _clean(text, f"the {part} in {source}") for part, text in parts.items()}
    if not clean.get("key") or not clean.get("secret"):
        missing = "secret" if clean.get("key") else "key"
        _refuse("key_malformed", f"there is no {missing} in {source}", _HOW)
    return Credentials(*(Secret(clean.get(part, "")) for part in VARIABLES))


def _clean(text: str, name: str) -> str:
    """The text without the line end that editors leave. A private key in PEM has lines, perhaps with escaped ends."""
    text = text.removesuffix("\n").removesuffix("\r")
    if text.startswith("-----BEGIN "):
        return text.replace("\\n", "\n").strip() + "\n"
    if not text.isascii() or not text.isprintable() or text != text.strip() or text[:1] in "\"'" or text[-1:] in "\"'":
        _refuse("key_malformed", f"{name} has quotes, spaces or other characters that no key has", "write it bare")
    return text


def _refuse(code: str, what: str, fix: str) -> NoReturn:
    raise BadInput(Problem(code, what, fix))
